// Small training programs on random data, for tests of the engine and the methods.
import { oneDnnLimit } from '../../src/engine/native/instruction_set.js';
import type { Session, Values } from '../../src/engine/program.js';
import { buildNetwork } from '../../src/models/build.js';
import { initialise } from '../../src/models/initialise.js';
import { integer, stream } from '../../src/random.js';
import type { ProgramSpec } from '../../src/training/training_program.js';

export const BATCH = 8;
const IMAGES = 40;

/** WRN-10-1 on 40 images in batches of 8. */
export const TINY: ProgramSpec = {
  model: { kind: 'wide-resnet', depth: 10, width: 1, shortcut: 'pool-pad' },
  batchSize: BATCH,
  batch: 'plain',
  gradient: 'plain',
  groupSize: 0,
  augment: false,
  trainImages: IMAGES,
  testImages: IMAGES,
  momentum: 0.9,
  weightDecay: 5e-4,
  clipNorm: 5,
};

/**
 * Weights at which no activation comes near ReLU's kink, where rounding would decide its sign and gradients jump: batch
 * normalisation's scales are small beside its offsets.
 */
function smoothWeights({ model }: ProgramSpec, seed: number): Float32Array {
  const { parameters } = buildNetwork(model);
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
  const network = buildNetwork(spec.model);
  const parameters = smoothWeights(spec, seed);
  for (const [set, count] of [
    ['train', spec.trainImages],
    ['test', spec.testImages],
  ] as const)
    session.write(set, {
      [`${set}/images`]: new Uint8Array(count * 3072).map(() => integer(next, 256)),
      [`${set}/labels`]: new Int32Array(count).map(() => integer(next, 10)),
    });
  session.write('model', {
    'model/parameters': parameters,
    'model/momentum': new Float32Array(parameters.length),
    'model/statistics': initialise(network.statistics, seed),
  });
}

/** Inputs of the n-th step. */
export function stepInputs(spec: ProgramSpec, n: number): Values {
  const next = stream(n, 'test step');
  const positions = () => Int32Array.from({ length: spec.batchSize * 32 }, () => integer(next, 32));
  return {
    indices: new Int32Array(spec.batchSize).map(() => integer(next, spec.trainImages)),
    learningRate: Float32Array.of(0.02),
    ...(spec.augment ? { rows: positions(), columns: positions() } : {}),
    ...(spec.batch === 'mixup' ? { lambda: Float32Array.of(0.5 + next() / 2) } : {}),
    ...(spec.gradient === 'sam' ? { rho: Float32Array.of(0.05) } : {}),
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
  for (const { shape } of Object.values(buildNetwork(model).parameters)) {
    const end = begin + shape.reduce((product, size) => product * size, 1);
    const of = (values: ArrayLike<number>) =>
      Array.prototype.slice.call(values, Math.ceil(begin / stride), Math.ceil(end / stride));
    distances.push(relativeDistance(of(a), of(b)));
    begin = end;
  }
  return Math.max(...distances);
}

/** Skips a test of bfloat16, in words, where LABELNOISE_ISA holds oneDNN to an instruction set without it. */
export function needsBfloat16(test: Mocha.Context): void {
  if (oneDnnLimit() !== 'AVX2') return;
  console.log('      no bfloat16 where oneDNN is held to AVX2: not tested');
  test.skip();
}
