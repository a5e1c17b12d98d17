// A results folder as a report: from its records, or its archive where it has none.
import { stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { knownRecords } from '../results/known.js';
import { readOwnGraph } from '../results/ownership.js';
import { failedRuns, type StoredRuns } from '../results/store.js';
import { type Report, reportOf } from './report.js';

export interface ReadReport extends Pick<StoredRuns, 'damaged'> {
  report: Report;
}

/** Reads what a folder holds, finished or not. @throws InputError if it is no results folder, or cannot be read */
export async function readReport(out: string): Promise<ReadReport> {
  const graph = (await stat(out).catch(() => undefined))?.isDirectory() ? await readOwnGraph(out) : undefined;
  if (!graph) throw new InputError(`${out}: is no results folder: it has no suite.json`);
  const { records, damaged } = await knownRecords(out, graph.runs);
  return { report: reportOf(graph, records, await failedRuns(out, graph.runs)), damaged };
}
