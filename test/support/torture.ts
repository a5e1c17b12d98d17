// Kills a suite's processes at random instants until it is finished, and compares with one that was left alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { PROJECT_ROOT } from '../../src/project.js';
import { integer, type Stream } from '../../src/random.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
/** A process is killed at most so long after its start, or after the last kill of one of its workers. */
const LONGEST_LIFE_MILLISECONDS = 6000;

export interface Kills {
  parent: number;
  worker: number;
}

/** Runs a suite to its end, undisturbed. */
export async function runUndisturbed(suite: string, out: string): Promise<void> {
  const code = await start(suite, out).success;
  if (code !== 0) throw new Error(`ended with exit code ${code}`);
}

/**
 * Runs a suite until it is finished, killing (SIGKILL) the command or one of its workers at random instants.
 *
 * @param most kills to make; once they are made, the suite is left alone
 * @returns the kills made: fewer if the suite was finished before
 */
export async function runTortured(
  suite: string,
  out: string,
  most: number,
  next: Stream,
  tell: (line: string) => void = () => {},
): Promise<Kills> {
  const kills: Kills = { parent: 0, worker: 0 };
  for (;;) {
    const { child, success } = start(suite, out);
    const ended = success.then(
      (code) => code,
      (error) => error as Error,
    );
    let killed = false;
    while (!killed) {
      const instant = new AbortController();
      const after = kills.parent + kills.worker < most ? next() * LONGEST_LIFE_MILLISECONDS : 2 ** 30;
      const timer = setTimeout(after, 'time' as const, { signal: instant.signal }).catch(
        () => 'time' as const,
      );
      const outcome = await Promise.race([ended, timer]);
      instant.abort();
      if (outcome instanceof Error) throw outcome;
      if (outcome === 0) return kills;
      // A run whose workers were killed too often has failed; it is tried again by the next command.
      if (outcome === 1) break;
      const workers = childrenOf(child.pid!);
      if (workers.length && next() < 0.5) {
        if (!kill(workers[integer(next, workers.length)]!)) continue;
        tell(`kill ${++kills.worker + kills.parent}: a worker, after ${Math.round(after)} ms`);
      } else {
        child.kill('SIGKILL');
        await ended.catch(() => {});
        killed = true;
        tell(`kill ${++kills.parent + kills.worker}: the command, after ${Math.round(after)} ms`);
      }
    }
  }
}

/** `success` gives the exit code: 0, or 1 for failed runs; it is rejected for others, but not for a SIGKILL. */
function start(suite: string, out: string): { child: ChildProcess; success: Promise<number | null> } {
  const child = spawn(process.execPath, [MAIN, 'run', suite, '--out', out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const success = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 || code === 1 || signal === 'SIGKILL') resolve(code);
      else reject(new Error(`ended with ${signal ?? `exit code ${code}`}: ${said}`));
    });
  });
  return { child, success };
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
function childrenOf(pid: number): number[] {
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
  return {
    runs: rows.map(({ wall_seconds: _, ...row }) => row),
    table: await text('table4.csv'),
    comparison: await text('comparison.csv'),
    records: await Promise.all(records),
  };
}
