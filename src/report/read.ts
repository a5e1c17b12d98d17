// A results folder as a report: from its records, wherever they lie.
import { type External, readExternal } from '../results/external.js';
import { readOwnGraph } from '../results/ownership.js';
import { announce, failedRuns, faultText, readStored, refuseForeign, type Stored } from '../results/store.js';
import type { RunGraph } from '../suite/expand.js';
import { type Report, reportOf } from './report.js';

export interface ReadReport {
  report: Report;
  stored: Stored;
  external: External;
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
  const external = await readExternal(out, graph);
  return { report: await reportOn(out, graph, stored, external), stored, external };
}

/** Tells what the reader could not use, a line each. @returns whether there is damage */
export function announceDamage(
  out: string,
  { stored, external }: ReadReport,
  tell: (line: string) => void,
): boolean {
  for (const fault of external.faults) tell(faultText(fault));
  if (external.faults.length) tell(`${out}: tables are without external rows until that is mended`);
  return announce(out, stored, tell) || external.faults.length > 0;
}

/** The report of what was read. A run whose teacher failed has failed too, as for those who trained it. */
export async function reportOn(
  out: string,
  graph: RunGraph,
  { records, lost }: Stored,
  external?: External,
): Promise<Report> {
  const failures = await failedRuns(out, graph.runs);
  for (const { id, dependsOn } of graph.runs) {
    const teacher = dependsOn.find((on) => failures.has(on) && !records.has(on));
    if (teacher && !records.has(id)) failures.set(id, `its teacher ${teacher} failed`);
  }
  const { rows } = external ?? (await readExternal(out, graph));
  return reportOf(graph, records, failures, lost, rows);
}
