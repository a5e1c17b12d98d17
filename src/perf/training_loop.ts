// A process of its own that trains as a run does, for its memory and for the time it spends outside TensorFlow.
import { nativeBackend } from '../engine/tensorflow.js';
import { engineVersions } from '../engine/versions.js';
import type { Precision } from '../spec/run_spec.js';
import { train } from '../training/train.js';
import { madeUpImages, runSpec } from './setting.js';

/** As many images as CIFAR-10 has. */
const TRAIN_IMAGES = 50_000;
const TEST_IMAGES = 10_000;
/** Steps before the clock starts. */
const WARM_UP = 2;

/** What this process says on stdout, as JSON. */
export interface LoopFigures {
  /** Share of the wall time of the steps, 0 to 1, not spent inside TensorFlow. */
  outside: number;
  peakRssMib: number;
}

const [depth, width, batchSize, , steps] = process.argv.slice(2).map(Number) as number[];
const precision = process.argv[5] as Precision;

const spec = runSpec(
  { depth: depth!, width: width!, batchSize: batchSize! },
  { trainImages: TRAIN_IMAGES, testImages: TEST_IMAGES, augment: 'flip-crop' },
  { precision, threads: engineVersions().threads },
);

/** Milliseconds inside TensorFlow since the start of the process. */
let inside = 0;
const backend = nativeBackend();
const runSavedModel = backend.runSavedModel.bind(backend);
backend.runSavedModel = (...call) => {
  const started = performance.now();
  const result = runSavedModel(...call);
  inside += performance.now() - started;
  return result;
};

const set = madeUpImages(TRAIN_IMAGES);
const job = {
  spec,
  train: set,
  test: madeUpImages(TEST_IMAGES),
  noisyLabels: set.labels,
  targetLabels: set.labels,
};
const stop = new AbortController();
let start = { wall: 0, inside: 0 };
let outside = 0;
try {
  await train(
    job,
    ({ step }) => {
      if (step === WARM_UP) start = { wall: performance.now(), inside };
      if (step < WARM_UP + steps!) return;
      outside = 1 - (inside - start.inside) / (performance.now() - start.wall);
      stop.abort();
    },
    stop.signal,
  );
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
const figures: LoopFigures = { outside, peakRssMib: process.resourceUsage().maxRSS / 1024 };
process.stdout.write(`${JSON.stringify(figures)}\n`);
