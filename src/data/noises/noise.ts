// What a noise is, the noises there are, and what a noise did to the labels. A new noise is a file here and a name in the list.
import { z } from 'zod';
import { type Stream, stream } from '../../io/random.js';
import { isName, isObject, list, NAME } from '../../spec/fields.js';
import type { NoiseMeasurement } from '../../spec/record.js';
import { Registry } from '../../spec/registry.js';
import type { NoiseSpec, RunSpec } from '../../spec/run_spec.js';
import { type Dataset, datasetOf, type ImageSet } from '../datasets/dataset.js';
import type { Guesses } from '../guesses.js';
import { blend } from './blend.js';
import { feature } from './feature.js';
import { file } from './file.js';
import { given } from './given.js';
import { human } from './human.js';
import { instance } from './instance.js';
import { symmetric } from './symmetric.js';
import { asymmetric, matrix, pair } from './transition.js';

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
  /** What it is by another convention than the usual one of its kind, as prose. */
  convention?: string;
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
  /** Likewise for what the noise itself is, not what becomes of an image: the same for training and validation images. */
  ownStream(...name: (string | number)[]): Stream;
  /** Labels of whole training sets by their SHA-256: those of the files that `resolve` read. */
  files: ReadonlyMap<string, Uint8Array>;
  /** What another network takes these images for, if the noise has a teacher. */
  guesses?: Guesses;
}

/** What a noise's settings are resolved with. */
export interface Resolving {
  dataset: Dataset;
  /** Where paths in the settings begin. */
  folder: string;
  /** How the suite trains, if there is one. */
  training?: TrainingSpec;
}

export type TrainingSpec = RunSpec['training'];

/** A way to make wrong labels. */
export interface Noise<Settings extends z.ZodObject = z.ZodObject, Setting extends object = object> {
  name: string;
  title: string;
  /** Where it comes from. */
  cite: string;
  /** What it does to labels, as a paragraph of Markdown. */
  about?: string;
  /** Set where its labels do not follow from those it is put on: in a blend it can only be the first. */
  base?: true;
  /** What a suite writes beside its kind. */
  settings: Settings;
  columns(settings: z.infer<Settings>): NoiseColumn<Setting>[];
  /** A setting that does not go with the data set, and what would; `kind` stands for the noise itself. */
  check?(settings: z.infer<Settings>, dataset: Dataset): { setting: string; allowed: string } | undefined;
  /** One label for each training image, in a new array; a pure function of what it is given. @throws InputError */
  labels(of: Labelling<Setting>): Uint8Array;
  /** What its columns, given by their titles, are, as the middle of a sentence. */
  describe(settings: z.infer<Settings>, titles: readonly string[], classes: number, dataset: Dataset): string;
  /**
   * Replaces what is outside of the suite or left to it: files of labels by the SHA-256 of the labels, other files by what they say.
   *
   * @param read reads a file of labels
   */
  resolve?(
    settings: z.infer<Settings>,
    read: (file: string) => Promise<string>,
    from: Resolving,
  ): Promise<z.infer<Settings>>;
  /** How many labels can be wrong, at least and at most; records are held against it. */
  wrongLabels?(setting: Setting, images: number, dataset: Dataset): readonly [least: number, most: number];
  /** How the network is trained, by SGD on true labels, whose guesses `labels` is given, if it asks for one's. */
  guesser?(setting: Setting): TrainingSpec | undefined;
  /** What stands in for it where only the first steps of a training are compared, if it needs files that need not be at hand. */
  standIn?: NoiseSpec;
}

export const NOISES = new Registry<Noise>(
  'noise',
  symmetric,
  asymmetric,
  pair,
  matrix,
  instance,
  feature,
  human,
  file,
  blend,
  given,
);

/** Noise as a suite writes it: its kind, the settings of that kind and, where it has to be told from others, a name. */
export interface NoiseSettings {
  kind: string;
  /** Goes before the names of its columns. */
  name?: string;
  [setting: string]: unknown;
}

