// A worker process: loads TensorFlow, and trains or measures what it is asked to until it is no longer wanted.
import { engineVersions } from '../engine/versions.js';
import { InputError } from '../errors.js';
import { measureStep } from '../training/measure.js';
import { train } from '../training/train.js';
import { trajectoryOf } from '../training/trajectory.js';
import type { FromWorker, Question, Tasks, ToWorker } from './protocol.js';

// Ctrl-C in a terminal reaches the whole group of processes, and SIGTERM may; the one that schedules decides what they mean.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());

const say = (message: FromWorker) => process.send!(message);
let abort = new AbortController();

function answerTo({ task, about }: Question): Promise<Tasks[keyof Tasks]['answered']> {
  if (task === 'train') return train(about, (progress) => say({ kind: 'progress', progress }), abort.signal);
  if (task === 'trajectory') return trajectoryOf(about);
  if (task === 'measureStep') return measureStep(about);
  return Promise.resolve(engineVersions());
}

process.on('message', async (message: ToWorker) => {
  if (message.task === 'abort') return abort.abort();
  abort = new AbortController();
  try {
    say({ kind: 'answer', answer: await answerTo(message) });
  } catch (error) {
    const { message, stack } = error as Error;
    say({ kind: 'error', message, stack, isInputError: error instanceof InputError });
  }
});
