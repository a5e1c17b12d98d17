// Which images of a data set a run has: subsets in which every class has its share.

import { permutation, type Stream, stream } from '../io/random.js';
import { InputError } from '../spec/errors.js';
import { canonicalJson, type RunSpec } from '../spec/run_spec.js';
import { datasetOf, type ImageSet, type LoadedDataset } from './datasets/dataset.js';

/**
 * Draws a class-balanced subset without replacement: count / classes images of every class, and where that does not come
 * out even, one more of as many classes, drawn at random. A larger subset of the same stream contains every smaller one.
 *
 * @param labels true labels of the images to draw from, 0 to classes - 1
 * @param count images wanted; all of them gives every place, in order
 * @param next where the draws come from
 * @param except places of images that are not to be drawn
 * @returns the places of the subset's images, ascending
 * @throws InputError if `count` is not a whole number from 1 to the number of labels, or asks too much of a class
 */
export function balancedSubset(
  labels: Uint8Array,
  classes: number,
  count: number,
  next: Stream,
  except: Int32Array = new Int32Array(),
): Int32Array {
  if (!Number.isInteger(count) || count < 1 || count > labels.length) {
    throw new InputError(`a subset of ${count} images was asked for; there must be 1 to ${labels.length}`);
  }
  if (count === labels.length) return Int32Array.from(labels.keys());

  const luckyClasses = permutation(next, classes).subarray(0, count % classes);
  const excepted = new Set(except);
  const byClass = Array.from({ length: classes }, (): number[] => []);
  for (const [place, label] of labels.entries()) if (!excepted.has(place)) byClass[label]!.push(place);
  const chosen: number[] = [];
  for (let label = 0; label < classes; label++) {
    const members = byClass[label]!;
    const share = Math.floor(count / classes) + (luckyClasses.includes(label) ? 1 : 0);
    if (share > members.length) {
      throw new InputError(
        `a balanced subset of ${count} images needs ${share} of class ${label}; there are ${members.length}`,
      );
    }
    // the whole class is ordered whatever its share, so that the next class sees the same draws at every count
    for (const place of permutation(next, members.length).subarray(0, share)) chosen.push(members[place]!);
  }
  return Int32Array.from(chosen).sort();
}

/** The images at these places, ascending, of a set, with their labels; pixels are copied when they are first asked for. */
export function imagesAt(set: ImageSet, places: Int32Array): ImageSet {
  if (places.length === set.count) return set;
  let images: Uint8Array | undefined;
  return {
    count: places.length,
    labels: Uint8Array.from(places, (place) => set.labels[place]!),
    get images() {
      images ??= set.take?.(places) ?? copied(set, places);
      return images;
    },
  };
}

function copied(set: ImageSet, places: Int32Array): Uint8Array {
  const size = set.images.length / set.count;
  const images = new Uint8Array(places.length * size);
  for (const [to, from] of places.entries())
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size);
  return images;
}

/** A run's images. */
export interface RunImages {
  train: ImageSet;
  /** Places of the training images in the whole training set. */
  indices: Int32Array;
  test: ImageSet;
  /** Places of the test images: in the test set, or in the training set where what is held out is tested on. */
  testIndices: Int32Array;
  /** What no run of the suite is trained on, if it holds anything out, and its places in the training set. */
  heldOut: { set: ImageSet; indices: Int32Array } | undefined;
}

/**
 * The images of runs on one data set. All runs at one seed get the same training images, and every run the same test
 * images. What is held out of the training set is in no run's.
 */
export class ImagesOfRuns {
  private key = '';
  private shared?: RunImages;

  constructor(private readonly loaded: LoadedDataset) {}

  /** Kept for the next run, which mostly is of the same seed. @throws InputError if there are too few images of a class */
  of({ data, seed }: Pick<RunSpec, 'data' | 'seed'>): RunImages {
    const key = canonicalJson({ data, seed });
    if (this.shared && key === this.key) return this.shared;
    const { train, test } = this.loaded;
    const classes = datasetOf(data).classNames.length;
    const heldOut = data.heldOut
      ? balancedSubset(train.labels, classes, data.heldOut, stream(0, 'held-out'))
      : undefined;
    const indices = balancedSubset(train.labels, classes, data.trainImages, stream(seed, 'subset'), heldOut);
    const heldOutSet = heldOut && imagesAt(train, heldOut);
    const isOnHeldOut = heldOut && data.testOn;
    const clean = heldOutSet && isOnHeldOut ? heldOutSet : test;
    const tested = balancedSubset(clean.labels, classes, data.testImages, stream(0, 'test subset'));
    this.key = key;
    this.shared = {
      train: imagesAt(train, indices),
      indices,
      test: imagesAt(clean, tested),
      testIndices: isOnHeldOut ? tested.map((place) => heldOut[place]!) : tested,
      heldOut: heldOut && heldOutSet && { set: heldOutSet, indices: heldOut },
    };
    return this.shared;
  }
}
