// Small training programs on random data, for tests of the engine and the methods.
import { cifar10 } from '../../src/data/datasets/cifar10.js';
import { imageForm } from '../../src/data/datasets/dataset.js';
import { isHeldFromBfloat16 } from '../../src/engine/native/instruction_set.js';
import type { Session, Values } from '../../src/engine/program.js';
import { tf } from '../../src/engine/tensorflow.js';
import { integer, permutation, type Stream, stream } from '../../src/io/random.js';
import { crossEntropy, stopGradient } from '../../src/methods/gradient.js';
import type { Recipe } from '../../src/methods/method.js';
import { buildNetwork } from '../../src/models/catalogue.js';
import { initialise } from '../../src/models/initialise.js';
import { modelState, type ProgramSpec } from '../../src/training/training_program.js';

export const BATCH = 8;
const IMAGES = 40;

/** The form of CIFAR-10's images. */
export const FORM = imageForm(cifar10);

/** WRN-10-1 on 40 images in batches of 8. */
export const TINY: ProgramSpec = {
  model: { kind: 'wide-resnet', depth: 10, width: 1, shortcut: 'pool-pad' },
  form: FORM,
  networks: 1,
  batchSize: BATCH,
  augment: 'none',
  trainImages: IMAGES,
  evaluationBatch: IMAGES,
  momentum: 0.9,
  weightDecay: 5e-4,
  clipNorm: 5,
};

/** The sizes that recipes for TINY are made for. */
export const TINY_DIMS = {
  batchSize: BATCH,
  trainImages: IMAGES,
  classes: 10,
  epochs: 1,
  stepsPerEpoch: IMAGES / BATCH,
};

/**
 * Weights at which no activation comes near ReLU's kink, where rounding would decide its sign and gradients jump: batch
 * normalisation's scales are small beside its offsets.
 */
export function smoothWeights({ model }: Pick<ProgramSpec, 'model'>, seed: number): Float32Array {
  const { parameters } = buildNetwork(model, FORM);
  const weights = initialise(parameters, seed);
  const next = stream(seed, 'test weights');
  let at = 0;
  for (const [name, { shape }] of Object.entries(parameters)) {
    const end = at + shape.reduce((product, size) => product * size, 1);
    if (name.endsWith('/scale')) for (let i = at; i < end; i++) weights[i] = 0.1 + 0.05 * next();
    // What a residual network adds to a shortcut before ReLU is positive, or the two would cancel.
    const signs = /block\d+\/after/.test(name) ? [1] : [-1, 1];
    if (name.endsWith('/offset'))
      for (let i = at; i < end; i++) weights[i] = signs[integer(next, signs.length)]! * (0.9 + 0.2 * next());
    at = end;
  }
  return weights;
}

/** Random images and labels, and weights of a seed. */
export function fill(session: Session, spec: ProgramSpec, seed = 1): void {
  const next = stream(seed, 'test data');
  const network = buildNetwork(spec.model, FORM);
  const { images, labels } = drawn(next, spec.trainImages);
  session.write('train', { 'train/images': images, 'train/labels': labels });
  const model: Values = {};
  for (let k = 0; k < spec.networks; k++) {
    const parameters = smoothWeights(spec, seed + 100 * k);
    model[modelState('parameters', k)] = parameters;
    model[modelState('momentum', k)] = new Float32Array(parameters.length);
    model[modelState('statistics', k)] = initialise(network.statistics, seed);
  }
  session.write('model', model);
}

function drawn(next: Stream, count: number): { images: Uint8Array; labels: Int32Array } {
  return {
    images: new Uint8Array(count * 3072).map(() => integer(next, 256)),
    labels: new Int32Array(count).map(() => integer(next, 10)),
  };
}

/** Inputs of an evaluation of random images. */
export function evaluationInputs(spec: ProgramSpec): ReturnType<typeof drawn> {
  return drawn(stream(1, 'test evaluation'), spec.evaluationBatch);
}

/** State of every kind, learned from by two networks. */
export const STATEFUL: Recipe = {
  state: { steps: { shape: [], dtype: 'float32' } },
  examples: {
    target: {
      shape: [10],
      dtype: 'float32',
      init: (next, labels) => new Float32Array(labels.length * 10).map(next),
    },
  },
  loss(logits, batch, { state }) {
    const seen = stopGradient(tf.softmax(logits[0]!));
    const target = tf.add(tf.mul(batch.examples.target!, 0.7), tf.mul(seen, 0.3)) as tf.Tensor2D;
    return {
      losses: logits.map((some) => tf.add(crossEntropy(some, batch.targets), crossEntropy(some, target))),
      state: { steps: tf.add(state.steps!, 1) },
      examples: { target },
    };
  },
};

/** Inputs of the n-th step. */
export function stepInputs(spec: ProgramSpec, recipe: Recipe, n: number): Values {
  const next = stream(n, 'test step');
  const positions = () => Int32Array.from({ length: spec.batchSize * 32 }, () => integer(next, 32));
  return {
    indices: permutation(next, spec.trainImages).slice(0, spec.batchSize),
    learningRate: Float32Array.of(0.02),
    ...(spec.augment === 'flip-crop' ? { rows: positions(), columns: positions() } : {}),
    ...recipe.draws?.((name) => stream(n, 'test step', name), 1)(0),
  };
}

/** ||a - b|| / ||b||. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let distance = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    distance += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(distance / size);
}

/**
 * The largest relative distance of any one parameter's values in two vectors of all parameters. Of the whole vector the
 * classifier's gradient is nearly all, where activations keep away from ReLU's kink, and would hide the others'.
 *
 * @param stride every how many values of a vector are given
 */
export function parameterDistance(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { model }: Pick<ProgramSpec, 'model'>,
  stride = 1,
): number {
  const distances: number[] = [];
  let begin = 0;
  for (const { shape } of Object.values(buildNetwork(model, FORM).parameters)) {
    const end = begin + shape.reduce((product, size) => product * size, 1);
    const of = (values: ArrayLike<number>) =>
      Array.prototype.slice.call(values, Math.ceil(begin / stride), Math.ceil(end / stride));
    distances.push(relativeDistance(of(a), of(b)));
    begin = end;
  }
  return Math.max(...distances);
}

/** Skips a test of bfloat16, in words, where oneDNN is held to an instruction set without it, by LABELNOISE_ISA or by its own variable. */
export function needsBfloat16(test: Mocha.Context): void {
  if (!isHeldFromBfloat16()) return;
  console.log('      no bfloat16 in the instruction set that oneDNN is held to: not tested');
  test.skip();
}
