// The form of CIFAR-10's images for what does not take it from the run's data set.
import { cifar10 } from './datasets/cifar10.js';

export const CLASSES = cifar10.classNames.length;
export const IMAGE_SIZE = cifar10.imageSize;
export const CHANNELS = cifar10.channels;
export const PIXEL_MEAN = [...cifar10.mean];
export const PIXEL_DEVIATION = [...cifar10.deviation];
