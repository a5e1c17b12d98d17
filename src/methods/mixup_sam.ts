// Mixup, and SAM on the mixed batch.
import { fields } from '../spec/fields.js';
import { combined, defineMethod } from './method.js';
import { mixup } from './mixup.js';
import { sam, shortenedAscent } from './sam.js';

export const mixupSam = defineMethod({
  name: 'mixup-sam',
  title: 'Mixup + SAM',
  cite: `${mixup.cite}; ${sam.cite}`,
  about: "SAM on the mixed batch: the gradient at `w + rho g / ||g||` of Mixup's loss.",
  settings: fields({ ...mixup.settings.shape, ...sam.settings.shape }),
  cost: (settings, of) => sam.cost(settings, of),
  check: (settings, dims) => sam.check!(settings, dims),
  recipe: (settings, dims) => combined(mixup.recipe(settings, dims), sam.recipe(settings, dims)),
  shortened: shortenedAscent,
});
