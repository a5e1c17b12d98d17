// Statistics of a few values: means and spreads, t intervals and tests, what a test could have seen, how well two orders agree.
import jstat = require('jstat');

// Means and spreads.

/** The arithmetic mean. @throws RangeError for no values */
export function mean(values: readonly number[]): number {
  if (!values.length) throw new RangeError('no values to take the mean of');
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

/** Spreads below this share of the values themselves are the rounding of sums. */
const ROUNDING = 1e-12;

/**
 * The sample standard deviation (divisor n-1); exactly zero for equal values.
 *
 * @param scale size of the numbers the values were computed from; their own size unless told
 * @throws RangeError for fewer than two values
 */
export function sampleStd(
  values: readonly number[],
  scale: number = Math.max(...values.map(Math.abs)),
): number {
  if (values.length < 2) throw new RangeError('a sample standard deviation needs two values');
  const centre = mean(values);
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (values.length - 1));
  return std <= ROUNDING * scale ? 0 : std;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which this share of the sorted values lies, interpolated as NumPy does. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

// Student's t distribution; with infinitely many degrees of freedom it is the normal one.

/** From here on the t distribution is the normal one to more digits than are ever shown. */
const MANY = 1e6;

/** Where the distribution function is `p`. @param degreesOfFreedom above 0, not necessarily whole; may be infinite */
export function tQuantile(p: number, degreesOfFreedom: number): number {
  return degreesOfFreedom > MANY ? jstat.normal.inv(p, 0, 1) : jstat.studentt.inv(p, degreesOfFreedom);
}

/** The probability of a value at least as far from zero as `t`. */
export function twoSidedP(t: number, degreesOfFreedom: number): number {
  const below = -Math.abs(t);
  const tail =
    degreesOfFreedom > MANY ? jstat.normal.cdf(below, 0, 1) : jstat.studentt.cdf(below, degreesOfFreedom);
  return Math.min(1, 2 * tail);
}

/** The noncentral t distribution function at `t`: what a t statistic does when the true difference is not zero. */
export function noncentralT(t: number, degreesOfFreedom: number, noncentrality: number): number {
  return degreesOfFreedom > MANY
    ? jstat.normal.cdf(t - noncentrality, 0, 1)
    : jstat.noncentralt.cdf(t, degreesOfFreedom, noncentrality);
}

// The confidence interval of a mean.

export interface Interval {
  low: number;
  high: number;
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

// An estimated difference with its t test.

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

// The paired t test: differences seed by seed, which take out what the seed itself does (images, wrong labels, weights).

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

// Welch's t test: two samples of different seeds, whose spreads may differ.

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

// The spread of one cell with the help of its neighbours: a few seeds say little of a spread, the cells of a row say more.

/** A variance, and how many degrees of freedom it is known from. */
export interface Spread {
  variance: number;
  degreesOfFreedom: number;
}

/** The spread of some values. @param scale see `sampleStd` @throws RangeError for fewer than two */
export function spreadOf(values: readonly number[], scale?: number): Spread {
  return { variance: sampleStd(values, scale) ** 2, degreesOfFreedom: values.length - 1 };
}

/**
 * The mean variance of a group, weighted by degrees of freedom. Its own degrees of freedom are Satterthwaite's (1946): all of
 * them if the variances are alike, fewer the less alike they are.
 *
 * @throws RangeError for an empty group
 */
export function pooled(group: readonly Spread[]): Spread {
  const all = group.reduce((sum, { degreesOfFreedom }) => sum + degreesOfFreedom, 0);
  if (!all) throw new RangeError('no spread to pool');
  const parts = group.map(({ variance, degreesOfFreedom }) => (variance * degreesOfFreedom) / all);
  const variance = parts.reduce((sum, part) => sum + part, 0);
  if (variance === 0) return { variance, degreesOfFreedom: all };
  const doubt = parts.reduce((sum, part, i) => sum + part ** 2 / group[i]!.degreesOfFreedom, 0);
  return { variance, degreesOfFreedom: variance ** 2 / doubt };
}

/**
 * The spread to judge a cell by: its group's, or its own where that is larger. Pooling alone would raise false alarms in cells
 * that really scatter more than their group; a cell's own spread alone, from two or three seeds, finds nothing.
 */
export function cautiousSpread(own: Spread, group: readonly Spread[]): Spread {
  const { variance, degreesOfFreedom } = pooled(group);
  return { variance: Math.max(own.variance, variance), degreesOfFreedom };
}

// What a t test could have seen.

/** The probability that a two-sided t test at `alpha` finds a true difference of that many standard errors. */
export function power(differenceInErrors: number, degreesOfFreedom: number, alpha = 0.05): number {
  const critical = tQuantile(1 - alpha / 2, degreesOfFreedom);
  const above = 1 - noncentralT(critical, degreesOfFreedom, differenceInErrors);
  return above + noncentralT(-critical, degreesOfFreedom, differenceInErrors);
}

/**
 * The smallest true difference that a two-sided t test finds with a power of 80 %.
 *
 * @param standardError of the difference, e.g. spread / sqrt(seeds) where it is paired; taken as the true one
 * @param alpha of the single test: 0.05, or 0.05 / tests where the test is one of a family
 */
export function smallestDetectable(
  standardError: number,
  degreesOfFreedom: number,
  alpha = 0.05,
  wanted = 0.8,
): number {
  let [low, high] = [0, 2 * tQuantile(1 - alpha / 2, degreesOfFreedom)];
  while (power(high, degreesOfFreedom, alpha) < wanted) high *= 2;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (power(middle, degreesOfFreedom, alpha) < wanted) low = middle;
    else high = middle;
  }
  return high * standardError;
}

// Holm's correction for several tests at once.

/**
 * Adjusted p-values (Holm, 1979), in the given order: rejecting those up to 0.05 rejects a true hypothesis in at most 5 %
 * of all families of tests, however the tests depend on each other.
 */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a]! - p[b]!);
  const adjusted = new Array<number>(p.length);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (p.length - rank) * p[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}

// Kendall's tau-b: how well two orders of the same things agree.

/** Two values of one thing, e.g. our accuracy of a method and the paper's. */
export interface Pair {
  a: number;
  b: number;
}

/**
 * Kendall's tau-b (Kendall, 1945): concordant minus discordant pairs, over the geometric mean of the pairs that are not
 * tied in `a` and those not tied in `b`. 1: the same order, -1: the opposite one.
 *
 * @param strata things are only compared within their stratum, e.g. methods at one noise rate; one stratum is the plain tau-b
 * @returns null if no two things of a stratum differ in `a`, or none in `b`
 */
export function kendallTauB(strata: readonly (readonly Pair[])[]): number | null {
  let agreement = 0;
  let untiedA = 0;
  let untiedB = 0;
  for (const things of strata)
    for (const [i, first] of things.entries())
      for (const second of things.slice(i + 1)) {
        const [a, b] = [Math.sign(first.a - second.a), Math.sign(first.b - second.b)];
        agreement += a * b;
        if (a) untiedA++;
        if (b) untiedB++;
      }
  return untiedA && untiedB ? agreement / Math.sqrt(untiedA * untiedB) : null;
}
