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
