// Files of training labels, which people hand each other: written as .npy and CSV, read from these and PyTorch's .pt.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { LABEL_FILE_BYTES } from '../spec/limits.js';
import { cifar10 } from './datasets/cifar10.js';
import type { Dataset } from './datasets/dataset.js';
import { npyOf, parseNpy } from './npy.js';
import { parsePt } from './pt.js';

const NOISY_LABEL = 'noisy_label';
const INDEX = 'index';
const allowedLabels = (dataset: Dataset) => `labels are 0 to ${dataset.classNames.length - 1}`;

/** A label file's contents by the ending of its name: `.npy` int64, `.csv` with a header line. */
export function labelFiles(trueLabels: Uint8Array, labels: Uint8Array): { '.npy': Buffer; '.csv': Buffer } {
  const rows = Array.from(labels, (label, i) => [i, trueLabels[i]!, label]);
  const csv = stringify(rows, { header: true, columns: [INDEX, 'true_label', NOISY_LABEL] });
  return { '.npy': npyOf(labels), '.csv': Buffer.from(csv) };
}

/**
 * Reads labels of the whole training set in official order.
 *
 * @param name a `.npy` file (one dimension; int64, int32 or uint8), a `.csv` file (a header line, columns `index` and
 *   `noisy_label`), or a `.pt` file as CIFAR-10N has it with the name of the array: `CIFAR-10_human.pt#worse_label`
 * @param dataset what they are the labels of
 * @returns the labels, and their hash (of one byte a label): the same labels are the same noise, whatever file they came in
 * @throws InputError naming the file, what was found and what is right
 */
export async function readLabelFile(
  name: string,
  dataset: Dataset = cifar10,
): Promise<{ labels: Uint8Array; sha256: string }> {
  // a `#` only means an array's name behind .pt: anywhere else it belongs to the file's name
  const [, file = name, key] = /^(.*\.pt)#([^#]*)$/.exec(name) ?? [];
  const bytes = await readBounded(file, LABEL_FILE_BYTES).catch((error: Error) => {
    throw new InputError(`label file ${file} cannot be read: ${error.message}`);
  });
  let values: number[];
  try {
    values = readValues(file, bytes, key, dataset);
    check(values, dataset);
  } catch (error) {
    throw new InputError(`label file ${name} ${(error as Error).message}`);
  }
  const labels = Uint8Array.from(values);
  return { labels, sha256: createHash('sha256').update(labels).digest('hex') };
}

function readValues(file: string, bytes: Buffer, key: string | undefined, dataset: Dataset): number[] {
  switch (path.extname(file)) {
    case '.npy':
      return parseNpy(bytes);
    case '.csv':
      return parseCsv(bytes, dataset);
    case '.pt': {
      const arrays = parsePt(bytes);
      const values = arrays.get(key ?? '');
      if (values) return values;
      const names = [...arrays.keys()].join(', ');
      throw new Error(
        `needs the name of one of its arrays: ${path.basename(file)}#NAME, NAME one of ${names}`,
      );
    }
    default:
      throw new Error('is of no known kind: it must end in .npy, .csv or .pt#NAME');
  }
}

function parseCsv(bytes: Buffer, dataset: Dataset): number[] {
  const { trainImages } = dataset;
  const rows: Record<string, string>[] = parse(bytes, {
    columns: true,
    skip_empty_lines: true,
    bom: true,
    // One more is enough to know that there are too many.
    to: trainImages + 1,
    max_record_size: 1000,
  });
  for (const column of [INDEX, NOISY_LABEL]) {
    if (rows[0]?.[column] === undefined) {
      throw new Error(
        `has no column ${column}; its first line must name the columns ${INDEX} and ${NOISY_LABEL}`,
      );
    }
  }
  if (rows.length > trainImages) throw new Error(`has more than the ${trainImages} training images' labels`);
  return rows.map((row, i) => {
    if (row[INDEX] !== String(i)) {
      throw new Error(`has index ${row[INDEX]} in row ${i + 1}; the official order has ${i} there`);
    }
    const label = row[NOISY_LABEL]!;
    if (!/^\d+$/.test(label))
      throw new Error(`has label ${JSON.stringify(label)} at index ${i}; ${allowedLabels(dataset)}`);
    return Number(label);
  });
}

function check(values: number[], dataset: Dataset): void {
  const { trainImages, classNames } = dataset;
  if (values.length !== trainImages) {
    throw new Error(
      `has ${values.length} labels; it must have ${trainImages}, one per training image in official order`,
    );
  }
  const wrong = values.findIndex(
    (label) => !(Number.isInteger(label) && label >= 0 && label < classNames.length),
  );
  if (wrong >= 0) throw new Error(`has label ${values[wrong]} at index ${wrong}; ${allowedLabels(dataset)}`);
}
