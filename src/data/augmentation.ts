// Augmentation of training images: what is drawn for a batch, and what the traced step makes of it. A new one is one more entry.
import type { TensorSpec, Tensors, Values } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import { integer, type Stream } from '../io/random.js';
import { Registry } from '../spec/registry.js';
import type { RunSpec } from '../spec/run_spec.js';
import type { ImageForm } from './datasets/dataset.js';
import { autoAugmented, type Picture, randAugmented } from './pixels.js';

/** A way to augment images. */
export interface Augmentation {
  /** How suites and specs call it. */
  name: string;
  /** In a caption. */
  title: string;
  cite?: string;
  /** What a step is given for a batch of square images. */
  inputs(batch: number, size: number, channels: number): Record<string, TensorSpec>;
  /**
   * Draws these inputs for one batch.
   *
   * @param source the images of the batch, for what changes them outside of the graph
   */
  draw(next: Stream, batch: number, size: number, source: BatchImages): Values;
  /**
   * Traced: images of bytes, [batch, height, width, channels], to such images.
   *
   * @param inputs by their names
   * @param form of the data set's images
   */
  apply(images: tf.Tensor4D, inputs: Tensors, form: ImageForm): tf.Tensor4D;
  /** The channels that images must have, if it matters. */
  channels?: number;
}

/** The images of a batch outside of the graph. */
export interface BatchImages {
  form: ImageForm;
  /** Bytes of the image at this place in the batch: size x size x channels; not to be changed. */
  image(i: number): Uint8Array;
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

/** The side of the square that Cutout blanks, as a share of the image's: 16 of 32 pixels. */
const CUTOUT = 0.5;

/** Flips and crops, then a square of half the image's size around a random pixel becomes the mean colour. */
const cutout: Augmentation = {
  name: 'cutout',
  title: 'flips, crops and Cutout',
  cite: 'DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017',
  inputs: (batch, size, channels) => ({
    ...flipCrop.inputs(batch, size, channels),
    kept: { shape: [batch, size, size, 1], dtype: 'float32' },
  }),
  draw(next, batch, size) {
    const pixels = flipAndCrop(batch, next, size);
    const kept = new Float32Array(batch * size * size).fill(1);
    for (let i = 0; i < batch; i++) {
      const { top, bottom, left, right } = square(next, size);
      for (let y = top; y < bottom; y++)
        kept.fill(0, (i * size + y) * size + left, (i * size + y) * size + right);
    }
    return { ...pixels, kept };
  },
  apply(images, inputs, form) {
    const mean = form.mean.map((m) => 255 * m);
    const cropped = tf.cast(flipCrop.apply(images, inputs, form), 'float32');
    return tf.add(tf.mul(tf.sub(cropped, mean), inputs.kept!), mean);
  },
};

/** The square that Cutout blanks, as far as it is inside. */
function square(next: Stream, size: number): { top: number; bottom: number; left: number; right: number } {
  const half = Math.round((CUTOUT * size) / 2);
  const [y, x] = [integer(next, size), integer(next, size)];
  const [from, to] = [(v: number) => Math.max(0, v - half), (v: number) => Math.min(size, v + half)];
  return { top: from(y), bottom: to(y), left: from(x), right: to(x) };
}

/**
 * A policy of operations on pixels, then flips, crops and Cutout. All of it is made outside of the graph: there, each image takes the two
 * or three operations that were drawn for it, and in the graph it would have to take all of them.
 */
function byPolicy(
  entry: Pick<Augmentation, 'name' | 'title' | 'cite'>,
  policy: (picture: Picture, next: Stream) => Picture,
): Augmentation {
  return {
    ...entry,
    channels: 3,
    inputs: (batch, size, channels) => ({
      pixels: { shape: [batch, size, size, channels], dtype: 'float32' },
    }),
    draw(next, batch, size, { form, image }) {
      const mean = form.mean.map((m) => 255 * m);
      const fill = mean.map(Math.round);
      const bytes = size * size * 3;
      const pixels = new Float32Array(batch * bytes);
      for (let i = 0; i < batch; i++) {
        const changed = policy({ bytes: image(i), size, fill }, next).bytes;
        const { rows, columns } = flipAndCrop(1, next, size);
        const { top, bottom, left, right } = square(next, size);
        for (let y = 0; y < size; y++)
          for (let x = 0; x < size; x++) {
            const isBlank = y >= top && y < bottom && x >= left && x < right;
            const from = (rows[y]! * size + columns[x]!) * 3;
            for (let channel = 0; channel < 3; channel++)
              pixels[i * bytes + (y * size + x) * 3 + channel] = isBlank
                ? mean[channel]!
                : changed[from + channel]!;
          }
      }
      return { pixels };
    },
    apply: (_, { pixels }) => pixels as tf.Tensor4D,
  };
}

const autoAugment = byPolicy(
  {
    name: 'autoaugment',
    title: "AutoAugment's policy for CIFAR-10, flips, crops and Cutout",
    cite: 'Cubuk et al., AutoAugment: Learning Augmentation Strategies from Data, CVPR 2019',
  },
  autoAugmented,
);

/** Operations of an image, and their level, as the paper has them for WRN-28-10. */
const [OPERATIONS, LEVEL] = [3, 5];

const randAugment = byPolicy(
  {
    name: 'randaugment',
    title: `RandAugment (${OPERATIONS} operations of level ${LEVEL}), flips, crops and Cutout`,
    cite: 'Cubuk et al., RandAugment: Practical Automated Data Augmentation with a Reduced Search Space, NeurIPS 2020',
  },
  (picture, next) => randAugmented(picture, OPERATIONS, LEVEL, next),
);

export const AUGMENTATIONS = new Registry<Augmentation>(
  'augmentation',
  flipCrop,
  none,
  cutout,
  autoAugment,
  randAugment,
);

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
function flipAndCrop(batch: number, next: Stream, size: number): SourcePixels {
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
  // There and back again; padding may be wider than the image.
  const round = 2 * (size - 1);
  const at = round && Math.abs(position) % round;
  return at < size ? at : round - at;
}
