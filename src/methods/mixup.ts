// Mixup (Zhang et al., 2018): training on blends of two images and of their labels.
import { tf } from '../engine/tensorflow.js';
import { beta, type Stream } from '../random.js';

/** Share of the first image, one draw a batch: max(l, 1 - l) with l from Beta(alpha, alpha), as in the SAM authors' code. */
export function drawLambda(next: Stream, alpha: number): number {
  const lambda = beta(next, alpha);
  return Math.max(lambda, 1 - lambda);
}

/** lambda * x + (1 - lambda) * partner of x, the partners being the batch in reverse order. For images and targets alike. */
export function mixed<T extends tf.Tensor>(x: T, lambda: tf.Scalar): T {
  return tf.add(tf.mul(x, lambda), tf.mul(tf.reverse(x, 0), tf.sub(1, lambda)));
}
