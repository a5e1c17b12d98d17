// Surrogate gap guided SAM (Zhuang et al., 2022): SAM that also climbs in the loss at the weights, away from SAM's direction.
import { tf } from '../engine/tensorflow.js';
import { plusScaled, sumOfSquares } from '../engine/weight_vectors.js';
import { fields, number } from '../spec/fields.js';
import { TINY } from './gradient.js';
import { defineMethod } from './method.js';
import { ascend, ascending, ascent, checkGroups, shortenedAscent } from './sam.js';

/**
 * g_p - alpha g', g_p the gradient at w + rho g / ||g||, g' the part of g at right angles to g_p. rho falls with the learning rate, from `rho`
 * to `leastRho`, as in the paper.
 */
export const gsam = defineMethod({
  name: 'gsam',
  title: 'GSAM',
  cite: 'Zhuang et al., Surrogate Gap Minimization Improves Sharpness-Aware Training, ICLR 2022',
  about:
    "`g_p - alpha g'`, g_p SAM's gradient and g' the part of g at right angles to it; rho falls with the learning rate to `leastRho`.",
  settings: fields({
    ...ascent,
    leastRho: number('a number from 0', (v) => v >= 0)
      .default(0)
      .meta({ title: 'rho at the end' })
      .describe('radius where the learning rate is 0'),
    alpha: number('a number from 0', (v) => v >= 0)
      .default(0.4)
      .describe('weight of the part of the gradient at right angles to SAM’s'),
  }),
  cost: () => 2,
  check: checkGroups,
  recipe: ({ rho, m, leastRho, alpha }, { epochs, stepsPerEpoch }) => ({
    ...ascending({ rho, m }, (objective, weights, radius) => {
      const at = objective();
      const first = at(weights);
      const { gradients } = at(weights.map((w, k) => ascend(w, first.gradients[k]!, radius)));
      return { ...first, gradients: gradients.map((g, k) => gapGradient(g, first.gradients[k]!, alpha)) };
    }),
    draws: (_stream, epoch) => (step) => {
      const done = ((epoch - 1) * stepsPerEpoch + step) / (epochs * stepsPerEpoch);
      const share = 0.5 * (1 + Math.cos(Math.PI * done));
      return { rho: Float32Array.of(leastRho + (rho - leastRho) * share) };
    },
  }),
  shortened: shortenedAscent,
});

/** g_p - alpha (g - (g . g_p) g_p / ||g_p||^2). */
export function gapGradient(above: tf.Tensor1D, plain: tf.Tensor1D, alpha: number): tf.Tensor1D {
  const along = tf.div(tf.sum(tf.mul(plain, above)), tf.maximum(sumOfSquares(above), TINY)) as tf.Scalar;
  const aside = plusScaled(plain, above, tf.neg(along));
  return plusScaled(above, aside, -alpha);
}
