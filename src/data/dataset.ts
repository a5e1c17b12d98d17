// Labelled images as they lie in memory.

export const CLASSES = 10;
export const IMAGE_SIZE = 32;
export const CHANNELS = 3;
/** Bytes of one image. */
export const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * CHANNELS;

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
