// What all tables of a suite are drawn from.
import { type CellSummary, summarise } from '../results/aggregate.js';
import { type ExternalMethod, type ExternalRow, externalMethods } from '../results/external.js';
import { type Published, readPublished } from '../results/published.js';
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
