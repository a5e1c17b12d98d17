// What a noise is, the noises there are, and what a noise did to the labels. A new noise is a file here and a name in the list.
import type { z } from 'zod';
import { type Stream, stream } from '../../io/random.js';
import type { NoiseMeasurement } from '../../spec/record.js';
import { Registry } from '../../spec/registry.js';
import type { NoiseSpec, RunSpec } from '../../spec/run_spec.js';
import { type Dataset, datasetOf, type ImageSet } from '../datasets/dataset.js';
import { file } from './file.js';
import { symmetric } from './symmetric.js';

/** One column of a table. */
export interface NoiseColumn<Setting extends object = object> {
  /** How a suite's settings that are one for each column call it, e.g. `0.4`. */
  key: string;
  /** Its name in tables and file formats, of letters, digits, `.`, `_` and `-`. */
  label: string;
  /** Its name in prose. */
  title: string;
  /** What a run's spec says of it beside the kind; the labels follow from this and the seed. */
  setting: Setting;
  /** The noise rate, 0 to 1, if it is one of several. */
  rate?: number;
  /** What columns that differ in their rate alone have in common; the label if absent. */
  group?: string;
  /** The column of published tables (of symmetric noise) that it is. */
  published?: string;
}

/** What a noise may look at. */
export interface Labelling<Setting extends object = object> {
  setting: Setting;
  /** The true labels of the run's training images. */
  trueLabels: Uint8Array;
  /** These images; made when first asked for. */
  images(): Uint8Array;
  /** Their places in the whole training set. */
  indices: Int32Array;
  dataset: Dataset;
  /** A stream of random numbers of the run's seed that nothing else draws from; another for each name. */
  stream(...name: (string | number)[]): Stream;
  /** Labels of whole training sets by their SHA-256: those of the files that `resolve` read. */
  files: ReadonlyMap<string, Uint8Array>;
}

/** A way to make wrong labels. */
export interface Noise<Settings extends z.ZodObject = z.ZodObject, Setting extends object = object> {
  name: string;
  title: string;
  /** Where it comes from. */
  cite: string;
  /** What a suite writes beside its kind. */
  settings: Settings;
  columns(settings: z.infer<Settings>): NoiseColumn<Setting>[];
  /** One label for each training image, in a new array; a pure function of what it is given. @throws InputError */
  labels(of: Labelling<Setting>): Uint8Array;
  /** What its columns, given by their titles, are, as the middle of a sentence. */
  describe(settings: z.infer<Settings>, titles: readonly string[], classes: number): string;
  /** Replaces files of labels in the settings by the SHA-256 of the labels. @param read reads one */
  resolve?(settings: z.infer<Settings>, read: (file: string) => Promise<string>): Promise<z.infer<Settings>>;
  /** How many labels can be wrong, at least and at most; records are held against it. */
  wrongLabels?(setting: Setting, images: number): readonly [least: number, most: number];
  /** What stands in for it where only the first steps of a training are compared, if it needs files that need not be at hand. */
  standIn?: NoiseSpec;
}

export const NOISES = new Registry<Noise>('noise', symmetric, file);

/** The entry of a run's noise. @throws Error if it is not known here */
export function noiseOf({ kind, source }: NoiseSpec): Noise {
  return NOISES.inSpec(kind, source);
}

/**
 * The labels a run is given for its training images. They depend on noise, images and seed alone: all methods at one seed see
 * the same wrong labels.
 *
 * @param images the run's training images with their true labels
 * @param indices their places in the whole training set
 * @param files labels of whole training sets by their hash, as `readLabelFile` gives both
 * @param part of which part of the training set they are; what is held out has draws of its own
 * @throws InputError if there can be no such labels
 */
export function noisyLabels(
  { noise, seed, data }: Pick<RunSpec, 'noise' | 'seed' | 'data'>,
  images: ImageSet,
  indices: Int32Array,
  files: ReadonlyMap<string, Uint8Array>,
  part: 'train' | 'held-out' = 'train',
): Uint8Array {
  const { kind: _, source: __, ...setting } = noise;
  const entry = noiseOf(noise);
  const dataset = datasetOf(data);
  const labels = entry.labels({
    setting,
    trueLabels: images.labels,
    images: () => images.images,
    indices,
    dataset,
    stream: (...name) => stream(seed, ...(part === 'train' ? [] : [part]), 'noise', ...name),
    files,
  });
  const classes = dataset.classNames.length;
  const wrong = labels.findIndex((label) => label >= classes);
  if (labels.length !== indices.length || wrong >= 0)
    throw new Error(
      labels.length !== indices.length
        ? `noise ${entry.name} gives ${labels.length} labels for ${indices.length} images`
        : `noise ${entry.name} gives image ${wrong} the label ${labels[wrong]}; allowed: 0 to ${classes - 1}`,
    );
  return labels;
}

/** Compares labels with the true ones: the share that is wrong, and how often each class was labelled as each. */
export function measureNoise(
  trueLabels: Uint8Array,
  givenLabels: Uint8Array,
  classes: number,
): NoiseMeasurement {
  const transitions = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let wrong = 0;
  for (const [i, truth] of trueLabels.entries()) {
    const given = givenLabels[i]!;
    transitions[truth]![given]!++;
    if (given !== truth) wrong++;
  }
  return { rate: wrong / trueLabels.length, transitions };
}
