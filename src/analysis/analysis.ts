// What an analysis of weights is: its settings, its pieces that can be measured apart, and what comes of them.
import type { z } from 'zod';
import { imageFormOf } from '../data/datasets/dataset.js';
import { permutation, stream } from '../io/random.js';
import { buildNetwork } from '../models/catalogue.js';
import { type Network, weightCount } from '../models/network.js';
import { InputError } from '../spec/errors.js';
import { canonicalJson, type RunSpec } from '../spec/run_spec.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import type { RunJob, TrainingJob, Weights } from '../training/job.js';
import type { Examples, Landscape, Pause, Point } from '../training/landscape.js';
import type { BATCH_NORMS, ExampleSet } from './schema.js';

/** A setting of the command line: its name there is that of the field, with dashes. */
export interface Option<T> {
  /** What it takes, as in `<n>`. */
  takes: string;
  says: string;
  initial: T;
  /** Reads it. @returns undefined if it is not allowed */
  read(text: string): T | undefined;
  allowed: string;
}

/** Settings that all analyses have. */
export interface Common {
  batchNorm: (typeof BATCH_NORMS)[number];
  images: number;
  batch: number;
  examples: ExampleSet[];
}

/** Anything that JSON holds. */
// biome-ignore lint/suspicious/noExplicitAny: pieces and parts of one analysis are nobody else's
type Own = any;

/**
 * A kind of analysis. A piece is what one worker does at once, and what is kept when the rest is interrupted; pieces and parts are
 * anything that JSON holds.
 */
export interface Analysis<Settings extends object = Own, Piece = Own, Part = Own, Of = Own> {
  /** How the command and its files call it. */
  name: string;
  says: string;
  options: { [Name in keyof Settings]: Option<Settings[Name]> };
  /** Schema of a result: the settings, and `of`. */
  result: z.ZodType;
  /** Other runs whose weights it needs. */
  others?(run: RunNode, graph: RunGraph): RunNode[];
  /** @param sets those that were asked for and are there */
  pieces(sets: readonly ExampleSet[], settings: Common & Settings, others: readonly string[]): Piece[];
  /** @param onShare told now and then what share of the piece is done */
  measure(
    piece: Piece,
    subject: Subject,
    settings: Common & Settings,
    onShare: (share: number) => void,
  ): Promise<Part>;
  /** What is found, from all pieces and their parts, in order. */
  combine(parts: readonly { piece: Piece; part: Part }[], settings: Common & Settings): Of[];
  /** CSV files of it: rows of one result, after the columns that say of which run they are. */
  tables: Record<string, (result: { of: Of[] } & Common & Settings) => object[]>;
}

/** An analysis, with its types. @returns what it is given */
export function defineAnalysis<Settings extends object, Piece, Part, Of>(
  analysis: Analysis<Settings, Piece, Part, Of>,
): Analysis<Settings, Piece, Part, Of> {
  return analysis;
}

/** A run's weights and all that can be asked about them. */
export interface Subject {
  spec: RunSpec;
  network: Network;
  /** The run's weights. */
  point: Point;
  /** Weights of other runs, by their ids. */
  others: Record<string, Point>;
  examples(set: ExampleSet): Examples;
  /** @param batch images of one call, if not those of the settings */
  landscape(batch?: number): Promise<Landscape>;
  pause: Pause;
}

/** What a worker is told. */
export interface AnalysisJob extends RunJob {
  kind: string;
  piece: unknown;
  settings: Common;
  weights: Weights;
  others: Record<string, Weights>;
}

/** Images of a set, by their places among training and test images. */
export function examplesOf(
  set: ExampleSet,
  { images }: Pick<Common, 'images'>,
  {
    spec,
    train,
    test,
    noisyLabels,
    targetLabels,
  }: Pick<TrainingJob, 'spec' | 'train' | 'test' | 'noisyLabels' | 'targetLabels'>,
): Examples {
  const labels = set === 'test' ? test.labels : set === 'train' ? targetLabels : noisyLabels;
  const isOf = {
    train: () => true,
    clean: (i: number) => noisyLabels[i] === train.labels[i],
    noisy: (i: number) => noisyLabels[i] !== train.labels[i],
    test: () => true,
  }[set];
  const all = Int32Array.from(labels.keys()).filter(isOf);
  const limit = images && images < all.length ? images : all.length;
  // Runs of one seed are asked about the same images.
  const chosen =
    limit === all.length
      ? all
      : permutation(stream(spec.seed, 'analysis', set), all.length)
          .slice(0, limit)
          .map((i) => all[i]!)
          .sort();
  const first = set === 'test' ? train.count : 0;
  return { places: chosen.map((i) => first + i), labels: Uint8Array.from(chosen, (i) => labels[i]!) };
}

/** Weights as the vectors that a network has. @throws InputError if they are another network's */
export function pointOf({ parameters, statistics }: Network, weights: Weights): Point {
  const vector = (specs: Network['parameters']) => {
    const all = new Float32Array(weightCount(specs));
    let start = 0;
    for (const [name, { shape }] of Object.entries(specs)) {
      const found = weights.get(name);
      if (!found || String(found.shape) !== String(shape))
        throw new InputError(
          `the weights have ${found ? `${name} of the shape (${found.shape.join(', ')})` : `no ${name}`}; right: (${shape.join(', ')})`,
        );
      all.set(found.values, start);
      start += found.values.length;
    }
    return all;
  };
  return { parameters: vector(parameters), statistics: vector(statistics) };
}

/** Landscapes of the last pieces: the next are mostly of the same images, in groups of as many. */
const held = new Map<string, Landscape>();
/** More would only hold memory. */
const HELD = 3;

/** Measures a piece where the images are. */
export async function measurePiece(
  analysis: Analysis,
  job: AnalysisJob & TrainingJob,
  onShare: (share: number) => void,
  pause: Pause,
): Promise<unknown> {
  const { spec, settings, train, test } = job;
  const form = imageFormOf(spec.data);
  const network = buildNetwork(spec.model, form);
  const { batchNorm } = settings;
  const subject: Subject = {
    ...{ spec, network, pause, point: pointOf(network, job.weights) },
    others: Object.fromEntries(
      Object.entries(job.others).map(([id, weights]) => [id, pointOf(network, weights)]),
    ),
    examples: (set) => examplesOf(set, settings, job),
    async landscape(batch = settings.batch) {
      const key = canonicalJson({ ...spec.data, model: spec.model, seed: spec.seed, batch, batchNorm });
      const known = held.get(key);
      if (known) return known;
      for (const [oldest, landscape] of held) {
        if (held.size < HELD) break;
        landscape.dispose();
        held.delete(oldest);
      }
      const pixels = new Uint8Array(train.images.length + test.images.length);
      pixels.set(train.images);
      pixels.set(test.images, train.images.length);
      const images = train.count + test.count;
      // Where analyses are only planned, nothing loads TensorFlow.
      const { Landscape } = await import('../training/landscape.js');
      const landscape = await Landscape.of({ network, form, images, batch, batchNorm }, pixels);
      held.set(key, landscape);
      return landscape;
    },
  };
  return analysis.measure(job.piece, subject, settings, onShare);
}
