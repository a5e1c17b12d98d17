// What the run command asks of the part that computes; loads TensorFlow only when asked.
import { loadCifar10 } from '../data/cifar10.js';
import type { Cifar10 } from '../data/dataset.js';
import { readLabelFile } from '../data/label_file.js';
import type { EngineVersions } from '../results/provenance.js';
import type { Resolver } from '../suite/resolve.js';
import type { RunSpec } from '../suite/spec.js';
import type { Trainer } from '../training/job.js';

/** Seconds of one training step and of one evaluation. */
export interface StepTime {
  secondsPerStep: number;
  secondsPerEvaluation: number;
}

/** Everything of a run that is not bookkeeping; tests put in their own. */
export interface Engine extends Resolver {
  train: Trainer;
  measureStep(spec: RunSpec): Promise<StepTime>;
  versions(): Promise<EngineVersions>;
  loadData(dataDir?: string): Promise<Cifar10>;
}

/** The real one. */
export const engine: Engine = {
  train: async (...job) => (await import('../training/train.js')).train(...job),
  measureStep: async (spec) => (await import('../training/measure.js')).measureStep(spec),
  versions: async () => (await import('../engine/tensorflow.js')).engineVersions(),
  precision: async () => (await import('../training/precision.js')).fastestPrecision(),
  readLabels: readLabelFile,
  loadData: (dataDir) => loadCifar10({ dataDir }),
};
