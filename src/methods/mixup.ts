// Mixup (Zhang et al., 2018): training on blends of two images and of their labels.
import { tf } from '../engine/tensorflow.js';
import { beta, type Stream } from '../io/random.js';
import { fields, positive } from '../spec/fields.js';
import { defineMethod } from './method.js';

export const mixup = defineMethod({
  name: 'mixup',
  title: 'Mixup',
  cite: 'Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018',
  about:
    "Cross-entropy on `x = l x1 + (1 - l) x2` and `y = l y1 + (1 - l) y2`, where `l = max(b, 1 - b)` and b is drawn from Beta(alpha, alpha) once a batch; the partner x2 comes from the batch in reverse order. As in the SAM authors' code.",
  settings: fields({
    alpha: positive().describe('lambda, the share of the first image, is drawn from Beta(alpha, alpha)'),
  }),
  cost: () => 1,
  recipe: ({ alpha }) => ({
    sharedBy: 'mixup',
    inputs: { lambda: { shape: [], dtype: 'float32' } },
    draws(stream) {
      const next = stream('mixup');
      return () => ({ lambda: Float32Array.of(drawLambda(next, alpha)) });
    },
    transform: (batch, { inputs }) => ({
      ...batch,
      images: mixed(batch.images, inputs.lambda as tf.Scalar),
      targets: mixed(batch.targets, inputs.lambda as tf.Scalar),
    }),
  }),
  parts: ({ alpha }) => ({ batch: { kind: 'mixup', alpha }, gradient: { kind: 'plain' } }),
});

/** Share of the first image, one draw a batch: max(l, 1 - l) with l from Beta(alpha, alpha), as in the SAM authors' code. */
export function drawLambda(next: Stream, alpha: number): number {
  const lambda = beta(next, alpha);
  return Math.max(lambda, 1 - lambda);
}

/** lambda * x + (1 - lambda) * partner of x, the partners being the batch in reverse order. For images and targets alike. */
export function mixed<T extends tf.Tensor>(x: T, lambda: tf.Scalar): T {
  return tf.add(tf.mul(x, lambda), tf.mul(tf.reverse(x, 0), tf.sub(1, lambda)));
}
