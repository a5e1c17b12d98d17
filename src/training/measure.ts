// How long a run's steps take on this machine, measured on a few of them, for estimates of time.
import { blankImages, datasetOf } from '../data/datasets/dataset.js';
import type { RunSpec } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import { predict } from './evaluation.js';
import { programSpecOf, recipeOf } from './program_spec.js';
import { sessionFor } from './sessions.js';
import { batchesOf, load } from './train.js';

/** Steps that are timed, after one that warms up. */
const STEPS = 3;

/** Seconds of one training step, and of one evaluation of the training and the test set. */
export interface StepTime {
  secondsPerStep: number;
  secondsPerEvaluation: number;
  /** The most memory that the process has had. */
  megabytes?: number;
}

/** Measures a run's steps on a few of them, on made-up images. */
export async function measureStep(spec: RunSpec): Promise<StepTime> {
  const session = await sessionFor(spec);
  const { trainImages, testImages } = spec.data;
  const program = programSpecOf(spec);
  const dataset = datasetOf(spec.data);
  const train = blankImages(dataset, trainImages);
  load(session, { spec, train, targetLabels: train.labels });
  const inputs = {
    ...batchesOf(spec, recipeOf(spec), 1, train).next().value,
    learningRate: Float32Array.of(0.01),
  };
  const step = await timed(STEPS, () => session.call('step', inputs));
  const batch = blankImages(dataset, program.evaluationBatch);
  const evaluation = await timed(STEPS, () => predict(session, program, batch));
  const batches = Math.ceil(trainImages / batch.count) + Math.ceil(testImages / batch.count);
  const megabytes = Math.ceil(process.resourceUsage().maxRSS / 1024);
  return { secondsPerStep: step, secondsPerEvaluation: evaluation * batches, megabytes };
}

/** Median seconds of `repeat` calls, after one that is not counted. */
async function timed(repeat: number, call: () => unknown): Promise<number> {
  await call();
  const times: number[] = [];
  while (times.length < repeat) {
    const started = performance.now();
    await call();
    times.push((performance.now() - started) / 1000);
  }
  return median(times);
}
