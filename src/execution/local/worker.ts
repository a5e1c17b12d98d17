// A worker process: loads TensorFlow, and trains or measures what it is asked to until it is no longer wanted.
import { setImmediate } from 'node:timers/promises';
import { measurePiece } from '../../analysis/analysis.js';
import { analysisNamed } from '../../analysis/kinds.js';
import { datasetOf, loadDataset } from '../../data/datasets/dataset.js';
import { trustWholeFiles } from '../../data/datasets/official.js';
import { ImagesOfRuns } from '../../data/subset.js';
import { engineVersions } from '../../engine/versions.js';
import { EXIT_BAD_INPUT, InputError } from '../../spec/errors.js';
import { canonicalJson } from '../../spec/run_spec.js';
import { loadUserFiles } from '../../suite/user_files.js';
import type { Doing, RunJob, TrainingJob, TrainingProgress } from '../../training/job.js';
import { measureStep } from '../../training/measure.js';
import { train } from '../../training/train.js';
import { trajectoryOf } from '../../training/trajectory.js';
import { endProcess, OVERDUE, toldByUser, userSeconds, watch } from '../../user/guard.js';
import type { FromWorker, Question, Tasks, ToWorker } from './protocol.js';

// Ctrl-C in a terminal reaches the whole group of processes, and SIGTERM may; the one that schedules decides what they mean.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());

const say = (message: FromWorker) => process.send!(message);
let abort = new AbortController();

/** The data set of the last job, kept for the next, which mostly is of the same. */
let held: { key: string; images: ImagesOfRuns } | undefined;

async function withImages<Job extends RunJob>(
  job: Job | (Job & TrainingJob),
  onDoing: Doing = () => {},
): Promise<Job & TrainingJob> {
  if ('train' in job) return job;
  const { spec, dataDir } = job;
  const key = canonicalJson([spec.data.dataset, spec.data.source, dataDir]);
  if (held?.key !== key) {
    held = undefined;
    const dataset = datasetOf(spec.data);
    onDoing(`reading ${dataset.title}`);
    // Whoever asks has loaded it too, and has heard what else there is to say.
    const loaded = await loadDataset(dataset, { dataDir, say: () => {} });
    held = { key, images: new ImagesOfRuns(loaded) };
  }
  const { train, test, heldOut } = held.images.of(spec);
  const { heldOutLabels: labels } = job;
  return { ...job, train, test, ...(heldOut && labels && { heldOut: { ...heldOut.set, labels } }) };
}

async function answerTo({ task, about }: Question): Promise<Tasks[keyof Tasks]['answered']> {
  if (task === 'train') {
    const onProgress = (progress: TrainingProgress) => say({ kind: 'progress', progress });
    const onDoing: Doing = (what) => say({ kind: 'doing', what });
    return train(await withImages(about, onDoing), onProgress, abort.signal, onDoing);
  }
  if (task === 'analyse') {
    const analysis = analysisNamed(about.kind)!;
    const onShare = (step: number) =>
      say({ kind: 'progress', progress: { epoch: 0, epochs: 0, step, steps: 1, loss: Number.NaN } });
    const pause = async () => {
      await setImmediate();
      abort.signal.throwIfAborted();
    };
    return measurePiece(analysis, await withImages(about), onShare, pause);
  }
  if (task === 'trajectory') return trajectoryOf(await withImages(about));
  if (task === 'measureStep') return measureStep(about);
  return engineVersions();
}

// What code of users does after it has returned is nobody's answer.
process.on('uncaughtException', (found) => {
  const error = toldByUser(found);
  if (error instanceof InputError) console.error(error.message);
  else console.error(error);
  endProcess(error instanceof InputError ? EXIT_BAD_INPUT : 1);
});

process.on('message', async (message: ToWorker) => {
  if (message.task === 'abort') return abort.abort();
  abort = new AbortController();
  try {
    if (message.files.length) watch(userSeconds(), OVERDUE);
    await loadUserFiles(message.files);
    trustWholeFiles(message.whole);
    say({ kind: 'answer', answer: await answerTo(message) });
  } catch (found) {
    const error = toldByUser(found);
    const { message, stack } = error;
    say({ kind: 'error', message, stack, isInputError: error instanceof InputError });
  }
});
