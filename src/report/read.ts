// A results folder as a report: from its records, or its archive where it has none.
import { stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { readArchive } from '../results/archive.js';
import { readOwner } from '../results/ownership.js';
import { failedRuns, readRecords, type StoredRuns } from '../results/store.js';
import { expand } from '../suite/expand.js';
import { type Report, reportOf } from './report.js';

export interface ReadReport extends Pick<StoredRuns, 'damaged'> {
  report: Report;
}

/** Reads what a folder holds, finished or not. @throws InputError if it is no results folder, or cannot be read */
export async function readReport(out: string): Promise<ReadReport> {
  const suite = (await stat(out).catch(() => undefined))?.isDirectory() ? await readOwner(out) : undefined;
  if (!suite) throw new InputError(`${out}: is no results folder: it has no suite.json`);
  const graph = expand(suite);
  const { records, damaged } = await readRecords(out, graph.runs);
  const known = records.size ? records : await readArchive(out, graph.runs);
  return { report: reportOf(graph, known, await failedRuns(out, graph.runs)), damaged };
}
