// Augmentation of training images: what is drawn for a batch, and what the traced step makes of it. A new one is one more entry.
import type { TensorSpec, Tensors, Values } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import { integer, type Stream } from '../io/random.js';
import { Registry } from '../spec/registry.js';
import type { RunSpec } from '../spec/run_spec.js';

/** A way to augment images. */
export interface Augmentation {
  /** How suites and specs call it. */
  name: string;
  /** In a caption. */
  title: string;
  cite?: string;
  /** What a step is given for a batch of square images. */
  inputs(batch: number, size: number): Record<string, TensorSpec>;
  /** Draws these inputs for one batch. */
  draw(next: Stream, batch: number, size: number): Values;
  /**
   * Traced: images of bytes, [batch, height, width, channels], to such images.
   *
   * @param inputs by their names
   */
  apply(images: tf.Tensor4D, inputs: Tensors): tf.Tensor4D;
}

const none: Augmentation = {
  name: 'none',
  title: 'no augmentation',
  inputs: () => ({}),
  draw: () => ({}),
  apply: (images) => images,
};

/**
 * Per image: a horizontal flip with probability 1/2, then a random crop after 4 pixels of reflect padding (the SAM authors'
 * code), as the source row and column of every output row and column.
 */
const flipCrop: Augmentation = {
  name: 'flip-crop',
  title: 'flips and crops',
  inputs: (batch, size) => ({
    rows: { shape: [batch, size], dtype: 'int32' },
    columns: { shape: [batch, size], dtype: 'int32' },
  }),
  draw: (next, batch, size) => ({ ...flipAndCrop(batch, next, size) }),
  apply: (images, { rows, columns }) =>
    tf.gather(tf.gather(images, rows!, 1, 1), columns!, 2, 1) as tf.Tensor4D,
};

export const AUGMENTATIONS = new Registry<Augmentation>('augmentation', flipCrop, none);

type AugmentationSpec = Pick<RunSpec['data'], 'augment' | 'augmentSource'>;

/** What a run's spec says of the augmentation that a suite calls so. */
export function augmentationInSpec(name: string): AugmentationSpec {
  const augmentation = AUGMENTATIONS.named(name);
  const { source } = AUGMENTATIONS.sourceOf(augmentation);
  return { augment: augmentation.name, ...(source && { augmentSource: source }) };
}

/** The augmentation of a run. @throws Error if it is not known here */
export function augmentationOf({ augment, augmentSource }: AugmentationSpec): Augmentation {
  return AUGMENTATIONS.inSpec(augment, augmentSource);
}

const PADDING = 4;

/** Source rows and columns of a batch, each [batch, size]. */
export interface SourcePixels {
  rows: Int32Array;
  columns: Int32Array;
}

/** Draws flips and crops of a batch of square images. */
export function flipAndCrop(batch: number, next: Stream, size: number): SourcePixels {
  const rows = new Int32Array(batch * size);
  const columns = new Int32Array(batch * size);
  for (let image = 0; image < batch; image++) {
    const flip = next() < 0.5;
    const top = integer(next, 2 * PADDING + 1);
    const left = integer(next, 2 * PADDING + 1);
    for (let i = 0; i < size; i++) {
      const column = reflected(i + left - PADDING, size);
      rows[image * size + i] = reflected(i + top - PADDING, size);
      columns[image * size + i] = flip ? size - 1 - column : column;
    }
  }
  return { rows, columns };
}

/** Position in the image of a position that may lie in the reflect padding (the edge itself is not repeated). */
function reflected(position: number, size: number): number {
  if (position < 0) return -position;
  return position >= size ? 2 * (size - 1) - position : position;
}
