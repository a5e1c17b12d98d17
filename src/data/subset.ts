// Smaller sets of images in which every class has its share.
import { InputError } from '../errors.js';
import { permutation, type Stream } from '../random.js';
import { CLASSES, IMAGE_BYTES, type ImageSet } from './dataset.js';

/**
 * Draws a class-balanced subset without replacement: count / 10 images of every class, and where that does not come
 * out even, one more of as many classes, drawn at random. A larger subset of the same stream contains every smaller one.
 *
 * @param set the images to draw from
 * @param count images wanted; all of them gives the set itself, in its own order
 * @param next where the draws come from
 * @param except places in `set` of images that are not to be drawn
 * @returns the subset and, ascending, the places of its images in `set`
 * @throws InputError if `count` is not a whole number from 1 to the size of the set, or asks too much of a class
 */
export function balancedSubset(
  set: ImageSet,
  count: number,
  next: Stream,
  except: Int32Array = new Int32Array(),
): { set: ImageSet; indices: Int32Array } {
  if (!Number.isInteger(count) || count < 1 || count > set.count) {
    throw new InputError(`a subset of ${count} images was asked for; there must be 1 to ${set.count}`);
  }
  if (count === set.count) return { set, indices: Int32Array.from({ length: count }, (_, i) => i) };

  const luckyClasses = permutation(next, CLASSES).subarray(0, count % CLASSES);
  const excepted = new Set(except);
  const chosen: number[] = [];
  for (let label = 0; label < CLASSES; label++) {
    const members = [...set.labels.keys()].filter((i) => set.labels[i] === label && !excepted.has(i));
    const share = Math.floor(count / CLASSES) + (luckyClasses.includes(label) ? 1 : 0);
    if (share > members.length) {
      throw new InputError(
        `a balanced subset of ${count} images needs ${share} of class ${label}; there are ${members.length}`,
      );
    }
    // the whole class is ordered whatever its share, so that the next class sees the same draws at every count
    for (const place of permutation(next, members.length).subarray(0, share)) chosen.push(members[place]!);
  }
  const indices = Int32Array.from(chosen).sort();
  return { set: take(set, indices), indices };
}

function take(set: ImageSet, indices: Int32Array): ImageSet {
  const images = new Uint8Array(indices.length * IMAGE_BYTES);
  for (const [to, from] of indices.entries()) {
    images.set(set.images.subarray(from * IMAGE_BYTES, (from + 1) * IMAGE_BYTES), to * IMAGE_BYTES);
  }
  return { count: indices.length, images, labels: Uint8Array.from(indices, (i) => set.labels[i]!) };
}
