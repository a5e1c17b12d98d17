// The CSV files of a results folder.
import { type Options, stringify } from 'csv-stringify/sync';
import { percentLabel } from '../data/noises/symmetric.js';
import { architectureName } from '../models/catalogue.js';
import { bestAccuracy, finalAccuracy } from '../results/aggregate.js';
import { paperAccuracy } from '../results/published.js';
import { shapeOf, wrongLabelsFitted } from '../results/shape.js';
import { csvText } from './escape.js';
import type { TransitionData } from './page_data.js';
import type { Report } from './report.js';

/** Rows as CSV, with every text escaped. */
function csvOf(rows: object[], options: Options = {}): string {
  return stringify(rows, { ...options, cast: { string: csvText } });
}

/** Percentages have two decimals; nothing where there is no number. */
function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toFixed(2);
}

/** runs.csv: one row for each finished run, in suite order; accuracies and noise rates in percent. */
export function runsCsv({ graph, records }: Report): string {
  const rows = graph.runs.flatMap((run) => {
    const record = records.get(run.id);
    if (!record) return [];
    const { spec } = run;
    const last = record.curve.at(-1)!;
    return [
      {
        run_id: run.id,
        suite: graph.suite.name,
        method: run.method,
        noise: run.condition.group,
        noise_rate: run.condition.rate === undefined ? '' : percentLabel(run.condition.rate),
        noise_rate_measured: percent(record.noise.rate * 100),
        seed: spec.seed,
        model: architectureName(spec.model),
        train_images: spec.data.trainImages,
        epochs: spec.training.epochs,
        precision: spec.precision,
        test_accuracy: percent(finalAccuracy(record)),
        best_test_accuracy: percent(bestAccuracy(record)),
        wrong_labels_fitted: percent(last.wrongLabelsFitted),
        true_labels_recovered: percent(last.trueLabelsRecovered),
        wall_seconds: record.wallSeconds.toFixed(1),
      },
    ];
  });
  return csvOf(rows, { header: true, columns: RUN_COLUMNS });
}

const RUN_COLUMNS = [
  'run_id',
  'suite',
  'method',
  'noise',
  'noise_rate',
  'noise_rate_measured',
  'seed',
  'model',
  'train_images',
  'epochs',
  'precision',
  'test_accuracy',
  'best_test_accuracy',
  'wrong_labels_fitted',
  'true_labels_recovered',
  'wall_seconds',
];

/** table4.csv: one row for each method, one column for each noise condition: the mean over seeds, percent. */
export function tableCsv({ graph, cells }: Report): string {
  const labels = graph.conditions.map((condition) => condition.label);
  const rows = Object.keys(graph.suite.methods).map((method) => [
    method,
    ...cells.filter((cell) => cell.method === method).map((cell) => percent(cell.mean)),
  ]);
  return csvOf([['method', ...labels], ...rows]);
}

/** comparison.csv: one row for each cell with the paper's value, if it has one, and the difference to it. */
export function comparisonCsv({ graph, cells, published }: Report): string {
  const rows = cells.map(({ method, condition: label, seeds, mean, std }) => {
    const condition = graph.conditions.find((c) => c.label === label)!;
    const paper = paperAccuracy(published, method, condition);
    const delta = mean === null || paper === null ? null : mean - paper;
    return [method, label, seeds, percent(mean), percent(std), percent(paper), percent(delta)];
  });
  return csvOf([['method', 'noise_rate', 'seeds', 'mean', 'std', 'paper', 'delta'], ...rows]);
}

/** transitions.csv: one row for each true class and given label of a noise condition: how many training images, over all seeds. */
export function transitionsCsv(transitions: readonly TransitionData[]): string {
  const rows = transitions.flatMap(({ condition, counts }) =>
    counts.flatMap((row, truth) => row.map((count, given) => [condition, truth, given, count])),
  );
  return csvOf([['noise_rate', 'true_class', 'given_label', 'images'], ...rows]);
}

/**
 * shape.csv: how much of the paper's shape is in the results, a row for each figure: Kendall's tau-b of the order of
 * the methods, differences between methods (points, paired by seed, 95 % interval), wrong labels fitted (percent).
 * The noise rate `all` stands for all columns together.
 */
export function shapeCsv(report: Report): string {
  const { tau, tauOverall, orderings } = shapeOf(report.graph, report.records, report.published);
  const rows: (string | null)[][] = [...tau, ['all', tauOverall] as const].map(([label, value]) => [
    'kendall_tau_b',
    '',
    '',
    label,
    value?.toFixed(4) ?? '',
  ]);
  for (const { worse, better, differences, overall } of orderings)
    for (const { condition, difference } of [...differences, { condition: 'all', difference: overall }])
      if (difference) {
        const { low, high } = difference.interval ?? {};
        const figures = [difference.difference, low, high].map(percent);
        rows.push(['difference', better, worse, condition, ...figures]);
      }
  for (const { method, condition, fitted } of wrongLabelsFitted(report.graph, report.records))
    rows.push(['wrong_labels_fitted', method, '', condition.label, percent(fitted)]);
  const header = ['measure', 'method', 'minus', 'noise_rate', 'value', 'low', 'high'];
  return csvOf([header, ...rows.map((row) => [...row, '', ''].slice(0, header.length))]);
}
