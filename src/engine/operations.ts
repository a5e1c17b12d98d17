// TensorFlow operations that tfjs lacks and training needs for speed, as tfjs kernels with gradients.
import { nativeBackend, tf, whenLoaded } from './tensorflow.js';

/** Training-mode batch normalisation: (x, scale, offset) -> (y, batch mean, batch variance, and what its gradient needs). */
export const BATCH_NORM = 'FusedBatchNormV3';
export const BATCH_NORM_GRADIENT = 'FusedBatchNormGradV3';
export const RELU = 'ReluForTraining';
export const RELU_GRADIENT = 'ReluGrad';
export const BATCH_NORM_EPSILON = 1e-5;

/** Outputs of TensorFlow's FusedBatchNormV3. */
export const BATCH_NORM_OUTPUTS = 6;
/** Outputs of TensorFlow's FusedBatchNormGradV3. */
export const BATCH_NORM_GRADIENT_OUTPUTS = 5;

/**
 * Batch normalisation by the statistics of the batch (Ioffe and Szegedy, 2015), through TensorFlow's fused kernels.
 *
 * @param x [batch, height, width, channels]
 * @param scale [channels]
 * @param offset [channels]
 * @returns y like x; mean and (biased) variance of the batch, [channels]
 */
export function batchNormTraining(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
): { y: tf.Tensor; mean: tf.Tensor; variance: tf.Tensor } {
  const outputs = tf.engine().runKernel(BATCH_NORM, { x, scale, offset }) as unknown as tf.Tensor[];
  const [y, mean, unbiased] = outputs;
  const n = x.size / scale.size;
  return { y: y!, mean: mean!, variance: tf.mul(unbiased!, (n - 1) / n) };
}

/** max(x, 0), with TensorFlow's own gradient kernel. */
export function relu(x: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel(RELU, { x }) as tf.Tensor;
}

type Kernel = { inputs: tf.NamedTensorInfoMap };

function floatAttributes(...names: string[]) {
  return names.map((name) => ({
    name,
    type: nativeBackend().binding.TF_ATTR_TYPE!,
    value: nativeBackend().binding.TF_FLOAT!,
  }));
}

function batchNormAttributes() {
  const { binding } = nativeBackend();
  return [
    ...floatAttributes('T', 'U'),
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT!, value: BATCH_NORM_EPSILON },
    { name: 'data_format', type: binding.TF_ATTR_STRING!, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL!, value: true },
  ];
}

whenLoaded(() => {
  tf.registerGradient({
    kernelName: BATCH_NORM,
    inputsToSave: ['x', 'scale'],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dys, [x, scale, ...reserved]) => {
      const dy = (dys as tf.Tensor[])[0]!;
      const [first, second, third] = reserved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const inputs = { dy, x: x!, scale: scale!, first, second, third };
      const [dx, dScale, dOffset] = tf
        .engine()
        .runKernel(BATCH_NORM_GRADIENT, inputs) as unknown as tf.Tensor[];
      return { x: () => dx!, scale: () => dScale!, offset: () => dOffset! };
    },
  });

  tf.registerGradient({
    kernelName: RELU,
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({
      x: () => tf.engine().runKernel(RELU_GRADIENT, { dy: dy as tf.Tensor, y: y! }) as tf.Tensor,
    }),
  });

  tf.registerKernel({
    kernelName: BATCH_NORM,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }: Kernel) => {
      const none = tf.tensor1d([]);
      const operands = [inputs.x!, inputs.scale!, inputs.offset!, none, none];
      const outputs = nativeBackend().executeMultipleOutputs(
        BATCH_NORM,
        batchNormAttributes(),
        operands,
        BATCH_NORM_OUTPUTS,
      );
      none.dispose();
      return outputs;
    },
  });

  tf.registerKernel({
    kernelName: BATCH_NORM_GRADIENT,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }: Kernel) =>
      nativeBackend().executeMultipleOutputs(
        BATCH_NORM_GRADIENT,
        batchNormAttributes(),
        [inputs.dy!, inputs.x!, inputs.scale!, inputs.first!, inputs.second!, inputs.third!],
        BATCH_NORM_GRADIENT_OUTPUTS,
      ),
  });

  tf.registerKernel({
    kernelName: RELU,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }: Kernel) =>
      nativeBackend().executeMultipleOutputs('Relu', floatAttributes('T'), [inputs.x!], 1)[0]!,
  });

  tf.registerKernel({
    kernelName: RELU_GRADIENT,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }: Kernel) =>
      nativeBackend().executeMultipleOutputs(
        RELU_GRADIENT,
        floatAttributes('T'),
        [inputs.dy!, inputs.y!],
        1,
      )[0]!,
  });
});
