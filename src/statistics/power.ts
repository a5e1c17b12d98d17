// What a t test could have seen.
import { noncentralT, tQuantile } from './t_distribution.js';

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
