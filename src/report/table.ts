// The table of a report: its cells, for a terminal and in Markdown.

import { table } from 'table';
import { methodTitle } from '../methods/catalogue.js';
import type { CellSummary } from '../results/aggregate.js';
import { paperAccuracy } from '../results/published.js';
import { intervalAround } from '../statistics/statistics.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { captionOf } from './caption.js';
import { markdownText, plain } from './escape.js';
import type { Report } from './report.js';

/** What the sign ± means wherever it is printed. */
export const INTERVAL_NOTE = '±: half of the 95 % Student-t interval of the mean over seeds.';

/** What bold means wherever it is used. */
export const BOLD_NOTE =
  'Bold: above every other row of its column, each difference paired by seed with a 95 % interval above zero (not corrected for their number).';

/** Half the width of the 95 % Student-t interval of a cell's mean, percent; null below two seeds, or without spread. */
export function halfWidth({ mean, std, seeds }: Pick<CellSummary, 'mean' | 'std' | 'seeds'>): number | null {
  if (mean === null || std === null) return null;
  const interval = intervalAround(mean, std / Math.sqrt(seeds), seeds - 1);
  return interval && interval.high - mean;
}

/** Header and rows: a method and its accuracy at each noise rate, the paper's value in parentheses; then external methods. */
export function tableCells({ graph, cells, external, published }: Report): string[][] {
  const { noiseSettings, suite } = graph;
  const header = ['Method', ...noiseSettings.map(noiseSettingTitle)];
  const rows = Object.keys(suite.methods).map((method) => [
    methodTitle(method),
    ...noiseSettings.map((noiseSetting) => {
      const cell = cells.find((c) => c.method === method && c.noiseSetting === noiseSetting.label)!;
      const paper = paperAccuracy(published, method, noiseSetting);
      return [ours(cell, suite.seeds.length), paper === null ? '' : `(${paper.toFixed(1)})`].join(' ').trim();
    }),
  ]);
  const others = external.map(({ title, cells }) => [
    title,
    ...cells.map((cell) => ours(cell, suite.seeds.length)),
  ]);
  return [header, ...rows, ...others].map((row) => row.map(plain));
}

/** `84.21`, with several seeds `84.21 ± 0.30`, and what is missing of the seeds. */
function ours(cell: CellSummary, wanted: number): string {
  const { mean, seeds, failed, damaged } = cell;
  if (mean === null) return damaged ? 'damaged' : failed ? 'failed' : '-';
  const half = halfWidth(cell);
  const text = half === null ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${half.toFixed(2)}`;
  return seeds === wanted ? text : `${text} [${seeds} of ${wanted} seeds]`;
}

/** Caption, table and notes, ending in a line break. */
export function terminalTable(report: Report): string {
  const { title, noise, notes } = captionOf(report);
  return [title, noise, ...tableLines(report), ...notes, ''].join('\n');
}

/** The table alone. @param compact without lines between the methods */
export function tableLines(report: Report, compact = false): string[] {
  const cells = tableCells(report);
  const columns = cells[0]!.map((_, i) => ({ alignment: i === 0 ? ('left' as const) : ('right' as const) }));
  const drawHorizontalLine = (i: number, count: number) => !compact || i < 2 || i === count;
  return table(cells, { columns, drawHorizontalLine }).trimEnd().split('\n');
}

/** table4.md: caption, table and notes, ending in a line break. @param isBrief with no more notes than it must have */
export function markdownTable(report: Report, isBrief = false): string {
  const { title, noise, notes, brief } = captionOf(report);
  const [header, ...rows] = tableCells(report);
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const links = report.external.flatMap(({ link }) => link ?? []);
  /** Addresses are links, whatever is in them: what they may be made of needs no escape there. */
  const text = (note: string) =>
    links.reduce(
      (escaped, link) => escaped.replace(`, ${markdownText(link)}`, () => `, <${link}>`),
      markdownText(note),
    );
  const rule = header!.map((_, i) => (i === 0 ? '---' : '---:'));
  return [
    `**${markdownText(title)}**`,
    '',
    ...(isBrief ? [] : [markdownText(noise), '']),
    ...[header!, rule, ...rows].map(line),
    '',
    ...(isBrief ? brief : notes)
      .map(text)
      .map((note) => (note.startsWith('  ') ? `  - ${note.trim()}` : `- ${note}`)),
    '',
  ].join('\n');
}
