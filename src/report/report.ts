// What all tables of a suite are drawn from.
import { type CellSummary, summarise } from '../results/aggregate.js';
import type { RunRecord } from '../results/record.js';
import type { RunGraph } from '../suite/expand.js';
import { type Published, readPublished } from './published.js';

export interface Report {
  graph: RunGraph;
  /** Finished runs by id. */
  records: ReadonlyMap<string, RunRecord>;
  /** Every cell, methods in table order, each with the columns in order. */
  cells: CellSummary[];
  published: Published;
}

/** @param failed ids of the runs that failed this time */
export function reportOf(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  failed: ReadonlySet<string> = new Set(),
): Report {
  return { graph, records, cells: summarise(graph, records, failed), published: readPublished() };
}
