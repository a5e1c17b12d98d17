// The confidence interval of a mean.
import { mean, sampleStd } from './mean.js';
import { tQuantile } from './t_distribution.js';

export interface Interval {
  low: number;
  high: number;
}

/**
 * Student's t interval of the mean of normally distributed values.
 *
 * @param values for example the accuracies of a cell's seeds
 * @param confidence 0.95 unless told
 * @returns null where nothing can be said: below two values, or without any spread
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval | null {
  if (values.length < 2) return null;
  const standardError = sampleStd(values) / Math.sqrt(values.length);
  return intervalAround(mean(values), standardError, values.length - 1, confidence);
}

/** The t interval around an estimate; null if its standard error is zero: no spread seen is not no spread. */
export function intervalAround(
  estimate: number,
  standardError: number,
  degreesOfFreedom: number,
  confidence = 0.95,
): Interval | null {
  if (standardError === 0) return null;
  const half = tQuantile(0.5 + confidence / 2, degreesOfFreedom) * standardError;
  return { low: estimate - half, high: estimate + half };
}
