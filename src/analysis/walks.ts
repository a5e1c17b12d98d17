// Walks over the loss landscape: the line between two runs, and random directions of which each filter is as long as the weights' own
// (Li et al., 2018), one at a time and two together.
import { normal, type Stream, stream } from '../io/random.js';
import type { WeightSpec } from '../models/network.js';
import { percentage } from '../spec/labels.js';
import type { Point } from '../training/landscape.js';
import { defineAnalysis, type Option, type Subject } from './analysis.js';
import { whole } from './options.js';
import {
  type ExampleSet,
  type Line,
  lines,
  type Profile,
  profiles,
  type Surface,
  surfaces,
} from './schema.js';

/** What is seen at some points, in their order. */
interface Seen {
  images: number;
  loss: (number | null)[];
  accuracy: number[];
}

/** Goes to each point in turn. */
async function look(
  set: ExampleSet,
  points: readonly Point[],
  { examples: of, landscape: make, pause }: Subject,
  onShare: (share: number) => void,
): Promise<Seen> {
  const landscape = await make();
  const some = of(set);
  const seen: Seen = { images: landscape.counted(some.places.length), loss: [], accuracy: [] };
  for (const [i, point] of points.entries()) {
    const { loss, predictions } = await landscape.loss(some, point, pause);
    seen.loss.push(Number.isFinite(loss) ? loss : null);
    seen.accuracy.push(
      percentage(
        seen.images,
        () => true,
        (k) => predictions[k] === some.labels[k],
      )!,
    );
    onShare((i + 1) / points.length);
  }
  return seen;
}

/** `count` places from one to another, both of them included. */
function places(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/**
 * A direction drawn from the normal distribution, in which every filter (of a convolution what makes one channel, of a dense layer what
 * makes one class) has the length of the filter in the weights. Along biases and batch norm's scales and offsets it does not
 * lead, as in the authors' code.
 *
 * @param weights all parameters, in the order of their specification
 */
export function filterNormalised(
  next: Stream,
  weights: Float32Array,
  parameters: Record<string, WeightSpec>,
): Float32Array {
  const direction = new Float32Array(weights.length);
  let start = 0;
  for (const { shape } of Object.values(parameters)) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (shape.length > 1) {
      const own = direction.subarray(start, start + size);
      for (let i = 0; i < size; i++) own[i] = normal(next);
      lengthen(own, weights.subarray(start, start + size), shape.at(-1)!);
    }
    start += size;
  }
  return direction;
}

/** Gives each filter, which is the numbers of one place along the last axis, the length of the other's. */
function lengthen(filters: Float32Array, like: Float32Array, outputs: number): void {
  for (let output = 0; output < outputs; output++) {
    let [own, wanted] = [0, 0];
    for (let i = output; i < filters.length; i += outputs) {
      own += filters[i]! ** 2;
      wanted += like[i]! ** 2;
    }
    const factor = own ? Math.sqrt(wanted / own) : 0;
    for (let i = output; i < filters.length; i += outputs) filters[i]! *= factor;
  }
}

/** The run's n-th direction, from 1; runs of one seed have the same draws. */
function directionOf({ spec, network, point }: Subject, n: number): Float32Array {
  return filterNormalised(
    stream(spec.seed, 'analysis', 'direction', n),
    point.parameters,
    network.parameters,
  );
}

/** So far along each direction from the weights; running statistics stay. */
function moved(
  { parameters, statistics }: Point,
  ...by: readonly (readonly [direction: Float32Array, distance: number])[]
): Point {
  return {
    parameters: parameters.map((value, i) =>
      by.reduce((sum, [direction, distance]) => sum + distance * direction[i]!, value),
    ),
    statistics,
  };
}

/** Between two points, running statistics too. */
function between(from: Point, to: Point, share: number): Point {
  const mixed = (a: Float32Array, b: Float32Array) =>
    a.map((value, i) => (1 - share) * value + share * b[i]!);
  return {
    parameters: mixed(from.parameters, to.parameters),
    statistics: mixed(from.statistics, to.statistics),
  };
}

