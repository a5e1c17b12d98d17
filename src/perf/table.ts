// The figures of a comparison as a table for people.
import { table } from 'table';
import type { ModelFigures } from './compare.js';

const times = (value: number | null | undefined) => (value == null ? '-' : `${value.toFixed(2)} x`);
const percent = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);

const ROWS: [string, (figures: ModelFigures) => string][] = [
  ['Batch', ({ batch }) => String(batch)],
  ['Stock tfjs, eager / compiled', (f) => times(f.stock_over_compiled)],
  ['Fused batch norm, eager / compiled', (f) => times(f.eager_over_compiled)],
  ["PyTorch's best / compiled, SGD", (f) => times(f.pytorch_best_over_compiled_sgd)],
  ["PyTorch's best / compiled, SAM", (f) => times(f.pytorch_best_over_compiled_sam)],
  ['SAM step / SGD step', (f) => times(f.sam_over_sgd)],
  ['Time outside TensorFlow', (f) => percent(f.outside_tensorflow)],
  ['FLOP/s of matrix products reached', (f) => percent(f.peak_fraction)],
  ['Peak memory', (f) => (f.peak_rss_mib === null ? '-' : `${f.peak_rss_mib} MiB`)],
];

/** One column a network; a line below for every variant that could not go on. */
export function comparisonTable(models: Record<string, ModelFigures>): string {
  const figures = Object.values(models);
  const rows = ROWS.map(([title, cell]) => [title, ...figures.map(cell)]);
  const columns = [{}, ...figures].map((_, i) => ({
    alignment: i === 0 ? ('left' as const) : ('right' as const),
  }));
  const failures = Object.entries(models).flatMap(([name, { failures }]) =>
    Object.entries(failures).map(([variant, reason]) => `${name}, ${variant}: ${reason}`),
  );
  const drawn = table([['', ...Object.keys(models)], ...rows], { columns });
  return [drawn.trimEnd(), ...failures, ''].join('\n');
}
