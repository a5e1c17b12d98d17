// A results folder as a report: what all its tables are drawn from.
import { type CellSummary, summarise } from '../results/aggregate.js';
import {
  type External,
  type ExternalMethod,
  type ExternalRow,
  externalMethods,
  readExternal,
} from '../results/external.js';
import { readOwnGraph } from '../results/manifest.js';
import { type Published, readPublished } from '../results/published.js';
import { announce, failedRuns, faultText, readStored, refuseForeign, type Stored } from '../results/store.js';
import type { RunRecord } from '../spec/record.js';
import type { RunGraph } from '../suite/expand.js';

export interface Report {
  graph: RunGraph;
  /** Finished runs by id. */
  records: ReadonlyMap<string, RunRecord>;
  /** Why runs have no record, by their ids, as far as it is known. */
  failures: ReadonlyMap<string, string>;
  /** Runs whose record is damaged, and nowhere else. */
  lost: ReadonlySet<string>;
  /** Every cell, methods in table order, each with the columns in order. */
  cells: CellSummary[];
  /** Methods that were scored, not run; in no figure but their own. */
  external: ExternalMethod[];
  published: Published;
}

/**
 * @param failures the runs that failed this time, by id: why
 * @param lost ids of the runs whose record is damaged
 * @param external rows that come from elsewhere
 */
export function reportOf(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  failures: ReadonlyMap<string, string> = new Map(),
  lost: ReadonlySet<string> = new Set(),
  external: readonly ExternalRow[] = [],
): Report {
  const cells = summarise(graph, records, new Set(failures.keys()), lost);
  const methods = externalMethods(graph, records, external);
  return { graph, records, failures, lost, cells, external: methods, published: readPublished() };
}

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
