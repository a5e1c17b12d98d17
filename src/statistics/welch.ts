// Welch's t test: two samples of different seeds, whose spreads may differ.
import { type Difference, tested, untested } from './difference.js';
import { mean, sampleStd } from './mean.js';

/** What is known of one sample's mean. */
export interface SampleMean {
  /** Square of its standard error. */
  variance: number;
  /** Degrees of freedom that this is known from. */
  degreesOfFreedom: number;
}

/**
 * mean(after) - mean(before) (Welch, 1947). Below two values on either side there is no spread to judge it by.
 *
 * @throws RangeError if a side has no values
 */
export function welchDifference(before: readonly number[], after: readonly number[]): Difference {
  const difference = mean(after) - mean(before);
  if (before.length < 2 || after.length < 2) return untested(difference);
  return welchTest(difference, sampleMean(before), sampleMean(after));
}

/** The test from what is known of both means; degrees of freedom after Satterthwaite (1946). */
export function welchTest(difference: number, a: SampleMean, b: SampleMean): Difference {
  const variance = a.variance + b.variance;
  if (variance === 0) return untested(difference);
  const inverse =
    (a.variance / variance) ** 2 / a.degreesOfFreedom + (b.variance / variance) ** 2 / b.degreesOfFreedom;
  return tested(difference, Math.sqrt(variance), 1 / inverse);
}

function sampleMean(values: readonly number[]): SampleMean {
  return { variance: sampleStd(values) ** 2 / values.length, degreesOfFreedom: values.length - 1 };
}
