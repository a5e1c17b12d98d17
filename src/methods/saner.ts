// SANER (Luong et al., 2024): SAM whose gradient is damped where it is already smaller than SGD's.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { defineMethod } from './method.js';
import { ascend, ascending, ascent, checkGroups, shortenedAscent } from './sam.js';

/**
 * SAM's gradient, multiplied by alpha at the coordinates where r = g_SAM / g_SGD is between 0 and 1: those in which wrong labels pull most.
 * alpha falls from 1 in a line over the first `ramp` of the run.
 */
export const saner = defineMethod({
  name: 'saner',
  title: 'SANER',
  cite: 'Luong et al., Improving Resistance to Noisy Label Fitting by Reweighting Gradient in SAM, arXiv 2411.17132, 2024',
  about:
    "SAM's gradient, times alpha in the coordinates where `0 < g_SAM / g_SGD < 1`. alpha falls from 1 in a line over the first part of the run (`ramp`, whose default is ours).",
  settings: fields({
    ...ascent,
    alpha: number('a number from 0 to 1', (v) => v >= 0 && v <= 1)
      .default(0.5)
      .describe('what damped coordinates are multiplied by'),
    ramp: number('a number from 0 to 1', (v) => v >= 0 && v <= 1)
      .default(0.25)
      .meta({ title: 'ramp (share of the epochs)' })
      .describe('share of the epochs over which alpha comes down from 1'),
  }),
  cost: () => 2,
  check: checkGroups,
  recipe: ({ rho, m, alpha, ramp }, { epochs, stepsPerEpoch }) => {
    const plain = ascending({ rho, m }, (objective, weights, radius, _group, { inputs }) => {
      const at = objective();
      const first = at(weights);
      const { gradients } = at(weights.map((w, k) => ascend(w, first.gradients[k]!, radius)));
      return {
        ...first,
        gradients: gradients.map((g, k) => damped(g, first.gradients[k]!, inputs.alpha as tf.Scalar)),
      };
    });
    return {
      ...plain,
      inputs: { ...plain.inputs, alpha: { shape: [], dtype: 'float32' } },
      draws: (_stream, epoch) => (step) => {
        const done = ((epoch - 1) * stepsPerEpoch + step) / (epochs * stepsPerEpoch);
        const share = ramp ? Math.min(1, done / ramp) : 1;
        return { ...plain.draws()(), alpha: Float32Array.of(1 - (1 - alpha) * share) };
      },
    };
  },
  shortened: shortenedAscent,
});

/** SAM's gradient, times alpha where it has the sign of the plain one and is smaller. */
export function damped(above: tf.Tensor1D, plain: tf.Tensor1D, alpha: tf.Scalar): tf.Tensor1D {
  const isSmaller = tf.logicalAnd(
    tf.greater(tf.mul(tf.sign(above), tf.sign(plain)), 0),
    tf.less(tf.abs(above), tf.abs(plain)),
  );
  return tf.where(isSmaller, tf.mul(above, alpha), above);
}
