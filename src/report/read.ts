// A results folder as a report: from its records, or its archive where it has none.
import { stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { knownRecords } from '../results/known.js';
import { readOwner } from '../results/ownership.js';
import { failedRuns, type StoredRuns } from '../results/store.js';
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
  const { records, damaged } = await knownRecords(out, graph.runs);
  return { report: reportOf(graph, records, await failedRuns(out, graph.runs)), damaged };
}
