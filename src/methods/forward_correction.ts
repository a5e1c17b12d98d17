// Forward correction (Patrini et al., 2017): predictions go through the noise before they are compared with noisy labels.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import type { NoiseMeasurement } from '../spec/record.js';
import { ANCHOR_PERCENTILE, anchors } from '../statistics/label_errors.js';
import { TINY } from './gradient.js';
import { defineMethod, FORWARD } from './method.js';
import { checkRate, knownRate, type Rate, rateSetting } from './noise_rate.js';

/**
 * -log((p T)_y), T_ij the probability that an image of class i is labelled j. Until T is estimated it is the identity, and the loss
 * cross-entropy; then T_ij = p_j of the image that is surest of class i. Of the surest, those above the percentile are left out, as the authors do
 * on CIFAR-10.
 */
export const forwardCorrection = defineMethod({
  name: 'forward',
  title: 'Forward correction',
  cite: 'Patrini et al., Making Deep Neural Networks Robust to Label Noise: A Loss Correction Approach, CVPR 2017',
  about:
    "`-log((p T)_y)`, T_ij being the probability that an image of class i is labelled j. `estimated`: T is the identity until `warmUp` of the epochs are done, then `T_ij = p_j` of the image that is surest of class i, those above the 97th percentile left out, as in the authors' code on CIFAR-10. `true` counts T from the true labels; a number means symmetric noise excluding the true class. *Differs:* the authors train one network to its end to estimate T and another with it; here one network goes on. It costs one more pass over the images.",
  settings: fields({
    rate: rateSetting()
      .default('estimated')
      .describe(
        'where T is from: "true" counts it, a number is symmetric noise of that rate without the true class, "estimated" is T after the warm-up',
      ),
    warmUp: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.25)
      .meta({ title: 'warm-up (share of the epochs)' })
      .describe('share of the epochs after which T is estimated'),
    percentile: number('a number above 0 and at most 100', (v) => v > 0 && v <= 100)
      .default(ANCHOR_PERCENTILE)
      .describe('images surer of a class than this percentile are taken for outliers'),
  }),
  cost: ({ rate }, { epochs }) => 1 + (rate === 'estimated' ? FORWARD / epochs : 0),
  check: checkRate,
  recipe: ({ rate, warmUp, percentile }, { classes, epochs }) => ({
    state: {
      transition: {
        shape: [classes, classes],
        dtype: 'float32',
        init: (_next, _labels, noise) => transitionOf(rate, noise, classes),
      },
    },
    loss: (logits, { targets }, { state }) => ({
      losses: logits.map((some) => {
        const seen = tf.matMul(tf.softmax(some), state.transition as tf.Tensor2D);
        return tf.neg(tf.sum(tf.mul(targets, tf.log(tf.add(seen, TINY))), 1));
      }),
    }),
    ...(rate === 'estimated' && {
      afterEpoch({ epoch, logProbabilities, write }) {
        if (epoch === Math.max(1, Math.round(warmUp * epochs)))
          write('transition', estimatedTransition(logProbabilities(), classes, percentile));
        return undefined;
      },
    }),
  }),
});

function transitionOf(rate: Rate, noise: NoiseMeasurement, classes: number): Float32Array {
  // Asked for the rate, which is refused if it is not known: of such data the transitions are those of no noise.
  if (rate === 'true') knownRate(rate, noise);
  const { transitions } = noise;
  const of = (i: number, j: number): number => {
    const isTrue = i === j ? 1 : 0;
    if (rate === 'estimated') return isTrue;
    if (rate !== 'true') return isTrue ? 1 - rate : rate / (classes - 1);
    const images = transitions[i]!.reduce((a, b) => a + b);
    return images ? transitions[i]![j]! / images : isTrue;
  };
  return Float32Array.from({ length: classes ** 2 }, (_, at) => of(Math.floor(at / classes), at % classes));
}

/** T by what is predicted for the image that is surest of each class. @param log logarithms of probabilities, images x classes */
export function estimatedTransition(log: Float32Array, classes: number, percentile: number): Float32Array {
  const found = anchors({ values: log, classes }, percentile);
  return Float32Array.from(
    found.flatMap((at) => [...log.subarray(at * classes, (at + 1) * classes)]),
    Math.exp,
  );
}
