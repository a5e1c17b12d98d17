// A suite, a queue and workers to make it, for tests: everything real but the training.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { collect } from '../../src/cli/collect.js';
import { run } from '../../src/cli/run.js';
import { type SubmitOptions, submit } from '../../src/cli/submit.js';
import { RunQueue } from '../../src/execution/queue/queue.js';
import { type WorkerSettings, work } from '../../src/execution/queue/worker.js';
import type { Suite } from '../../src/suite/schema.js';
import { SUITE } from '../fakes.js';
import { standInEngine } from './honest_training.js';
import type { TestRedis } from './redis.js';
import { temporaryFolder } from './temporary_folder.js';

const WORKER = fileURLToPath(new URL('./queue_worker.js', import.meta.url));
/** Files that depend on results alone. */
const TABLES = ['runs.csv', 'table4.csv', 'comparison.csv', 'shape.csv', 'table4.md', 'table4.tex'];
const silent = { stop() {} };

const processes = new Set<ChildProcess>();

/** Ends what tests that failed have left. */
export function endWorkers(): void {
  for (const child of processes) child.kill('SIGKILL');
}

/** Processes that work on a queue. */
export class Workers {
  readonly all = new Set<ChildProcess>();
  said = '';

  constructor(
    private readonly environment: NodeJS.ProcessEnv,
    private readonly milliseconds: number,
    private readonly lease = 2,
  ) {}

  start(slots = 1): ChildProcess {
    const child = spawn(process.execPath, [WORKER, ...[this.milliseconds, this.lease, slots].map(String)], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.all.add(child);
    processes.add(child);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
    });
    child.on('exit', () => {
      this.all.delete(child);
      processes.delete(child);
    });
    return child;
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await Promise.all(
      [...this.all].map(async (child) => {
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
      }),
    );
  }
}

export interface Place {
  file: string;
  folder: string;
  /** Printed by the last command. */
  printed: string;
  submit(options?: SubmitOptions): Promise<number>;
  collect(out: string, options?: { clear?: boolean }): Promise<number>;
  queue(): Promise<RunQueue>;
  /** Works here until all is over, or the signal comes. */
  work(settings?: Partial<WorkerSettings>, milliseconds?: number): Promise<void>;
}

/** @param port of a proxy on the way to the server */
export async function placeAt(redis: TestRedis, changes: Partial<Suite> = {}, port?: number): Promise<Place> {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'tiny.json');
  await writeFile(file, JSON.stringify({ ...SUITE, ...changes }));
  const set = () => Object.assign(process.env, redis.environment(port));
  const print = (text: string) => {
    place.printed += text;
  };
  const place: Place = {
    file,
    folder,
    printed: '',
    submit(options = {}) {
      set();
      place.printed = '';
      return submit(file, options, standInEngine(1), silent, print);
    },
    collect(out, options = {}) {
      set();
      place.printed = '';
      return collect({ out, ...options }, print, print);
    },
    queue: () => RunQueue.open(redis.address(undefined, port)),
    work: (settings = {}, milliseconds = 5) =>
      work({
        address: redis.address(undefined, port),
        engine: standInEngine(milliseconds),
        slots: 4,
        lease: 5,
        labels: {},
        once: true,
        signal: new AbortController().signal,
        observer: {},
        ...settings,
      }),
  };
  return place;
}

/** Runs the suite here, without a queue. */
export async function local(file: string, out: string): Promise<void> {
  const code = await run(file, { out }, standInEngine(1), silent, () => {});
  if (code !== 0) throw new Error(`ended with exit code ${code}`);
}

/** The tables of a folder, by their names. */
export async function tablesOf(out: string): Promise<Record<string, string>> {
  const texts = TABLES.map(async (name) => [name, await readFile(path.join(out, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(texts));
}
