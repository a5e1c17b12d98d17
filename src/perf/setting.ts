// What is trained when speed is measured: the same for everyone who is compared.
import { cifar10 } from '../data/datasets/cifar10.js';
import { type ImageSet, imageForm } from '../data/datasets/dataset.js';
import { ALGORITHM_VERSION, type Architecture, type RunSpec } from '../spec/run_spec.js';
import type { ProgramSpec } from '../training/training_program.js';

export const LEARNING_RATE = 0.01;
export const RHO = 0.05;

/** The SAM authors' WideResNet, without augmentation: its few operations are not what is compared. */
export function programSpec(depth: number, width: number, batchSize: number): ProgramSpec {
  return {
    model: modelOf(depth, width),
    form: imageForm(cifar10),
    networks: 1,
    batchSize,
    augment: 'none',
    trainImages: batchSize,
    evaluationBatch: 4,
    momentum: 0.9,
    weightDecay: 5e-4,
    clipNorm: 5,
  };
}

/** One epoch of plain SGD, as a run. */
export function runSpec(
  { depth, width, batchSize }: { depth: number; width: number; batchSize: number },
  data: Omit<RunSpec['data'], 'dataset'>,
  { precision, threads }: Pick<RunSpec, 'precision' | 'threads'>,
): RunSpec {
  return {
    algorithm: ALGORITHM_VERSION,
    labels: { from: 'noise' },
    batch: { kind: 'plain' },
    gradient: { kind: 'plain' },
    noise: { kind: 'symmetric', rate: 0, redraw: 'other' },
    seed: 1,
    data: { dataset: cifar10.name, ...data },
    model: modelOf(depth, width),
    training: {
      epochs: 1,
      batchSize,
      learningRate: LEARNING_RATE,
      momentum: 0.9,
      weightDecay: 5e-4,
      clipNorm: 5,
      evaluateEvery: 1,
    },
    precision,
    threads,
  };
}

export function modelOf(depth: number, width: number): Architecture {
  return { kind: 'wide-resnet', depth, width, shortcut: 'pool-pad' };
}

/** Bytes after which made-up images begin anew: 251 times 256. */
const MADE_UP_PERIOD = 64_256;

/** Images and labels without meaning: the time of a step does not depend on them. */
export function madeUpImages(count: number): ImageSet {
  const { imageSize, channels, classNames } = cifar10;
  const images = new Uint8Array(count * imageSize ** 2 * channels);
  for (let i = 0; i < Math.min(MADE_UP_PERIOD, images.length); i++)
    images[i] = (i * 37 + (i >> 8) * 101) % 251;
  for (let made = MADE_UP_PERIOD; made < images.length; made *= 2) images.copyWithin(made, 0, made);
  return { count, images, labels: new Uint8Array(count).map((_, i) => i % classNames.length) };
}

/** 0 to count - 1. */
export function firstImages(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}
