// A worker: takes runs from a queue, trains them here, and brings back their records.

import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { LoadedDataset } from '../../data/datasets/dataset.js';
import { removeUnfinished } from '../../io/files.js';
import { type EngineVersions, type Origin, originOf } from '../../results/provenance.js';
import { InputError } from '../../spec/errors.js';
import type { RunRecord } from '../../spec/record.js';
import { canonicalJson, type RunSpec } from '../../spec/run_spec.js';
import type { RunNode } from '../../suite/expand.js';
import { type RunJob, type Trainer, type TrainingProgress, WorkerEnded } from '../../training/job.js';
import type { Commission } from '../commission.js';
import { DEFAULT_CHECKPOINT } from '../execute.js';
import { makeRun } from '../make_run.js';
import { Preparer } from '../prepare.js';
import type { QueueAddress } from './address.js';
import { connect, isPassing } from './connection.js';
import { kindOf, labelsOf, refuseOtherKind, refuseUnfit } from './kind.js';
import { jobDamage, readResult, resultText, type Seal, seal, unseal } from './messages.js';
import { JOBS, type JobData, jobId, RunQueue, runOf } from './queue.js';

/** How often a run may be taken over from a worker that vanished: one that takes its workers down does not go round for ever. */
const TAKEOVERS = 5;
/** How often a queue is looked at that holds no suite yet, or whose runs may be over. */
const LOOK_MILLISECONDS = 1000;
/** The longest that a student waits before it asks for its teacher again; it is told when that has finished. */
const LONGEST_WAIT_SECONDS = 60;
/** Between what is told of a run's progress. */
const PROGRESS_MILLISECONDS = 1000;

/** What a worker computes with. */
export interface WorkerEngine {
  train: Trainer<RunJob>;
  /** How many runs of so many threads to train at once. */
  parallelRuns(threads: number): number;
  versions(): Promise<EngineVersions>;
  loadData(data: RunSpec['data'], dataDir?: string): Promise<LoadedDataset>;
}

export interface WorkerSettings {
  address: QueueAddress;
  engine: WorkerEngine;
  /** Runs at once; as many as the machine trains if absent. */
  slots?: number | undefined;
  /** Seconds without a sign of life after which others may take a run. */
  lease: number;
  /** Folder of checkpoints. Where all workers share it, a run goes on elsewhere. */
  checkpoints?: string | undefined;
  dataDir?: string | undefined;
  /** Whether code of users may be run that a suite brings. */
  allowCode?: boolean | undefined;
  /** Labels that the machine has besides its own. */
  labels: Record<string, string>;
  /** Ends when all runs are over, instead of waiting for more. */
  once: boolean;
  signal: AbortSignal;
  observer: WorkerObserver;
}

export interface WorkerObserver {
  noted?(line: string): void;
  began?(commission: Commission, slots: number): void;
  started?(run: RunNode): void;
  progressed?(run: RunNode, progress: TrainingProgress): void;
  finished?(run: RunNode, record: RunRecord): void;
  failed?(run: RunNode, reason: string): void;
}

/** Works until the signal comes, or all is done. @throws InputError */
export async function work(settings: WorkerSettings): Promise<void> {
  const { address, signal, observer } = settings;
  if (settings.allowCode && !address.secret)
    throw new InputError(
      '--allow-code: anybody who reaches the queue could have code run here; allowed: with a password or LABELNOISE_QUEUE_KEY, which signs what is submitted',
    );
  const queue = await RunQueue.open(address, true);
  try {
    let waits = false;
    while (!signal.aborted) {
      const commission = await queue.commission(settings.allowCode ? 'loaded' : 'refused');
      if (commission) {
        waits = false;
        if ((await new Shift(queue, commission, settings).work()) === 'over') return;
      } else {
        if (!waits) observer.noted?.(`${queue.shown}: holds no suite yet; waiting for one`);
        waits = true;
        await pause(LOOK_MILLISECONDS, signal);
      }
    }
  } finally {
    await queue.close();
  }
}

/** Returns early once the signal comes. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => {});
}

/** The work on one commission. */
export class Shift {
  private readonly by: Seal;
  /** Aborted when the worker is to end, whatever for. */
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;
  private failure: unknown;
  private outcome: 'over' | 'replaced' = 'over';
  private told = '';

  constructor(
    private readonly queue: RunQueue,
    private readonly commission: Commission,
    private readonly settings: WorkerSettings,
  ) {
    this.by = queue.sealOf(commission);
    this.signal = AbortSignal.any([settings.signal, this.stop.signal]);
  }

