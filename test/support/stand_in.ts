// A program like `labelnoise run` and `labelnoise baseline update`, but with a stand-in for what trains: in tenths of a second.
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { updateBaseline } from '../../src/cli/baseline.js';
import type { Engine } from '../../src/cli/engine.js';
import { run } from '../../src/cli/run.js';
import { tell } from '../../src/cli/tell.js';
import { loadCifar10 } from '../../src/data/datasets/cifar10.js';
import { ImagesOfRuns } from '../../src/data/subset.js';
import { EXIT_BAD_INPUT, InputError } from '../../src/spec/errors.js';
import { runId } from '../../src/spec/run_spec.js';
import { readCheckpoint, writeCheckpoint } from '../../src/training/checkpoint.js';
import type { RunJob, Trainer } from '../../src/training/job.js';
import { fakeEngine } from '../fakes.js';

const STEPS = 4;

let loaded: ReturnType<Engine['loadData']> | undefined;
/** The real images, read once: `labelnoise verify` holds records against their labels. */
const loadData: Engine['loadData'] = () => {
  loaded ??= loadCifar10({ say() {} });
  return loaded;
};

/** Saves its state before every step, and goes on from it. */
const train: Trainer<RunJob> = async (job, onProgress, signal) => {
  const { file } = job.checkpoint!;
  const of = runId(job.spec);
  const found = await readCheckpoint(file, of);
  for (let stepsDone = found.checkpoint?.stepsDone ?? 0; stepsDone < STEPS; stepsDone++) {
    const model = { weights: new Float32Array(2000).fill(stepsDone) };
    const state = { epoch: 1, stepsDone, epochLoss: 0, recent: [1], curve: [], wallSeconds: 0, model };
    await writeCheckpoint(file, { of, ...state });
    signal.throwIfAborted();
    await setTimeout(5);
  }
  // Figures that agree with each other, as `labelnoise verify` wants them.
  const predictions = job.targetLabels.map((label) => (label + 1) % 10);
  const { labels, count } = new ImagesOfRuns(await loadData(job.spec.data)).of(job.spec).train;
  const share = (of: number, counts: (i: number) => boolean) =>
    (100 * predictions.filter((_, i) => counts(i)).length) / of;
  const isWrong = (i: number) => job.noisyLabels[i] !== labels[i];
  const isTrue = (i: number) => predictions[i] === labels[i];
  const wrong = [...labels.keys()].filter(isWrong).length;
  const { epochs } = job.spec.training;
  const curve = Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 2,
    testAccuracy: 5 * Number.parseInt(of[0]!, 16),
    testLoss: 2,
    wrongLabelsFitted: share(wrong, (i) => isWrong(i) && predictions[i] === job.noisyLabels[i]),
    trueLabelsRecovered: share(wrong, (i) => isWrong(i) && isTrue(i)),
    trainAccuracyTrue: share(count, isTrue),
  }));
  for (const evaluation of curve) {
    const { epoch } = evaluation;
    onProgress({ epoch, epochs, step: epoch, steps: epochs, loss: 2, evaluation });
  }
  return { curve, predictions, parameters: 1000, weightsSha256: '0'.repeat(64), wallSeconds: 1.5 };
};

export const engine: Engine = { ...fakeEngine, train, loadData, parallelRuns: () => 2 };

/** What is typed after the program's name. */
export async function standIn([command, subject, target]: readonly string[]): Promise<void> {
  try {
    process.exitCode =
      command === 'run'
        ? await run(subject!, { out: target! }, engine)
        : await updateBaseline(subject!, { baseline: target!, yes: true }, engine);
  } catch (error) {
    tell(error instanceof InputError ? error.message : `${(error as Error).message} (unexpected)`);
    process.exitCode = error instanceof InputError ? EXIT_BAD_INPUT : 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await standIn(process.argv.slice(2));
