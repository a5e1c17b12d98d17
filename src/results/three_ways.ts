// Accuracy three ways: after the last epoch, at the best one (which looks at the test images: an oracle), and at the one chosen on the noisy labels of the validation images.

import type { RunRecord } from '../spec/record.js';
import { mean } from '../statistics/statistics.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import { bestAccuracy, finalAccuracy } from './aggregate.js';

/** A cell's accuracies, percent, each the mean over its seeds. */
export interface ThreeWays {
  method: string;
  /** The column's name. */
  noiseSetting: string;
  /** Cost of a run and of its teacher, if it has one, in trainings by SGD. */
  cost: number;
  last: number;
  /** Highest of the evaluated epochs, chosen on the test images themselves. */
  oracle: number;
  chosen: number;
}

/** The epoch at which the accuracy on the noisy labels of the validation images is highest, the first of several; undefined if it was not measured. */
export function chosenEpoch({ curve }: RunRecord): RunRecord['curve'][number] | undefined {
  const measured = curve.filter(({ noisyHeldOutAccuracy }) => noisyHeldOutAccuracy !== undefined);
  return measured.toSorted(
    (a, b) => b.noisyHeldOutAccuracy! - a.noisyHeldOutAccuracy! || a.epoch - b.epoch,
  )[0];
}

/** What a run costs with the teachers whose predictions it learns, in trainings by SGD. */
export function costOf(graph: Pick<RunGraph, 'runs'>, { cost, spec: { labels } }: RunNode): number {
  const teacher = labels.from === 'predictions' && graph.runs.find(({ id }) => id === labels.teacher);
  return cost + (teacher ? costOf(graph, teacher) : 0);
}

/** The cells whose records all have an accuracy on the noisy labels of the validation images; methods in table order, each with the columns in order. */
export function threeWays(graph: RunGraph, records: ReadonlyMap<string, RunRecord>): ThreeWays[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.flatMap((noiseSetting) => {
      const cells = graph.cells.filter(
        (cell) => cell.method === method && cell.noiseSetting === noiseSetting,
      );
      const found = cells.flatMap(({ run }) => records.get(run.id) ?? []);
      const chosen = found.flatMap((record) => chosenEpoch(record)?.testAccuracy ?? []);
      if (!found.length || chosen.length < found.length) return [];
      return [
        {
          method,
          noiseSetting: noiseSetting.label,
          cost: costOf(graph, cells[0]!.run),
          last: mean(found.map(finalAccuracy)),
          oracle: mean(found.map(bestAccuracy)),
          chosen: mean(chosen),
        },
      ];
    }),
  );
}
