// Shows how a suite gets on, on stderr: bars on a terminal, else a line for each run.

import type { Observer } from '../execution/execute.js';
import { plain } from '../report/escape.js';
import { duration, leftText, runTitle } from '../report/wording.js';
import { finalAccuracy } from '../results/aggregate.js';
import type { RunNode } from '../suite/expand.js';
import { ProgressBars } from './progress_bars.js';
import { TimeLeft } from './time_left.js';

/** An observer that must be stopped before anything else is printed. */
export interface Progress extends Observer {
  /** After every run. @param table draws the suite's table as it stands, in lines */
  filled?(table: () => readonly string[]): void;
  stop(): void;
}

/** Seconds of training to judge the rest by. */
const SECONDS_TO_JUDGE = 10;
/** Where there is no terminal, no longer than this is nothing said, in seconds. */
const SILENCE = 30;
/** Where there is no terminal to draw the table on, it is printed so often on the way. */
const TABLES_ON_THE_WAY = 3;

/**
 * Progress for a stream: bars and the table if it is a terminal.
 *
 * @param now the clock, in seconds
 */
export function createProgress(
  stream: NodeJS.WriteStream = process.stderr,
  now = () => performance.now() / 1000,
): Progress {
  const bars = stream.isTTY ? new ProgressBars(stream) : undefined;
  let lastSaid = now();
  const print = (line: string) => {
    lastSaid = now();
    if (bars) bars.log(line);
    else stream.write(`${line}\n`);
  };
  const say = (line: string) => print(plain(line));
  /** Where each run under way is. */
  const underWay = new Map<string, { run: RunNode; at: string }>();
  /** What was said to be done, once for each kind of training. */
  const told = new Set<string>();
  /** Without a terminal: where the runs are, if nothing has been said for long. */
  const beat = () => {
    if (bars || now() - lastSaid < SILENCE) return;
    for (const { run, at } of underWay.values())
      say([`${runTitle(run)}: ${at}`, leftText(left.run(run))].filter(Boolean).join('; '));
  };
  let beats: NodeJS.Timeout | undefined;
  let left = new TimeLeft([], now);
  let total = 0;
  let over = 0;
  let judged: { from: number; share: number } | 'said' | undefined;
  /** Says how long the suite will take, once there is something to judge by: not by what it took to get ready. */
  const judge = () => {
    if (judged === 'said') return;
    judged ??= { from: now(), share: left.share() };
    const seconds = now() - judged.from;
    if (seconds < SECONDS_TO_JUDGE) return;
    const whole = ((1 - left.share()) * seconds) / (left.share() - judged.share);
    judged = 'said';
    if (whole > SECONDS_TO_JUDGE) say(`about ${duration(whole)} on this machine`);
  };
  const end = (run: RunNode, outcome: string) => {
    over++;
    underWay.delete(run.id);
    const rest = over < total ? leftText(left.suite()) : '';
    say(`[${over}/${total}] ${runTitle(run)}: ${outcome}${rest && `; ${rest}`}`);
    bars?.ended(run, left);
  };
  return {
    begins(graph, finished) {
      const missing = graph.runs.filter((run) => !finished.has(run.id));
      left = new TimeLeft(missing, now);
      total = missing.length;
      const kept = finished.size ? `, ${finished.size} finished before` : '';
      say(`${graph.suite.name}: ${total} trainings${kept}; the first ones compile their networks`);
      bars?.begin(total);
      // A single step can take longer.
      beats ??= setInterval(beat, 1000 * SILENCE).unref();
    },
    filled(table) {
      const parts = TABLES_ON_THE_WAY + 1;
      if (bars) bars.filled(table());
      else if (over < total && Math.floor((parts * over) / total) > Math.floor((parts * (over - 1)) / total))
        print(table().join('\n'));
    },
    quarantined: (file, damage) => say(`damaged file (${damage}) moved to ${file}; its run is done again`),
    noted: (line) => say(line),
    started: (run) => bars?.started(run),
    doing(run, what) {
      underWay.set(run.id, { run, at: what });
      bars?.doing(run, what);
      const { method, batch, gradient } = run.spec;
      const first = [method?.name, batch?.kind, gradient?.kind, what].join();
      if (!bars && !told.has(first)) say(`${runTitle(run)}: ${what}`);
      told.add(first);
    },
    progressed(run, progress) {
      const share = progress.step / progress.steps;
      if (progress.resumed) {
        left.resumed(run, share);
        say(`${runTitle(run)}: goes on from its checkpoint, ${Math.floor(100 * share)} % done`);
      } else left.progressed(run, share);
      const { epoch, epochs, step, steps, loss } = progress;
      const at = `epoch ${epoch}/${epochs}, step ${step} of ${steps}, loss ${loss.toFixed(3)}`;
      underWay.set(run.id, { run, at });
      judge();
      beat();
      bars?.progressed(run, progress, left);
    },
    finished(run, record) {
      left.finished(run);
      end(run, `${finalAccuracy(record).toFixed(2)} % in ${duration(record.wallSeconds)}`);
    },
    retried(run, reason) {
      underWay.delete(run.id);
      left.resumed(run, 0);
      say(`${runTitle(run)}: ${reason}; trying again`);
    },
    failed(run, reason, error) {
      left.dropped(run);
      end(run, `failed: ${reason}`);
      if (process.env.LABELNOISE_DEBUG && error) print(String((error as Error).stack));
    },
    stop() {
      clearInterval(beats);
      bars?.stop();
    },
  };
}
