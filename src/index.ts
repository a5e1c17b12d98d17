// What a method, noise, data set, network or augmentation in a file of one's own may import from 'labelnoise'.

import type { z } from 'zod';
import type { Augmentation } from './data/augmentation.js';
import type { Dataset } from './data/datasets/dataset.js';
import type { Noise } from './data/noises/noise.js';

/** Schemas of settings. */
export { z } from 'zod';
export type { Augmentation, BatchImages } from './data/augmentation.js';
export type { DataOptions, Dataset, ImageForm, ImageSet, LoadedDataset } from './data/datasets/dataset.js';
export type { Labelling, Noise, NoiseColumn, Resolving } from './data/noises/noise.js';
export type { TensorSpec, Tensors, Values } from './engine/program.js';
/** Operations on tensors, of the one tfjs that there is. It has no random operations: draw from the streams. */
export { tf } from './engine/tensorflow.js';
/** Draws from a stream. */
export { beta, gamma, integer, normal, permutation, type Stream } from './io/random.js';
export { bootstrap } from './methods/bootstrap.js';
export {
  clippingFactor,
  crossEntropy,
  groupsOf,
  meanOf,
  norm,
  stopGradient,
  withoutGradient,
} from './methods/gradient.js';
export * from './methods/method.js';
export { drawLambda, mixed } from './methods/mixup.js';
export { ascend, samGradient } from './methods/sam.js';
export {
  defineNetwork,
  type Initialiser,
  Layers,
  type Network,
  type NetworkKind,
  type Pass as NetworkPass,
  padChannels,
  type WeightSpec,
} from './models/network.js';
/** Fields of settings whose messages say what is allowed. */
export { choice, fields, integer as wholeNumber, number, positive, text } from './spec/fields.js';

/** A noise, with the types of its settings and of a column's. @returns what it is given */
export function defineNoise<Settings extends z.ZodObject, Setting extends object>(
  noise: Noise<Settings, Setting>,
): Noise<Settings, Setting> {
  return noise;
}

/** A data set. @returns what it is given */
export function defineDataset(dataset: Dataset): Dataset {
  return dataset;
}

/** An augmentation. @returns what it is given */
export function defineAugmentation(augmentation: Augmentation): Augmentation {
  return augmentation;
}
