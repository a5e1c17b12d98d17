// The CSV files of a results folder.
import { type Options, stringify } from 'csv-stringify/sync';
import { percentLabel } from '../data/noises/symmetric.js';
import { architectureName } from '../models/catalogue.js';
import { bestAccuracy, finalAccuracy } from '../results/aggregate.js';
import { agreementOf, wrongLabelsFitted } from '../results/agreement.js';
import { paperAccuracy } from '../results/published.js';
import { rhoGrids } from '../results/rho_grid.js';
import { chosenEpoch, threeWays } from '../results/three_ways.js';
import { canonicalJson } from '../spec/run_spec.js';
import { csvText } from './escape.js';
import type { TransitionData } from './page_data.js';
import type { Report } from './report.js';
import { halfWidth } from './table.js';

/** Rows as CSV, with every text escaped. */
export function csvOf(rows: object[], options: Options = {}): string {
  return stringify(rows, { ...options, cast: { string: csvText } });
}

/** Percentages have two decimals; nothing where there is no number. */
function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toFixed(2);
}

/**
 * runs.csv: one row for each finished run, in suite order; accuracies and noise rates in percent. Where epochs could be chosen on
 * the noisy labels of the validation images, which it was and its accuracy are the last columns.
 */
export function runsCsv({ graph, records }: Report): string {
  const isChosen = [...records.values()].some(chosenEpoch);
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
        noise: run.noiseSetting.group,
        noise_rate: run.noiseSetting.rate === undefined ? '' : percentLabel(run.noiseSetting.rate),
        noise_rate_measured: percent(record.noise.rate === null ? null : record.noise.rate * 100),
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
        chosen_epoch: chosenEpoch(record)?.epoch ?? '',
        chosen_test_accuracy: percent(chosenEpoch(record)?.testAccuracy),
      },
    ];
  });
  return csvOf(rows, { header: true, columns: [...RUN_COLUMNS, ...(isChosen ? CHOSEN_COLUMNS : [])] });
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

const CHOSEN_COLUMNS = ['chosen_epoch', 'chosen_test_accuracy'];

/**
 * three_ways.csv: one row for each cell of which it is known: its cost in trainings by SGD, its accuracy after the last epoch, at the best one (an
 * oracle), at the one chosen on the noisy labels of the validation images, and what the last epoch loses against that.
 */
export function threeWaysCsv({ graph, records }: Report): string | undefined {
  const cells = threeWays(graph, records);
  if (!cells.length) return undefined;
  const rows = cells.map(({ method, noiseSetting, cost, last, oracle, chosen }) => [
    method,
    noiseSetting,
    cost.toFixed(2),
    ...[last, oracle, chosen, chosen - last].map(percent),
  ]);
  const header = ['method', 'noise_rate', 'cost', 'last', 'best_oracle', 'chosen_on_noisy', 'gap'];
  return csvOf([header, ...rows]);
}

/** rho.csv: one row for each cell of the rows that differ in rho or m (examples of an ascent step). */
export function rhoCsv({ graph, records, cells }: Report): string | undefined {
  const rows = rhoGrids(graph, records, cells).flatMap(({ method, panels }) =>
    panels.flatMap(({ m, cells: all }) =>
      all.map(({ rho, noiseSetting, cell: { seeds, mean, std }, fitted }) => [
        ...[method, m, rho, noiseSetting, seeds],
        ...[mean, std, fitted].map(percent),
      ]),
    ),
  );
  const header = ['method', 'm', 'rho', 'noise_rate', 'seeds', 'mean', 'std', 'wrong_labels_fitted'];
  return rows.length ? csvOf([header, ...rows]) : undefined;
}

/** table4.csv: one row for each method, one column for each noise setting: the mean over seeds, percent. */
export function tableCsv({ graph, cells }: Report): string {
  const labels = graph.noiseSettings.map((noiseSetting) => noiseSetting.label);
  const rows = Object.keys(graph.suite.methods).map((method) => [
    method,
    ...cells.filter((cell) => cell.method === method).map((cell) => percent(cell.mean)),
  ]);
  return csvOf([['method', ...labels], ...rows]);
}

/** comparison.csv: one row for each cell with the paper's value, if it has one, and the difference to it. */
export function comparisonCsv({ graph, cells, published }: Report): string {
  const rows = cells.map(({ method, noiseSetting: label, seeds, mean, std }) => {
    const noiseSetting = graph.noiseSettings.find((c) => c.label === label)!;
    const paper = paperAccuracy(published, method, noiseSetting);
    const delta = mean === null || paper === null ? null : mean - paper;
    return [method, label, seeds, percent(mean), percent(std), percent(paper), percent(delta)];
  });
  return csvOf([['method', 'noise_rate', 'seeds', 'mean', 'std', 'paper', 'delta'], ...rows]);
}

