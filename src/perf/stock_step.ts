// The training step as users of tfjs write it, with stock operations and optimiser: what the compiled step is compared with.
import { cifar10 } from '../data/datasets/cifar10.js';
import { tf } from '../engine/tensorflow.js';
import { buildNetwork } from '../models/catalogue.js';
import { STATISTICS_DECAY } from '../models/network.js';
import type { ProgramSpec } from '../training/training_program.js';

const EPSILON = 1e-5;

/** A WideResNet with pooled shortcuts in training. */
export interface StockTrainer {
  /** Trains on the images at `indices` and returns the loss. */
  step(indices: Int32Array, learningRate: number): number;
  /** The weights, one vector in the order of our networks. */
  parameters(): Float32Array;
  dispose(): void;
}

/** @param parameters initial weights, one vector in the order of our networks */
export function stockTrainer(
  spec: ProgramSpec,
  parameters: Float32Array,
  images: Uint8Array,
  labels: Uint8Array,
): StockTrainer {
  const network = buildNetwork(spec.model, spec.form);
  const variables: Record<string, tf.Variable> = {};
  const statistics: Record<string, tf.Variable> = {};
  let start = 0;
  for (const [name, { shape }] of Object.entries(network.parameters)) {
    const size = tf.util.sizeFromShape(shape);
    const values = parameters.subarray(start, start + size);
    variables[name] = tf.variable(tf.tensor(values, shape), true, name);
    start += size;
  }
  for (const [name, { shape }] of Object.entries(network.statistics))
    statistics[name] = tf.variable(name.endsWith('/mean') ? tf.zeros(shape) : tf.ones(shape), false, name);
  const { imageSize, channels, classNames } = cifar10;
  const dataset = tf.tensor4d(
    Int32Array.from(images),
    [labels.length, imageSize, imageSize, channels],
    'int32',
  );
  const targets = tf.tensor1d(Int32Array.from(labels), 'int32');
  const optimiser = tf.train.momentum(0, spec.momentum, true);
  const weights = Object.values(variables);

  return {
    step: (indices, learningRate) =>
      tf.tidy(() => {
        const picked = tf.tensor1d(indices, 'int32');
        const x = tf
          .cast(tf.gather(dataset, picked), 'float32')
          .div(255)
          .sub([...cifar10.mean])
          .div([...cifar10.deviation]);
        const y = tf.oneHot(tf.gather(targets, picked), classNames.length);
        const { value, grads } = tf.variableGrads(() => {
          const logits = forward(variables, statistics, x as tf.Tensor4D);
          const penalty = tf.addN(weights.map((w) => tf.sum(tf.square(w)))).mul(spec.weightDecay / 2);
          return tf.losses.softmaxCrossEntropy(y, logits).add(penalty) as tf.Scalar;
        }, weights);
        const norm = tf.sqrt(tf.addN(Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)))));
        const scale = tf.minimum(1, tf.div(spec.clipNorm, norm));
        optimiser.setLearningRate(learningRate);
        optimiser.applyGradients(
          Object.entries(grads).map(([name, gradient]) => ({ name, tensor: gradient.mul(scale) })),
        );
        return value.dataSync()[0]!;
      }),
    parameters: () => Float32Array.from(weights.flatMap((variable) => [...variable.dataSync()])),
    dispose() {
      tf.dispose([weights, Object.values(statistics), dataset, targets]);
      optimiser.dispose();
    },
  };
}

type Variables = Record<string, tf.Variable>;

function forward(variables: Variables, statistics: Variables, images: tf.Tensor4D): tf.Tensor2D {
  const conv = (name: string, x: tf.Tensor4D, stride: number) =>
    tf.conv2d(x, variables[name] as unknown as tf.Tensor4D, stride, 'same');
  const average = (running: tf.Variable, now: tf.Tensor) =>
    running.assign(running.mul(STATISTICS_DECAY).add(now.mul(1 - STATISTICS_DECAY)));
  const activation = (name: string, x: tf.Tensor4D) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    average(statistics[`${name}/mean`]!, mean);
    average(statistics[`${name}/variance`]!, variance);
    const [scale, offset] = [variables[`${name}/scale`]!, variables[`${name}/offset`]!];
    return tf.relu(
      tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, offset, scale, EPSILON),
    ) as tf.Tensor4D;
  };

  let x = conv('stem', images, 1);
  for (let group = 1; group <= 3; group++)
    for (let i = 1; `group${group}/block${i}/conv1` in variables; i++) {
      const name = `group${group}/block${i}`;
      const stride = group > 1 && i === 1 ? 2 : 1;
      const activated = activation(`${name}/before`, x);
      const between = activation(`${name}/between`, conv(`${name}/conv1`, activated, stride));
      const residual = conv(`${name}/conv2`, between, 1);
      const base = group === 1 && i === 1 ? activated : x;
      const pooled = stride > 1 ? tf.avgPool(base, stride, stride, 'valid') : base;
      const missing = residual.shape[3] - pooled.shape[3];
      const none: [number, number] = [0, 0];
      x = residual.add(missing ? tf.pad(pooled, [none, none, none, [0, missing]]) : pooled) as tf.Tensor4D;
    }
  const features = tf.mean(activation('last', x), [1, 2]) as tf.Tensor2D;
  return tf
    .matMul(features, variables['classifier/weights'] as unknown as tf.Tensor2D)
    .add(variables['classifier/bias']!);
}
