// What all tables of a suite are drawn from.
import { type CellSummary, summarise } from '../results/aggregate.js';
import { type Published, readPublished } from '../results/published.js';
import type { RunRecord } from '../results/record.js';
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
  published: Published;
}

/**
 * @param failures the runs that failed this time, by id: why
 * @param lost ids of the runs whose record is damaged
 */
export function reportOf(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  failures: ReadonlyMap<string, string> = new Map(),
  lost: ReadonlySet<string> = new Set(),
): Report {
  const cells = summarise(graph, records, new Set(failures.keys()), lost);
  return { graph, records, failures, lost, cells, published: readPublished() };
}
