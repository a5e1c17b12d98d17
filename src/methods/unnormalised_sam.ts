// Unnormalised SAM (Andriushchenko and Flammarion, 2022): the ascent is along the gradient as it is.
import { plusScaled } from '../engine/weight_vectors.js';
import { fields } from '../spec/fields.js';
import { defineMethod } from './method.js';
import { ascending, ascent, checkGroups, shortenedAscent } from './sam.js';

/** SAM at w + rho g. */
export const unnormalisedSam = defineMethod({
  name: 'unnormalised-sam',
  title: 'Unnormalised SAM',
  cite: 'Andriushchenko and Flammarion, Towards Understanding Sharpness-Aware Minimization, ICML 2022',
  about: "The gradient at `w + rho g`, without SAM's norm.",
  settings: fields({
    ...ascent,
    rho: ascent.rho.describe('factor of the gradient that is added to the weights'),
  }),
  cost: () => 2,
  check: checkGroups,
  recipe: (settings) =>
    ascending(settings, (objective, weights, rho) => {
      const at = objective();
      const first = at(weights);
      const above = weights.map((w, k) => plusScaled(w, first.gradients[k]!, rho));
      return { ...first, gradients: at(above).gradients };
    }),
  shortened: shortenedAscent,
});
