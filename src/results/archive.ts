// All records of a results folder in one file, OUT/records.jsonl: what is published, where runs/ is what is worked with.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunNode } from '../suite/expand.js';
import { canonicalJson } from '../suite/spec.js';
import type { RunRecord } from './record.js';
import { parseRecord } from './record_schema.js';

export const ARCHIVE = 'records.jsonl';

/** The archive's text: a record a line, in the order of the suite; the same bytes for the same records, new or read again. */
export function archiveOf(runs: readonly RunNode[], records: ReadonlyMap<string, RunRecord>): string {
  return runs
    .flatMap(({ id }) => records.get(id) ?? [])
    .map((record) => `${canonicalJson(record)}\n`)
    .join('');
}

/** The records of these runs in a folder's archive; none if it has no archive. Lines of other or damaged records are left out. */
export async function readArchive(out: string, runs: readonly RunNode[]): Promise<Map<string, RunRecord>> {
  const text = await readFile(path.join(out, ARCHIVE), 'utf8').catch(() => '');
  const records = new Map<string, RunRecord>();
  for (const line of text.split('\n'))
    for (const run of runs.filter(({ id }) => line.includes(id))) {
      const parsed = parseRecord(line, run);
      if ('record' in parsed) records.set(run.id, parsed.record);
    }
  return records;
}
