// What a results folder holds of each run: OUT/runs/<run id>.json when it is finished, <run id>.failed.json saying why not,
// OUT/checkpoints/<run id>.ckpt while it is under way.
import { access, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { RunNode } from '../suite/expand.js';
import { explained, writeWhole } from './files.js';
import type { RunRecord } from './record.js';
import { parseRecord, recordText } from './record_schema.js';

const recordFile = (out: string, id: string) => path.join(out, 'runs', `${id}.json`);
const failureFile = (out: string, id: string) => path.join(out, 'runs', `${id}.failed.json`);

/** Where a run's state is saved while it is under way. */
export const checkpointFile = (out: string, id: string) => path.join(out, 'checkpoints', `${id}.ckpt`);

/** Finished runs by id, and the damaged files among those asked for. */
export interface StoredRuns {
  records: Map<string, RunRecord>;
  damaged: { file: string; damage: string }[];
}

/** Reads the records of these runs; those without a file are left out. @throws InputError if a file cannot be read */
export async function readRecords(out: string, runs: readonly RunNode[]): Promise<StoredRuns> {
  const stored: StoredRuns = { records: new Map(), damaged: [] };
  for (const run of runs) {
    const file = recordFile(out, run.id);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw explained(error, `cannot read ${file}`);
    });
    if (text === undefined) continue;
    const parsed = parseRecord(text, run);
    if ('record' in parsed) stored.records.set(run.id, parsed.record);
    else stored.damaged.push({ file, damage: parsed.damage });
  }
  return stored;
}

/** Writes a run's record, whole or not at all; what it makes superfluous goes then. @throws InputError if it cannot be written */
export async function writeRecord(out: string, record: RunRecord): Promise<void> {
  await writeWhole(recordFile(out, record.id), recordText(record));
  await rm(failureFile(out, record.id), { force: true });
  await rm(checkpointFile(out, record.id), { force: true });
}

/** Notes why a run failed; the note goes when the run succeeds. @throws InputError if it cannot be written */
export async function writeFailure(
  out: string,
  { id, method, spec }: RunNode,
  reason: string,
): Promise<void> {
  const failure = { id, method, spec, reason, failed: new Date().toISOString() };
  await writeWhole(failureFile(out, id), `${JSON.stringify(failure)}\n`);
}

/** Those among these runs that failed when they were last tried, by id: why. */
export async function failedRuns(out: string, runs: readonly RunNode[]): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const { id } of runs) {
    const text = await readFile(failureFile(out, id), 'utf8').catch(() => undefined);
    if (text !== undefined) failures.set(id, reasonIn(text));
  }
  return failures;
}

function reasonIn(note: string): string {
  try {
    return String(JSON.parse(note).reason);
  } catch {
    return 'its note of why is damaged';
  }
}

/** The ids of those among these runs that have a checkpoint to go on from. */
export async function checkpointedRuns(out: string, runs: readonly RunNode[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { id } of runs)
    await access(checkpointFile(out, id)).then(
      () => found.add(id),
      () => {},
    );
  return found;
}
