// Epsilon-softmax (Wang et al., 2024): cross-entropy of predictions pushed to one-hot, with mean absolute error beside it.
import { tf } from '../engine/tensorflow.js';
import { fields, number, positive } from '../spec/fields.js';
import { withoutGradient } from './gradient.js';
import { defineMethod } from './method.js';
import { probabilityOf } from './symmetric_cross_entropy.js';

/** Probabilities below this are taken as it, as in the authors' code. */
const LEAST = 1e-8;

/**
 * alpha CE(p') + beta MAE(p), where p' adds m to the largest probability and divides by m + 1, and MAE = 2 (1 - p_y).
 */
export const epsSoftmax = defineMethod({
  name: 'eps-softmax',
  title: 'eps-softmax',
  cite: 'Wang et al., epsilon-Softmax: Approximating One-Hot Vectors for Mitigating Label Noise, NeurIPS 2024',
  about:
    "`alpha CE(p') + beta 2 (1 - p_y)`, `p' = (p + m e) / (m + 1)`, where e is the one-hot vector of the largest probability and p' at least 1e-8. Defaults are the authors' for CIFAR-10 and symmetric noise.",
  settings: fields({
    m: positive()
      .default(1e5)
      .meta({ title: 'm (added to the largest probability)' })
      .describe('added to the largest probability'),
    alpha: number('a number from 0', (v) => v >= 0)
      .default(0.01)
      .describe('weight of the cross-entropy'),
    beta: number('a number from 0', (v) => v >= 0)
      .default(5)
      .describe('weight of the mean absolute error'),
  }),
  cost: () => 1,
  recipe: ({ m, alpha, beta }) => ({
    loss: (logits, { targets }, { classes }) => ({
      losses: logits.map((some) => {
        const isLargest = withoutGradient(
          (x) => tf.cast(tf.oneHot(tf.argMax(x, 1), classes), 'float32'),
          some,
        );
        // log((p + m) / (m + 1)) and log(p / (m + 1)), without the rounding of p + m.
        const largest = tf.log1p(tf.div(tf.sub(tf.softmax(some), 1), m + 1));
        const others = tf.maximum(tf.sub(tf.logSoftmax(some), Math.log(m + 1)), Math.log(LEAST));
        const log = tf.add(tf.mul(isLargest, largest), tf.mul(tf.sub(1, isLargest), others));
        const entropy = tf.neg(tf.sum(tf.mul(targets, log), 1));
        const error = tf.mul(tf.sub(1, probabilityOf(some, targets)), 2);
        return tf.add(tf.mul(entropy, alpha), tf.mul(error, beta));
      }),
    }),
  }),
});
