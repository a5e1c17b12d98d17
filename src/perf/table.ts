// The figures of comparisons as tables for people.
import { table } from 'table';
import { markdownText } from '../report/escape.js';
import type { Precision } from '../spec/run_spec.js';
import type { ModelFigures } from './compare.js';
import { type KernelFigures, PRODUCTS } from './convolutions.js';
import { type Machine, type MethodsFile, machineText, type PerfFile } from './file.js';
import { KIND_TITLES, type Kind } from './kind.js';

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

/** Columns of a title and of numbers. */
const titleAnd = (numbers: readonly unknown[]) => [
  { alignment: 'left' as const },
  ...numbers.map(() => ({ alignment: 'right' as const })),
];

/** One column a network; a line below for every variant that could not go on. */
export function comparisonTable(models: Record<string, ModelFigures>): string {
  const figures = Object.values(models);
  const rows = ROWS.map(([title, cell]) => [title, ...figures.map(cell)]);
  const failures = Object.entries(models).flatMap(([name, { failures }]) =>
    Object.entries(failures).map(([variant, reason]) => `${name}, ${variant}: ${reason}`),
  );
  const drawn = table([['', ...Object.keys(models)], ...rows], { columns: titleAnd(figures) });
  return [drawn.trimEnd(), ...failures, ''].join('\n');
}

/** TensorFlow's times over those of the project's kernels: a row a convolution, a table for each precision. */
export function kernelTables(kernels: Partial<Record<Precision, KernelFigures>>): string {
  return Object.entries(kernels)
    .map(([precision, figures]) => {
      const title = `TensorFlow's kernels / ours, ${precision}, one thread`;
      const rows = Object.entries(figures).map(([name, f]) => [name, ...PRODUCTS.map((of) => times(f[of]))]);
      return table([[title, 'forward', 'image gradient', 'filter gradient'], ...rows], {
        columns: titleAnd(PRODUCTS),
        drawHorizontalLine: (i, count) => i < 2 || i === count,
      });
    })
    .join('');
}

type MethodFigures = MethodsFile['methods'][string];

/** A method's steps: its own, and below it those of its phases. */
const stepsOf = (name: string, { title, cost, steps }: MethodFigures) =>
  Object.keys(steps).map((form) =>
    form === 'step'
      ? { name, form, title, cost: String(Number(cost.toFixed(2))) }
      : { name, form, title: `${title}, ${form}`, cost: '' },
  );

const stepFigure = (figures: MethodFigures | undefined, form: string) =>
  figures?.steps[form]?.toFixed(2) ?? '-';
const hostFigure = (figures: MethodFigures | undefined, form: string) =>
  form !== 'step' || figures?.between_epochs == null ? '' : percent(figures.between_epochs);

/** What methods' steps take on one machine: a row for each form of a step. */
export function stepTable({ methods }: Pick<MethodsFile, 'methods'>): string {
  const rows = Object.entries(methods).flatMap(([name, figures]) =>
    stepsOf(name, figures).map(({ form, title, cost }) => [
      title,
      cost,
      stepFigure(figures, form),
      hostFigure(figures, form),
    ]),
  );
  return table([['', 'cost', "step / SGD's", 'between epochs, of an epoch'], ...rows], {
    columns: titleAnd(['cost', 'step', 'between epochs']),
    drawHorizontalLine: (i, count) => i < 2 || i === count,
  });
}

/** Likewise of several kinds of CPU, as Markdown. */
export function methodsTable(files: readonly MethodsFile[]): string {
  const named = new Map(files.flatMap(({ methods }) => Object.entries(methods)));
  return [
    'A step of each method in steps of SGD, and the most that it does on the host after an epoch, as a share of the epoch; cost is what tables say of a whole training:',
    '',
    line(['', 'cost', ...files.flatMap(({ kind }) => [`${KIND_TITLES[kind]}: step`, 'between epochs'])]),
    line(['---', '---:', ...files.flatMap(() => ['---:', '---:'])]),
    ...[...named]
      .flatMap(([name, figures]) => stepsOf(name, figures))
      .map(({ name, form, title, cost }) =>
        line([
          markdownText(title),
          cost,
          ...files.flatMap(({ methods }) => [
            stepFigure(methods[name], form),
            hostFigure(methods[name], form),
          ]),
        ]),
      ),
    '',
    ...files.map(({ kind, suite, network, batch, images, provenance }) =>
      machineItem(
        kind,
        `suite ${suite}, ${network}, batches of ${batch} of ${images.toLocaleString('en')} images; `,
        provenance,
      ),
    ),
    '',
  ].join('\n');
}

/** What figures are of, as an item of a list. */
function machineItem(kind: Kind, what: string, provenance: Machine & { finished: string }): string {
  const { commit, finished } = provenance;
  return `- ${KIND_TITLES[kind]}: ${markdownText(`${what}${machineText(kind, provenance)}; commit ${commit.slice(0, 8)}, ${finished.slice(0, 10)}`)}.`;
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

type Figures = PerfFile['models'][string];

const mode = (figures: Figures, step: 'sgd' | 'sam') => {
  const best = figures.pytorch_best_mode?.[step];
  return best ? ` (${markdownText(best.replace('-', ', '))})` : '';
};

const PERF_ROWS: [string, (figures: Figures) => string][] = [
  ["PyTorch's best mode / compiled, SGD", (f) => times(f.pytorch_best_over_compiled_sgd) + mode(f, 'sgd')],
  ["PyTorch's best mode / compiled, SAM", (f) => times(f.pytorch_best_over_compiled_sam) + mode(f, 'sam')],
  ['plain tfjs with stock operations / compiled', (f) => times(f.stock_over_compiled)],
  ['tfjs with fused batch norm / compiled', (f) => times(f.eager_over_compiled)],
  ['SAM step / SGD step', (f) => times(f.sam_over_sgd)],
  ['wall time outside TensorFlow', (f) => percent(f.outside_tensorflow)],
  ["FLOP/s / those of TensorFlow's large matrix products", (f) => percent(f.peak_fraction)],
];

/** The files of several kinds of CPU as Markdown: a column for each kind, a group of rows for each network. */
export function perfTable(files: readonly PerfFile[]): string {
  const row = (title: string, cell: (file: PerfFile) => string) => line([title, ...files.map(cell)]);
  const names = [...new Set(files.flatMap(({ models }) => Object.keys(models)))];
  const of = (name: string, cell: (figures: Figures) => string) => (file: PerfFile) => {
    const figures = file.models[name];
    return figures ? cell(figures) : '-';
  };
  return [
    row('', ({ kind }) => KIND_TITLES[kind]),
    line(['---', ...files.map(() => '---:')]),
    ...names.flatMap((name) => [
      row(
        `**${name}**, batch`,
        of(name, ({ batch }) => String(batch)),
      ),
      ...PERF_ROWS.map(([title, cell]) => row(title, of(name, cell))),
    ]),
    row('**WRN-10-1**: workers of one thread / one of all, steps per second', (f) =>
      times(f.pool_over_single),
    ),
    '',
    ...files.map(({ kind, provenance }) => machineItem(kind, '', provenance)),
    '',
  ].join('\n');
}
