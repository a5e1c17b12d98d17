// An estimated difference with its t test.
import { type Interval, intervalAround } from './interval.js';
import { twoSidedP } from './t_distribution.js';

/** A difference of means; what needs a spread is null where none could be seen (one seed, or equal values). */
export interface Difference {
  difference: number;
  standardError: number | null;
  degreesOfFreedom: number | null;
  /** 95 %. */
  interval: Interval | null;
  /** Two-sided, of the hypothesis that the true difference is zero. */
  p: number | null;
}

/** The t test of a difference whose standard error is known from so many degrees of freedom. */
export function tested(difference: number, standardError: number, degreesOfFreedom: number): Difference {
  if (standardError === 0) return untested(difference);
  return {
    difference,
    standardError,
    degreesOfFreedom,
    interval: intervalAround(difference, standardError, degreesOfFreedom),
    p: twoSidedP(difference / standardError, degreesOfFreedom),
  };
}

/** A difference of which nothing more can be said. */
export function untested(difference: number): Difference {
  return { difference, standardError: null, degreesOfFreedom: null, interval: null, p: null };
}
