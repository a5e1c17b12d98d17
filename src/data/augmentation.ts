// Augmentation of training images (flip, crop) expressed as the source row and column of every output pixel.
import { integer, type Stream } from '../random.js';
import { IMAGE_SIZE } from './dataset.js';

const PADDING = 4;

/** Source rows and columns of a batch, each [batch, 32]. */
export interface SourcePixels {
  rows: Int32Array;
  columns: Int32Array;
}

/**
 * Per image: a horizontal flip with probability 1/2, then a random 32 x 32 crop after 4 pixels of reflect padding (the
 * SAM authors' code).
 */
export function flipAndCrop(batch: number, next: Stream): SourcePixels {
  const rows = new Int32Array(batch * IMAGE_SIZE);
  const columns = new Int32Array(batch * IMAGE_SIZE);
  for (let image = 0; image < batch; image++) {
    const flip = next() < 0.5;
    const top = integer(next, 2 * PADDING + 1);
    const left = integer(next, 2 * PADDING + 1);
    for (let i = 0; i < IMAGE_SIZE; i++) {
      const column = reflected(i + left - PADDING);
      rows[image * IMAGE_SIZE + i] = reflected(i + top - PADDING);
      columns[image * IMAGE_SIZE + i] = flip ? IMAGE_SIZE - 1 - column : column;
    }
  }
  return { rows, columns };
}

/** Position in the image of a position that may lie in the reflect padding (the edge itself is not repeated). */
function reflected(position: number): number {
  if (position < 0) return -position;
  return position >= IMAGE_SIZE ? 2 * (IMAGE_SIZE - 1) - position : position;
}
