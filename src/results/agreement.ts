// Whether results have the shape of the paper's table: the order of the methods at each noise rate, and who fits the wrong labels.

import type { RunRecord } from '../spec/record.js';
import { type Difference, kendallTauB, mean, sampleStd } from '../statistics/statistics.js';
import type { RunGraph } from '../suite/expand.js';
import type { NoiseSetting } from '../suite/noise_setting.js';
import { pairedMethods, summarise } from './aggregate.js';
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
  const columns = graph.noiseSettings.filter(
    (noiseSetting) => paperAccuracy(published, 'sgd', noiseSetting) !== null,
  );
  const cells = summarise(graph, records);
  const compared = (worse: string, better: string, labels: string[]) =>
    pairedMethods(graph, records, worse, better, labels);
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
    cells
      .filter((cell) => cell.noiseSetting === noiseSetting.label)
      .flatMap(({ method, mean }) => {
        const paper = paperAccuracy(published, method, noiseSetting);
        return mean !== null && paper !== null ? [{ a: mean, b: paper }] : [];
      }),
  );
  return {
    tau: new Map(labels.map((label, i) => [label, kendallTauB([strata[i]!])])),
    tauOverall: kendallTauB(strata),
    orderings,
  };
}

/** Of the wrong labels, the percentage that a method's network predicts after the last epoch. */
export interface Memorisation {
  method: string;
  noiseSetting: NoiseSetting;
  /** Mean over the seeds that have it. */
  fitted: number;
  /** Sample standard deviation over them; null below two. */
  std: number | null;
  seeds: number;
}

/** The memorisation of every cell that has it, methods in table order. */
export function wrongLabelsFitted(graph: RunGraph, records: ReadonlyMap<string, RunRecord>): Memorisation[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.flatMap((noiseSetting) => {
      const cells = graph.cells.filter(
        (c) => c.method === method && c.noiseSetting.label === noiseSetting.label,
      );
      const fitted = cells.flatMap(({ run }) => records.get(run.id)?.curve.at(-1)?.wrongLabelsFitted ?? []);
      const std = fitted.length > 1 ? sampleStd(fitted) : null;
      return fitted.length ? [{ method, noiseSetting, fitted: mean(fitted), std, seeds: fitted.length }] : [];
    }),
  );
}

/** Students memorise what their teachers do if they fit their labels: further apart than this, percentage points, they have not. */
const FITTED_IN_FULL = 0.25;

/**
 * Methods whose memorisation is that of their teacher's by construction: they have learned its predictions nearly in full, so
 * that they predict its mistakes. @returns student and teacher, methods of the table
 */
export function memorisedAlike(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
): { student: string; teacher: string }[] {
  const share = (id: string) => records.get(id)?.curve.at(-1)?.wrongLabelsFitted ?? undefined;
  return Object.keys(graph.suite.methods).flatMap((student) => {
    const pairs = graph.cells
      .filter(({ method }) => method === student)
      .flatMap(({ run, noiseSetting, seed }) => {
        const teacher = graph.cells.find(
          (cell) =>
            cell.noiseSetting === noiseSetting &&
            cell.seed === seed &&
            run.spec.labels.from === 'predictions' &&
            cell.run.id === run.spec.labels.teacher,
        );
        const [own, taught] = [share(run.id), teacher && share(teacher.run.id)];
        return own === undefined || taught === undefined
          ? []
          : [{ teacher: teacher!.method, apart: Math.abs(own - taught) }];
      });
    const isAlike = pairs.length > 0 && pairs.every(({ apart }) => apart <= FITTED_IN_FULL);
    return isAlike ? [{ student, teacher: pairs[0]!.teacher }] : [];
  });
}
