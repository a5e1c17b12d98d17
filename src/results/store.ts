// The run records of a results folder: OUT/runs/<run id>.json, or <run id>.failed.json saying why there is none.
import { access, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { RunNode } from '../suite/expand.js';
import { explained, writeWhole } from './files.js';
import type { RunRecord } from './record.js';
import { parseRecord } from './record_schema.js';

const recordFile = (out: string, id: string) => path.join(out, 'runs', `${id}.json`);
const failureFile = (out: string, id: string) => path.join(out, 'runs', `${id}.failed.json`);

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

/** Moves a damaged record out of the way and returns its new name. @throws InputError if it cannot be moved */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.damaged`;
  await rename(file, aside).catch((error) => {
    throw explained(error, `cannot move ${file} aside`);
  });
  return aside;
}

/** Writes a run's record, whole or not at all. @throws InputError if it cannot be written */
export async function writeRecord(out: string, record: RunRecord): Promise<void> {
  await writeWhole(recordFile(out, record.id), `${JSON.stringify(record)}\n`);
  await rm(failureFile(out, record.id), { force: true });
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

/** The ids of those among these runs that failed when they were last tried. */
export async function failedRuns(out: string, runs: readonly RunNode[]): Promise<Set<string>> {
  const failed = new Set<string>();
  for (const { id } of runs)
    await access(failureFile(out, id)).then(
      () => failed.add(id),
      () => {},
    );
  return failed;
}
