// The paired t test: differences seed by seed, which take out what the seed itself does (images, wrong labels, weights).
import { type Difference, tested, untested } from './difference.js';
import { mean, sampleStd } from './mean.js';

/**
 * The mean of after - before.
 *
 * @param before, after values of the same seeds in the same order
 * @throws RangeError if their numbers differ or are zero
 */
export function pairedDifference(before: readonly number[], after: readonly number[]): Difference {
  if (before.length !== after.length)
    throw new RangeError(`${before.length} values cannot be paired with ${after.length}`);
  const differences = after.map((value, i) => value - before[i]!);
  const difference = mean(differences);
  if (differences.length < 2) return untested(difference);
  const scale = Math.max(...before.map(Math.abs), ...after.map(Math.abs));
  const standardError = sampleStd(differences, scale) / Math.sqrt(differences.length);
  return tested(difference, standardError, differences.length - 1);
}