/**
 * How far the losses rise above the straight line between those of the two ends, at most; 0 where they stay below.
 *
 * @returns null where one of them is not finite
 */
export function barrierOf(loss: readonly (number | null)[]): number | null {
  if (loss.includes(null)) return null;
  const [first, last] = [loss[0]!, loss.at(-1)!];
  return Math.max(...loss.map((value, i) => value! - first - ((last - first) * i) / (loss.length - 1)));
}

/** The examples' names in the rows of a table. */
const rowsOf = <T extends object>({ loss, accuracy }: Omit<Seen, 'images'>, placeOf: (i: number) => T) =>
  loss.map((value, i) => ({ ...placeOf(i), loss: value ?? '', accuracy: accuracy[i]! }));

export const lineAnalysis = defineAnalysis<
  { linePoints: number },
  { examples: ExampleSet; from: string },
  Seen,
  Line
>({
  name: 'line',
  says: "losses and accuracies on the line from the run of the table's first method to that of each other, of the same noise and seed",
  options: { linePoints: whole(2, 10_001, 21, 'points of a line, its ends included') },
  result: lines,
  others(run, { cells }) {
    const own = cells.find((cell) => cell.run.id === run.id);
    const first = cells.find(
      ({ seed, noiseSetting }) => seed === own?.seed && noiseSetting.label === own.noiseSetting.label,
    );
    return first && first.run.id !== run.id ? [first.run] : [];
  },
  pieces: (sets, _, others) => others.flatMap((from) => sets.map((examples) => ({ examples, from }))),
  measure({ examples, from }, subject, { linePoints }, onShare) {
    const walk = places(0, 1, linePoints).map((share) =>
      between(subject.others[from]!, subject.point, share),
    );
    return look(examples, walk, subject, onShare);
  },
  combine: (parts, { linePoints }) =>
    parts.map(({ piece, part }) => ({
      ...{ ...piece, ...part, at: places(0, 1, linePoints), barrier: barrierOf(part.loss) },
    })),
  tables: {
    'line_barriers.csv': ({ of, batchNorm }) =>
      of.map(({ from, examples, images, loss, barrier }) => ({
        ...{ from, examples, images, batch_norm: batchNorm },
        ...{ first_loss: loss[0] ?? '', last_loss: loss.at(-1) ?? '', barrier: barrier ?? '' },
      })),
    'line.csv': ({ of, batchNorm }) =>
      of.flatMap(({ from, examples, images, at, ...seen }) =>
        rowsOf(seen, (i) => ({
          ...{ from, examples, images, batch_norm: batchNorm, at: at[i]! },
        })),
      ),
  },
});

/** How far along a direction. */
const reach: Option<number> = {
  ...{
    takes: '<length>',
    says: "how far to go along random directions, in the weights' own length",
    initial: 1,
  },
  allowed: 'a number above 0',
  read(text) {
    const value = Number(text);
    return text.trim() && Number.isFinite(value) && value > 0 ? value : undefined;
  },
};

/** How much the loss rises on the way out, on average of the two sides. */
function risesOf(at: readonly number[], loss: readonly (number | null)[]) {
  const middle = (at.length - 1) / 2;
  const own = loss[Math.floor(middle)] ?? Number.NaN;
  const rise = (share: number) => {
    const i = Math.round(middle * share);
    const sides = [loss[Math.floor(middle) - i], loss[Math.ceil(middle) + i]].map((one) => one ?? Number.NaN);
    const value = (sides[0]! + sides[1]!) / 2 - own;
    return Number.isFinite(value) ? value : '';
  };
  return { loss: own, rise_at_quarter: rise(0.25), rise_at_half: rise(0.5), rise_at_reach: rise(1) };
}

