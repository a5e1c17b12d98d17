// A suite's results beside the published numbers: to look at, never to decide by.
import { table } from 'table';
import { methodTitle } from '../../methods/catalogue.js';
import { paperAccuracy } from '../../results/published.js';
import { noiseSettingTitle } from '../../suite/noise_setting.js';
import { plain } from '../escape.js';
import type { Report } from '../report.js';

/** Ours, the paper's, and the difference, for each cell that has a result. */
export function referenceText({ graph, cells, published }: Report): string {
  const rows = cells.flatMap(({ method, noiseSetting: label, mean, seeds }) => {
    const noiseSetting = graph.noiseSettings.find((c) => c.label === label)!;
    if (mean === null) return [];
    const paper = paperAccuracy(published, method, noiseSetting);
    const title = `${methodTitle(method)}, ${noiseSettingTitle(noiseSetting)}`;
    const difference = paper === null ? '-' : (mean - paper).toFixed(2);
    return [[title, String(seeds), mean.toFixed(2), paper?.toFixed(1) ?? '-', difference].map(plain)];
  });
  const header = ['Cell', 'Seeds', 'Ours', 'Paper', 'Difference'];
  const columns = header.map((_, i) => ({ alignment: i ? ('right' as const) : ('left' as const) }));
  const drawHorizontalLine = (i: number, count: number) => i < 2 || i === count;
  return [
    table([header, ...rows], { columns, drawHorizontalLine }).trimEnd(),
    `Published: ${plain(published.source)}. For reference: published numbers decide nothing.`,
    '',
  ].join('\n');
}
