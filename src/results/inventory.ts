// What lies in a results folder, run by run, and what its suite does not name.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RunNode } from '../suite/expand.js';
import { readArchive } from './archive.js';
import { UNFINISHED } from './files.js';
import type { RunRecord } from './record.js';
import { checkpointedRuns, failedRuns, readRecords } from './store.js';

/** `archived`: finished, but its record is in the archive alone, as in results that were published. */
export type RunState = 'finished' | 'archived' | 'damaged' | 'failed' | 'checkpointed' | 'to do';

export interface Inventory {
  runs: { run: RunNode; state: RunState; record: RunRecord | undefined }[];
  /** Files of runs that the suite does not name, damaged or unfinished files, checkpoints of finished runs. */
  superfluous: string[];
}

/** Names that this project gives to files in these folders; others are left alone. */
const OURS = /^[0-9a-f]{16}\.(json|failed\.json|ckpt)(\.damaged)?$/;

/** Looks through OUT/runs and OUT/checkpoints. @throws InputError if a record cannot be read */
export async function inventory(out: string, runs: readonly RunNode[]): Promise<Inventory> {
  const { records, damaged } = await readRecords(out, runs);
  const archived = records.size ? new Map<string, RunRecord>() : await readArchive(out, runs);
  const failed = await failedRuns(out, runs);
  const checkpointed = await checkpointedRuns(out, runs);
  const isDamaged = (id: string) => damaged.some(({ file }) => path.basename(file) === `${id}.json`);
  const stateOf = ({ id }: RunNode): RunState => {
    if (records.has(id)) return 'finished';
    if (isDamaged(id)) return 'damaged';
    if (failed.has(id)) return 'failed';
    if (checkpointed.has(id)) return 'checkpointed';
    return archived.has(id) ? 'archived' : 'to do';
  };
  const wanted = new Set(
    runs.flatMap(({ id }) =>
      records.has(id) ? [`${id}.json`] : isDamaged(id) ? [] : [`${id}.failed.json`, `${id}.ckpt`],
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
    runs: runs.map((run) => ({
      run,
      state: stateOf(run),
      record: records.get(run.id) ?? archived.get(run.id),
    })),
    superfluous,
  };
}
