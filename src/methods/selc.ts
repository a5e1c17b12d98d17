// Self-ensemble label correction (Lu and He, 2022): labels move towards the running mean of predictions.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { crossEntropy, stopGradient } from './gradient.js';
import { defineMethod } from './method.js';

/**
 * Cross-entropy with t, t <- momentum t + (1 - momentum) p whenever an image is seen, from its noisy label; plain cross-entropy until the
 * turning point, given as a share of the run. The paper begins ten epochs before a turning point that it estimates; its code takes a given epoch.
 */
export const selc = defineMethod({
  name: 'selc',
  title: 'SELC',
  cite: 'Lu and He, SELC: Self-Ensemble Label Correction Improves Learning with Noisy Labels, IJCAI 2022',
  about:
    'Cross-entropy with the targets `t <- momentum t + (1 - momentum) p`, starting from the noisy label, after a turning point; with the noisy labels before. *Differs:* the paper estimates the turning point and its code takes a given epoch; here it is a share of the epochs.',
  settings: fields({
    momentum: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(0.9)
      .describe('share of the old label that is kept'),
    turningPoint: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(0.2)
      .meta({ title: 'turning point (share of the epochs)' })
      .describe('share of the epochs after which labels are corrected'),
  }),
  cost: () => 1,
  recipe: ({ momentum, turningPoint }, { classes, epochs }) => ({
    examples: {
      target: {
        shape: [classes],
        dtype: 'float32',
        init(_next, labels) {
          const oneHot = new Float32Array(labels.length * classes);
          for (const [i, label] of labels.entries()) oneHot[i * classes + label] = 1;
          return oneHot;
        },
      },
    },
    loss(logits, { examples }) {
      const [some] = logits as [tf.Tensor2D];
      const seen = stopGradient(tf.softmax(some));
      const target: tf.Tensor2D = tf.add(tf.mul(examples.target!, momentum), tf.mul(seen, 1 - momentum));
      return { losses: [crossEntropy(some, stopGradient(target))], examples: { target } };
    },
    phases: {
      early: { loss: (logits, { targets }) => ({ losses: [crossEntropy(logits[0]!, targets)] }) },
    },
    phaseAt: ({ epoch }) => (epoch <= Math.round(turningPoint * epochs) ? 'early' : undefined),
  }),
});
