// A table's cells as text, the same on the terminal and in Markdown.
import { methodTitle } from '../methods/catalogue.js';
import type { CellSummary } from '../results/aggregate.js';
import { paperAccuracy } from '../results/published.js';
import { conditionTitle } from '../suite/condition.js';
import { plain } from './escape.js';
import { halfWidth } from './interval.js';
import type { Report } from './report.js';

/** Header and rows: a method and its accuracy at each noise rate, the paper's value in parentheses; then external methods. */
export function tableCells({ graph, cells, external, published }: Report): string[][] {
  const { conditions, suite } = graph;
  const header = ['Method', ...conditions.map(conditionTitle)];
  const rows = Object.keys(suite.methods).map((method) => [
    methodTitle(method),
    ...conditions.map((condition) => {
      const cell = cells.find((c) => c.method === method && c.condition === condition.label)!;
      const paper = paperAccuracy(published, method, condition);
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
