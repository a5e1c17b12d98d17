// Files of predictions that other programs made: a class for each image, or scores of all classes, as .npy or CSV.
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { PREDICTION_FILE_BYTES } from '../spec/limits.js';
import { parseNpy, parseNpyScores } from './npy.js';

const INDEX = 'index';
const PREDICTION = 'prediction';

/** What predictions are to be of. */
export interface Predicted {
  /** The images' places in the official set, in the order that the predictions are to have. */
  indices: Int32Array;
  /** What the images are called in an error, e.g. `test images`. */
  images: string;
  /** How many classes there are. */
  classes: number;
}

/**
 * Reads a prediction for each image, the class of the highest score where there are scores (of equal ones the lowest class).
 *
 * @param name a `.npy` file: shape (n,) of int64, int32 or uint8, or shape (n, classes) of float32 or float64; or a `.csv`
 *   file with a header line: a column `prediction`, or the columns `0` to `classes - 1`, and if wanted `index`, which is then checked
 * @throws InputError naming the file, what was found and what is right
 */
export async function readPredictions(name: string, predicted: Predicted): Promise<Uint8Array> {
  const bytes = await readBounded(name, PREDICTION_FILE_BYTES).catch((error: Error) => {
    throw new InputError(`predictions ${name} cannot be read: ${error.message}`);
  });
  try {
    switch (path.extname(name)) {
      case '.npy': {
        const scores = parseNpyScores(bytes);
        return scores ? bestOf(scores, predicted) : classesOf(parseNpy(bytes), predicted);
      }
      case '.csv':
        return readCsv(bytes, predicted);
      default:
        throw new Error('are of no known kind: the name must end in .npy or .csv');
    }
  } catch (error) {
    throw new InputError(
      `predictions ${name} ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 300)}`,
    );
  }
}

function readCsv(bytes: Buffer, predicted: Predicted): Uint8Array {
  const { indices, classes } = predicted;
  const columns = Array.from({ length: classes }, (_, label) => String(label));
  const rows = rowsOf(bytes, indices.length + 1);
  const [first] = rows;
  const isOfClasses = !first || PREDICTION in first;
  const missing = isOfClasses ? undefined : columns.find((column) => !(column in first));
  if (missing !== undefined)
    throw new Error(
      `have no column ${PREDICTION}, nor one ${missing}; its first line must name the column ${PREDICTION}, or the columns 0 to ${classes - 1}, and may name ${INDEX}`,
    );
  checkCount(rows.length, predicted);
  for (const [i, row] of rows.entries())
    if (INDEX in row && row[INDEX] !== String(indices[i]))
      throw new Error(
        `have index ${JSON.stringify(row[INDEX])} in row ${i + 1}; the ${predicted.images} have ${indices[i]} there`,
      );
  if (isOfClasses)
    return classesOf(
      rows.map((row) => numberIn(row[PREDICTION]!)),
      predicted,
      (i) => JSON.stringify(rows[i]![PREDICTION]),
    );
  return bestOf(
    rows.map((row) => columns.map((column) => numberIn(row[column]!))),
    predicted,
  );
}

/** @param most one more than there may be is enough to know that there are too many @throws Error saying what is no CSV */
function rowsOf(bytes: Buffer, most: number): Record<string, string>[] {
  try {
    return parse(bytes, {
      columns: true,
      skip_empty_lines: true,
      bom: true,
      to: most,
      max_record_size: 10_000,
    });
  } catch (error) {
    throw new Error(`are no CSV with a header line: ${(error as Error).message}`);
  }
}

/** A number as programs write it; NaN for anything else. */
function numberIn(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return Number(text);
  return /^-inf(inity)?$/i.test(text.trim()) ? Number.NEGATIVE_INFINITY : Number.NaN;
}

function classesOf(
  values: readonly number[],
  predicted: Predicted,
  shown = (i: number) => String(values[i]),
): Uint8Array {
  const { classes } = predicted;
  checkCount(values.length, predicted);
  const wrong = values.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong >= 0)
    throw new Error(`have class ${shown(wrong)} in row ${wrong + 1}; classes are 0 to ${classes - 1}`);
  return Uint8Array.from(values);
}

function bestOf(scores: readonly (readonly number[])[], predicted: Predicted): Uint8Array {
  checkCount(scores.length, predicted);
  const { classes } = predicted;
  const columns = scores[0]?.length ?? classes;
  if (columns !== classes)
    throw new Error(
      `have scores of ${columns} classes; there must be ${classes}, in the order of the labels`,
    );
  return Uint8Array.from(scores, (row, i) => {
    // What was ruled out may have a log probability of minus infinity; nothing else is a score.
    const bad = row.findIndex((score) => !Number.isFinite(score) && score !== Number.NEGATIVE_INFINITY);
    if (bad >= 0)
      throw new Error(
        `have the score ${row[bad]} in row ${i + 1}, class ${bad}; scores are finite numbers, or -inf`,
      );
    return row.indexOf(Math.max(...row));
  });
}

function checkCount(found: number, { indices, images }: Predicted): void {
  if (found === indices.length) return;
  const many =
    found > indices.length ? 'are of more than' : `are of ${found.toLocaleString('en')} images, not`;
  throw new Error(
    `${many} the ${indices.length.toLocaleString('en')} ${images}; there must be one for each, in the order of the exported indices`,
  );
}
