// Rows of a table that come from elsewhere: OUT/external.jsonl, predictions of methods that this project did not train, a line
// each, with checksums and a total as records.jsonl has them. They are no records: nothing but their own rows is made of them.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { datasetOf } from '../data/datasets/dataset.js';
import { noiseOf, settingOf } from '../data/noises/noise.js';
import type { RunImages } from '../data/subset.js';
import { explained, writeWhole } from '../io/files.js';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { decodeLabels, labelTextFault, labelWidth } from '../spec/labels.js';
import { EXTERNAL_BYTES, NAME_LENGTH, URL_LENGTH } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import type { RunRecord } from '../spec/record.js';
import { canonicalJson, type NoiseSpec, type RunSpec } from '../spec/run_spec.js';
import { type Difference, mean, pairedDifference, sampleStd } from '../statistics/statistics.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import { type NoiseSetting, noiseSettingTitle } from '../suite/noise_setting.js';
import { type CellSummary, finalAccuracy } from './aggregate.js';
import { sealed, unseal } from './record_schema.js';
import { type Fault, totalDamage, totalOf } from './store.js';

export const EXTERNAL = 'external.jsonl';
/** The figures of the rows, made of EXTERNAL. */
export const EXTERNAL_TABLE = 'external.csv';
export const externalFile = (out: string) => path.join(out, EXTERNAL);

/** Bumped when the form of the rows changes. */
const EXTERNAL_FORMAT = 1;

/** What external methods and their authors may be called: it is printed in every table. */
export const NAME_ALLOWED = `letters, digits, spaces and any of . , : + = ( ) / ' & _ -, beginning with a letter or digit, at most ${NAME_LENGTH} characters`;
export const isName = (text: string) =>
  text.length <= NAME_LENGTH &&
  /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} .,:+=()/'&_-]*[\p{L}\p{M}\p{N}.+)])?$/u.test(text);
