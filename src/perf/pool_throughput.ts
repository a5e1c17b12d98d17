// How many more steps a pool of worker processes takes than one process that has all the threads.
import { availableParallelism } from 'node:os';
import { parallelRuns, WorkerPool } from '../execution/local/pool.js';
import type { Precision } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import type { TrainingJob } from '../training/job.js';
import { madeUpImages, runSpec } from './setting.js';

/** Small, as in the suites that are run on CPUs. */
const DEPTH = 10;
const WIDTH = 1;
const BATCH = 32;
const STEPS_PER_EPOCH = 4;
/** Of the trainings that are timed: what is evaluated after them takes a small part of their time. */
const EPOCHS = 10;

/**
 * Trains in as many workers of one thread as the machine runs at once, then in one worker of all threads, round after
 * round, and gives the ratio of their median steps per second; null on a machine of one core.
 */
export async function poolOverSingle(precision: Precision, rounds: number): Promise<number | null> {
  const threads = availableParallelism();
  if (threads === 1) return null;
  const pool = new WorkerPool();
  const rates: Record<'pool' | 'single', number[]> = { pool: [], single: [] };
  try {
    for (let round = 0; round <= rounds; round++) {
      // The first round starts the workers.
      const epochs = round === 0 ? 1 : EPOCHS;
      const rate = (threads: number) => stepsPerSecond(pool, jobOf(threads, precision, epochs));
      const together = await Promise.all(Array.from({ length: parallelRuns(1) }, () => rate(1)));
      const single = await rate(threads);
      if (round === 0) continue;
      rates.pool.push(together.reduce((sum, one) => sum + one));
      rates.single.push(single);
    }
  } finally {
    pool.close();
  }
  return median(rates.pool) / median(rates.single);
}

/** By the median step of one training: a process of many threads waits for whichever is disturbed, and a mean would be made of such moments. */
async function stepsPerSecond(pool: WorkerPool, job: TrainingJob): Promise<number> {
  const milliseconds: number[] = [];
  let last: number | undefined;
  await pool.ask(job.spec.threads, 'train', job, ({ evaluation }) => {
    if (evaluation) return;
    const now = performance.now();
    if (last !== undefined) milliseconds.push(now - last);
    last = now;
  });
  return 1000 / median(milliseconds);
}

function jobOf(threads: number, precision: Precision, epochs: number): TrainingJob {
  const [train, test] = [madeUpImages(BATCH * STEPS_PER_EPOCH), madeUpImages(BATCH)];
  const one = runSpec(
    { depth: DEPTH, width: WIDTH, batchSize: BATCH },
    { trainImages: train.count, testImages: test.count, augment: 'none' },
    { precision, threads },
  );
  const spec = { ...one, training: { ...one.training, epochs, evaluateEvery: epochs } };
  return { spec, train, test, noisyLabels: train.labels, targetLabels: train.labels };
}
