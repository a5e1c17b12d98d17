// Means and covariances that outliers do not move: the minimum covariance determinant (Rousseeuw and Van Driessen, 1999).
import { permutation, type Stream } from '../io/random.js';

/** Location and covariance of some rows. */
export interface Scatter {
  mean: Float64Array;
  /** width x width, row by row. */
  covariance: Float64Array;
}

/** Random subsets to begin with, steps of each, and how many of the best go on to the end. */
const STARTS = 10;
const FIRST_STEPS = 2;
const BEST = 2;
const MOST_STEPS = 30;

/** Added to the variances, as a share of their mean: a covariance of few rows has no inverse. */
const RIDGE = 1e-6;

/**
 * Location and covariance of the `share` of the rows whose covariance has the smallest determinant, as FAST-MCD finds it: from random subsets, each
 * step takes the rows of the smallest Mahalanobis distances.
 */
export function robustScatter(rows: Float32Array, width: number, share: number, next: Stream): Scatter {
  const count = rows.length / width;
  const kept = Math.min(count, Math.max(Math.ceil(share * count), Math.min(count, width + 1)));
  const all = Int32Array.from({ length: count }, (_, i) => i);
  if (kept === count) return scatterOf(rows, width, all);
  const step = (places: Int32Array) => {
    const scatter = scatterOf(rows, width, places);
    const { lower, logDeterminant } = factor(scatter.covariance, width);
    const distances = distancesFrom(rows, width, scatter.mean, lower);
    const order = all.toSorted((i, j) => distances[i]! - distances[j]! || i - j);
    return { places: order.slice(0, kept), logDeterminant };
  };
  const starts = Array.from({ length: STARTS }, () => {
    let places: Int32Array = permutation(next, count).slice(0, Math.min(kept, width + 1));
    for (let i = 0; i < FIRST_STEPS; i++) places = step(places).places;
    return { places, ...factor(scatterOf(rows, width, places).covariance, width) };
  });
  const ends = starts
    .toSorted((a, b) => a.logDeterminant - b.logDeterminant)
    .slice(0, BEST)
    .map(({ places: from }) => {
      let places = from;
      let last = Number.POSITIVE_INFINITY;
      for (let i = 0; i < MOST_STEPS; i++) {
        const found = step(places);
        if (!(found.logDeterminant < last - 1e-9)) break;
        last = found.logDeterminant;
        places = found.places;
      }
      return { places, last };
    });
  const [best] = ends.toSorted((a, b) => a.last - b.last) as [(typeof ends)[number]];
  return scatterOf(rows, width, best.places);
}

/** Mean and covariance (of the population) of the rows at these places. */
function scatterOf(rows: Float32Array, width: number, places: Int32Array): Scatter {
  const mean = new Float64Array(width);
  for (const i of places) for (let a = 0; a < width; a++) mean[a]! += rows[i * width + a]!;
  for (let a = 0; a < width; a++) mean[a]! /= places.length;
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (const i of places) {
    for (let a = 0; a < width; a++) centred[a] = rows[i * width + a]! - mean[a]!;
    for (let a = 0; a < width; a++) {
      const left = centred[a]!;
      for (let b = 0; b <= a; b++) covariance[a * width + b]! += left * centred[b]!;
    }
  }
  for (let a = 0; a < width; a++)
    for (let b = 0; b <= a; b++) {
      const value = covariance[a * width + b]! / places.length;
      covariance[a * width + b] = value;
      covariance[b * width + a] = value;
    }
  return { mean, covariance };
}

/** The Cholesky factor of a covariance, made regular by a little more variance where it is not. */
export function factor(
  covariance: Float64Array,
  width: number,
): { lower: Float64Array; logDeterminant: number } {
  let trace = 0;
  for (let a = 0; a < width; a++) trace += covariance[a * width + a]!;
  // No variance that is added would make such a covariance regular.
  if (!covariance.every(Number.isFinite))
    throw new Error('the features of the last layer are not finite: the training has diverged');
  for (let ridge = RIDGE * (trace / width || 1); ; ridge *= 10) {
    const lower = new Float64Array(width * width);
    let logDeterminant = 0;
    let isPositive = true;
    for (let a = 0; a < width && isPositive; a++)
      for (let b = 0; b <= a; b++) {
        let sum = covariance[a * width + b]! + (a === b ? ridge : 0);
        for (let c = 0; c < b; c++) sum -= lower[a * width + c]! * lower[b * width + c]!;
        if (a !== b) lower[a * width + b] = sum / lower[b * width + b]!;
        else if (sum > 0) {
          lower[a * width + a] = Math.sqrt(sum);
          logDeterminant += Math.log(sum);
        } else isPositive = false;
      }
    if (isPositive) return { lower, logDeterminant };
  }
}

/** Squared Mahalanobis distances of all rows from a mean. @param lower Cholesky factor of the covariance */
export function distancesFrom(
  rows: Float32Array,
  width: number,
  mean: Float64Array,
  lower: Float64Array,
): Float64Array {
  const solved = new Float64Array(width);
  return Float64Array.from({ length: rows.length / width }, (_, i) => {
    let distance = 0;
    for (let a = 0; a < width; a++) {
      let sum = rows[i * width + a]! - mean[a]!;
      for (let b = 0; b < a; b++) sum -= lower[a * width + b]! * solved[b]!;
      solved[a] = sum / lower[a * width + a]!;
      distance += solved[a]! ** 2;
    }
    return distance;
  });
}
