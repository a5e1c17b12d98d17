// Accuracies of a table's cells over their seeds.

import type { RunRecord } from '../spec/record.js';
import { mean, sampleStd } from '../statistics/statistics.js';
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
 */
export function summarise(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  failed: ReadonlySet<string> = new Set(),
  lost: ReadonlySet<string> = new Set(),
): CellSummary[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.map(({ label }) => {
      const cells = graph.cells.filter((cell) => cell.method === method && cell.noiseSetting.label === label);
      const accuracies = cells.flatMap(({ run }) => {
        const record = records.get(run.id);
        return record ? [finalAccuracy(record)] : [];
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
