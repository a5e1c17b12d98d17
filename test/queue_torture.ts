// `make queue-torture`: real training on three workers, what the queue itself costs beside the local pool, and 10,000 runs on 1,000 workers.
import { deepStrictEqual } from 'node:assert';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { run } from '../src/cli/run.js';
import { Shift } from '../src/execution/queue/worker.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { originOf } from '../src/results/provenance.js';
import type { RunNode } from '../src/suite/expand.js';
import { standInEngine } from './support/honest_training.js';
import { placeAt, tablesOf } from './support/queue_place.js';
import { TestRedis, until } from './support/redis.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { contentOf, runUndisturbed } from './support/torture.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
const tell = (line: string) => process.stdout.write(`${line}\n`);
const parts = process.argv.slice(2);
const asked = (part: string) => !parts.length || parts.includes(part);

/** The suite smoke, trained by three processes of one thread each, and by one command. */
async function realTraining(redis: TestRedis): Promise<void> {
  const folder = await temporaryFolder();
  const cli = (...args: string[]) =>
    spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...redis.environment() },
      stdio: 'ignore',
    });
  const success = async (child: ChildProcess) => {
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${child.spawnargs.slice(2).join(' ')}: exit code ${code}`);
  };
  const out = path.join(folder, 'queue');
  const submitting = cli('submit', 'smoke', '--out', out);
  const workers = [1, 2, 3].map(() =>
    cli('worker', '--slots', '1', '--checkpoints', path.join(folder, 'state')),
  );
  await success(submitting);
  await Promise.all(
    workers.map(async (worker) => {
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      await ended;
    }),
  );
  const reference = path.join(folder, 'local');
  await runUndisturbed('smoke', reference);
  deepStrictEqual(await contentOf(out), await contentOf(reference));
  const { 'runs.csv': _, ...tables } = await tablesOf(out);
  const { 'runs.csv': __, ...expected } = await tablesOf(reference);
  deepStrictEqual(tables, expected);
  tell(
    'smoke on three workers: tables byte for byte, curves, predictions and weights are those of one machine',
  );
}

/** Seconds from the first run's beginning to the last one's end. */
function stopwatch() {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const now = () => performance.now() / 1000;
  return {
    started: () => {
      first = Math.min(first, now());
    },
    finished: () => {
      last = now();
    },
    seconds: () => last - first,
  };
}

/** Runs of two seconds that take no processor, four at once, by the local pool and by a worker: what the queue adds. */
async function throughput(redis: TestRedis): Promise<void> {
  const [slots, milliseconds, rounds] = [4, 1000, 3];
  const engine = { ...standInEngine(milliseconds), parallelRuns: () => slots };
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await redis.client.flushall();
    const place = await placeAt(redis);
    const here = stopwatch();
    const progress = { started: here.started, finished: here.finished, stop() {} };
    await run(place.file, { out: path.join(place.folder, 'local') }, engine, progress, () => {});
    await place.submit();
    const there = stopwatch();
    await place.work({ engine, slots, observer: { started: there.started, finished: there.finished } });
    shares.push(there.seconds() / here.seconds() - 1);
    tell(
      `throughput, round ${round + 1}: 20 runs of ${(2 * milliseconds) / 1000} s, ${slots} at once: local ${here.seconds().toFixed(2)} s, queue ${there.seconds().toFixed(2)} s (${(100 * shares.at(-1)!).toFixed(1)} %)`,
    );
  }
  const median = shares.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
  if (median > 0.03) throw new Error(`the queue takes ${(100 * median).toFixed(1)} % more; allowed: 3 %`);
}

/** 10,000 runs, each on one of 1,000 workers with connections of their own. */
async function simulation(): Promise<void> {
  const [workers, seeds, epochMilliseconds] = [1000, 500, 5000];
  const redis = await TestRedis.start('maxclients 10000');
  try {
    const place = await placeAt(redis, { seeds: Array.from({ length: seeds }, (_, i) => i + 1) });
    const empty = await redis.usage();
    const submitted = performance.now();
    await place.submit();
    const submitting = (performance.now() - submitted) / 1000;
    const full = await redis.usage();
    const queue = await place.queue();
    const commission = await queue.theCommission();
    const { runs } = commission.graph;
    const engine = standInEngine(epochMilliseconds);
    const origin = await originOf(await engine.versions());
    const stop = new AbortController();
    const begun = new Map<string, number>();
    const time = stopwatch();
    const observer = {
      started(run: RunNode) {
        begun.set(run.id, (begun.get(run.id) ?? 0) + 1);
        time.started();
      },
      finished: time.finished,
    };
    const shifts = Array.from({ length: workers }, async (_, i) => {
      // Machines do not start within one millisecond either.
      await setTimeout(i * 10);
      return new Shift(queue, commission, {
        ...{ address: redis.address(), engine, slots: 1, lease: 120, labels: {}, once: false },
        ...{ signal: stop.signal, observer },
      }).work(origin);
    });
    await until(async () => (await redis.client.hlen('labelnoise:results')) === runs.length, 1200);
    const seconds = time.seconds();
    const done = await redis.usage();
    const clients = (await redis.client.info('clients')).match(/connected_clients:(\d+)/)?.[1];
    stop.abort();
    await Promise.all(shifts);
    const twice = [...begun.values()].filter((times) => times > 1).length;
    const { records, refused } = await queue.results(commission, runs);
    await queue.close();
    if (records.size !== runs.length || refused.size) throw new Error(`${records.size} results can be used`);
    const ideal = (runs.length * 2 * epochMilliseconds) / 1000 / workers;
    const perRun = (value: number, digits = 1) => (value / runs.length).toFixed(digits);
    tell(
      [
        `${runs.length} runs on ${workers} workers (${clients} connections): all results there and usable, ${twice} runs begun twice`,
        `submitting: ${submitting.toFixed(1)} s; making them: ${seconds.toFixed(1)} s, without any queue ${ideal.toFixed(1)} s`,
        `the server's share: ${perRun(1000 * (done.seconds - full.seconds), 2)} ms of processor a run, ${perRun((full.memory - empty.memory) / 1000)} kB a waiting run, ${perRun((done.memory - empty.memory) / 1000)} kB a finished one`,
        `this process, that is all workers: ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
      ].join('\n'),
    );
  } finally {
    await redis.stop();
  }
}

tell(
  `${availableParallelism()} processors, ${execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).trim()}`,
);
if (asked('throughput') || asked('smoke')) {
  const redis = await TestRedis.start('appendonly yes');
  if (asked('throughput')) await throughput(redis);
  await redis.client.flushall();
  if (asked('smoke')) await realTraining(redis);
  await redis.stop();
}
if (asked('simulation')) await simulation();
await setTimeout(100);
process.exit();
