// Noises that look at nothing but an image's class: a matrix says how often each class gets each label.
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { readBounded } from '../../io/paths.js';
import { permutation, type Stream } from '../../io/random.js';
import { InputError } from '../../spec/errors.js';
import { distinct, isName, isObject, NAME, number, value } from '../../spec/fields.js';
import { CELLS, MATRIX_BYTES } from '../../spec/limits.js';
import type { Dataset } from '../datasets/dataset.js';
import { parseNpyTable } from '../npy_table.js';
import type { Noise, NoiseColumn } from './noise.js';
import { percentLabel } from './symmetric.js';

/** Rates of a noise, one for each column. */
export const rates = (what: string) =>
  distinct(
    number('a fraction from 0 up to 1, e.g. 0.4', (v) => v >= 0 && v < 1),
    'a list of fractions from 0 up to 1, e.g. [0.2, 0.4]',
    CELLS,
  ).describe(what);

/** A column for each rate, named by the noise and the rate. */
export function rateColumns<More extends object = object>(
  name: string,
  all: readonly number[],
  more?: More,
): NoiseColumn<{ rate: number } & More>[] {
  return all.map((rate) => {
    const label = percentLabel(rate);
    return {
      key: String(rate),
      label,
      title: `${label} %`,
      setting: { rate, ...(more as More) },
      rate,
      group: name,
    };
  });
}

/**
 * Labels by a transition matrix. Of every class, each label gets exactly its share of the images, rounded; which images is
 * drawn. Wrong labels come first in a class's random order, so that of two matrices whose wrong labels are in the same
 * proportions the smaller noise is a part of the larger.
 *
 * @param labels 0 to classes - 1
 * @param row the shares of the labels that images of a class get; they sum to 1
 */
function labelsByMatrix(
  labels: Uint8Array,
  row: (label: number) => readonly number[],
  classes: number,
  next: Stream,
): Uint8Array {
  const given = Uint8Array.from(labels);
  const members = Array.from({ length: classes }, (): number[] => []);
  for (const [i, label] of labels.entries()) members[label]!.push(i);
  for (const [label, places] of members.entries()) {
    const order = permutation(next, places.length);
    const shares = row(label);
    let share = 0;
    let done = 0;
    for (const [wrong, of] of shares.entries()) {
      if (wrong === label) continue;
      share += of;
      const until = Math.min(places.length, Math.round(share * places.length));
      for (; done < until; done++) given[places[order[done]!]!] = wrong;
    }
  }
  return given;
}

/** A row that sends a share of its class to one other. */
function flips(label: number, to: number, rate: number, classes: number): number[] {
  const row = new Array<number>(classes).fill(0);
  row[label] = 1;
  if (to !== label) {
    row[label] = 1 - rate;
    row[to] = rate;
  }
  return row;
}

/** How many labels can be wrong where so many classes flip at this rate, whose images are as many or not. */
function flipped(
  rate: number,
  flipping: number,
  images: number,
  { classNames, unbalanced }: Dataset,
): readonly [number, number] {
  const classes = classNames.length;
  if (unbalanced) {
    const all = rate * images;
    return [flipping < classes ? 0 : Math.floor(all - classes / 2), Math.ceil(all + classes / 2)];
  }
  const [fewest, most] = [Math.floor(images / classes), Math.ceil(images / classes)];
  return [flipping * Math.round(rate * fewest), flipping * Math.round(rate * most)];
}

const asymmetricSettings = z.object({
  rates: rates('of the classes that flip, the shares of images that do, one for each column'),
});

/** The name of an asymmetric noise's flips, e.g. `truck -> automobile`. */
function flipsInWords({ classNames, similar }: Dataset): string {
  const pairs = similar!.to.flatMap((to, label) =>
    to === label || (similar!.to[to] === label && to < label)
      ? []
      : [`${classNames[label]} ${similar!.to[to] === label ? '<->' : '->'} ${classNames[to]}`],
  );
  return pairs.length > 6 ? (similar!.inWords ?? `${pairs.length} flips`) : pairs.join(', ');
}

