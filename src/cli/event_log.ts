// What happens to a suite as JSON lines in OUT/events.jsonl, for programs to follow.
import { appendFileSync, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { Observer } from '../execution/execute.js';
import type { RunNode } from '../suite/expand.js';
import type { TrainingProgress } from '../training/job.js';

/** An observer that appends an event a line: `time` (ISO 8601), `event`, and what belongs to it. */
export function createEventLog(out: string): Observer {
  const file = path.join(out, 'events.jsonl');
  const write = (event: string, content: object = {}) => {
    const line = JSON.stringify({ time: new Date().toISOString(), event, ...content });
    try {
      if (event === 'begin') endTornLine(file);
      append(file, `${line}\n`);
    } catch {
      // Results do not depend on the log; what keeps it from being written stops the records too, and is told then.
    }
  };
  return {
    begins({ suite, runs }, finished) {
      write('begin', { suite: suite.name, pid: process.pid, runs: runs.length, finished: finished.size });
    },
    quarantined: (file, damage) => write('set-aside', { file, damage }),
    started: (run) => write('started', titleOf(run)),
    progressed(run, progress) {
      if (isWorthALine(progress)) write('progress', { run: run.id, ...progress });
    },
    finished: (run, { curve, wallSeconds }) =>
      write('finished', { run: run.id, testAccuracy: curve.at(-1)!.testAccuracy, wallSeconds }),
    retried: (run, reason) => write('retried', { run: run.id, reason }),
    failed: (run, reason) => write('failed', { run: run.id, reason }),
    stopped: () => write('stopped'),
  };
}

function titleOf({ id, method, noiseSetting, spec }: RunNode) {
  return { run: id, method, noise: noiseSetting.label, seed: spec.seed };
}

/** Ends of epochs, evaluations, and where a run goes on. */
function isWorthALine({ step, steps, epochs, evaluation, resumed }: TrainingProgress): boolean {
  return !!evaluation || !!resumed || step % (steps / epochs) === 0;
}

/** A process that was killed may have left a part of a line: it gets an end, so that it spoils no other. */
function endTornLine(file: string): void {
  const log = openSync(file, 'a+');
  const { size } = fstatSync(log);
  const last = Buffer.alloc(1);
  if (size) readSync(log, last, 0, 1, size - 1);
  closeSync(log);
  if (size && last.toString() !== '\n') append(file, '\n');
}

function append(file: string, text: string): void {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  // A pipe that nobody reads is then an error, and is not waited for.
  const log = openSync(file, O_APPEND | O_CREAT | O_NONBLOCK | O_WRONLY);
  try {
    appendFileSync(log, text);
  } finally {
    closeSync(log);
  }
}