/** transitions.csv: one row for each true class and given label of a noise setting: how many training images, over all seeds. */
export function transitionsCsv(transitions: readonly TransitionData[]): string {
  const rows = transitions.flatMap(({ noiseSetting, counts }) =>
    counts.flatMap((row, truth) => row.map((count, given) => [noiseSetting, truth, given, count])),
  );
  return csvOf([['noise_rate', 'true_class', 'given_label', 'images'], ...rows]);
}

/**
 * shape.csv: how much of the paper's shape is in the results, a row for each figure: Kendall's tau-b of the order of
 * the methods, differences between methods (percentage points, paired by seed, 95 % interval), memorised wrong labels (percent).
 * The noise rate `all` stands for all columns together.
 */
export function shapeCsv(report: Report): string {
  const { tau, tauOverall, orderings } = agreementOf(report.graph, report.records, report.published);
  const rows: (string | null)[][] = [...tau, ['all', tauOverall] as const].map(([label, value]) => [
    'kendall_tau_b',
    '',
    '',
    label,
    value?.toFixed(4) ?? '',
  ]);
  for (const { worse, better, differences, overall } of orderings)
    for (const { noiseSetting, difference } of [...differences, { noiseSetting: 'all', difference: overall }])
      if (difference) {
        const { low, high } = difference.interval ?? {};
        const figures = [difference.difference, low, high].map(percent);
        rows.push(['difference', better, worse, noiseSetting, ...figures]);
      }
  for (const { method, noiseSetting, fitted } of wrongLabelsFitted(report.graph, report.records))
    rows.push(['wrong_labels_fitted', method, '', noiseSetting.label, percent(fitted)]);
  const header = ['measure', 'method', 'minus', 'noise_rate', 'value', 'low', 'high'];
  return csvOf([header, ...rows.map((row) => [...row, '', ''].slice(0, header.length))]);
}

/**
 * external.csv: what was scored, not run, a row for each figure: of each seed the accuracy and, if training images were
 * predicted too, the memorisation; of each column the mean and sample standard deviation over seeds, and the difference to
 * each of the table's methods (percentage points, paired by seed, 95 % interval). The noise rate `all` stands for all columns it has.
 */
export function externalCsv({ graph, external }: Report): string {
  const rows = external.flatMap(({ name, by, link, rows, cells, differences }) => {
    const row = (
      measure: string,
      noise: string,
      values: (number | null | undefined)[],
      more: object = {},
    ) => {
      const [value, low, high] = values.map(percent);
      return {
        measure,
        method: name,
        noise_rate: noise,
        value,
        low,
        high,
        by,
        link,
        external: 'yes',
        ...more,
      };
    };
    return [
      ...rows.flatMap(({ noise, seed, testAccuracy, train }) => {
        const label = graph.noiseSettings.find((c) => canonicalJson(c.noise) === canonicalJson(noise))!.label;
        const of = (measure: string, value: number | null) =>
          value === null ? [] : [row(measure, label, [value], { seed })];
        return [
          ...of('test_accuracy', testAccuracy),
          ...of('wrong_labels_fitted', train?.wrongLabelsFitted ?? null),
          ...of('true_labels_recovered', train?.trueLabelsRecovered ?? null),
          ...of('train_accuracy_true', train?.accuracyTrue ?? null),
        ];
      }),
      ...cells.flatMap((cell) => {
        const { noiseSetting, mean, std } = cell;
        if (mean === null) return [];
        const half = halfWidth(cell);
        const interval = half === null ? [] : [mean - half, mean + half];
        return [
          row('mean', noiseSetting, [mean, ...interval]),
          ...(std === null ? [] : [row('standard_deviation', noiseSetting, [std])]),
        ];
      }),
      ...differences.flatMap(({ minus, columns, overall }) =>
        [...columns, overall].flatMap((found, i) => {
          const label = graph.noiseSettings[i]?.label ?? 'all';
          const { difference, interval } = found ?? {};
          return found
            ? [row('difference', label, [difference, interval?.low, interval?.high], { minus })]
            : [];
        }),
      ),
    ];
  });
  return csvOf(rows, { header: true, columns: EXTERNAL_COLUMNS });
}

const EXTERNAL_COLUMNS = [
  'measure',
  'method',
  'minus',
  'noise_rate',
  'seed',
  'value',
  'low',
  'high',
  'by',
  'link',
  'external',
];
