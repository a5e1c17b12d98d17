// Accuracies of a table's cells over their seeds.

import type { RunRecord } from '../spec/record.js';
import { type Difference, mean, pairedDifference, sampleStd } from '../statistics/statistics.js';
import type { RunGraph } from '../suite/expand.js';

/** One method under one noise setting. */
export interface CellSummary {
  method: string;
  /** The column's name, see `NoiseSetting.label`. */
  noiseSetting: string;
  /** Seeds with a result. */
  seeds: number;
  /** Seeds whose run, or its teacher's, failed. */
  failed: number;
  /** Seeds whose record is lost: damaged, and nowhere else. */
  damaged: number;
  /** Mean over the seeds of the final clean-test accuracy, percent; null without a result, and where one is damaged. */
  mean: number | null;
  /** Sample standard deviation over the seeds; null below two. */
  std: number | null;
}

/** A run's accuracy, percent; undefined where it has none of this kind. */
export type AccuracyOf = (record: RunRecord) => number | undefined;

/** Clean-test accuracy after the last epoch, percent. */
export function finalAccuracy(record: RunRecord): number {
  return record.curve.at(-1)!.testAccuracy;
}

/** Highest clean-test accuracy of the evaluated epochs, percent. */
export function bestAccuracy(record: RunRecord): number {
  return Math.max(...record.curve.map((evaluation) => evaluation.testAccuracy));
}

/**
 * Summarises every cell of the suite's table, finished or not: methods in table order, each with the columns in order.
 *
 * @param records finished runs by id
 * @param failed ids of the runs that cannot have a record this time
 * @param lost ids of the runs whose record is damaged: no mean is taken without it, which would be another figure
 * @param of what is taken of each run
 */
export function summarise(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  failed: ReadonlySet<string> = new Set(),
  lost: ReadonlySet<string> = new Set(),
  of: AccuracyOf = finalAccuracy,
): CellSummary[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.map(({ label }) => {
      const cells = graph.cells.filter((cell) => cell.method === method && cell.noiseSetting.label === label);
      const accuracies = cells.flatMap(({ run }) => {
        const record = records.get(run.id);
        return (record && of(record)) ?? [];
      });
      const damaged = cells.filter(({ run }) => lost.has(run.id)).length;
      return {
        method,
        noiseSetting: label,
        seeds: accuracies.length,
        failed: cells.filter(({ run }) => failed.has(run.id)).length,
        damaged,
        mean: accuracies.length && !damaged ? mean(accuracies) : null,
        std: accuracies.length > 1 && !damaged ? sampleStd(accuracies) : null,
      };
    }),
  );
}

/**
 * How much better a method is than another, in percentage points, over the seeds that have both in all of these columns: all
 * methods at one seed share images, wrong labels, initial weights and batch order. Null if there is no such seed.
 *
 * @param of what is taken of each run
 */
export function pairedMethods(
  { suite, cells }: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  worse: string,
  better: string,
  columns: readonly string[],
  of: AccuracyOf = finalAccuracy,
): Difference | null {
  const meanOf = (method: string, seed: number): number | undefined => {
    const values = columns.flatMap((label) => {
      const cell = cells.find(
        (c) => c.method === method && c.noiseSetting.label === label && c.seed === seed,
      );
      const record = cell && records.get(cell.run.id);
      return (record && of(record)) ?? [];
    });
    return values.length && values.length === columns.length ? mean(values) : undefined;
  };
  const pairs = suite.seeds.flatMap((seed) => {
    const [before, after] = [meanOf(worse, seed), meanOf(better, seed)];
    return before === undefined || after === undefined ? [] : [[before, after] as const];
  });
  if (!pairs.length) return null;
  return pairedDifference(
    pairs.map(([before]) => before),
    pairs.map(([, after]) => after),
  );
}

/**
 * Of each column the cell, if any, whose difference to every other one, paired by seed, has a 95 % interval above zero; not corrected
 * for their number.
 *
 * @param of what the cells' means are of
 */
export function leaders(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  cells: readonly CellSummary[],
  of?: AccuracyOf,
): ReadonlySet<CellSummary> {
  return new Set(
    graph.noiseSettings.flatMap(({ label }) => {
      const known = cells.filter(({ noiseSetting, mean }) => noiseSetting === label && mean !== null);
      const [best, ...others] = known.toSorted((a, b) => b.mean! - a.mean!);
      if (!best || !others.length) return [];
      const isAbove = ({ method }: CellSummary) =>
        (pairedMethods(graph, records, method, best.method, [label], of)?.interval?.low ?? 0) > 0;
      return others.every(isAbove) ? [best] : [];
    }),
  );
}