/** Checks a noise as a suite writes it; the registry is asked, which may have grown. */
export function parseNoise(
  given: unknown,
  context: z.core.$RefinementCtx,
  path: (string | number)[],
): NoiseSettings {
  const refuse = (message: string, at: (string | number)[], input: unknown) =>
    context.addIssue({ code: 'custom', message, path: at, input });
  const { kind, name, ...settings } = (isObject(given) ? given : { kind: '' }) as NoiseSettings;
  const entry = typeof kind === 'string' ? NOISES.find(kind) : undefined;
  if (!entry) {
    if (isObject(given)) refuse(list(NOISES.names), [...path, 'kind'], kind);
    else refuse(`an object with kind ${list(NOISES.names)}`, path, given);
    return z.NEVER;
  }
  const known = Object.keys(entry.settings.shape);
  const keys = Object.keys(settings).filter((key) => !known.includes(key));
  if (keys.length)
    context.addIssue({ code: 'unrecognized_keys', keys, message: list(['kind', ...known, 'name']), path });
  if (name !== undefined && !isName(name)) refuse(NAME, [...path, 'name'], name);
  const { data, error } = entry.settings.safeParse(settings);
  for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [...path, ...issue.path] });
  return { kind, ...(name !== undefined && { name }), ...data };
}

/** The columns of a noise of a suite, with what its name adds to theirs, and what specs say of them. */
export function columnsOf({ kind, name, ...settings }: NoiseSettings) {
  const entry = NOISES.named(kind);
  const before = (text: string, between: string) => (name === undefined ? text : name + between + text);
  return entry.columns(settings).map(({ key, label, title, setting, group, ...rest }) => ({
    ...rest,
    key: before(key, '-'),
    label: before(label, '-'),
    title: before(title, ' '),
    noise: { kind: entry.name, ...setting, ...NOISES.sourceOf(entry) } as NoiseSpec,
    group: group ?? before(label, '-'),
  }));
}

/** The entry of a run's noise. @throws Error if it is not known here */
export function noiseOf({ kind, source }: NoiseSpec): Noise {
  return NOISES.inSpec(kind, source);
}

/** A run's noise, its entry's setting. */
export function settingOf({ kind: _, source: __, ...setting }: NoiseSpec): Record<string, unknown> {
  return setting;
}

/**
 * The labels a run is given for its training images. They depend on noise, images and seed alone: all methods at one seed see
 * the same wrong labels.
 *
 * @param images the run's training images with their true labels
 * @param indices their places in the whole training set
 * @param files labels of whole training sets by their hash, as `readLabelFile` gives both
 * @param guesses what the noise's teacher takes the images for, if it has one
 * @param part of which part of the training set they are; what is held out has draws of its own
 * @throws InputError if there can be no such labels
 */
export function noisyLabels(
  { noise, seed, data }: Pick<RunSpec, 'noise' | 'seed' | 'data'>,
  images: ImageSet,
  indices: Int32Array,
  files: ReadonlyMap<string, Uint8Array>,
  guesses?: Guesses,
  part: 'train' | 'held-out' = 'train',
): Uint8Array {
  const entry = noiseOf(noise);
  const dataset = datasetOf(data);
  const labels = entry.labels({
    setting: settingOf(noise),
    trueLabels: images.labels,
    images: () => images.images,
    indices,
    dataset,
    stream: (...name) => stream(seed, ...(part === 'train' ? [] : [part]), 'noise', ...name),
    ownStream: (...name) => stream(seed, 'noise', ...name),
    files,
    ...(guesses && { guesses }),
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

/** What is seen of the noise in a run's labels; of a data set whose true labels nobody knows no rate. */
export function noiseIn(
  data: Pick<RunSpec['data'], 'dataset' | 'source'>,
  { labels }: Pick<ImageSet, 'labels'>,
  givenLabels: Uint8Array,
): NoiseMeasurement {
  const { classNames, unverified } = datasetOf(data);
  return { ...measureNoise(labels, givenLabels, classNames.length), ...(unverified && { rate: null }) };
}

/** Compares labels with the true ones: the share that is wrong, and how often each class was labelled as each. */
export function measureNoise(
  trueLabels: Uint8Array,
  givenLabels: Uint8Array,
  classes: number,
): NoiseMeasurement & { rate: number } {
  const transitions = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let wrong = 0;
  for (const [i, truth] of trueLabels.entries()) {
    const given = givenLabels[i]!;
    transitions[truth]![given]!++;
    if (given !== truth) wrong++;
  }
  return { rate: wrong / trueLabels.length, transitions };
}
