// The spread of one cell with the help of its neighbours: a few seeds say little of a spread, the cells of a row say more.
import { sampleStd } from './mean.js';

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
