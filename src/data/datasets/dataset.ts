// What a data set is, and the data sets there are. A new one is a file here and a name in the list.
import { Registry } from '../../spec/registry.js';
import type { RunSpec } from '../../spec/run_spec.js';
import { cifar10 } from './cifar10.js';
import { cifar100 } from './cifar100.js';

/** Images with their true labels. */
export interface ImageSet {
  count: number;
  /** count x size x size x channels bytes, row by row, the channels of a pixel together (NHWC). */
  images: Uint8Array;
  /** count labels, 0 to classes - 1. */
  labels: Uint8Array;
  /** The images at these places alone, where that is less work than to make all of `images`. */
  take?(places: Int32Array): Uint8Array;
}

/** A data set whose labels are in memory; its images may be read when they are first asked for. */
export interface LoadedDataset {
  train: ImageSet;
  test: ImageSet;
}

export interface DataOptions {
  /** A folder with the data set's files; nothing else is then looked at. */
  dataDir?: string | undefined;
  /** Takes each line about what is read and fetched; standard error by default. */
  say?: (line: string) => void;
}

/** Labels that people gave to a training set's images. */
export interface HumanLabels {
  /** Name of the file that they are published in. */
  file: string;
  /** Where it is to be had. */
  from: string;
  cite: string;
  /** The file's array of true labels, which tells that it is of this data set and in its order. */
  clean: string;
  /** Arrays by the names of the sets; SHA-256 of the labels (a byte each) where it is known. */
  sets: Readonly<Record<string, { array: string; sha256?: string }>>;
}

/** Labelled images for training and for tests. */
export interface Dataset {
  name: string;
  title: string;
  /** Where it comes from. */
  cite: string;
  /** In the order of the labels; at most 256. */
  classNames: readonly string[];
  /** Rows of an image, and columns. */
  imageSize: number;
  channels: number;
  /** Mean and standard deviation of the training set's pixels, by channel, as shares of 255. */
  mean: readonly number[];
  deviation: readonly number[];
  trainImages: number;
  testImages: number;
  /** Set where the classes have different numbers of training images. */
  unbalanced?: true;
  /** Set where the published tables are of it. */
  published?: true;
  /** Set where nobody knows which labels are wrong: figures that need to know it are left out. */
  unverified?: true;
  /** For each class the one that it is taken for in asymmetric noise, itself if it is not; and this in words if they are many. */
  similar?: { to: readonly number[]; inWords?: string };
  /** Labels of people, published apart from the images. */
  human?: HumanLabels;
  /** Reads it into memory, fetching it first if need be, always in the same order. @throws InputError */
  load(options: DataOptions): Promise<LoadedDataset>;
  /** Makes sure that it is there and what it must be, and says where. @throws InputError as `load` does */
  prepare?(options: DataOptions): Promise<string>;
}

export const DATASETS = new Registry<Dataset>('data set', cifar10, cifar100);

/** What a suite that names no data set is of. */
export const DEFAULT_DATASET = cifar10.name;

/** The data set that a suite calls so. @throws Error if it is not known here */
export function datasetNamed(name = DEFAULT_DATASET): Dataset {
  return DATASETS.named(name);
}

/** What a run's spec says of the data set that a suite calls so. */
export function datasetInSpec(name?: string): Pick<RunSpec['data'], 'dataset' | 'source'> {
  const dataset = datasetNamed(name);
  return { dataset: dataset.name, ...DATASETS.sourceOf(dataset) };
}

/** The data set of a run. @throws Error if it is not known here */
export function datasetOf({ dataset, source }: Pick<RunSpec['data'], 'dataset' | 'source'>): Dataset {
  return DATASETS.inSpec(dataset, source);
}

/**
 * Reads a data set into memory.
 *
 * @throws InputError as its `load` does @throws Error if that does not give what the entry says
 */
export async function loadDataset(dataset: Dataset, options: DataOptions): Promise<LoadedDataset> {
  const loaded = await dataset.load(options);
  const { title, classNames, imageSize, channels, trainImages, testImages } = dataset;
  for (const [what, set, count] of [
    ['training', loaded.train, trainImages],
    ['test', loaded.test, testImages],
  ] as const) {
    const check = (found: number, right: number, of: string) => {
      if (found !== right)
        throw new Error(`data set ${title}: its ${what} set has ${found} ${of}; right: ${right}`);
    };
    check(set.count, count, 'images');
    check(set.labels.length, count, 'labels');
    // What makes its pixels when it is asked is not asked for all of them here.
    if (!set.take) check(set.images.length, count * imageSize ** 2 * channels, 'bytes of images');
    const strays = set.labels.filter((label) => label >= classNames.length).length;
    check(strays, 0, `labels above ${classNames.length - 1}`);
  }
  return loaded;
}

/** What networks and training programs have to know of a data set's images. */
export interface ImageForm {
  classes: number;
  imageSize: number;
  channels: number;
  mean: readonly number[];
  deviation: readonly number[];
}

/** The form of a data set's images. */
export function imageForm({ classNames, imageSize, channels, mean, deviation }: Dataset): ImageForm {
  return { classes: classNames.length, imageSize, channels, mean, deviation };
}

/** The form of a run's images. @throws Error if its data set is not known here */
export function imageFormOf(data: Pick<RunSpec['data'], 'dataset' | 'source'>): ImageForm {
  return imageForm(datasetOf(data));
}

/** Bytes after which made-up images repeat themselves: a prime, so that they do not look alike. */
const PATTERN = 251;

/** Images without meaning in the form of a data set's, where only the work that they make matters. */
export function blankImages({ classNames, imageSize, channels }: Dataset, count: number): ImageSet {
  const images = new Uint8Array(count * imageSize ** 2 * channels);
  for (let i = 0; i < PATTERN; i++) images[i] = i;
  for (let done = PATTERN; done < images.length; done *= 2) images.copyWithin(done, 0, done);
  return {
    count,
    images,
    labels: new Uint8Array(count).map((_, i) => i % classNames.length),
  };
}