export const LINK_ALLOWED = `an address that begins with https:// or http://, of at most ${URL_LENGTH} characters that need no escape`;
export const isLink = (text: string) =>
  text.length <= URL_LENGTH && /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?(\/[\w.~%+@:/?#&=,;-]*)?$/i.test(text);

const percent = z.number({ error: 'percent' }).min(0, 'percent').max(100, 'percent');
const count = (least: number) => z.int({ error: 'a whole number' }).min(least, `at least ${least}`);
const classes = z.string({ error: 'a class for each image' });
const hash = z.hash('sha256', { error: 'a SHA-256' });
const row = z.strictObject({
  format: z.literal(EXTERNAL_FORMAT, { error: String(EXTERNAL_FORMAT) }),
  name: z.string().refine(isName, NAME_ALLOWED),
  /** Who made it, and where it is described. */
  by: z.string().refine(isName, NAME_ALLOWED).nullable(),
  link: z.string().refine(isLink, LINK_ALLOWED).nullable(),
  // Whether they are the suite's is seen by comparing them.
  noise: z.custom<NoiseSpec>((v) => typeof v === 'object' && v !== null, 'a noise'),
  data: z.custom<Omit<RunSpec['data'], 'augment' | 'augmentSource'>>(
    (v) => typeof v === 'object' && v !== null,
    'a data set',
  ),
  seed: count(0),
  /** Of the labels that the method was to learn from, a byte each. */
  givenLabelsSha256: hash,
  wrongLabels: count(0),
  testAccuracy: percent,
  predictions: classes,
  /** Figures of the training images, if these were predicted too. */
  train: z
    .strictObject({
      predictions: classes,
      wrongLabelsFitted: percent.nullable(),
      trueLabelsRecovered: percent.nullable(),
      accuracyTrue: percent,
    })
    .nullable(),
});

/** The predictions of an external method at one noise and seed, and what they came to. */
export type ExternalRow = Omit<z.infer<typeof row>, 'format'>;

/** What a folder holds of external rows. */
export interface External {
  /** None where anything is at fault: what is left would be another table. */
  rows: ExternalRow[];
  faults: Fault[];
  /** The rows that are whole and of the suite, to mend the file with; undefined where it is not to be mended. */
  whole: ExternalRow[] | undefined;
}

/**
 * Reads the external rows of a results folder.
 *
 * @param graph the folder's suite, which they must be of
 * @throws InputError if the file cannot be read
 */
export async function readExternal(out: string, graph: RunGraph): Promise<External> {
  const file = externalFile(out);
  const text = await readBounded(file, EXTERNAL_BYTES).then(String, (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw explained(error, `cannot read ${file}`);
  });
  if (text === '') return { rows: [], faults: [], whole: [] };
  const faults: Fault[] = [];
  const fault = (line: number, damage: string) => faults.push({ file, line, damage, run: undefined });
  const lines = text.split('\n');
  const unended = lines.pop();
  const total = unended || lines.at(-1)?.includes('"name":') ? undefined : lines.pop();
  const whole: ExternalRow[] = [];
  let isForeign = false;
  for (const [i, line] of lines.entries()) {
    const parsed = parseRow(line);
    if ('damage' in parsed) {
      fault(i + 1, parsed.damage);
      continue;
    }
    const misfit = misfitOf(parsed.row, graph);
    const wrong =
      misfit ??
      (whole.some((other) => keyOf(other) === keyOf(parsed.row))
        ? `is of ${titleOf(parsed.row, graph)}, as a line above is; allowed: once`
        : contentFault(parsed.row));
    if (misfit) isForeign = true;
    if (wrong) fault(i + 1, wrong);
    else whole.push(parsed.row);
  }
  let isOfOthers = false;
  if (unended) fault(lines.length + 1, 'has no end: the file was cut short');
  else if (total === undefined)
    fault(lines.length + 1, 'is missing: the last line tells the number of rows and their checksum');
  else {
    const wrong = totalDamage(total, lines);
    isOfOthers = !!wrong?.isOfOthers && !faults.length;
    if (wrong && !(wrong.isOfOthers && faults.length)) fault(lines.length + 1, wrong.damage);
  }
  // Of rows that are whole, but not those that were written, nothing tells which were.
  return { rows: faults.length ? [] : whole, faults, whole: isForeign || isOfOthers ? undefined : whole };
}

function parseRow(line: string): { row: ExternalRow } | { damage: string } {
  const unsealed = unseal(line);
  if ('damage' in unsealed) return unsealed;
  const { data, error } = row.safeParse(unsealed.content);
  if (error) return { damage: describeProblem(error, unsealed.content) };
  const { format: _, ...fields } = data;
  return { row: fields };
}

/** In what a row is not of the suite; undefined if it is. */
function misfitOf(
  { noise, seed, data }: ExternalRow,
  { noiseSettings, suite, runs }: RunGraph,
): string | undefined {
  const is = (field: string, value: unknown, allowed: string) =>
    `${field} is ${canonicalJson(value)}; allowed: ${allowed}, as in suite.json`;
  if (!noiseSettings.some((noiseSetting) => isAt({ noise }, noiseSetting)))
    return is(
      'noise',
      noise,
      noiseSettings.map((noiseSetting) => canonicalJson(noiseSetting.noise)).join(' or '),
    );
  if (!suite.seeds.includes(seed)) return is('seed', seed, suite.seeds.join(', '));
  const own = canonicalJson(dataOf(runs[0]!.spec));
  return canonicalJson(data) === own ? undefined : is('data', data, own);
}

/** What of a run's data external methods are held to: the images, not how they are augmented. */
export function dataOf({ data: { augment: _, augmentSource: __, ...data } }: RunSpec): ExternalRow['data'] {
  return data;
}

/** What of a row cannot be true, by its own figures; a checksum only tells that it is as it was written. */
function contentFault(row: ExternalRow): string | undefined {
  const { data, noise, wrongLabels, testAccuracy, predictions, train } = row;
  const { testImages, trainImages } = data;
  const dataset = datasetOf(data);
  const classes = dataset.classNames.length;
  const text = (field: string, labels: string, images: number) => {
    const fault = labelTextFault(labels, classes);
    if (fault !== undefined) return `${field} is not as it must be; right: ${fault}`;
    const length = labels.length / labelWidth(classes);
    return length === images
      ? undefined
      : `${field} has ${length} classes; right: one for each of ${images} images`;
  };
  /** A percentage of so many images is a whole number of them, and null where there are none. */
  const share = (field: string, value: number | null, of: number) => {
    const right = of === 0 ? null : (100 * Math.round(((value ?? 0) * of) / 100)) / of;
    return value === right
      ? undefined
      : `${field} is ${value}; right: a whole number of ${of} images, such as ${right}`;
  };
  /** Where classes are balanced, none is right more often than there are images of it, or than it is predicted. */
  const atMost = (field: string, accuracy: number, labels: string) => {
    if (dataset.unbalanced) return undefined;
    const predicted = new Array<number>(classes).fill(0);
    const all = decodeLabels(labels, classes);
    for (const label of all) predicted[label]!++;
    const right = predicted.reduce((sum, n) => sum + Math.min(n, Math.ceil(all.length / classes)), 0);
    const most = (100 * right) / all.length;
    return accuracy <= most ? undefined : `${field} is ${accuracy}; by the predictions, at most ${most}`;
  };
  const [least, most] = noiseOf(noise).wrongLabels?.(settingOf(noise), trainImages, dataset) ?? [
    0,
    trainImages,
  ];
  const ofTrain = (labels: NonNullable<ExternalRow['train']>) =>
    text('train.predictions', labels.predictions, trainImages) ??
    share('train.accuracyTrue', labels.accuracyTrue, trainImages) ??
    share('train.wrongLabelsFitted', labels.wrongLabelsFitted, wrongLabels) ??
    share('train.trueLabelsRecovered', labels.trueLabelsRecovered, wrongLabels) ??
    atMost('train.accuracyTrue', labels.accuracyTrue, labels.predictions);
  return (
    text('predictions', predictions, testImages) ??
    share('testAccuracy', testAccuracy, testImages) ??
    atMost('testAccuracy', testAccuracy, predictions) ??
    (wrongLabels < least || wrongLabels > most
      ? `wrongLabels is ${wrongLabels}; right: ${least === most ? most : `${least} to ${most}`}`
      : undefined) ??
    (train ? ofTrain(train) : undefined)
  );
}

/** Whether a row is of a column; two label files with the same labels are two columns of the same rows. */
export function isAt({ noise }: Pick<ExternalRow, 'noise'>, noiseSetting: NoiseSetting): boolean {
  return canonicalJson(noise) === canonicalJson(noiseSetting.noise);
}

const keyOf = ({ name, noise, seed }: ExternalRow) => canonicalJson([name, noise, seed]);

function titleOf(row: ExternalRow, { noiseSettings }: RunGraph): string {
  const noiseSetting = noiseSettings.find((one) => isAt(row, one))!;
  return `${JSON.stringify(row.name)} at ${noiseSettingTitle(noiseSetting)}, seed ${row.seed}`;
}

/** What predictions are scored against, and of which runs. */
interface Truth extends Pick<ExternalRow, 'noise' | 'seed' | 'data' | 'givenLabelsSha256'> {
  testLabels: Uint8Array;
  trainLabels: Uint8Array;
  givenLabels: Uint8Array;
}

/** @param run any run of the column and seed @param givenLabels what these learn from */
export function truthOf(
  { spec }: RunNode,
  { train, test }: Pick<RunImages, 'train' | 'test'>,
  givenLabels: Uint8Array,
): Truth {
  return {
    noise: spec.noise,
    seed: spec.seed,
    data: dataOf(spec),
    givenLabelsSha256: createHash('sha256').update(givenLabels).digest('hex'),
    testLabels: test.labels,
    trainLabels: train.labels,
    givenLabels,
  };
}

/** A row of these predictions, which are text as records have it. */
export function rowOf(
  { name, by, link }: Pick<ExternalRow, 'name' | 'by' | 'link'>,
  { testLabels, trainLabels, givenLabels, ...truth }: Truth,
  predictions: string,
  trainPredictions: string | undefined,
): ExternalRow {
  const classes = datasetOf(truth.data).classNames.length;
  const wrong = [...givenLabels.keys()].filter((i) => givenLabels[i] !== trainLabels[i]);
  const share = (places: Iterable<number>, found: string, labels: Uint8Array) => {
    const all = [...places];
    const predicted = decodeLabels(found, classes);
    return all.length ? (100 * all.filter((i) => predicted[i] === labels[i]).length) / all.length : null;
  };
  return {
    name,
    by,
    link,
    ...truth,
    wrongLabels: wrong.length,
    testAccuracy: share(testLabels.keys(), predictions, testLabels)!,
    predictions,
    train:
      trainPredictions === undefined
        ? null
        : {
            predictions: trainPredictions,
            wrongLabelsFitted: share(wrong, trainPredictions, givenLabels),
            trueLabelsRecovered: share(wrong, trainPredictions, trainLabels),
            accuracyTrue: share(trainLabels.keys(), trainPredictions, trainLabels)!,
          },
  };
}

/**
 * The rows with one more. All rows of a name are one method's, so they have the same author and link: those of the others
 * hold where none are given.
 *
 * @param replace whether a row of the same name, noise and seed may go
 * @throws InputError if there is such a row, or the others say otherwise who made it or where it is
 */
export function withRow(
  out: string,
  rows: readonly ExternalRow[],
  row: ExternalRow,
  replace: boolean,
  graph: RunGraph,
): ExternalRow[] {
  const others = rows.filter((other) => keyOf(other) !== keyOf(row));
  if (others.length < rows.length && !replace)
    throw new InputError(
      `${externalFile(out)}: has ${titleOf(row, graph)} already; another --as, or --replace to put this in its place`,
    );
  const [same] = others.filter(({ name }) => name === row.name);
  for (const field of ['by', 'link'] as const)
    if (same && row[field] !== null && row[field] !== same[field])
      throw new InputError(
        `--${field} ${row[field]}: ${externalFile(out)} has ${JSON.stringify(same[field])} for ${JSON.stringify(row.name)} at another noise or seed; allowed: the same, or another --as`,
      );
  const added = same ? { ...row, by: same.by, link: same.link } : row;
  const column = (r: ExternalRow) => graph.noiseSettings.findIndex((noiseSetting) => isAt(r, noiseSetting));
  return [...others, added].sort(
    (a, b) => Number(a.name > b.name) - Number(a.name < b.name) || column(a) - column(b) || a.seed - b.seed,
  );
}

/** Writes the rows, with their total. @throws InputError if they cannot be written */
export async function writeExternal(out: string, rows: readonly ExternalRow[]): Promise<void> {
  await writeWhole(externalFile(out), externalText(rows));
}

export function externalText(rows: readonly ExternalRow[]): string {
  const lines = rows.map((row) => sealed({ ...row, format: EXTERNAL_FORMAT })).join('');
  return lines + totalOf(lines, rows.length);
}

/** An external method in a table: its rows, collected over the seeds. */
export interface ExternalMethod {
  name: string;
  /** As tables have it, told from those of the project. */
  title: string;
  by: string | null;
  link: string | null;
  rows: ExternalRow[];
  /** For each column. */
  cells: CellSummary[];
  /** Wrong labels fitted, mean over the seeds that have it; for each column. */
  fitted: (number | null)[];
  /** How much better it is than each of the table's methods, of the seeds that both have: by column, and of the means over those. */
  differences: { minus: string; columns: (Difference | null)[]; overall: Difference | null }[];
}

/** Collects rows by method, and compares them with the records of the same seeds, which were given the same images and labels. */
export function externalMethods(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  rows: readonly ExternalRow[],
): ExternalMethod[] {
  const { noiseSettings, suite } = graph;
  return [...new Set(rows.map(({ name }) => name))].map((name) => {
    const own = rows.filter((row) => row.name === name);
    const at = (noiseSetting: NoiseSetting) => own.filter((row) => isAt(row, noiseSetting));
    const held = noiseSettings.filter((noiseSetting) => at(noiseSetting).length);
    const theirs = (noiseSetting: NoiseSetting, seed: number) =>
      at(noiseSetting).find((row) => row.seed === seed)?.testAccuracy;
    const compared = (minus: string, columns: readonly NoiseSetting[]) => {
      const ours = ({ label }: NoiseSetting, seed: number) => {
        const cell = graph.cells.find(
          (c) => c.method === minus && c.noiseSetting.label === label && c.seed === seed,
        );
        const record = cell && records.get(cell.run.id);
        return record && finalAccuracy(record);
      };
      const pairs = suite.seeds.flatMap((seed) => {
        const [before, after] = [ours, theirs].map((of) =>
          columns.flatMap((noiseSetting) => of(noiseSetting, seed) ?? []),
        ) as [number[], number[]];
        const isWhole = columns.length && before.length === columns.length && after.length === columns.length;
        return isWhole ? [[mean(before), mean(after)] as const] : [];
      });
      if (!pairs.length) return null;
      return pairedDifference(
        pairs.map(([before]) => before),
        pairs.map(([, after]) => after),
      );
    };
    const [{ by, link }] = own as [ExternalRow];
    return {
      name,
      title: `${name} (external)`,
      by,
      link,
      rows: own,
      cells: noiseSettings.map((noiseSetting) => {
        const accuracies = at(noiseSetting).map(({ testAccuracy }) => testAccuracy);
        return {
          method: name,
          noiseSetting: noiseSetting.label,
          seeds: accuracies.length,
          failed: 0,
          damaged: 0,
          mean: accuracies.length ? mean(accuracies) : null,
          std: accuracies.length > 1 ? sampleStd(accuracies) : null,
        };
      }),
      fitted: noiseSettings.map((noiseSetting) => {
        const found = at(noiseSetting).flatMap(({ train }) => train?.wrongLabelsFitted ?? []);
        return found.length ? mean(found) : null;
      }),
      differences: Object.keys(suite.methods).flatMap((minus) => {
        const columns = noiseSettings.map((noiseSetting) => compared(minus, [noiseSetting]));
        const overall = held.length > 1 ? compared(minus, held) : null;
        return columns.some((difference) => difference) ? [{ minus, columns, overall }] : [];
      }),
    };
  });
}
