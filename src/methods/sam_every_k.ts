// SAM at every k-th step, plain SGD at the others: most of the gain for less of the cost.
import { fields, integer } from '../spec/fields.js';
import { defineMethod } from './method.js';
import { ascending, ascent, checkGroups, samGradient, shortenedAscent } from './sam.js';

/** Composer's `interval`: the k-th, 2k-th, ... step of the run is SAM's. */
export const samEveryK = defineMethod({
  name: 'sam-every-k',
  title: 'SAM every k-th step',
  cite: 'The setting `interval` of SAM in MosaicML Composer',
  about: "SAM's gradient at `w + rho g / ||g||` in the steps k, 2k, ..., SGD's in the others.",
  settings: fields({
    ...ascent,
    every: integer('a whole number from 1', (v) => v >= 1)
      .default(2)
      .meta({ title: 'k (steps from one of SAM to the next)' })
      .describe('steps from one of SAM to the next; 1 is SAM'),
  }),
  cost: ({ every }) => 1 + 1 / every,
  check: checkGroups,
  recipe: ({ every, ...settings }) => ({
    ...ascending(settings, (objective, weights, rho) => samGradient(objective(), weights, rho)),
    phases: { plain: { gradient: (objective, batch, weights) => objective(batch)(weights) } },
    phaseAt: ({ step }) => ((step + 1) % every ? 'plain' : undefined),
  }),
  shortened: shortenedAscent,
});