export const asymmetric: Noise<typeof asymmetricSettings, { rate: number }> = {
  name: 'asymmetric',
  title: 'asymmetric',
  cite: 'Patrini et al., Making Deep Neural Networks Robust to Label Noise, CVPR 2017',
  about:
    'Of each class that has a similar one, `round(rate n_class)` images get its label. CIFAR-10: truck -> automobile, bird -> airplane, deer -> horse, cat <-> dog; five of ten classes flip, so that the overall rate, which tables show as measured, is half of `rate`. CIFAR-100: each class to the next of its superclass, the last to the first; all flip. Nested. Other data sets have no such noise. (DivideMix draws the share over all images, half of which are of classes that flip: the same in expectation.)',
  settings: asymmetricSettings,
  columns: ({ rates }) => rateColumns('asymmetric', rates),
  check: (_, { similar, title }) =>
    similar ? undefined : { setting: 'kind', allowed: `another noise: it is not defined for ${title}` },
  labels: ({ setting: { rate }, trueLabels, dataset, stream }) => {
    const classes = dataset.classNames.length;
    return labelsByMatrix(
      trueLabels,
      (label) => flips(label, dataset.similar!.to[label]!, rate, classes),
      classes,
      stream(),
    );
  },
  describe(_, titles, classes, dataset) {
    const flipping = dataset.similar!.to.filter((to, label) => to !== label).length;
    const overall = flipping === classes ? '' : `, which are ${flipping} of ${classes}`;
    return `${titles.join(', ')} of the labels of the classes that flip${overall} (${flipsInWords(dataset)})`;
  },
  wrongLabels({ rate }, images, dataset) {
    const { to } = dataset.similar!;
    const flipping = to.filter((other, label) => other !== label).length;
    return flipped(rate, flipping, images, dataset);
  },
};

const pairSettings = z.object({
  rates: rates('shares of the images of every class that get the label of the next, one for each column'),
});

export const pair: Noise<typeof pairSettings, { rate: number }> = {
  name: 'pair',
  title: 'pair flip',
  cite: 'Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels, NeurIPS 2018',
  about:
    'Of every class, `round(rate n_class)` images get the next label, the last class the first; the rate is the share of wrong labels.',
  settings: pairSettings,
  columns: ({ rates }) => rateColumns('pair', rates),
  labels: ({ setting: { rate }, trueLabels, dataset, stream }) => {
    const classes = dataset.classNames.length;
    return labelsByMatrix(
      trueLabels,
      (label) => flips(label, (label + 1) % classes, rate, classes),
      classes,
      stream(),
    );
  },
  describe: (_, titles, classes) =>
    `${titles.join(', ')} of the labels of every class replaced by the next class (${classes - 1} by 0)`,
  wrongLabels: ({ rate }, images, dataset) => flipped(rate, dataset.classNames.length, images, dataset),
};

/** How far a row's sum may be from 1: files have numbers of a few digits. */
const SUM_TOLERANCE = 1e-3;

const isMatrix = (v: unknown): v is number[][] =>
  Array.isArray(v) && v.length > 1 && v.every((row) => Array.isArray(row) && row.every(Number.isFinite));

const matrixSettings = z.object({
  matrices: value<Record<string, string | number[][]>>(
    'an object from name to matrix: the path of a .csv or .npy file, or a list of rows',
    (v) => isObject(v) && Object.values(v as object).every((one) => typeof one === 'string' || isMatrix(one)),
    { type: 'object' },
  )
    .superRefine((matrices, context) => {
      for (const [name, matrix] of Object.entries(matrices)) {
        const message = isName(name)
          ? typeof matrix === 'string'
            ? undefined
            : matrixProblem(matrix)
          : `names of ${NAME}`;
        if (message) context.addIssue({ code: 'custom', message, path: [name] });
      }
    })
    .describe(
      'transition matrices by the names of their columns: row t has the shares of the labels that class t gets',
    ),
});

