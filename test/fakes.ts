// Stand-ins for the data set and the engine: quick, and a pure function of what they are given.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Engine } from '../src/cli/engine.js';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages, type LoadedDataset } from '../src/data/datasets/dataset.js';
import type { RunRecord } from '../src/spec/record.js';
import { runId } from '../src/spec/run_spec.js';
import type { RunNode } from '../src/suite/expand.js';
import type { Suite } from '../src/suite/schema.js';
import type { RunJob, Trainer } from '../src/training/job.js';
import type { Trajectory } from '../src/training/trajectory.js';
import { temporaryFolder } from './support/temporary_folder.js';

/** A suite of the five methods at four rates, small enough for the fakes. */
export const SUITE: Suite = {
  name: 'tiny',
  description: 'For tests.',
  scaledDown: 'Everything.',
  seeds: [1],
  noise: { kind: 'symmetric', rates: [0.2, 0.4, 0.6, 0.8], redraw: 'other' },
  model: { kind: 'wide-resnet', depth: 10, width: 1, shortcut: 'pool-pad' },
  data: { trainImages: 50, testImages: 20, augment: 'none' },
  training: {
    epochs: 2,
    batchSize: 10,
    learningRate: 0.1,
    momentum: 0.9,
    weightDecay: 0.0005,
    clipNorm: 5,
    evaluateEvery: 1,
  },
  precision: 'float32',
  threads: 1,
  methods: {
    sgd: {},
    mixup: { alpha: 8 },
    'bootstrap-mixup': { alpha: 8 },
    sam: { rho: { '0.2': 0.1, '0.4': 0.1, '0.6': 0.1, '0.8': 0.05 } },
    'bootstrap-sam': { rho: { '0.2': 0.1, '0.4': 0.1, '0.6': 0.1, '0.8': 0.05 } },
  },
};

export const CIFAR: LoadedDataset = { train: blankImages(cifar10, 100), test: blankImages(cifar10, 40) };

/** Predicts class (target + 1) mod 10; its accuracies come from the run's id. */
export const fakeTrain: Trainer<RunJob> = async (job, onProgress, signal) => {
  const { epochs } = job.spec.training;
  const base = Number.parseInt(runId(job.spec).slice(0, 4), 16) / 1000;
  const curve = Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 2 - i / 10,
    testAccuracy: base + (i === 0 ? 5 : 0),
    testLoss: 2,
    wrongLabelsFitted: 50,
    trueLabelsRecovered: 25,
    trainAccuracyTrue: 30,
  }));
  for (const evaluation of curve) {
    signal.throwIfAborted();
    const { epoch } = evaluation;
    onProgress({ epoch, epochs, step: epoch, steps: epochs, loss: 2, evaluation });
  }
  const predictions = job.targetLabels.map((label) => (label + 1) % 10);
  return { curve, predictions, parameters: 1000, weightsSha256: '0'.repeat(64), wallSeconds: 1.5 };
};

/** A trajectory that depends on the run's spec and its labels. */
export async function fakeTrajectory({ spec, targetLabels }: RunJob): Promise<Trajectory> {
  const hash = (value: unknown) =>
    createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
  const figure = (name: string) => Number.parseInt(hash([name, spec]).slice(0, 6), 16) / 1e6;
  const summary = (name: string) => [20, ...[1, 2, 3, 4].map((i) => figure(name + i))];
  return {
    images: hash(spec.data),
    labels: hash([...targetLabels]),
    initial: summary('initial'),
    steps: [1, 2].map((step) => ({
      batch: hash([spec.seed, step]),
      given: { learningRate: figure(`rate ${step}`) },
      loss: figure(`loss ${step}`),
      momentum: summary(`momentum ${step}`),
      weights: summary(`weights ${step}`),
      statistics: summary(`statistics ${step}`),
    })),
    predictions: [...targetLabels].map((label) => (label + 1) % 10).join(''),
    evaluation: {
      trainLoss: figure('trainLoss'),
      testAccuracy: 40,
      testLoss: figure('testLoss'),
      wrongLabelsFitted: 50,
      trueLabelsRecovered: null,
      trainAccuracyTrue: 30,
    },
  };
}

export const fakeEngine: Engine = {
  train: fakeTrain,
  trajectory: fakeTrajectory,
  measureStep: async (spec) => ({
    secondsPerStep: spec.gradient?.kind === 'sam' ? 2 : 1,
    secondsPerEvaluation: 0,
  }),
  analyse: async () => {
    throw new Error('the fake engine analyses nothing');
  },
  versions: async () => ({ tensorflow: '0', tfjs: '0', kernels: 'tensorflow' as const }),
  fastestPrecision: () => 'float32',
  emulatesBfloat16: () => true,
  tell() {},
  readLabels: async () => ({ labels: new Uint8Array(100), sha256: 'ab' }),
  loadData: async () => CIFAR,
  parallelRuns: () => 1,
  close() {},
};

/** A suite file like SUITE but for these fields, in a folder of its own. */
export async function suiteFile(changes: object): Promise<string> {
  const file = path.join(await temporaryFolder(), 'tiny.json');
  await writeFile(file, JSON.stringify({ ...SUITE, ...changes }));
  return file;
}

/** A finished run whose final accuracy is the given one and whose best is 5 above. */
export function fakeRecord(run: RunNode, accuracy: number): RunRecord {
  const { epochs } = run.spec.training;
  const rate = run.noiseSetting.rate ?? 0;
  const evaluation = (epoch: number) => ({
    epoch,
    trainLoss: 1,
    testAccuracy: epoch === epochs ? accuracy : accuracy + 5,
    testLoss: 2,
    wrongLabelsFitted: 50,
    trueLabelsRecovered: null,
    trainAccuracyTrue: 30,
  });
  return {
    id: run.id,
    spec: run.spec,
    method: run.method,
    parameters: 1000,
    noise: { rate, transitions: Array.from({ length: 10 }, () => Array(10).fill(0)) },
    curve: Array.from({ length: epochs }, (_, i) => evaluation(i + 1)),
    predictions: '1'.repeat(run.spec.data.trainImages),
    wallSeconds: 1.25,
    provenance: {
      suite: SUITE.name,
      finished: '2026-01-01T00:00:00.000Z',
      commit: 'unknown',
      version: '0',
      node: 'v22',
      tensorflow: '2',
      tfjs: '4',
      kernels: 'tensorflow',
      platform: 'linux-x64',
      cpu: 'none',
      threads: 1,
      precision: run.spec.precision,
    },
  };
}
