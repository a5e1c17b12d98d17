// Early-learning regularisation (Liu et al., 2020): predictions are held near their own running mean.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { crossEntropy, stopGradient } from './gradient.js';
import { defineMethod } from './method.js';

/** Probabilities are kept this far from 0 and 1, as in the authors' code. */
const CLIPPED = 1e-4;

/** CE + lambda log(1 - <t, p>), t <- beta t + (1 - beta) p for every image whenever it is seen, from zeros. */
export const elr = defineMethod({
  name: 'elr',
  title: 'ELR',
  cite: 'Liu et al., Early-Learning Regularization Prevents Memorization of Noisy Labels, NeurIPS 2020',
  about:
    '`CE + lambda log(1 - <t, p>)`, with targets `t <- beta t + (1 - beta) p` for each image whenever it is seen, starting from 0; p is kept within 1e-4 of 0 and 1. This is ELR, not ELR+.',
  settings: fields({
    beta: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(0.7)
      .describe('share of the old mean of predictions that is kept'),
    lambda: number('a number from 0', (v) => v >= 0)
      .default(3)
      .describe('weight of the regulariser'),
  }),
  cost: () => 1,
  recipe: ({ beta, lambda }, { classes }) => ({
    examples: { target: { shape: [classes], dtype: 'float32' } },
    loss(logits, { targets, examples }) {
      const [some] = logits as [tf.Tensor2D];
      const p = tf.clipByValue(tf.softmax(some), CLIPPED, 1 - CLIPPED);
      const seen = stopGradient(p);
      const share = tf.div(seen, tf.sum(seen, 1, true));
      const target = tf.add(tf.mul(examples.target!, beta), tf.mul(share, 1 - beta));
      const agreement = tf.sum(tf.mul(stopGradient(target), p), 1);
      const regulariser = tf.log(tf.sub(1, agreement));
      return {
        losses: [tf.add(crossEntropy(some, targets), tf.mul(regulariser, lambda))],
        examples: { target },
      };
    },
  }),
});
