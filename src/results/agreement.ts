// Whether results have the shape of the paper's table: the order of the methods at each noise rate, and who fits the wrong labels.

import type { RunRecord } from '../spec/record.js';
import { type Difference, kendallTauB, mean, pairedDifference } from '../statistics/statistics.js';
import type { RunGraph } from '../suite/expand.js';
import type { NoiseSetting } from '../suite/noise_setting.js';
import { finalAccuracy } from './aggregate.js';
import { type Published, paperAccuracy } from './published.js';

/** The pairs of methods that the paper's table puts in this order at every noise rate, the better one second. */
const PAPER_ORDER: readonly [string, string][] = [
  ['sgd', 'mixup'],
  ['mixup', 'bootstrap-mixup'],
  ['sgd', 'sam'],
  ['sam', 'bootstrap-sam'],
  ['mixup', 'sam'],
];

/** How much better the method is that the paper found better, points. */
export interface Ordering {
  worse: string;
  better: string;
  /** By column, of those that have results of both methods for a seed. */
  differences: { noiseSetting: string; difference: Difference }[];
  /** Of the means over all columns, of the seeds that have both in all of them. */
  overall: Difference | null;
}

export interface Shape {
  /** Kendall's tau-b between our order of the methods and the paper's, by column; null where there is nothing to order. */
  tau: Map<string, number | null>;
  /** The same over all columns, methods being compared within theirs. */
  tauOverall: number | null;
  /** Those of which anything can be said. */
  orderings: Ordering[];
}

/**
 * Compares results with the paper's table. Only columns and methods that have both count; seeds are paired, because
 * all methods at one seed share images, wrong labels, initial weights and batch order.
 */
export function agreementOf(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  published: Published,
): Shape {
  const { seeds, methods } = graph.suite;
  const columns = graph.noiseSettings.filter(
    (noiseSetting) => paperAccuracy(published, 'sgd', noiseSetting) !== null,
  );
  const accuracy = (method: string, noiseSetting: string, seed: number): number | undefined => {
    const cell = graph.cells.find(
      (c) => c.method === method && c.noiseSetting.label === noiseSetting && c.seed === seed,
    );
    const record = cell && records.get(cell.run.id);
    return record && finalAccuracy(record);
  };
  /** A method's accuracies in these columns by seed; undefined where one is missing. */
  const meanBySeed = (method: string, labels: string[]) =>
    seeds.map((seed) => {
      const values = labels.map((label) => accuracy(method, label, seed));
      return values.includes(undefined) ? undefined : mean(values as number[]);
    });
  const compared = (worse: string, better: string, labels: string[]): Difference | null => {
    const after = meanBySeed(better, labels);
    const pairs = meanBySeed(worse, labels).flatMap((before, i) =>
      before === undefined || after[i] === undefined ? [] : [[before, after[i]] as const],
    );
    if (!pairs.length) return null;
    return pairedDifference(
      pairs.map(([before]) => before),
      pairs.map((pair) => pair[1]),
    );
  };
  const labels = columns.map(({ label }) => label);
  const orderings = PAPER_ORDER.map(([worse, better]) => ({
    worse,
    better,
    differences: labels.flatMap((noiseSetting) => {
      const difference = compared(worse, better, [noiseSetting]);
      return difference ? [{ noiseSetting, difference }] : [];
    }),
    overall: labels.length ? compared(worse, better, labels) : null,
  })).filter(({ differences }) => differences.length);

  const strata = columns.map((noiseSetting) =>
    Object.keys(methods).flatMap((method) => {
      const ours = meanBySeed(method, [noiseSetting.label]).filter((value) => value !== undefined);
      const paper = paperAccuracy(published, method, noiseSetting);
      return ours.length && paper !== null ? [{ a: mean(ours), b: paper }] : [];
    }),
  );
  return {
    tau: new Map(labels.map((label, i) => [label, kendallTauB([strata[i]!])])),
    tauOverall: kendallTauB(strata),
    orderings,
  };
}

/** Of the wrong labels, the percentage that a method's network predicts after the last epoch, mean over seeds. */
export interface Memorisation {
  method: string;
  noiseSetting: NoiseSetting;
  fitted: number;
}

/** The memorisation of every cell that has it, methods in table order. */
export function wrongLabelsFitted(graph: RunGraph, records: ReadonlyMap<string, RunRecord>): Memorisation[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.flatMap((noiseSetting) => {
      const cells = graph.cells.filter(
        (c) => c.method === method && c.noiseSetting.label === noiseSetting.label,
      );
      const fitted = cells.flatMap(({ run }) => records.get(run.id)?.curve.at(-1)?.wrongLabelsFitted ?? []);
      return fitted.length ? [{ method, noiseSetting, fitted: mean(fitted) }] : [];
    }),
  );
}
