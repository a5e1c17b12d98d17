// Feature-dependent noise: images that a network finds hard to tell from another class get that class's label.
import { z } from 'zod';
import { InputError } from '../../spec/errors.js';
import { fields, trainingShape } from '../../spec/fields.js';
import type { Noise, TrainingSpec } from './noise.js';
import { rateColumns, rates } from './transition.js';

const settings = z.object({
  rates: rates('expected shares of wrong labels, one for each column'),
  teacher: fields(trainingShape)
    .partial()
    .optional()
    .describe(
      "how the network is trained whose guesses are the wrong labels; the suite's training settings unless given",
    ),
});

interface Setting {
  rate: number;
  teacher: TrainingSpec;
}

/**
 * The first kind of Zhang et al. (PMD): with u the probability of the image's class and s that of the likeliest other, by a network that
 * was trained on the true labels of the same images, a label becomes the other class with a probability in proportion to
 * 1/2 - (u - s)^2 / 2. The factor is the one that makes the mean of these probabilities, none above 1, the asked rate.
 */
export const feature: Noise<typeof settings, Setting> = {
  name: 'feature',
  title: 'feature-dependent',
  cite: 'Zhang et al., Learning with Feature-Dependent Label Noise: A Progressive Approach, ICLR 2021',
  about:
    "A network is trained by SGD on the true labels of the same images (once for each seed, as one more run); images that it finds hard become its second guess s, with a probability in proportion to `(1 - (p_t - p_s)^2) / 2`, the first kind of PMD, at a factor for which the mean of the probabilities, none above 1, is `rate`. The run's record keeps guesses and margins. `npx labelnoise noise --guesses OUT/ID` writes such labels where that run is of all training images.",
  settings,
  columns: ({ rates, teacher }) => rateColumns('feature', rates, { teacher: teacher as TrainingSpec }),
  labels({ setting: { rate }, trueLabels, guesses, stream }) {
    if (!guesses)
      throw new InputError(
        "noise: feature-dependent labels are made of a network's guesses, which come into being when a suite is run; allowed: runs of a suite, or --guesses with a run that has them",
      );
    if (guesses.classes.length !== trueLabels.length)
      throw new InputError(
        `noise: there are guesses for ${guesses.classes.length} images; allowed: for each of ${trueLabels.length}`,
      );
    const hardness = Float64Array.from(
      guesses.margins,
      (margin) => 0.5 - 0.5 * Math.min(1, Math.max(0, margin)) ** 2,
    );
    const factor = factorFor(hardness, rate);
    const next = stream();
    return trueLabels.map((label, i) => (next() < factor * hardness[i]! ? guesses.classes[i]! : label));
  },
  describe: (_, titles) =>
    `${titles.join(', ')} of the labels, likelier those of images that a network finds hard, replaced by its second guess`,
  async resolve({ rates, teacher }, _, { training }) {
    return { rates, teacher: { ...training, ...teacher } };
  },
  guesser: ({ teacher }) => teacher,
  standIn: { kind: 'symmetric', rate: 0.4, redraw: 'other' },
};

/** What the values are to be multiplied by for the mean of the products, none above 1, to be `rate`. */
function factorFor(values: Float64Array, rate: number): number {
  if (rate === 0) return 0;
  const mean = (factor: number) =>
    values.reduce((sum, value) => sum + Math.min(1, factor * value), 0) / values.length;
  let high = 1;
  while (mean(high) < rate && high < 1e12) high *= 2;
  let low = 0;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (mean(middle) < rate) low = middle;
    else high = middle;
  }
  return high;
}
