// Shows how a suite gets on, on stderr: bars on a terminal, else a line for each run.

import { duration, leftText, runTitle } from '../report/wording.js';
import { finalAccuracy } from '../results/aggregate.js';
import type { Observer } from '../suite/execute.js';
import type { RunNode } from '../suite/expand.js';
import { ProgressBars } from './progress_bars.js';
import { TimeLeft } from './time_left.js';

/** An observer that must be stopped before anything else is printed. */
export interface Progress extends Observer {
  stop(): void;
}

/** Progress for a stream: bars if it is a terminal. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const bars = stream.isTTY ? new ProgressBars(stream) : undefined;
  const say = (line: string) => (bars ? bars.log(line) : stream.write(`${line}\n`));
  let left = new TimeLeft([]);
  let total = 0;
  let over = 0;
  const end = (run: RunNode, outcome: string) => {
    over++;
    const rest = over < total ? leftText(left.suite()) : '';
    say(`[${over}/${total}] ${runTitle(run)}: ${outcome}${rest && `; ${rest}`}`);
    bars?.ended(run, left);
  };
  return {
    begins(graph, finished) {
      const missing = graph.runs.filter((run) => !finished.has(run.id));
      left = new TimeLeft(missing);
      total = missing.length;
      const kept = finished.size ? `, ${finished.size} finished before` : '';
      say(`${graph.suite.name}: ${total} trainings${kept}`);
      bars?.begin(total);
    },
    setAside: (file, damage) => say(`damaged file (${damage}) moved to ${file}; its run is done again`),
    noted: (line) => say(line),
    started: (run) => bars?.started(run),
    progressed(run, progress) {
      const share = progress.step / progress.steps;
      if (progress.resumed) {
        left.resumed(run, share);
        say(`${runTitle(run)}: goes on from its checkpoint, ${Math.floor(100 * share)} % done`);
      } else left.progressed(run, share);
      bars?.progressed(run, progress, left);
    },
    finished(run, record) {
      left.finished(run);
      end(run, `${finalAccuracy(record).toFixed(2)} % in ${duration(record.wallSeconds)}`);
    },
    retried(run, reason) {
      left.resumed(run, 0);
      say(`${runTitle(run)}: ${reason}; trying again`);
    },
    failed(run, reason, error) {
      left.dropped(run);
      end(run, `failed: ${reason}`);
      if (process.env.LABELNOISE_DEBUG && error) say(String((error as Error).stack));
    },
    stop: () => bars?.stop(),
  };
}
