// Gradients of the kernels that gradients are made of, where tfjs has none or slow ones: with them a gradient can be differentiated again,
// and products with the Hessian are exact.
import { BATCH_NORM_EPSILON, BATCH_NORM_GRADIENT, RELU_GRADIENT } from './operations.js';
import { tf, whenLoaded } from './tensorflow.js';

/** Sums over all but the last axis. */
const sumOfChannels = (x: tf.Tensor): tf.Tensor1D => tf.sum(x, [0, 1, 2]);
const meanOfChannels = (x: tf.Tensor): tf.Tensor1D => tf.mean(x, [0, 1, 2]);
const run = <T>(kernel: string, inputs: Record<string, tf.Tensor>): T =>
  tf.engine().runKernel(kernel, inputs) as unknown as T;

/** What tfjs keeps of each kernel while gradients are asked for. */
interface TapeNode {
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
}

/**
 * The gradient of a function that itself takes gradients.
 *
 * What a kernel saves of its own outputs (a softmax its probabilities, say) stands on tfjs's tape before the kernel, and so the way
 * through it would be missed without a word: the tape is brought into order first.
 */
export function secondGradients(
  slope: (...at: tf.Tensor[]) => tf.Scalar,
  at: tf.Tensor[],
): (tf.Tensor | null | undefined)[] {
  const { grads } = tf.engine().gradients(
    () => {
      const value = slope(...at);
      // Not part of the type that tfjs shows of it.
      const { state } = tf.engine() as unknown as { state: { activeTape: TapeNode[] } };
      state.activeTape = inOrder(state.activeTape);
      return value;
    },
    at,
    undefined,
    true,
  );
  return grads;
}

/** The same nodes, each after those that make what it is given. */
function inOrder(tape: TapeNode[]): TapeNode[] {
  const unmade = new Set(tape.flatMap(({ outputs }) => outputs.map(({ id }) => id)));
  const waiting = new Map<number, TapeNode[]>();
  const ordered: TapeNode[] = [];
  const take = (node: TapeNode): void => {
    const missing = Object.values(node.inputs).find(({ id }) => unmade.has(id));
    if (missing) {
      waiting.set(missing.id, [...(waiting.get(missing.id) ?? []), node]);
      return;
    }
    ordered.push(node);
    for (const { id } of node.outputs) {
      unmade.delete(id);
      const now = waiting.get(id) ?? [];
      waiting.delete(id);
      for (const next of now) take(next);
    }
  };
  for (const node of tape) take(node);
  return ordered;
}

