// A pool of worker processes, so that runs use all cores and TensorFlow stays out of the process that schedules.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { onExit } from 'signal-exit';
import { type WholeFile, wholeFiles } from '../../data/datasets/official.js';
import { HUGE_PAGES } from '../../engine/huge_pages.js';
import { EXIT_BAD_INPUT, InputError } from '../../spec/errors.js';
import { canonicalJson } from '../../spec/run_spec.js';
import { type UserFile, userFiles } from '../../suite/user_files.js';
import { type Doing, type TrainingProgress, WorkerEnded } from '../../training/job.js';
import { OVERDUE } from '../../user/guard.js';
import { deviceSettings, devices } from './devices.js';
import type { FromWorker, Question, Tasks, ToWorker } from './protocol.js';

/** How long a worker may take to save its state when it is told to give up. A step of the largest networks takes longer. */
const GRACE_MILLISECONDS = 3000;
/** Lines of a worker's stderr that are kept to explain its end. */
const LAST_WORDS = 5;

interface Worker {
  process: ChildProcess;
  threads: number;
  /** The GPU it computes on, if it does. */
  device: string | undefined;
  lastWords: string[];
  /** Files of data that it has been told to be whole. */
  told: Set<string>;
  /** Nothing was asked of it yet: TensorFlow starts. */
  isNew: boolean;
}

/** How many runs of `threads` threads this machine trains at once: `perDevice` on each GPU, or as many as the cores hold. */
export function parallelRuns(threads: number, perDevice = 1): number {
  return devices().length * perDevice || Math.max(1, Math.floor(availableParallelism() / threads));
}

/** Worker processes are started when first needed and kept for the next question. */
export class WorkerPool {
  private idle: Worker[] = [];
  private readonly busy = new Set<Worker>();
  /** Who computes does not hear that nobody waits for the answer any more, and a step can take minutes. */
  private readonly unwatch = onExit(() => {
    for (const { process } of this.busy) process.kill('SIGKILL');
  });

  /** @param perDevice runs that share a GPU */
  constructor(private readonly perDevice = 1) {}

  /**
   * Asks a worker whose TensorFlow uses `threads` threads. Once `signal` is aborted the worker has a few seconds to come to
   * a place where it can stop; then it is ended.
   *
   * @throws Error with the worker's message; InputError if it was one; WorkerEnded saying how the worker ended
   */
  async ask<Task extends keyof Tasks>(
    threads: number,
    task: Task,
    about: Tasks[Task]['asked'],
    onProgress: (progress: TrainingProgress) => void = () => {},
    signal?: AbortSignal,
    onDoing: Doing = () => {},
  ): Promise<Tasks[Task]['answered']> {
    const worker = this.take(threads);
    if (worker.isNew) onDoing('starting TensorFlow');
    worker.isNew = false;
    this.busy.add(worker);
    worker.lastWords.length = 0;
    let end: NodeJS.Timeout | undefined;
    const abort = () => {
      tell(worker, { task: 'abort' });
      // Its last checkpoint stays: a file is there whole, or as it was before.
      end = setTimeout(() => worker.process.kill('SIGKILL'), GRACE_MILLISECONDS);
    };
    signal?.addEventListener('abort', abort);
    try {
      const answer = await answerOf(worker, { task, about } as Question, onProgress, onDoing);
      return answer as Tasks[Task]['answered'];
    } finally {
      signal?.removeEventListener('abort', abort);
      clearTimeout(end);
      this.busy.delete(worker);
      if (worker.process.connected) this.idle.push(worker);
    }
  }

  /** Lets all workers go. */
  close(): void {
    this.unwatch();
    for (const { process } of [...this.idle.splice(0), ...this.busy])
      if (process.connected) process.disconnect();
  }

  private take(threads: number): Worker {
    this.idle = this.idle.filter(({ process }) => process.connected);
    const known = this.idle.findIndex((worker) => worker.threads === threads);
    if (known >= 0) return this.idle.splice(known, 1)[0]!;
    const taken = [...this.idle, ...this.busy].map(({ device }) => device);
    const workersOn = (device: string) => taken.filter((other) => other === device).length;
    const device = devices().toSorted((a, b) => workersOn(a) - workersOn(b))[0];
    return start(threads, device, this.perDevice > 1);
  }
}

function start(threads: number, device: string | undefined, isShared: boolean): Worker {
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], {
    env: {
      ...process.env,
      ...HUGE_PAGES,
      TF_NUM_INTRAOP_THREADS: String(threads),
      TF_NUM_INTEROP_THREADS: '1',
      ...deviceSettings(device, isShared),
    },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const worker: Worker = { process: child, threads, device, lastWords: [], told: new Set(), isNew: true };
  // How it ends is told to whoever waits for an answer; between answers nobody needs to know.
  child.on('error', () => {});
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    if (process.env.LABELNOISE_DEBUG) process.stderr.write(text);
    worker.lastWords.push(...text.split('\n').filter(Boolean));
    worker.lastWords.splice(0, worker.lastWords.length - LAST_WORDS);
  });
  return worker;
}

function tell(worker: Worker, message: ToWorker): void {
  // A worker that is gone cannot be told; whoever waits for its answer learns of its end.
  if (worker.process.connected) worker.process.send(message, () => {});
}

/** The users' files that a question is about: specs name them by their content. */
function filesFor({ about }: Question): UserFile[] {
  const spec = about && ('spec' in about ? about.spec : about);
  const named = spec ? canonicalJson(spec) : '';
  return userFiles().filter(({ module }) => named.includes(module.sha256));
}

/** The files of data that were verified since it was last told. */
function newlyWhole({ told }: Worker): ReadonlyMap<string, WholeFile> {
  const news = new Map([...wholeFiles()].filter(([asked]) => !told.has(asked)));
  for (const asked of news.keys()) told.add(asked);
  return news;
}

function answerOf(
  worker: Worker,
  question: Question,
  onProgress: (progress: TrainingProgress) => void,
  onDoing: Doing,
): Promise<Tasks[keyof Tasks]['answered']> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker) => {
      if (message.kind === 'progress') return onProgress(message.progress);
      if (message.kind === 'doing') return onDoing(message.what);
      release();
      if (message.kind === 'answer') resolve(message.answer);
      else {
        const error = message.isInputError ? new InputError(message.message) : new Error(message.message);
        reject(Object.assign(error, { stack: message.stack }));
      }
    };
    const onClose = (code: number | null, signal: string | null) => {
      release();
      // Another try would take as long.
      if (signal === OVERDUE) return reject(new Error(worker.lastWords.at(-1) ?? 'a call did not return'));
      if (code === EXIT_BAD_INPUT && worker.lastWords.length)
        return reject(new InputError(worker.lastWords.at(-1)!));
      // The system kills it, or TensorFlow's convolutions use what they were not given.
      const hint = ['SIGKILL', 'SIGSEGV'].includes(signal ?? '') ? ', as when memory runs out' : '';
      const words = worker.lastWords.length ? `; its last words: ${worker.lastWords.join(' | ')}` : '';
      reject(new WorkerEnded(`the worker process ended (${signal ?? `exit code ${code}`}${hint})${words}`));
    };
    const onError = (error: Error) => {
      release();
      reject(new WorkerEnded(`the worker process could not be started: ${error.message}`));
    };
    const release = () =>
      worker.process.off('message', onMessage).off('close', onClose).off('error', onError);
    worker.process.on('message', onMessage).on('close', onClose).on('error', onError);
    tell(worker, { ...question, files: filesFor(question), whole: newlyWhole(worker) });
  });
}
