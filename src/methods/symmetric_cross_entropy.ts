// Symmetric cross-entropy (Wang et al., 2019): cross-entropy, and a little of it with label and prediction exchanged.
import { tf } from '../engine/tensorflow.js';
import { fields, number, positive } from '../spec/fields.js';
import { crossEntropy } from './gradient.js';
import { defineMethod } from './method.js';

/**
 * alpha CE + beta RCE, where RCE = -sum_k p_k log y_k with log 0 taken as `logOfZero`: for a one-hot label
 * -logOfZero (1 - p_y).
 */
export const symmetricCrossEntropy = defineMethod({
  name: 'symmetric-cross-entropy',
  title: 'Symmetric cross-entropy',
  cite: 'Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019',
  about:
    "`alpha CE + beta RCE`, where `RCE = -sum_k p_k log y_k` with log 0 = -4, that is `4 (1 - p_y)`. *Differs:* the authors' code has log 1e-4 = -9.21 for log 0 (`logOfZero`).",
  settings: fields({
    alpha: positive().default(0.1).describe('weight of the cross-entropy'),
    beta: positive().default(1).describe('weight of the reverse cross-entropy'),
    logOfZero: number('a number below 0', (v) => v < 0)
      .default(-4)
      .meta({ title: 'log 0 in the reverse cross-entropy' })
      .describe('what the logarithm of a label of 0 is taken as'),
  }),
  cost: () => 1,
  recipe: ({ alpha, beta, logOfZero }) => ({
    loss: (logits, { targets }) => ({
      losses: logits.map((some) => {
        const reverse = tf.mul(tf.sub(1, probabilityOf(some, targets)), -logOfZero);
        return tf.add(tf.mul(crossEntropy(some, targets), alpha), tf.mul(reverse, beta));
      }),
    }),
  }),
});

/** The probability of each example's label, [batch]; of a mixed label the mean by its shares. */
export function probabilityOf(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(targets, tf.softmax(logits)), 1);
}
