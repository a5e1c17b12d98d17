// A data set of a user's own in NumPy's .npz: images, labels, and what else its file has. Nobody knows which of its labels are wrong.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { readBounded } from '../../io/paths.js';
import { InputError } from '../../spec/errors.js';
import { NPZ_BYTES, NPZ_RATIO } from '../../spec/limits.js';
import { type NpyArray, npyHeader } from '../npy_table.js';
import type { Dataset, ImageSet } from './dataset.js';

/** Whether a suite means such a file by this name. */
export function isNpz(name: string): boolean {
  return name.endsWith('.npz');
}

const FORM =
  'arrays images ([n, size, size, 3], uint8) and labels ([n], whole numbers), the same as test_images and test_labels or in NAME-test.npz beside it, and class_names if there are names';
const CLASSES = 256;
const CHANNELS = 3;

interface Read {
  arrays: Map<string, Uint8Array>;
  sha256: string;
}

/**
 * The data set of a file: NAME.npz with its test images in it, or in NAME-test.npz beside it.
 *
 * @returns the data set, in memory already, and the SHA-256 of its files
 * @throws InputError saying what is wrong with the file and what would be right
 */
export async function readNpzDataset(file: string): Promise<{ dataset: Dataset; sha256: string }> {
  const train = await readArrays(file, ['images', 'labels', 'test_images', 'test_labels', 'class_names']);
  const beside = file.replace(/\.npz$/, '-test.npz');
  const isInside = train.arrays.has('test_images');
  if (!isInside && !existsSync(beside))
    throw refusal(file, `has no test_images, and there is no ${path.basename(beside)} beside it`);
  const test = isInside ? undefined : await readArrays(beside, ['images', 'labels']);
  const sets = {
    train: imagesOf(file, train, 'images', 'labels'),
    test: test
      ? imagesOf(beside, test, 'images', 'labels')
      : imagesOf(file, train, 'test_images', 'test_labels'),
  };
  const { size } = sets.train;
  if (sets.test.size !== size)
    throw refusal(
      file,
      `has test images of ${sets.test.size} pixels; allowed: ${size}, as those for training`,
    );
  const names = train.arrays.get('class_names');
  const most = Math.max(
    ...[sets.train, sets.test].map(({ set }) => set.labels.reduce((a, b) => Math.max(a, b), 0)),
  );
  const classNames = names
    ? within(file, 'class_names', () => textsOf(names))
    : Array.from({ length: Math.max(2, most + 1) }, (_, label) => `class ${label}`);
  if (classNames.length < 2 || classNames.length > CLASSES || classNames.length <= most)
    throw refusal(
      file,
      `has ${classNames.length} class_names; allowed: ${Math.max(2, most + 1)} to ${CLASSES}, one for each label`,
    );
  const counts = new Int32Array(classNames.length);
  for (const label of sets.train.set.labels) counts[label]!++;
  const title = path.basename(file, '.npz');
  const loaded = { train: sets.train.set, test: sets.test.set };
  return {
    sha256: test
      ? createHash('sha256')
          .update(train.sha256 + test.sha256)
          .digest('hex')
      : train.sha256,
    dataset: {
      name: title,
      title,
      cite: '',
      classNames,
      imageSize: size,
      channels: CHANNELS,
      ...momentsOf(loaded.train.images),
      trainImages: loaded.train.count,
      testImages: loaded.test.count,
      ...(counts.some((count) => count !== counts[0]) && { unbalanced: true as const }),
      unverified: true,
      load: async () => loaded,
    },
  };
}

function refusal(file: string, problem: string): InputError {
  const relative = path.relative('', file);
  return new InputError(`${relative.startsWith('..') ? file : relative}: ${problem}; allowed: ${FORM}`);
}

/** What `read` gives; what it throws is said of the file's array. */
function within<T>(file: string, array: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refusal(file, `${array} ${(error as Error).message}`);
  }
}

/**
 * Unpacks the arrays of these names. How large they become is in the archive, and nothing is unpacked beyond that; what it is not
 * worth to unpack, or would not fit, is refused before.
 */