/** What of the plane is hardly higher than its middle. */
function extentOf(loss: readonly (number | null)[]) {
  const own = loss[Math.floor(loss.length / 2)] ?? Number.NaN;
  const near = loss.filter((value) => value !== null && value < own + 1);
  return { loss: own, share_below_one_more: near.length / loss.length };
}

export const profileAnalysis = defineAnalysis<
  { profilePoints: number; reach: number; directions: number },
  { examples: ExampleSet; direction: number },
  Seen,
  Profile
>({
  name: 'profile',
  says: 'losses and accuracies along filter-normalised random directions',
  options: {
    profilePoints: whole(3, 10_001, 31, 'points of a direction, as many on either side'),
    reach,
    directions: whole(1, 1000, 3, 'directions'),
  },
  result: profiles,
  pieces: (sets, { directions }) =>
    sets.flatMap((examples) =>
      Array.from({ length: directions }, (_, i) => ({ examples, direction: i + 1 })),
    ),
  measure({ examples, direction }, subject, settings, onShare) {
    const along = directionOf(subject, direction);
    const walk = places(-settings.reach, settings.reach, settings.profilePoints).map((distance) =>
      moved(subject.point, [along, distance]),
    );
    return look(examples, walk, subject, onShare);
  },
  combine: (parts, settings) =>
    parts.map(({ piece, part }) => ({
      ...{ ...piece, ...part, at: places(-settings.reach, settings.reach, settings.profilePoints) },
    })),
  tables: {
    'profile_rises.csv': ({ of, batchNorm }) =>
      of.map(({ direction, examples, images, at, loss }) => ({
        ...{ examples, images, batch_norm: batchNorm, direction },
        ...risesOf(at, loss),
      })),
    'profile.csv': ({ of, batchNorm }) =>
      of.flatMap(({ direction, examples, images, at, ...seen }) =>
        rowsOf(seen, (i) => ({ examples, images, batch_norm: batchNorm, direction, at: at[i]! })),
      ),
  },
});

export const surfaceAnalysis = defineAnalysis<
  { surfacePoints: number; reach: number },
  { examples: ExampleSet; row: number },
  Seen,
  Surface
>({
  name: 'surface',
  says: 'losses and accuracies over the plane of two filter-normalised random directions',
  options: {
    surfacePoints: whole(3, 1001, 15, 'points along either of two directions, as many on either side'),
    reach,
  },
  result: surfaces,
  pieces: (sets, { surfacePoints }) =>
    sets.flatMap((examples) => Array.from({ length: surfacePoints }, (_, row) => ({ examples, row }))),
  measure({ examples, row }, subject, settings, onShare) {
    const at = places(-settings.reach, settings.reach, settings.surfacePoints);
    const [first, second] = [directionOf(subject, 1), directionOf(subject, 2)];
    const walk = at.map((distance) => moved(subject.point, [first, distance], [second, at[row]!]));
    return look(examples, walk, subject, onShare);
  },
  combine: (parts, settings) =>
    [...new Set(parts.map(({ piece }) => piece.examples))].map((examples) => {
      const rows = parts.filter(({ piece }) => piece.examples === examples).map(({ part }) => part);
      return {
        examples,
        images: rows[0]!.images,
        at: places(-settings.reach, settings.reach, settings.surfacePoints),
        loss: rows.flatMap(({ loss }) => loss),
        accuracy: rows.flatMap(({ accuracy }) => accuracy),
      };
    }),
  tables: {
    'surface_extent.csv': ({ of, batchNorm }) =>
      of.map(({ examples, images, loss }) => ({
        ...{ examples, images, batch_norm: batchNorm },
        ...extentOf(loss),
      })),
    'surface.csv': ({ of, batchNorm }) =>
      of.flatMap(({ examples, images, at, ...seen }) =>
        rowsOf(seen, (i) => ({
          ...{ examples, images, batch_norm: batchNorm },
          ...{ direction_1: at[i % at.length]!, direction_2: at[Math.floor(i / at.length)]! },
        })),
      ),
  },
});
