// How flat the loss is around some weights: SAM's sharpness by ascent, and the largest eigenvalue of the Hessian.
import { datasetOf, imageFormOf } from '../data/datasets/dataset.js';
import { type Stream, stream } from '../io/random.js';
import { buildNetwork } from '../models/catalogue.js';
import type { Alignment, Evaluation, Watched } from '../spec/record.js';
import { lanczos, norm, ritzValues } from '../statistics/lanczos.js';
import { alignmentOf } from './alignment.js';
import type { TrainingJob } from './job.js';
import type { Examples, Landscape, Pause, Point } from './landscape.js';
import { evaluationBatch } from './training_program.js';

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
      if (norm(by) > rho) by = ofLength(by, rho);
    }
    highest = Math.max(highest, (await landscape.loss(of, moved(by), pause)).loss);
    rises.push(highest - start.loss);
  }
  return { loss: start.loss, rises };
}

function ofLength(vector: Float64Array, length: number): Float64Array {
  const factor = length / Math.max(norm(vector), Number.MIN_VALUE);
  return vector.map((value) => value * factor);
}

/** A vector of random signs (Rademacher): its products with a matrix are right about the trace on average. */
export function signs(next: Stream, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => (next() < 0.5 ? -1 : 1));
}

/** Images that are looked at while a run trains: the first of its training set, with the labels that it learns. */
export const WATCHED_IMAGES = 500;
const WATCHED_ASCENT: Ascent[] = [{ rho: 0.05, further: 0, adaptive: false }];
/** Enough for three digits of the largest eigenvalue alone. */
const WATCHED_STEPS = 20;

type WatchedFigures = Pick<Evaluation, 'sharpness' | 'lambda1' | keyof Alignment>;

/** Looks at a run while it trains: changes nothing about it, since it computes in a session of its own. */
export class Watcher {
  private landscape: Landscape | undefined;

  constructor(
    private readonly watched: readonly Watched[],
    private readonly job: TrainingJob,
  ) {}

  /** SAM's sharpness at rho 0.05, lambda_1 and alignment of the loss of WATCHED_IMAGES, by running statistics; not finite ones are left out. */
  async figures(at: Point, pause?: Pause): Promise<WatchedFigures> {
    const { watched, job } = this;
    if (!watched.length) return {};
    const { spec, train, targetLabels } = job;
    const form = imageFormOf(spec.data);
    const images = Math.min(WATCHED_IMAGES, train.count);
    const { Landscape } = await import('./landscape.js');
    this.landscape ??= await Landscape.of(
      {
        ...{ network: buildNetwork(spec.model, form), form, images, batchNorm: 'running' },
        batch: evaluationBatch(images),
      },
      train.images.subarray(0, images * form.imageSize ** 2 * form.channels),
    );
    const of = {
      places: Int32Array.from({ length: images }, (_, i) => i),
      labels: targetLabels.subarray(0, images),
    };
    const measures: Record<Watched, () => Promise<WatchedFigures>> = {
      sharpness: async () => ({
        sharpness: (await climbs(this.landscape!, of, at, WATCHED_ASCENT, pause)).rises[0]!,
      }),
      lambda1: async () => {
        const start = signs(stream(spec.seed, 'watch', 'lambda1'), this.landscape!.size);
        const product = (vector: Float32Array) => this.landscape!.product(of, at, vector, pause);
        return { lambda1: ritzValues(await lanczos(product, start, WATCHED_STEPS))[0]!.value };
      },
      alignment: async () => {
        if (datasetOf(spec.data).unverified) return {};
        const those = (isRight: boolean): Examples => {
          const places = of.places.filter((i) => (of.labels[i] === train.labels[i]) === isRight);
          return { places, labels: Uint8Array.from(places, (i) => of.labels[i]!) };
        };
        const [{ rho }] = WATCHED_ASCENT as [Ascent];
        return alignmentOf(this.landscape!, those(true), those(false), at, rho, pause);
      },
    };
    const figures: WatchedFigures = {};
    for (const name of watched)
      for (const [figure, value] of Object.entries(await measures[name]()))
        if (Number.isFinite(value)) figures[figure as keyof WatchedFigures] = value;
    return figures;
  }

  dispose(): void {
    this.landscape?.dispose();
  }
}
