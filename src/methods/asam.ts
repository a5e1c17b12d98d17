// Adaptive SAM (Kwon et al., 2021): the radius is measured in shares of each weight.
import { tf } from '../engine/tensorflow.js';
import { plusScaled } from '../engine/weight_vectors.js';
import { fields, number } from '../spec/fields.js';
import { norm, TINY } from './gradient.js';
import { defineMethod } from './method.js';
import { ascending, ascent, checkGroups, shortenedAscent } from './sam.js';

/** SAM at w + rho T^2 g / ||T g||, T = |w| + eta, for every weight; the authors' code leaves T out for biases. */
export const asam = defineMethod({
  name: 'asam',
  title: 'ASAM',
  cite: 'Kwon et al., ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks, ICML 2021',
  about:
    "The gradient at `w + rho T^2 g / ||T g||`, `T = |w| + eta`: SAM with a neighbourhood that does not depend on the scale of the weights. *Differs:* the authors' code leaves T out for biases.",
  settings: fields({
    ...ascent,
    rho: ascent.rho.default(0.5).describe('radius of the ascent step, each weight measured by its own size'),
    eta: number('a number from 0', (v) => v >= 0)
      .default(0.01)
      .describe('added to the size of every weight'),
  }),
  cost: () => 2,
  check: checkGroups,
  recipe: ({ rho, m, eta }) =>
    ascending({ rho, m }, (objective, weights, radius) => {
      const at = objective();
      const first = at(weights);
      const above = weights.map((w, k) => adaptiveAscent(w, first.gradients[k]!, radius, eta));
      return { ...first, gradients: at(above).gradients };
    }),
  shortened: shortenedAscent,
});

/** w + rho T^2 g / ||T g||. */
export function adaptiveAscent(
  weights: tf.Tensor1D,
  gradient: tf.Tensor1D,
  rho: tf.Scalar,
  eta: number,
): tf.Tensor1D {
  const scale = tf.add(tf.abs(weights), eta);
  const scaled: tf.Tensor1D = tf.mul(scale, gradient);
  return plusScaled(weights, tf.mul(scale, scaled), tf.div(rho, tf.maximum(norm(scaled), TINY)));
}
