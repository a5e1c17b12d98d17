// Writes what TensorBoard shows, as it happens: OUT/tensorboard/<run>/.
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Observer } from '../execution/execute.js';
import { makeFolder } from '../io/paths.js';
import {
  EVENT_FILE,
  eventOf,
  eventsOf,
  fileBegin,
  TENSORBOARD,
  tensorBoardName,
} from '../results/tensorboard.js';
import type { RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';

/** An observer that adds to a run's file at every evaluation, and writes it whole from the record when the run has finished. */
export function createTensorBoardLog(out: string): Observer {
  const begun = new Set<string>();
  const write = (run: RunNode, how: (file: string) => void) => {
    const folder = path.join(out, TENSORBOARD, tensorBoardName(run));
    try {
      makeFolder(folder);
      how(path.join(folder, EVENT_FILE));
    } catch {
      // Results do not depend on it; what keeps it from being written stops the records too, and is told then.
    }
  };
  const writeRecord = (run: RunNode, record: RunRecord) =>
    write(run, (file) => writeFileSync(file, eventsOf(record)));
  const now = () => Date.now() / 1000;
  return {
    begins({ runs }, finished) {
      for (const run of runs) {
        const record = finished.get(run.id);
        if (record) writeRecord(run, record);
      }
    },
    started: ({ id }) => begun.delete(id),
    progressed(run, { resumed, evaluation }) {
      // A run that goes on from a checkpoint has a file already.
      if (!begun.has(run.id) && !resumed) write(run, (file) => writeFileSync(file, fileBegin(now())));
      begun.add(run.id);
      if (evaluation) write(run, (file) => appendFileSync(file, eventOf(evaluation, now())));
    },
    retried: ({ id }) => begun.delete(id),
    finished: writeRecord,
  };
}