/** What is wrong with a matrix, as what is allowed. */
function matrixProblem(rows: readonly (readonly number[])[], classes = rows.length): string | undefined {
  if (rows.length !== classes || rows.some((row) => row.length !== classes)) {
    const uneven = rows.findIndex((row) => row.length !== rows.length);
    const found =
      uneven >= 0
        ? `row ${uneven} of ${rows.length} has ${rows[uneven]!.length} numbers`
        : `there are ${rows.length} rows`;
    return `${classes} rows of ${classes} numbers, one for each class; ${found}`;
  }
  for (const [t, row] of rows.entries()) {
    const wrong = row.find((share) => !(share >= 0 && share <= 1));
    if (wrong !== undefined) return `numbers from 0 to 1; row ${t} has ${wrong}`;
    const sum = row.reduce((a, b) => a + b);
    if (Math.abs(sum - 1) > SUM_TOLERANCE)
      return `rows that sum to 1; row ${t} sums to ${Number(sum.toPrecision(6))}`;
  }
  return undefined;
}

/** Reads a matrix. @throws Error saying what is wrong with it */
async function readMatrix(file: string): Promise<number[][]> {
  const bytes = await readBounded(file, MATRIX_BYTES);
  switch (path.extname(file)) {
    case '.npy':
      return parseNpyTable(bytes);
    case '.csv': {
      const rows: string[][] = parse(bytes, {
        bom: true,
        skip_empty_lines: true,
        trim: true,
        relax_column_count: true,
      });
      return rows.map((row, t) =>
        row.map((text) => {
          if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text))
            throw new Error(`row ${t} has ${JSON.stringify(text.slice(0, 40))}; allowed: numbers`);
          return Number(text);
        }),
      );
    }
    default:
      throw new Error('is of no known kind: it must end in .npy or .csv');
  }
}

export const matrix: Noise<typeof matrixSettings, { rows: number[][] }> = {
  name: 'matrix',
  title: 'by a transition matrix',
  cite: 'e.g. Patrini et al., 2017',
  about:
    "`P(label = j | class = t) = T_tj`: row t has the shares of the labels that class t gets and must sum to 1 (to 0.001). Each label gets its share of a class's images, rounded. A matrix is given as rows, or as the path of a `.csv` or `.npy` file; specs of runs contain it.",
  settings: matrixSettings,
  columns: ({ matrices }) =>
    Object.entries(matrices).map(([name, rows]) => ({
      key: name,
      label: name,
      title: name,
      // A path becomes rows before runs are made.
      setting: { rows: rows as number[][] },
    })),
  check({ matrices }, { classNames, title }) {
    for (const rows of Object.values(matrices)) {
      const problem = typeof rows === 'string' ? undefined : matrixProblem(rows, classNames.length);
      if (problem) return { setting: 'matrices', allowed: `${problem} of ${title}` };
    }
    return undefined;
  },
  labels({ setting: { rows }, trueLabels, dataset, stream }) {
    const sums = rows.map((row) => row.reduce((a, b) => a + b));
    return labelsByMatrix(
      trueLabels,
      (label) => rows[label]!.map((share) => share / sums[label]!),
      dataset.classNames.length,
      stream(),
    );
  },
  describe: (_, titles) => `training labels by transition matrices: ${titles.join(', ')}`,
  async resolve({ matrices }, _, { folder, dataset }) {
    const resolved: Record<string, number[][]> = {};
    for (const [name, given] of Object.entries(matrices)) {
      if (typeof given !== 'string') {
        resolved[name] = given;
        continue;
      }
      const refuse = (problem: string) => {
        throw new InputError(`noise: the matrix ${name} of ${given}: ${problem}`);
      };
      const rows = await readMatrix(path.resolve(folder, given)).catch((error: Error) =>
        refuse(error.message),
      );
      const problem = matrixProblem(rows!, dataset.classNames.length);
      if (problem) refuse(`allowed: ${problem} (${dataset.title})`);
      resolved[name] = rows!;
    }
    return { matrices: resolved };
  },
};
