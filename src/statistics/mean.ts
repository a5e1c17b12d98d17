// Mean and spread of a few values.

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