whenLoaded(() => {
  /** max(x, 0) has no curvature: only what is given to its gradient changes it. */
  tf.registerGradient({
    kernelName: RELU_GRADIENT,
    inputsToSave: ['y'],
    gradFunc: (given, [y]) => {
      const u = given as tf.Tensor;
      return {
        dy: () => run<tf.Tensor>(RELU_GRADIENT, { dy: u, y: y! }),
        y: () => tf.zerosLike(y!),
      };
    },
  });

  tf.registerGradient({
    kernelName: 'AvgPoolGrad',
    inputsToSave: ['input'],
    gradFunc: (given, [input], attributes) => {
      const { filterSize, strides, pad } = attributes as {
        filterSize: number;
        strides: number;
        pad: 'valid';
      };
      return {
        dy: () => tf.avgPool(given as tf.Tensor4D, filterSize, strides, pad),
        input: () => tf.zerosLike(input!),
      };
    },
  });

  /** A filter's gradient is bilinear in images and gradients: the image's gradient, and a convolution. */
  tf.registerGradient({
    kernelName: 'Conv2DBackpropFilter',
    inputsToSave: ['x', 'dy'],
    gradFunc: (given, [x, dy], attributes) => {
      const u = given as tf.Tensor4D;
      const { strides, pad, dataFormat } = attributes as { strides: number; pad: 'same'; dataFormat: 'NHWC' };
      const inputShape = x!.shape as [number, number, number, number];
      return {
        x: () =>
          tf
            .engine()
            .runKernel(
              'Conv2DBackpropInput',
              { dy: dy!, filter: u },
              { strides, pad, dataFormat, inputShape },
            ) as tf.Tensor,
        dy: () => tf.conv2d(x as tf.Tensor4D, u, strides, pad),
      };
    },
  });

  /** By given statistics, normalisation is linear in the images; tfjs's own gradient fills whole images with each statistic. */
  tf.registerGradient({
    kernelName: 'FusedBatchNorm',
    inputsToSave: ['x', 'mean', 'variance', 'scale'],
    gradFunc: (given, saved, attributes) => {
      const dy = given as tf.Tensor;
      const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const { varianceEpsilon } = attributes as unknown as { varianceEpsilon: number };
      const inverse = tf.rsqrt(tf.add(variance, varianceEpsilon));
      const factor = tf.mul(scale, inverse);
      const offset = sumOfChannels(dy);
      const centred = tf.sub(sumOfChannels(tf.mul(dy, x)), tf.mul(mean, offset));
      return {
        x: () => tf.mul(dy, factor),
        scale: () => tf.mul(centred, inverse),
        offset: () => offset,
        mean: () => tf.neg(tf.mul(offset, factor)),
        variance: () => tf.mul(tf.mul(centred, tf.mul(factor, tf.square(inverse))), -0.5),
      };
    },
  });

  /**
   * With z = (x - mean) / deviation, the gradient is dx = scale / deviation (dy - mean(dy) - z mean(dy z)), dScale = sum(dy z), dOffset =
   * sum(dy). What x changes through its mean and variance is in the gradient of x, so those count as constants.
   */
  tf.registerGradient({
    kernelName: BATCH_NORM_GRADIENT,
    inputsToSave: ['dy', 'x', 'scale', 'first', 'second', 'third'],
    outputsToSave: [false, true, true],
    gradFunc: (given, saved) => {
      const [u, p, q] = given as unknown as [tf.Tensor, tf.Tensor, tf.Tensor];
      const [dy, x, scale, first, second, third, dScale, dOffset] = saved as [
        ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
        ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
      ];
      const n = x.size / scale.size;
      const mean = meanOfChannels(x);
      const variance = meanOfChannels(tf.square(tf.sub(x, mean)));
      const inverse = tf.rsqrt(tf.add(variance, BATCH_NORM_EPSILON));
      const normalised = (offset: tf.Tensor, factor: tf.Tensor) =>
        tf.batchNorm4d(
          x as tf.Tensor4D,
          mean,
          variance as tf.Tensor1D,
          offset as tf.Tensor1D,
          factor as tf.Tensor1D,
          BATCH_NORM_EPSILON,
        );
      const [back, uz, sumU] = run<[tf.Tensor, tf.Tensor, tf.Tensor]>(BATCH_NORM_GRADIENT, {
        ...{ dy: u, x, scale, first, second, third },
      });
      const [a, b, meanU, meanDy] = [uz, dScale, sumU, dOffset].map((sum) => tf.div(sum, n)) as [
        ...[tf.Tensor, tf.Tensor],
        ...[tf.Tensor, tf.Tensor],
      ];
      const product = tf.sub(
        sumOfChannels(tf.mul(u, dy)),
        tf.mul(n, tf.add(tf.mul(meanU, meanDy), tf.mul(a, b))),
      );
      const steep = tf.mul(scale, tf.square(inverse));
      const along = tf.mul(p, inverse);
      return {
        dy: () => tf.add(back, normalised(q, p)),
        scale: () => tf.mul(inverse, product),
        x: () => {
          const ofU = tf.mul(u, tf.neg(tf.mul(steep, b)));
          const ofDy = tf.mul(dy, tf.sub(along, tf.mul(steep, a)));
          const ofZ = tf.sub(
            tf.mul(steep, tf.sub(tf.mul(2, tf.mul(a, b)), tf.div(product, n))),
            tf.mul(along, b),
          );
          const constant = tf.sub(
            tf.mul(steep, tf.add(tf.mul(meanU, b), tf.mul(meanDy, a))),
            tf.mul(along, meanDy),
          );
          return tf.add(tf.add(ofU, ofDy), normalised(constant, ofZ));
        },
        first: () => tf.zerosLike(first),
        second: () => tf.zerosLike(second),
        third: () => tf.zerosLike(third),
      };
    },
  });
});
