// Labelled images as they lie in memory.

export const CLASSES = 10;
/** CIFAR-10's classes in the order of their labels. */
export const CLASS_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;
export const IMAGE_SIZE = 32;
export const CHANNELS = 3;
/** Bytes of one image. */
export const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * CHANNELS;

/** Mean and standard deviation of the training set's pixels, by channel, as shares of 255 (the SAM authors' code). */
export const PIXEL_MEAN = [0.49139968, 0.48215841, 0.44653091];
export const PIXEL_DEVIATION = [0.24703223, 0.24348513, 0.26158784];

/** Images with their true labels. */
export interface ImageSet {
  count: number;
  /** count x 32 x 32 x 3 bytes, row by row, RGB together (NHWC). */
  images: Uint8Array;
  /** count labels, 0 to 9. */
  labels: Uint8Array;
}

export interface Cifar10 {
  train: ImageSet;
  test: ImageSet;
}
