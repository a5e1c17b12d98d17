// The cells of several results folders beside each other: what changed from the first to each later one.
import { finalAccuracy } from '../results/aggregate.js';
import { mean, pairedDifference, welchDifference } from '../statistics/statistics.js';
import type { DifferenceData } from './page_data.js';
import type { NamedReport } from './page_data_of.js';
import type { Report } from './report.js';

/** A difference for each cell that both of a pair have results for, in the order of the first folder's table. */
export function differences([first, ...others]: readonly NamedReport[]): DifferenceData[] {
  if (!first) return [];
  return others.flatMap((other) =>
    first.report.cells.flatMap(({ method, noiseSetting }) => {
      const before = accuracies(first.report, method, noiseSetting);
      const after = accuracies(other.report, method, noiseSetting);
      if (!before.size || !after.size) return [];
      const place = { from: first.name, to: other.name, method, noiseSetting };
      const means = { before: mean([...before.values()]), after: mean([...after.values()]) };
      return [{ ...place, ...means, ...differenceOf(before, after) }];
    }),
  );
}

/** Seeds that both have draw the same wrong labels and initial weights: where all are shared, they are compared one by one. */
function differenceOf(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>) {
  const paired = before.size === after.size && [...before.keys()].every((seed) => after.has(seed));
  const { difference, interval } = paired
    ? pairedDifference(
        [...before.values()],
        [...before.keys()].map((seed) => after.get(seed)!),
      )
    : welchDifference([...before.values()], [...after.values()]);
  return { difference, half: interval && interval.high - difference, paired };
}

/** Final accuracies of a cell by seed, percent. */
function accuracies({ graph, records }: Report, method: string, noiseSetting: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const cell of graph.cells) {
    const record =
      cell.method === method && cell.noiseSetting.label === noiseSetting && records.get(cell.run.id);
    if (record) found.set(cell.seed, finalAccuracy(record));
  }
  return found;
}
