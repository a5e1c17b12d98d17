// Generalised cross-entropy (Zhang and Sabuncu, 2018), plain and truncated: between cross-entropy and mean absolute error.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { defineMethod, FORWARD } from './method.js';

const cite =
  'Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, NeurIPS 2018';

const q = number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
  .default(0.7)
  .describe('towards 0 it is cross-entropy, at 1 mean absolute error');

/** (1 - p_y^q) / q. */
export const gce = defineMethod({
  name: 'gce',
  title: 'GCE',
  cite,
  about: '`(1 - p_y^q) / q`: between cross-entropy (q towards 0) and mean absolute error (q 1).',
  settings: fields({ q }),
  cost: () => 1,
  recipe: ({ q }) => ({
    loss: (logits, { targets }) => ({ losses: logits.map((some) => gceLoss(some, targets, q)) }),
  }),
});

/**
 * GCE on the examples whose loss is below that of the probability k; for the others the loss is the constant (1 - k^q) / q. Which
 * they are is found anew every `refresh` epochs, from `start` of the run on: the paper's 10 epochs from the 40th of 120.
 */
export const truncatedGce = defineMethod({
  name: 'truncated-gce',
  title: 'Truncated GCE',
  cite,
  about:
    "`(1 - p_y^q) / q - (1 - k^q) / q`, and 0 for examples whose p_y was not above k when they were last looked at: from a third of the epochs on (the paper's 40 of 120), every twelfth of them (10). *Differs:* the authors look with the network of the best test accuracy so far, here it is the present one. If no label is above k, what was kept before stays and the record says so.",
  settings: fields({
    q,
    k: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.5)
      .describe('probability of its label below which an example is left out'),
    start: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(1 / 3)
      .meta({ title: 'start of pruning (share of the epochs)' })
      .describe('share of the epochs after which examples are left out for the first time'),
    refresh: number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
      .default(1 / 12)
      .meta({ title: 'pruned anew after (share of the epochs)' })
      .describe('share of the epochs between two choices of what is left out'),
  }),
  cost: ({ refresh, start }, { epochs }) => 1 + (FORWARD * (1 - start)) / refresh / epochs,
  recipe: ({ q, k, start, refresh }, { epochs }) => {
    const limit = (1 - k ** q) / q;
    const first = Math.max(1, Math.round(start * epochs));
    const every = Math.max(1, Math.round(refresh * epochs));
    return {
      examples: {
        kept: { shape: [], dtype: 'float32', init: (_, labels) => new Float32Array(labels.length).fill(1) },
      },
      loss: (logits, { targets, examples }) => ({
        losses: logits.map((some) => tf.mul(tf.sub(gceLoss(some, targets, q), limit), examples.kept!)),
      }),
      afterEpoch({ epoch, labels, classes, logProbabilities, write, note }) {
        if (epoch < first || (epoch - first) % every) return undefined;
        const log = logProbabilities();
        const kept = Float32Array.from(labels, (label, i) =>
          log[i * classes + label]! > Math.log(k) ? 1 : 0,
        );
        if (kept.some((v) => v)) write('kept', kept);
        else
          note(
            `after epoch ${epoch} no example's label had a probability above ${k}; what was kept before stays`,
          );
        return undefined;
      },
    };
  },
});

function gceLoss(logits: tf.Tensor2D, targets: tf.Tensor2D, q: number): tf.Tensor1D {
  // p^q as exp(q log p): its gradient is finite where p is 0.
  const powers = tf.exp(tf.mul(tf.logSoftmax(logits), q));
  return tf.div(tf.sub(1, tf.sum(tf.mul(targets, powers), 1)), q);
}
