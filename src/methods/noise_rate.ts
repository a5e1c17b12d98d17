// The noise rate as a setting of the methods that need it: the true one, a stated one, or one estimated on the way.
import { InputError } from '../spec/errors.js';
import { value } from '../spec/fields.js';
import type { NoiseMeasurement } from '../spec/record.js';
import type { Checked, RecipeState } from './method.js';
import { betaMixture } from './mixtures.js';

/** `true` reads the rate off the true labels, as the papers do, whose benchmarks know it; nothing else of them is seen. */
export type Rate = number | 'true' | 'estimated';

/** @param when it is estimated, as the end of a sentence */
export const rateSetting = (when = 'on the way') =>
  value<Rate>(
    '"true", "estimated", or a number from 0 up to 1',
    (v) => v === 'true' || v === 'estimated' || (typeof v === 'number' && v >= 0 && v < 1),
    { anyOf: [{ enum: ['true', 'estimated'] }, { type: 'number' }] },
  )
    .default('true')
    .meta({ title: 'noise rate' })
    .describe(`share of wrong labels: "true" (as the papers assume), a number, or "estimated" ${when}`);

/** Refuses the true rate where nobody knows it. */
export const checkRate = ({ rate }: { rate: Rate }, { isTruthKnown }: Checked) =>
  rate !== 'true' || isTruthKnown
    ? undefined
    : {
        setting: 'rate',
        allowed:
          '"estimated", or a number from 0 up to 1, because nobody knows the true labels of the data set',
      };

/** A state that holds the rate; 0 until it is estimated. */
export function rateState(rate: Rate): RecipeState {
  return {
    shape: [],
    dtype: 'float32',
    init: (_next, _labels, noise) => Float32Array.of(knownRate(rate, noise)),
  };
}

/** The rate, 0 if it is to be estimated. @throws InputError if it is the true one and nobody knows it */
export function knownRate(rate: Rate, noise: NoiseMeasurement): number {
  const known = rate === 'true' ? noise.rate : rate === 'estimated' ? 0 : rate;
  if (known === null)
    throw new InputError(
      'the noise rate is "true", and nobody knows the true labels; allowed: "estimated", or a number from 0 up to 1',
    );
  return known;
}

/** Losses of the labels that are learned. @param log logarithms of probabilities, images x classes */
export function lossesOfLabels(log: Float32Array, labels: Uint8Array, classes: number): Float32Array {
  return Float32Array.from(labels, (label, i) => -log[i * classes + label]!);
}

/**
 * The share of wrong labels, as the mean posterior of the component of large losses in a mixture of two beta distributions; undefined if the mixture
 * does not separate. It is meant for losses of a network that has not memorised yet.
 */
export function estimatedRate(losses: Float32Array): number | undefined {
  const mixture = betaMixture(losses);
  if (!mixture) return undefined;
  const posteriors = losses.map(mixture.posterior);
  return posteriors.reduce((sum, p) => sum + p, 0) / losses.length;
}