  /** @returns `replaced` if the queue holds another suite now */
  async work(known?: Origin): Promise<'over' | 'replaced'> {
    const { engine, dataDir, labels, lease, observer, once, address } = this.settings;
    const { suite, runs } = this.commission.graph;
    const origin = known ?? (await originOf(await engine.versions()));
    refuseUnfit(this.commission.terms.needs, labelsOf(origin, labels));
    const loaded = await engine.loadData(runs[0]!.spec.data, dataDir);
    const preparer = new Preparer(loaded, this.commission.labelSets, dataDir);
    if (this.commission.terms.kinds === 'one') await this.checkKind(origin);
    const slots = this.settings.slots ?? engine.parallelRuns(suite.threads);
    const worker = new Worker<JobData, string>(
      JOBS,
      (job, token) => this.process(job, token!, preparer, origin),
      {
        connection: await connect(address, true),
        prefix: address.prefix,
        name: `${hostname()}-${process.pid}`,
        concurrency: slots,
        lockDuration: 1000 * lease,
        stalledInterval: 1000 * lease,
        maxStalledCount: TAKEOVERS,
        drainDelay: 2,
        runRetryDelay: 1000,
      },
    );
    worker.on('error', (error) => this.trouble(error));
    observer.began?.(this.commission, slots);
    try {
      while (!this.signal.aborted) {
        await pause(LOOK_MILLISECONDS, this.signal);
        if (once && !this.signal.aborted && (await this.isOver())) break;
      }
    } finally {
      // Runs under way stop at their next step and are given back.
      this.stop.abort();
      await worker.close();
      (await worker.getBackend().client).disconnect?.();
    }
    if (this.failure !== undefined) throw this.failure;
    return this.settings.signal.aborted ? 'over' : this.outcome;
  }

  private async isOver(): Promise<boolean> {
    const { underWay, waiting } = await this.queue.standing(this.commission);
    return !underWay.size && !waiting.size;
  }

  /** The first worker decides of what kind all are. */
  private async checkKind(origin: Origin): Promise<void> {
    const mine = kindOf(origin);
    const key = this.queue.key('kind');
    await this.queue.told(this.queue.redis.set(key, seal(this.by, 'kind', '', canonicalJson(mine)), 'NX'));
    const unsealed = unseal(this.by, 'kind', '', await this.queue.told(this.queue.redis.get(key)));
    // Another commission's, or nobody's.
    if ('damage' in unsealed)
      await this.queue.told(this.queue.redis.del(key)).then(() => this.checkKind(origin));
    else refuseOtherKind(JSON.parse(unsealed.content), mine);
  }

  /** What goes wrong between this machine and the queue is told once, until something else does. */
  private trouble(error: Error): void {
    // The run was taken over by another worker; its result counts all the same, and is the same.
    if (/Missing lock|could not renew lock|Missing key for job/.test(error.message)) return;
    const said = error.message
      .replace(/\s+/g, ' ')
      .replace(/ script: .*/, '')
      .slice(0, 200);
    if (said !== this.told && !this.signal.aborted)
      this.settings.observer.noted?.(`${this.queue.shown}: ${said}`);
    this.told = said;
  }

