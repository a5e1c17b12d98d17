// A suite's runs in a queue: BullMQ's jobs, one a run and called by its id, and beside them the suite and the results.
import { randomBytes } from 'node:crypto';
import { type FlowJob, FlowProducer, type JobType, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { evaluationShape, type RunUnderWay } from '../../results/events.js';
import { InputError } from '../../spec/errors.js';
import type { RunRecord } from '../../spec/record.js';
import type { RunNode } from '../../suite/expand.js';
import type { Plan } from '../../suite/plan.js';
import {
  type CodeUse,
  type Commission,
  commissionDifference,
  commissionText,
  readCommission,
  type Terms,
} from '../commission.js';
import { RETRIES } from '../execute.js';
import { longestFirst } from '../longest_first.js';
import type { QueueAddress } from './address.js';
import { connect, explained } from './connection.js';
import { jobText, readResult, resultText, type Seal, seal, unseal } from './messages.js';

/** The name of BullMQ's queue below the prefix. */
export const JOBS = 'runs';
/** Jobs that are added, or results that are fetched, by one command. */
const AT_ONCE = 50;
/** Why a run fails whose job was changed. */
const UNREADABLE = 'its job cannot be read; submit it again';
/** Before the first of the further tries of a run; each next one waits twice as long. */
const BACKOFF_MILLISECONDS = 2000;

/** A run's job: BullMQ takes ids that are numbers for its own, and some runs' are. */
export const jobId = (run: string) => `run-${run}`;
export const runOf = (job: string) => job.replace(/^run-/, '');

/** What a job carries. */
export interface JobData {
  /** See `jobText`. */
  message: string;
}

/** A run that a worker is at. */
export interface RunElsewhere extends RunUnderWay {
  /** The worker's name. */
  worker: string;
}

/** Where a queue stands. Its results are not looked at for this. */
export interface Standing {
  /** Runs that have a result. */
  results: Set<string>;
  underWay: Map<string, RunElsewhere>;
  /** Why runs have failed. */
  failures: Map<string, string>;
  /** Runs that have been asked for and are none of these. */
  waiting: Set<string>;
}

/** Results that can be used, and why others cannot. */
export interface Results {
  records: Map<string, RunRecord>;
  refused: Map<string, string>;
}

/** What a submission came to, in runs. */
export interface Submission extends Results {
  added: number;
}

const progressShape = z.object({
  epoch: z.number(),
  epochs: z.number(),
  share: z.number(),
  loss: z.number().nullable(),
  curve: z.array(evaluationShape),
});

/** A queue, connected. */
export class RunQueue {
  readonly jobs: Queue<JobData>;

  private constructor(
    readonly address: QueueAddress,
    readonly redis: Redis,
  ) {
    this.jobs = new Queue(JOBS, { connection: redis, prefix: address.prefix });
    // What fails is told by whoever asked for it.
    this.jobs.on('error', () => {});
  }

  /** @param patient see `connect` @throws InputError */
  static async open(address: QueueAddress, patient = false): Promise<RunQueue> {
    const redis = await connect(address, patient);
    const queue = new RunQueue(address, redis);
    await queue.told(queue.jobs.waitUntilReady());
    return queue;
  }

  /** What it is called in messages. */
  get shown(): string {
    const { shown, prefix } = this.address;
    return prefix === 'labelnoise' ? shown : `${shown} (prefix ${prefix})`;
  }

  key(name: 'suite' | 'results' | 'kind'): string {
    return `${this.address.prefix}:${name}`;
  }

  sealOf({ token }: Pick<Commission, 'token'>): Seal {
    return { secret: this.address.secret, token };
  }

  /** The suite that is in it, if there is one. @throws InputError if it is damaged, not from here, or of another version */
  async commission(code: CodeUse = 'described'): Promise<Commission | undefined> {
    const text = await this.commissionText();
    return text === undefined ? undefined : readCommission(text, this.shown, code);
  }

  private async commissionText(): Promise<string | undefined> {
    const text = await this.told(this.redis.get(this.key('suite')));
    if (text === null) return undefined;
    const unsealed = unseal(this.sealOf({ token: '' }), 'suite', '', text);
    if ('content' in unsealed) return unsealed.content;
    throw new InputError(
      `${this.shown}: the suite that it holds is sealed with another password or LABELNOISE_QUEUE_KEY, or was changed; allowed: the same for all who use a queue`,
    );
  }

  /** The suite that is in it. @throws InputError likewise, or if there is none */
  async theCommission(): Promise<Commission> {
    const commission = await this.commission();
    if (!commission)
      throw new InputError(`${this.shown}: holds no suite; "labelnoise submit SUITE" puts one there`);
    return commission;
  }

  /**
   * Adds what is missing of a plan: runs without a result that are not waiting or under way already. Runs that failed are tried
   * again, and so are those whose result cannot be used.
   *
   * @param finished records that there are already; they count as results
   * @throws InputError if it holds another suite, or has no room
   */
  async submit(
    plan: Plan,
    terms: Terms,
    finished: ReadonlyMap<string, RunRecord> = new Map(),
  ): Promise<Submission> {
    const commission = await this.commit(plan, terms);
    const by = this.sealOf(commission);
    const { runs } = plan.graph;
    const results = await this.results(commission, runs);
    const { records, refused } = results;
    for (const run of runs) {
      const record = records.has(run.id) ? undefined : finished.get(run.id);
      if (!record) continue;
      await this.told(this.redis.hset(this.key('results'), run.id, resultText(by, record)));
      records.set(run.id, record);
      refused.delete(run.id);
    }
    if (refused.size) await this.told(this.redis.hdel(this.key('results'), ...refused.keys()));
    const fresh = await this.fresh(runs.filter(({ id }) => !records.has(id)));
    await this.add(fresh, by);
    return { ...results, added: fresh.length };
  }

  /** Makes the suite the queue's own. @throws InputError if it holds another */
  private async commit(plan: Plan, terms: Terms): Promise<Commission> {
    const mine = commissionText(plan, terms, randomBytes(16).toString('hex'));
    const sealed = seal(this.sealOf({ token: '' }), 'suite', '', mine);
    await this.told(this.redis.set(this.key('suite'), sealed, 'NX'));
    const held = await this.commissionText();
    if (held === undefined) throw new InputError(`${this.shown}: loses what is written to it`);
    const commission = await readCommission(held, this.shown, 'described');
    const other = commissionDifference(held, mine);
    if (other)
      throw new InputError(
        `${this.shown}: holds the suite ${JSON.stringify(commission.graph.suite.name)} with ${other.path} = ${short(other.before)}, asked for is ${short(other.after)}; choose another --prefix, or "labelnoise collect --clear" when that is done`,
      );
    return commission;
  }

  /** Those among these runs that nobody has waiting or under way. What is left of earlier tries goes. */
  private async fresh(runs: readonly RunNode[]): Promise<RunNode[]> {
    const fresh: RunNode[] = [];
    for (const some of chunks(runs, AT_ONCE))
      await this.told(
        Promise.all(
          some.map(async (run) => {
            const state = await this.jobs.getJobState(jobId(run.id));
            if (state !== 'unknown') {
              const isOver = state === 'failed' || state === 'completed';
              // What was changed so that it cannot be read would never come to an end.
              if (!isOver && (await this.readable(run.id))) return;
              if (!isOver) await this.redis.del(`${this.jobs.toKey(jobId(run.id))}:lock`);
              await this.jobs.remove(jobId(run.id), { removeChildren: false });
            }
            fresh.push(run);
          }),
        ),
      );
    return fresh;
  }

  /**
   * Adds jobs: a student as the parent, in BullMQ's word, of its teacher, so that it waits for it. A job can have one parent: what
   * learns from a teacher that is in the queue already waits for it by asking for its result, see `worker.ts`.
   */
  private async add(runs: readonly RunNode[], by: Seal): Promise<void> {
    const rank = new Map(longestFirst(runs).map(({ id }, i) => [id, i + 1]));
    const byId = new Map(runs.map((run) => [run.id, run]));
    const flowOf = (run: RunNode): FlowJob => {
      byId.delete(run.id);
      const children = run.dependsOn.flatMap((id) => {
        const teacher = byId.get(id);
        return teacher ? [flowOf(teacher)] : [];
      });
      return {
        name: run.method,
        queueName: JOBS,
        prefix: this.address.prefix,
        data: { message: jobText(by, run) } satisfies JobData,
        opts: {
          jobId: jobId(run.id),
          priority: rank.get(run.id)!,
          attempts: 1 + RETRIES,
          backoff: { type: 'exponential', delay: BACKOFF_MILLISECONDS },
          // Whether its teacher has failed for good is for the student to find out, like everything else about it.
          ignoreDependencyOnFailure: true,
          stackTraceLimit: 0,
        },
        ...(children.length && { children }),
      } as FlowJob;
    };
    // Students before their teachers, which become parts of their flows.
    const flows: FlowJob[] = [];
    for (const run of [...runs].reverse()) if (byId.has(run.id)) flows.push(flowOf(run));
    const producer = new FlowProducer({ connection: this.redis, prefix: this.address.prefix });
    producer.on('error', () => {});
    try {
      for (const some of chunks(flows, AT_ONCE)) await this.told(producer.addBulk(some));
    } finally {
      await producer.close();
    }
    // Where there is no room, adding says nothing.
    for (const some of chunks(runs, AT_ONCE)) {
      const keys = some.map(({ id }) => this.jobs.toKey(jobId(id)));
      const there = await this.told(this.redis.exists(...keys));
      if (there < keys.length)
        throw new InputError(
          `${this.shown}: takes no more (is its memory used up?); make room and submit again: what is there stays`,
        );
    }
  }

  /** The results of these runs. */
  async results(commission: Commission, runs: readonly RunNode[]): Promise<Results> {
    const by = this.sealOf(commission);
    const results: Results = { records: new Map(), refused: new Map() };
    for (const some of chunks(runs, AT_ONCE)) {
      const texts = await this.told(this.redis.hmget(this.key('results'), ...some.map(({ id }) => id)));
      for (const [i, run] of some.entries()) {
        if (texts[i] === null) continue;
        const read = readResult(by, run, texts[i]);
        if ('record' in read) results.records.set(run.id, read.record);
        else results.refused.set(run.id, read.damage);
      }
    }
    return results;
  }

  async standing({ graph }: Commission): Promise<Standing> {
    const inState = async (...states: JobType[]) => (await this.jobs.getRanges(states, 0, -1)).map(runOf);
    // One command for all that are open, and after it where they may have gone to meanwhile: no run is in none of these.
    const open = await this.told(inState('active', 'wait', 'prioritized', 'delayed', 'waiting-children'));
    const active = await this.told(inState('active'));
    const failed = await this.told(inState('failed'));
    const ids = await this.told(this.redis.hkeys(this.key('results')));
    const known = new Set(graph.runs.map(({ id }) => id));
    const results = new Set(ids.filter((id) => known.has(id)));
    const isOpen = (id: string) => known.has(id) && !results.has(id);
    const standing: Standing = { results, underWay: new Map(), failures: new Map(), waiting: new Set() };
    for (const id of active.filter(isOpen)) {
      const job = await this.readable(id);
      if (!job) {
        standing.failures.set(id, UNREADABLE);
        continue;
      }
      // A job that was changed may say anything.
      const { data } = progressShape.safeParse(job.progress);
      const begun: RunUnderWay = { epoch: 0, epochs: 0, share: 0, loss: null, curve: [] };
      const worker = `${job.processedBy ?? '?'}`;
      standing.underWay.set(id, { ...begun, ...(data as RunUnderWay), worker });
    }
    for (const id of failed.filter(isOpen)) {
      const job = await this.readable(id);
      standing.failures.set(id, job ? `${job.failedReason}` : UNREADABLE);
    }
    for (const id of open)
      if (isOpen(id) && !standing.underWay.has(id) && !standing.failures.has(id)) standing.waiting.add(id);
    return standing;
  }

  /** A job, if what the server holds of it can be read. */
  private async readable(id: string) {
    return this.jobs.getJob(jobId(id)).catch((error) => {
      if (error instanceof SyntaxError) return undefined;
      throw explained(this.address, error);
    });
  }

  /** Names of the workers that are connected; undefined where the server does not say. */
  async workers(): Promise<string[] | undefined> {
    const found = await this.jobs.getWorkers().catch(() => undefined);
    const names = found?.map(({ rawname = '' }) => /:w:(.*)$/.exec(rawname)?.[1] ?? '?');
    return names && [...new Set(names)].sort();
  }

  /** Removes everything of the queue. */
  async clear(): Promise<void> {
    await this.told(this.jobs.obliterate({ force: true }));
    await this.told(this.redis.del(this.key('suite'), this.key('results'), this.key('kind')));
  }

  async close(): Promise<void> {
    await this.jobs.close().catch(() => {});
    this.redis.disconnect();
  }

  /** What a command gives, or what is wrong in words. */
  async told<T>(command: Promise<T>): Promise<T> {
    try {
      return await command;
    } catch (error) {
      throw explained(this.address, error);
    }
  }
}

function short(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
