// How flat the loss is around some weights: SAM's sharpness by ascent, and the largest eigenvalue of the Hessian.
import { type Stream, stream } from '../io/random.js';
import { lanczos, type Ritz, ritzValues } from '../statistics/lanczos.js';
import type { Examples, Landscape, Pause, Point } from './landscape.js';

/** ASAM's: added to the size of every weight. */
const ETA = 0.01;
/** Length of all further steps together, in radii (as in Madry et al., 2018). */
const WAY = 2.5;

export interface Ascent {
  rho: number;
  /** Steps after the first, each of which stays in the ball; none is SAM's own ascent. */
  further: number;
  /** Whether the ball is ASAM's: ||e / (|w| + 0.01)|| <= rho. */
  adaptive: boolean;
}

/** How high a loss is where an ascent leads, above where it begins: the most that was seen on the way. */
export async function climbs(
  landscape: Landscape,
  of: Examples,
  at: Point,
  ascents: readonly Ascent[],
  pause?: Pause,
): Promise<{ loss: number; rises: number[] }> {
  const start = await landscape.gradient(of, at, pause);
  const rises: number[] = [];
  for (const { rho, further, adaptive } of ascents) {
    const scale = (i: number) => (adaptive ? Math.abs(at.parameters[i]!) + ETA : 1);
    // Steps are taken in units of the ball's axes, in which it is round.
    const climbed = (gradient: Float64Array) => gradient.map((g, i) => g * scale(i));
    const moved = (by: Float64Array): Point => ({
      ...at,
      parameters: at.parameters.map((w, i) => w + scale(i) * by[i]!),
    });
    let by = ofLength(climbed(start.gradient), rho);
    let highest = Number.NEGATIVE_INFINITY;
    for (let step = 0; step < further; step++) {
      const here = await landscape.gradient(of, moved(by), pause);
      highest = Math.max(highest, here.loss);
      const onward = ofLength(climbed(here.gradient), (WAY * rho) / further);
      by = by.map((value, i) => value + onward[i]!);
      if (normOf(by) > rho) by = ofLength(by, rho);
    }
    highest = Math.max(highest, (await landscape.loss(of, moved(by), pause)).loss);
    rises.push(highest - start.loss);
  }
  return { loss: start.loss, rises };
}

function normOf(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function ofLength(vector: Float64Array, length: number): Float64Array {
  const factor = length / Math.max(normOf(vector), Number.MIN_VALUE);
  return vector.map((value) => value * factor);
}

/** A vector of random signs (Rademacher): its products with a matrix are right about the trace on average. */
export function signs(next: Stream, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => (next() < 0.5 ? -1 : 1));
}

/** What can be watched during training, and how a record calls it. */
export const WATCHED = ['sharpness', 'lambda1'] as const;
export type Watched = (typeof WATCHED)[number];

/** Images that are looked at while a run trains: the first of its training set, with the labels that it learns. */
export const WATCHED_IMAGES = 1000;
const WATCHED_RHO = 0.05;
/** Enough for three digits of the largest eigenvalue alone. */
const WATCHED_STEPS = 20;

/** The figures of an epoch: SAM's sharpness at rho 0.05, lambda_1, both on the same images by running statistics. */
export async function watchedFigures(
  watched: readonly Watched[],
  landscape: Landscape,
  of: Examples,
  at: Point,
  seed: number,
  pause?: Pause,
): Promise<Partial<Record<Watched, number>>> {
  const figures: Partial<Record<Watched, number>> = {};
  if (watched.includes('sharpness')) {
    const ascents = [{ rho: WATCHED_RHO, further: 0, adaptive: false }];
    figures.sharpness = (await climbs(landscape, of, at, ascents, pause)).rises[0]!;
  }
  if (watched.includes('lambda1')) figures.lambda1 = (await largestOf(landscape, of, at, seed, pause)).value;
  return figures;
}

async function largestOf(
  landscape: Landscape,
  of: Examples,
  at: Point,
  seed: number,
  pause?: Pause,
): Promise<Ritz> {
  const start = signs(stream(seed, 'watch', 'lambda1'), landscape.size);
  const product = (vector: Float32Array) => landscape.product(of, at, vector, pause);
  return ritzValues(await lanczos(product, start, WATCHED_STEPS))[0]!;
}