  private async process(
    job: Job<JobData>,
    token: string,
    preparer: Preparer,
    origin: Origin,
  ): Promise<string> {
    const { observer } = this.settings;
    const run = this.commission.byId.get(runOf(job.id ?? ''));
    const damage = run ? jobDamage(this.by, run, job.data?.message) : 'it is none of the runs of its suite';
    if (!run || damage !== undefined) {
      await this.checkReplaced(job, token);
      throw new UnrecoverableError(`the job is refused: ${damage}`);
    }
    try {
      if (await this.hasResult(run)) return 'was there';
      const teachers = await this.teachersOf(run, job, token);
      observer.started?.(run);
      const record = await this.train(run, teachers, job, preparer, origin);
      await this.bring(run, record);
      observer.finished?.(run, record);
      await this.wakeStudents(run);
      return 'made';
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      const isMachines = error instanceof InputError;
      if (isMachines) {
        // What this machine lacks is no fault of the run's: another may have it.
        this.failure ??= error;
        this.stop.abort();
      }
      if (this.signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      const reason = (error as Error).message.split('\n', 1)[0]!;
      observer.failed?.(run, reason);
      throw error instanceof WorkerEnded ? new Error(reason) : new UnrecoverableError(reason);
    }
  }

  /** Jobs of a suite that came into the queue meanwhile are not this one's: they are given back, and the other suite is read. */
  private async checkReplaced(job: Job, token: string): Promise<void> {
    const now = await this.queue.commission().catch(() => undefined);
    if (now?.token === this.commission.token) return;
    this.outcome = 'replaced';
    this.stop.abort();
    await job.moveToWait(token);
    throw new WaitingError();
  }

  private async resultOf(id: string): Promise<string | null> {
    return this.queue.redis.hget(this.queue.key('results'), id);
  }

  private async hasResult(run: RunNode): Promise<boolean> {
    const text = await this.resultOf(run.id);
    return text !== null && 'record' in readResult(this.by, run, text);
  }

  /** The records that a run learns from; the run is put off while one is missing. @throws UnrecoverableError if one will never be there */
  private async teachersOf(
    { dependsOn }: RunNode,
    job: Job,
    token: string,
  ): Promise<ReadonlyMap<string, RunRecord>> {
    const teachers = new Map<string, RunRecord>();
    for (const id of dependsOn) teachers.set(id, await this.teacherOf(id, job, token));
    return teachers;
  }

  private async teacherOf(id: string, job: Job, token: string): Promise<RunRecord> {
    const text = await this.resultOf(id);
    const read = readResult(this.by, this.commission.byId.get(id)!, text);
    if ('record' in read) return read.record;
    const state = await this.queue.jobs.getJobState(jobId(id));
    if (state === 'failed') throw new UnrecoverableError(`its teacher ${id} failed`);
    if (state === 'completed' || state === 'unknown')
      throw new UnrecoverableError(`the result of its teacher ${id} is refused: ${read.damage}`);
    const seconds = Math.min(LONGEST_WAIT_SECONDS, 2 ** Math.min(job.attemptsStarted, 6));
    await job.moveToDelayed(Date.now() + 1000 * seconds, token);
    throw new DelayedError();
  }

  private async train(
    run: RunNode,
    teachers: ReadonlyMap<string, RunRecord>,
    job: Job,
    preparer: Preparer,
    origin: Origin,
  ): Promise<RunRecord> {
    const { engine, observer } = this.settings;
    const { suite } = this.commission.graph;
    const tell = this.progressOf(job);
    const file = this.checkpointOf(run);
    const every = suite.checkpoint ?? DEFAULT_CHECKPOINT;
    const record = await makeRun(run, (id) => teachers.get(id), {
      preparer,
      origin,
      suite: suite.name,
      ...(file !== undefined && { checkpoint: { file, every } }),
      train: (job) =>
        engine.train(
          job,
          (progress) => {
            observer.progressed?.(run, progress);
            tell(progress);
          },
          this.signal,
        ),
    });
    return record;
  }

  private checkpointOf({ id }: RunNode): string | undefined {
    const { checkpoints } = this.settings;
    return checkpoints && path.join(checkpoints, this.commission.token, `${id}.ckpt`);
  }

  /** Tells the queue how a run gets on, now and then. */
  private progressOf(job: Job): (progress: TrainingProgress) => void {
    let last = 0;
    let isTelling = false;
    const curve: unknown[] = [];
    return ({ epoch, epochs, step, steps, loss, evaluation }) => {
      if (evaluation) curve.push(evaluation);
      const now = performance.now();
      if (isTelling || (!evaluation && now - last < PROGRESS_MILLISECONDS)) return;
      last = now;
      isTelling = true;
      const told = { epoch, epochs, share: step / steps, loss: Number.isFinite(loss) ? loss : null, curve };
      job
        .updateProgress(told)
        .catch(() => {})
        .finally(() => {
          isTelling = false;
        });
    };
  }

  /** Keeps a result in the queue, however long that takes: what was trained for hours is not lost because there is no room. */
  private async bring(run: RunNode, record: RunRecord): Promise<void> {
    const text = resultText(this.by, record);
    for (let tries = 0; ; tries++)
      try {
        await this.queue.redis.hset(this.queue.key('results'), run.id, text);
        break;
      } catch (error) {
        if (this.signal.aborted || !isPassing(error)) throw error;
        this.trouble(error as Error);
        await pause(Math.min(1000 * 2 ** tries, 30_000), this.signal);
      }
    const file = this.checkpointOf(run);
    if (!file) return;
    await rm(file, { force: true });
    // Of trainings that were killed.
    await removeUnfinished(path.dirname(file), path.basename(file));
  }

  private async wakeStudents(teacher: RunNode): Promise<void> {
    for (const id of this.commission.students.get(teacher.id) ?? []) {
      const student = await this.queue.jobs.getJob(jobId(id)).catch(() => undefined);
      // It may be in no need of it: BullMQ lets those go that wait as parents.
      await student?.promote().catch(() => {});
    }
  }
}
