// A results folder as a report: from its records, wherever they lie.
import { readOwnGraph } from '../results/ownership.js';
import { failedRuns, readStored, refuseForeign, type Stored } from '../results/store.js';
import type { RunGraph } from '../suite/expand.js';
import { type Report, reportOf } from './report.js';

export interface ReadReport {
  report: Report;
  stored: Stored;
}

/**
 * Reads what a folder holds, finished or not.
 *
 * @throws InputError if it is no results folder, holds records of other runs than its suite's, or cannot be read
 */
export async function readReport(out: string): Promise<ReadReport> {
  const graph = await readOwnGraph(out);
  const stored = await readStored(out, graph.runs);
  refuseForeign(stored, graph.runs);
  return { report: await reportOn(out, graph, stored), stored };
}

/** The report of what was read. A run whose teacher failed has failed too, as for those who trained it. */
export async function reportOn(out: string, graph: RunGraph, { records, lost }: Stored): Promise<Report> {
  const failures = await failedRuns(out, graph.runs);
  for (const { id, dependsOn } of graph.runs) {
    const teacher = dependsOn.find((on) => failures.has(on) && !records.has(on));
    if (teacher && !records.has(id)) failures.set(id, `its teacher ${teacher} failed`);
  }
  return reportOf(graph, records, failures, lost);
}
