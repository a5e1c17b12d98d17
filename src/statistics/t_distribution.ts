// Student's t distribution; with infinitely many degrees of freedom it is the normal one.
import jstat from 'jstat';

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
