// Kills and stops trainings at random instants until their suite is finished, and compares with one that was left alone.

import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'csv-parse/sync';
import { integer, type Stream } from '../../src/io/random.js';
import { type Ended, MAIN, start, type Tally } from './ordeals.js';

/** A process is killed at most so long after its start, or after the last kill of one of its workers. */
const LONGEST_LIFE_MILLISECONDS = 6000;
const LOOK_MILLISECONDS = 50;
/** SIGTERM comes at most so long after a phase has begun: these are over within a second or two. */
const LONGEST_PHASE_MILLISECONDS = 200;
/** What a command may take to end after SIGTERM, wherever it is. */
export const STOP_MILLISECONDS = 5000;

/** Kills made: of the command, of one of its workers, of the command and all its workers at once. */
export interface Kills {
  parent: number;
  worker: number;
  both: number;
}

const begin = (suite: string, out: string) => start([MAIN, 'run', suite, '--out', out]);

/** Runs a suite to its end, undisturbed. */
export async function runUndisturbed(suite: string, out: string): Promise<void> {
  const { code, stderr } = await begin(suite, out).ended;
  if (code !== 0) throw new Error(`ended with exit code ${code}: ${stderr}`);
}

/**
 * Runs a suite until it is finished, killing (SIGKILL) the command, one of its workers or all of them at random instants.
 *
 * @param most kills to make; once they are made, the suite is left alone
 * @returns the kills made: fewer if the suite was finished before
 */
export async function runTortured(suite: string, out: string, most: number, next: Stream): Promise<Kills> {
  const kills: Kills = { parent: 0, worker: 0, both: 0 };
  for (;;) {
    const { child, ended } = begin(suite, out);
    let outcome: Ended | undefined;
    void ended.then((how) => {
      outcome = how;
    });
    while (!outcome && kills.parent + kills.worker + kills.both < most) {
      const victim = (['parent', 'worker', 'both'] as const)[integer(next, 3)]!;
      // Where the machine has much to do, it takes a while until there are workers.
      if (victim !== 'parent')
        while (!outcome && !childrenOf(child.pid!).length) await setTimeout(LOOK_MILLISECONDS);
      const until = performance.now() + next() * LONGEST_LIFE_MILLISECONDS;
      while (!outcome && performance.now() < until) await setTimeout(LOOK_MILLISECONDS);
      if (outcome) break;
      const workers = childrenOf(child.pid!);
      if (victim === 'worker' && (!workers.length || !kill(workers[integer(next, workers.length)]!)))
        continue;
      if (victim === 'both') for (const worker of workers) kill(worker);
      kills[victim]++;
      if (victim === 'worker') continue;
      child.kill('SIGKILL');
      await ended;
    }
    const { code, signal, stderr } = await ended;
    if (code === 0) return kills;
    // A run whose workers were killed too often has failed; it is tried again by the next command.
    if (code !== 1 && signal !== 'SIGKILL') throw new Error(`ended with ${signal ?? code}: ${stderr}`);
  }
}

/** Kills trainings so often, and compares each suite that comes to its end with an undisturbed one. */
export async function killTrainings(
  suite: string,
  folder: string,
  most: number,
  next: Stream,
): Promise<Tally> {
  const tally: Tally = { kind: 'kill: trainings', times: 0, hits: 0, failures: [] };
  const undisturbed = path.join(folder, 'undisturbed');
  await runUndisturbed(suite, undisturbed);
  const right = await contentOf(undisturbed);
  const all: Kills = { parent: 0, worker: 0, both: 0 };
  while (tally.times < most) {
    const out = path.join(folder, 'tortured');
    // Not all in one folder, so that its beginnings are met too.
    const kills = await runTortured(suite, out, Math.min(8, most - tally.times), next);
    for (const kind of ['parent', 'worker', 'both'] as const) all[kind] += kills[kind];
    tally.times = all.parent + all.worker + all.both;
    tally.hits = tally.times;
    if (!isDeepStrictEqual(await contentOf(out), right)) tally.failures.push(`${out} is another result`);
    else await rm(out, { recursive: true });
  }
  tally.kind += ` (${all.parent} commands, ${all.worker} workers, ${all.both} both)`;
  return tally;
}

/** What a command says when it comes to its phases; it begins without a word. */
const PHASES = [
  '',
  'reading and verifying',
  'starting TensorFlow',
  'compiling',
  'taking the first step',
  'evaluating',
  '[1/3]',
  '[2/3]',
];

/**
 * Sends SIGTERM when a phase has begun, a random moment later: the command must end within seconds and say so with its exit
 * code, and typed again end in the results of an undisturbed one. A phase that is never said is a failure.
 */
export async function stopAtEveryPhase(
  suite: string,
  folder: string,
  times: number,
  next: Stream,
): Promise<Tally> {
  const tally: Tally = { kind: 'SIGTERM: trainings', times: 0, hits: 0, failures: [] };
  const undisturbed = path.join(folder, 'unstopped');
  await runUndisturbed(suite, undisturbed);
  const right = await contentOf(undisturbed);
  const out = path.join(folder, 'stopped');
  let slowest = 0;
  for (; tally.times < times; tally.times++) {
    const phase = PHASES[tally.times % PHASES.length]!;
    const failed = (what: string) => tally.failures.push(`after "${phase}": ${what}`);
    const { child, said, ended } = begin(suite, out);
    while (child.exitCode === null && child.signalCode === null && !said().includes(phase))
      await setTimeout(20);
    if (!said().includes(phase)) failed('it is never said');
    await setTimeout(next() * LONGEST_PHASE_MILLISECONDS);
    const sent = performance.now();
    const came = child.kill('SIGTERM');
    const { code, signal, stderr } = await ended;
    if (came) {
      tally.hits++;
      const took = performance.now() - sent;
      slowest = Math.max(slowest, took);
      if (took > STOP_MILLISECONDS) failed(`${Math.round(took)} ms`);
      // It may have been done already, but for its last words.
      if (code !== 143 && signal !== 'SIGTERM' && code !== 0)
        failed(`${signal ?? `exit code ${code}`}: ${stderr}`);
      const left = (await readdir(out).catch(() => [])).filter((name) => /^lock|\.tmp$/.test(name));
      if (left.length) failed(`left behind: ${left.join(', ')}`);
    }
    await runUndisturbed(suite, out);
    if (!isDeepStrictEqual(await contentOf(out), right)) failed('another result than undisturbed');
    await rm(out, { recursive: true });
  }
  tally.kind += ` (slowest end ${(slowest / 1000).toFixed(1)} s)`;
  return tally;
}

/** Whether the process was still there. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Processes whose parent is this one (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

/** What a results folder says but for times: the tables, and every run's curve, predictions and weights. */
export async function contentOf(out: string) {
  const text = (name: string) => readFile(path.join(out, name), 'utf8');
  const rows: Record<string, string>[] = parse(await text('runs.csv'), { columns: true });
  const records = rows.map(async ({ run_id }) => {
    const { curve, predictions, weightsSha256 } = JSON.parse(await text(path.join('runs', `${run_id}.json`)));
    return { run_id, curve, predictions, weightsSha256 };
  });
  const tables = ['table4.csv', 'comparison.csv', 'shape.csv', 'table4.md', 'table4.tex'].map(text);
  return {
    runs: rows.map(({ wall_seconds: _, ...row }) => row),
    tables: await Promise.all(tables),
    records: await Promise.all(records),
  };
}
