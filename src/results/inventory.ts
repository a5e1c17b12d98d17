// What lies in a results folder, run by run, and what its suite does not name.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { UNFINISHED } from '../io/files.js';
import type { RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import { checkpointedRuns, failedRuns, faultText, foreignText, readStored } from './store.js';

/** `archived`: finished, but its record is in the archive alone, as in results that were published. */
export type RunState = 'finished' | 'archived' | 'damaged' | 'failed' | 'checkpointed' | 'to do';

export interface Inventory {
  runs: { run: RunNode; state: RunState; record: RunRecord | undefined }[];
  /** Files of runs that the suite does not name, damaged or unfinished files, checkpoints of finished runs. */
  superfluous: string[];
  /** What cannot be used of the archive, a line each. */
  faults: string[];
}

/** Names that this project gives to files in these folders; others are left alone. */
const OURS = /^[0-9a-f]{16}\.(json|failed\.json|ckpt)(\.damaged(-\d+)?)?$/;

/** Looks through a folder's archive, OUT/runs and OUT/checkpoints. @throws InputError if a record cannot be read */
export async function inventory(out: string, runs: readonly RunNode[]): Promise<Inventory> {
  const { records, runs: files, archive, lost } = await readStored(out, runs);
  const failed = await failedRuns(out, runs);
  const checkpointed = await checkpointedRuns(out, runs);
  const stateOf = ({ id }: RunNode): RunState => {
    if (files.placed.has(id)) return 'finished';
    if (lost.has(id)) return 'damaged';
    if (failed.has(id)) return 'failed';
    if (checkpointed.has(id)) return 'checkpointed';
    return archive.placed.has(id) ? 'archived' : 'to do';
  };
  const damaged = new Set(files.damaged.map(({ file }) => path.basename(file)));
  const wanted = new Set(
    runs.flatMap(({ id }) =>
      files.placed.has(id)
        ? [`${id}.json`]
        : damaged.has(`${id}.json`)
          ? []
          : [`${id}.failed.json`, `${id}.ckpt`],
    ),
  );
  const superfluous: string[] = [];
  for (const folder of ['runs', 'checkpoints']) {
    const names = await readdir(path.join(out, folder)).catch(() => []);
    for (const name of names.sort())
      if ((OURS.test(name) && !wanted.has(name)) || UNFINISHED.test(name))
        superfluous.push(path.join(out, folder, name));
  }
  return {
    runs: runs.map((run) => ({ run, state: stateOf(run), record: records.get(run.id) })),
    superfluous,
    faults: [
      ...archive.damaged.map(faultText),
      ...(archive.foreign.length ? [foreignText(archive.foreign, runs)] : []),
    ],
  };
}
