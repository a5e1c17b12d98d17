// What the run command asks of the part that computes: worker processes, so that this one never loads TensorFlow.
import type { AnalysisJob } from '../analysis/analysis.js';
import { datasetOf, type LoadedDataset, loadDataset } from '../data/datasets/dataset.js';
import { oneDnnSetting } from '../engine/native/instruction_set.js';
import { parallelRuns, WorkerPool } from '../execution/local/pool.js';
import { CommandError } from '../install/command.js';
import type { EngineVersions } from '../results/provenance.js';
import { InputError } from '../spec/errors.js';
import type { RunSpec } from '../spec/run_spec.js';
import type { Resolver } from '../suite/resolve.js';
import type { RunJob, Trainer } from '../training/job.js';
import type { StepTime } from '../training/measure.js';
import { emulatesBfloat16, fastestPrecision } from '../training/precision.js';
import type { Trajectory } from '../training/trajectory.js';
import { abortOnSignals } from './signals.js';
import { tell } from './tell.js';

/** Everything of a run that is not bookkeeping; tests put in their own. */
export interface Engine extends Resolver {
  train: Trainer<RunJob>;
  /** What a short training does, step by step. */
  trajectory(job: RunJob): Promise<Trajectory>;
  /** How many runs of so many threads to train at once. */
  parallelRuns(threads: number): number;
  measureStep(spec: RunSpec): Promise<StepTime>;
  /** Measures a piece of an analysis. @param onShare told what share of it is done */
  analyse(job: AnalysisJob, onShare: (share: number) => void, signal: AbortSignal): Promise<unknown>;
  versions(): Promise<EngineVersions>;
  /** Loads the data set of a run. @throws InputError */
  loadData(data: RunSpec['data'], dataDir?: string): Promise<LoadedDataset>;
  /** Lets go of what is held. */
  close(): void;
}

/** The real one. @param perDevice runs at once on each GPU */
export function createEngine(perDevice = 1): Engine {
  const pool = new WorkerPool(perDevice);
  let ready: Promise<void> | undefined;
  const ask: WorkerPool['ask'] = async (...asked) => {
    ready ??= installIfMissing();
    await ready;
    return pool.ask(...asked);
  };
  return {
    train: (job, onProgress, signal, onDoing) =>
      ask(job.spec.threads, 'train', job, onProgress, signal, onDoing),
    trajectory: (job) => ask(job.spec.threads, 'trajectory', job),
    parallelRuns: (threads) => parallelRuns(threads, perDevice),
    measureStep: (spec) => ask(spec.threads, 'measureStep', spec),
    analyse: (job, onShare, signal) =>
      ask(job.spec.threads, 'analyse', job, ({ step }) => onShare(step), signal),
    versions: async () => {
      ready ??= installIfMissing();
      await ready;
      const oneDnn = oneDnnSetting();
      tell(`starting TensorFlow${oneDnn.value === '0' ? `; oneDNN stays off: ${oneDnn.why}` : ''}`);
      return pool.ask(1, 'versions', undefined);
    },
    fastestPrecision,
    emulatesBfloat16,
    tell,
    readLabels: async (file, dataset) => (await import('../data/label_file.js')).readLabelFile(file, dataset),
    loadData: (data, dataDir) => loadDataset(datasetOf(data), { dataDir }),
    close: () => pool.close(),
  };
}

/** Where `make` has not done it, the first command that trains installs the engine. @throws InputError */
async function installIfMissing(): Promise<void> {
  const { isEngineInstalled, installEngine } = await import('../install/engine.js');
  if (isEngineInstalled()) return;
  const stop = abortOnSignals();
  try {
    await installEngine(tell, stop.signal);
  } catch (error) {
    if (stop.exitCode) process.exit(stop.exitCode);
    throw error instanceof CommandError ? new InputError(error.message) : error;
  } finally {
    stop.release();
  }
}