async function readArrays(file: string, wanted: readonly string[]): Promise<Read> {
  const bytes = await readBounded(file, NPZ_BYTES).catch((error: Error) => {
    throw refusal(file, `cannot be read: ${error.message}`);
  });
  let unpacked = 0;
  let problem: string | undefined;
  let contents: Record<string, Uint8Array>;
  try {
    contents = unzipSync(bytes, {
      filter({ name, size, originalSize, compression }) {
        const array = name.replace(/\.npy$/, '');
        if (problem || !wanted.includes(array)) return false;
        unpacked += originalSize;
        const ratio = originalSize / Math.max(1, size);
        if (unpacked > NPZ_BYTES)
          problem = `unpacks to more than ${NPZ_BYTES.toLocaleString('en')} bytes with ${array}`;
        else if (compression !== 0 && originalSize > 1e6 && ratio > NPZ_RATIO)
          problem = `unpacks ${array} to ${Math.round(ratio)} times its size, as no images do`;
        return problem === undefined;
      },
    });
  } catch (error) {
    throw refusal(file, `is no .npz file (${(error as Error).message})`);
  }
  if (problem) throw refusal(file, problem);
  const arrays = new Map(Object.entries(contents).map(([name, data]) => [name.replace(/\.npy$/, ''), data]));
  return { arrays, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function imagesOf(
  file: string,
  { arrays }: Read,
  images: string,
  labels: string,
): { set: ImageSet; size: number } {
  const array = (name: string) => {
    const found = arrays.get(name);
    if (!found) throw refusal(file, `has no array ${name}`);
    return found;
  };
  const pixels = array(images);
  const { dtype, shape, isFortran, start } = within(file, images, () => npyHeader(pixels));
  const [count, size, width, channels] = shape;
  if (dtype !== '|u1' || isFortran)
    throw refusal(file, `${images} has dtype ${dtype}${isFortran ? ' in Fortran order' : ''}`);
  const isSquare = size === width && size! >= 8 && size! % 4 === 0;
  if (shape.length !== 4 || !count || !isSquare || channels !== CHANNELS)
    throw refusal(
      file,
      `${images} has the shape (${shape.join(', ')}), which must be of squares whose size 4 divides`,
    );
  if (pixels.length - start !== count * size! * width! * CHANNELS)
    throw refusal(file, `${images} has ${pixels.length - start} bytes for its shape (${shape.join(', ')})`);
  const values = within(file, labels, () => labelsOf(array(labels)));
  if (values.length !== count) throw refusal(file, `has ${count} ${images} and ${values.length} ${labels}`);
  const wrong = values.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < CLASSES));
  if (wrong >= 0)
    throw refusal(file, `${labels} has ${values[wrong]} at ${wrong}, and labels are 0 to ${CLASSES - 1}`);
  return { set: { count, images: pixels.subarray(start), labels: Uint8Array.from(values) }, size: size! };
}

const LABEL_READERS: Record<string, { bytes: number; read: (view: DataView, at: number) => number }> = {
  '|u1': { bytes: 1, read: (view, at) => view.getUint8(at) },
  '|i1': { bytes: 1, read: (view, at) => view.getInt8(at) },
  '<u2': { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  '<i2': { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  '<u4': { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  '<i4': { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  '<i8': { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
};

function labelsOf(bytes: Uint8Array): number[] {
  const { dtype, shape, start } = npyHeader(bytes);
  const reader = LABEL_READERS[dtype];
  if (!reader) throw new Error(`has dtype ${dtype}`);
  const [count = 0, one = 1] = shape;
  if (shape.length > 2 || one !== 1) throw new Error(`has the shape (${shape.join(', ')})`);
  expectBytes(bytes, start, count * reader.bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * reader.bytes);
  return Array.from({ length: count }, (_, i) => reader.read(view, i * reader.bytes));
}

function expectBytes(bytes: Uint8Array, start: number, needed: number): void {
  if (bytes.length - start !== needed)
    throw new Error(`has ${bytes.length - start} bytes; its shape needs ${needed}`);
}

/** Texts as NumPy has them: of so many code points each (`<U10`), filled up with zeros. */
function textsOf(bytes: Uint8Array): string[] {
  const { dtype, shape, start }: NpyArray = npyHeader(bytes);
  const length = Number(/^<U(\d+)$/.exec(dtype)?.[1] ?? 0);
  const [count = 0] = shape;
  if (!length || shape.length !== 1)
    throw new Error(`has dtype ${dtype} and the shape (${shape.join(', ')}); they are a list of texts`);
  expectBytes(bytes, start, count * length * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  return Array.from({ length: count }, (_, i) => {
    const points = Array.from({ length }, (_, j) => view.getUint32((i * length + j) * 4, true));
    const text = String.fromCodePoint(...points.filter((point) => point > 0 && point < 0x110000));
    if (!/^\P{Cc}{1,100}$/u.test(text))
      throw new Error(
        `has ${JSON.stringify(text.slice(0, 40))}; a name is 1 to 100 characters, none of them a control character`,
      );
    return text;
  });
}

/** Mean and standard deviation of each channel, as shares of 255. */
function momentsOf(images: Uint8Array): { mean: number[]; deviation: number[] } {
  const [sums, squares] = [new Float64Array(CHANNELS), new Float64Array(CHANNELS)];
  for (const [i, value] of images.entries()) {
    sums[i % CHANNELS]! += value;
    squares[i % CHANNELS]! += value * value;
  }
  const pixels = images.length / CHANNELS;
  const mean = Array.from(sums, (sum) => sum / pixels);
  // Of one colour, nothing is to be divided by.
  const deviation = mean.map((m, c) => Math.sqrt(Math.max(0, squares[c]! / pixels - m * m)) || 255);
  return { mean: mean.map((m) => m / 255), deviation: deviation.map((d) => d / 255) };
}
