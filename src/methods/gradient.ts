// What losses and gradients are made of: cross-entropy, norms, clipping, and groups of a batch's examples.
import type { Tensors } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import { sumOfSquares } from '../engine/weight_vectors.js';
import type { Batch, Pass } from './method.js';

/** Said where a method asks for what a network of a user's does not give. */
export const NO_LAST_LAYER =
  'the network does not say what its last layer is given: its forward pass is to give features and classifier';

/** Cross-entropy of each example, [batch]. */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  return tf.neg(tf.sum(tf.mul(targets, logProbabilities(logits)), 1));
}

/**
 * Logarithms of probabilities. tf.logSoftmax shifts each example by its own largest logit, this all by the largest of the batch:
 * published results have the bits of that. Logits of one batch would have to be 87 apart to make a difference.
 */
function logProbabilities(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.customGrad((...[given, save]) => {
    const x = given as tf.Tensor2D;
    const shifted = tf.sub(x, tf.max(x, undefined, true));
    const value = tf.sub(tf.cast(shifted, 'float32'), tf.log(tf.sum(tf.exp(shifted), 1, true)));
    (save as (saved: tf.Tensor[]) => void)([value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.sub(dy, tf.mul(tf.sum(dy, 1, true), tf.exp(saved!))),
    };
  })(logits) as tf.Tensor2D;
}

/** Keeps a zero gradient from becoming 0 / 0. */
export const TINY = 1e-12;

/** The Euclidean norm of a vector. */
export function norm(vector: tf.Tensor1D): tf.Scalar {
  return tf.sqrt(sumOfSquares(vector));
}

/** What the gradient must be multiplied by for a global norm of at most `limit`; 0 is no limit. */
export function clippingFactor(gradient: tf.Tensor1D, limit: number): tf.Scalar {
  if (limit === 0) return tf.scalar(1);
  return tf.minimum(1, tf.div(limit, tf.maximum(norm(gradient), TINY)));
}

/** A batch in groups of `size` examples; 0 is the whole batch. */
export function groupsOf(batch: Batch, size: number): Batch[] {
  const examples = batch.indices.shape[0];
  if (!size || size === examples) return [batch];
  const part = <T extends tf.Tensor>(x: T, i: number): T => {
    const rest = x.shape.slice(1);
    return tf.slice(x, [i * size, ...rest.map(() => 0)], [size, ...rest]);
  };
  return Array.from({ length: examples / size }, (_, i) => ({
    images: part(batch.images, i),
    targets: part(batch.targets, i),
    indices: part(batch.indices, i),
    examples: each(batch.examples, (_name, rows) => part(rows, i)),
  }));
}

/** The mean of passes over groups of equal size, in the groups' order. */
export function meanOf(passes: Pass[]): Pass {
  const [first] = passes as [Pass];
  if (passes.length === 1) return first;
  const mean = <T extends tf.Tensor>(tensors: T[]): T => tf.div(tf.addN(tensors), tensors.length);
  return {
    loss: mean(passes.map(({ loss }) => loss)),
    gradients: first.gradients.map((_, k) => mean(passes.map(({ gradients }) => gradients[k]!))),
    statistics: first.statistics.map((_, k) => mean(passes.map(({ statistics }) => statistics[k]!))),
    logits: first.logits.map((_, k) => tf.concat(passes.map(({ logits }) => logits[k]!))),
    state: each(first.state, (name) => mean(passes.map(({ state }) => state[name]!))),
    examples: each(first.examples, (name) => tf.concat(passes.map(({ examples }) => examples[name]!))),
  };
}

function each(tensors: Tensors, make: (name: string, tensor: tf.Tensor) => tf.Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, make(name, tensor)]));
}

/** The same values, through which no gradient flows. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return withoutGradient((value) => value.clone() as T, x);
}

/**
 * What is computed from tensors without a gradient: where nothing is to flow, or where operations have none, such as comparisons.
 *
 * @param compute makes one tensor of the given ones
 */
export function withoutGradient<T extends tf.Tensor>(
  compute: (...given: tf.Tensor[]) => T,
  ...given: tf.Tensor[]
): T {
  const computed = tf.customGrad((...values) => ({
    // The last one is tfjs's function for keeping values.
    value: compute(...(values.slice(0, given.length) as tf.Tensor[])),
    gradFunc: () => given.map((one) => tf.zerosLike(one)),
  }));
  return computed(...given) as T;
}

/** Of each value how many of a vector are smaller, or as small and before it: its place in ascending order. */
export function ranks(values: tf.Tensor1D): tf.Tensor1D {
  const size = values.shape[0];
  const [mine, others] = [tf.reshape(values, [size, 1]), tf.reshape(values, [1, size])];
  const places = tf.tensor1d(Float32Array.from({ length: size }, (_, i) => i));
  const isBefore = tf.less(tf.reshape(places, [1, size]), tf.reshape(places, [size, 1]));
  const isSmaller = tf.logicalOr(tf.less(others, mine), tf.logicalAnd(tf.equal(others, mine), isBefore));
  return tf.sum(tf.cast(isSmaller, 'float32'), 1);
}
