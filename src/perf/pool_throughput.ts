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
const STEPS = 40;

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
      const workers = Array.from({ length: parallelRuns(1) }, () => stepsPerSecond(pool, 1, precision));
      const together = (await Promise.all(workers)).reduce((sum, rate) => sum + rate, 0);
      const single = await stepsPerSecond(pool, threads, precision);
      // The first round starts the workers.
      if (round === 0) continue;
      rates.pool.push(together);
      rates.single.push(single);
    }
  } finally {
    pool.close();
  }
  return median(rates.pool) / median(rates.single);
}

/** By the median step of one training: a process of many threads waits for whichever is disturbed, and a mean would be made of such moments. */
async function stepsPerSecond(pool: WorkerPool, threads: number, precision: Precision): Promise<number> {
  const milliseconds: number[] = [];
  let last: number | undefined;
  await pool.ask(threads, 'train', jobOf(threads, precision), ({ evaluation }) => {
    if (evaluation) return;
    const now = performance.now();
    if (last !== undefined) milliseconds.push(now - last);
    last = now;
  });
  return 1000 / median(milliseconds);
}

function jobOf(threads: number, precision: Precision): TrainingJob {
  const [train, test] = [madeUpImages(BATCH * STEPS), madeUpImages(BATCH)];
  const spec = runSpec(
    { depth: DEPTH, width: WIDTH, batchSize: BATCH },
    { trainImages: train.count, testImages: test.count, augment: 'none' },
    { precision, threads },
  );
  return { spec, train, test, noisyLabels: train.labels, targetLabels: train.labels };
}
