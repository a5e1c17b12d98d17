// One table of several results folders that compares kinds of noise: a row for each column of theirs, a column for each method.
import { table } from 'table';
import { datasetNamed } from '../data/datasets/dataset.js';
import { noiseOf } from '../data/noises/noise.js';
import { methodTitle } from '../methods/catalogue.js';
import { architectureName } from '../models/catalogue.js';
import { mean } from '../statistics/statistics.js';
import { hasNoiseOf } from '../suite/expand.js';
import { type NoiseSetting, noiseSettingTitle } from '../suite/noise_setting.js';
import { markdownText, plain } from './escape.js';
import type { Report } from './report.js';
import { halfWidth, INTERVAL_NOTE } from './table.js';

/** Header and rows: noise, share of labels that it made wrong, and the accuracy of each method; percent. */
export function kindCells(reports: readonly Report[]): string[][] {
  const methods = [...new Set(reports.flatMap(({ graph }) => Object.keys(graph.suite.methods)))];
  const datasets = new Set(reports.map(({ graph }) => graph.suite.data.dataset));
  const rows = reports.flatMap((report) =>
    report.graph.noiseSettings.map((noiseSetting) => [
      [
        ...(datasets.size > 1 ? [`${datasetNamed(report.graph.suite.data.dataset).title},`] : []),
        kindTitle(noiseSetting),
      ].join(' '),
      measured(report, noiseSetting),
      ...methods.map((method) => accuracy(report, method, noiseSetting)),
    ]),
  );
  return [['Noise', 'Wrong', ...methods.map(methodTitle)], ...rows].map((row) => row.map(plain));
}

/** A column as prose where kinds of noise stand together: `pair flip 40 %`. */
export function kindTitle(noiseSetting: NoiseSetting): string {
  const { noise, convention } = noiseSetting;
  const title = `${noiseOf(noise).title} ${noiseSettingTitle(noiseSetting)}`;
  return convention ? `${title}, ${convention}` : title;
}

function measured({ graph, records }: Report, noiseSetting: NoiseSetting): string {
  const rates = graph.runs.flatMap((run) => {
    const rate = hasNoiseOf(run, noiseSetting) ? records.get(run.id)?.noise.rate : undefined;
    return typeof rate === 'number' ? [100 * rate] : [];
  });
  return rates.length ? mean(rates).toFixed(1) : '-';
}

function accuracy({ cells }: Report, method: string, { label }: NoiseSetting): string {
  const cell = cells.find((one) => one.method === method && one.noiseSetting === label);
  if (!cell || cell.mean === null) return '-';
  const half = halfWidth(cell);
  return half === null ? cell.mean.toFixed(2) : `${cell.mean.toFixed(2)} ± ${half.toFixed(2)}`;
}

/** What is above the table: what the folders are of, those of the same size together. */
function heading(reports: readonly Report[]): string[] {
  const sizes = new Map<string, string[]>();
  for (const { graph } of reports) {
    const { name, data, model, training, seeds, precision } = graph.suite;
    const images = data.trainImages.toLocaleString('en');
    const size = `${architectureName(model)}, ${images} training images, ${training.epochs} epochs, ${seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`}, ${precision}`;
    sizes.set(size, [...(sizes.get(size) ?? []), name]);
  }
  return [
    'Clean-test accuracy after the last epoch by kind of noise, percent; beside each noise the share of labels that are wrong.',
    ...Array.from(sizes, ([size, names]) => `${names.join(', ')}: ${size}.`),
    ...(reports.some(({ graph }) => graph.suite.seeds.length > 1) ? [INTERVAL_NOTE] : []),
  ].map(plain);
}

/** The table for a terminal, ending in a line break. */
export function kindsForTerminal(reports: readonly Report[]): string {
  const cells = kindCells(reports);
  const columns = cells[0]!.map((_, i) => ({ alignment: i === 0 ? ('left' as const) : ('right' as const) }));
  const drawHorizontalLine = (i: number, count: number) => i < 2 || i === count;
  return `${heading(reports).join('\n')}\n${table(cells, { columns, drawHorizontalLine })}`;
}

/** The table in Markdown, ending in a line break. */
export function kindsInMarkdown(reports: readonly Report[]): string {
  const [header, ...rows] = kindCells(reports);
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const rule = header!.map((_, i) => (i === 0 ? '---' : '---:'));
  return [
    ...heading(reports).flatMap((text) => [markdownText(text), '']),
    ...[header!, rule, ...rows].map(line),
    '',
  ].join('\n');
}
