// The records of a results folder, whether it is worked with (runs/) or published (records.jsonl).
import type { RunNode } from '../suite/expand.js';
import { readArchive } from './archive.js';
import { readRecords, type StoredRuns } from './store.js';

/** Reads the records of these runs from OUT/runs, or from the archive if none is there. @throws InputError if a file cannot be read */
export async function knownRecords(out: string, runs: readonly RunNode[]): Promise<StoredRuns> {
  const stored = await readRecords(out, runs);
  return stored.records.size || stored.damaged.length
    ? stored
    : { records: await readArchive(out, runs), damaged: [] };
}
