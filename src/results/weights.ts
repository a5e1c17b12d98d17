// The weights that a run ended with, where its suite keeps them: OUT/weights/<run id>.npz, an array for each, batch norm's running
// statistics among them. NumPy reads them as they are.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { npyOfFloats } from '../data/npy.js';
import { npyHeader } from '../data/npy_table.js';
import { explained, writeWhole } from '../io/files.js';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { WEIGHTS_BYTES } from '../spec/limits.js';
import type { RunRecord } from '../spec/record.js';
import type { Weights } from '../training/job.js';

/** The folder of weights in a results folder. */
export const WEIGHTS_FOLDER = 'weights';

/** Where a run's weights are, if they are kept. */
export const weightsFile = (out: string, id: string) => path.join(out, WEIGHTS_FOLDER, `${id}.npz`);

/** Whether a run's weights are there; whether they are whole shows when they are read. */
export const hasWeights = (out: string, id: string) => existsSync(weightsFile(out, id));

/** The SHA-256 of all values, in the weights' order: a record's `weightsSha256`. */
export function hashOfWeights(weights: Weights): string {
  const hash = createHash('sha256');
  for (const { values } of weights.values()) hash.update(bytesOf(values));
  return hash.digest('hex');
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Weights as the bytes of an .npz file: the same for the same weights. */
export function npzOfWeights(weights: Weights): Uint8Array {
  const arrays = [...weights].map(([name, { shape, values }]) => [`${name}.npy`, npyOfFloats(values, shape)]);
  // Floats of noise hardly get smaller by packing. The first day that the format has is nobody's.
  return zipSync(Object.fromEntries(arrays), { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Writes a run's weights, whole or not at all. @throws InputError if they cannot be written */
export async function writeWeights(out: string, id: string, weights: Weights): Promise<void> {
  await writeWhole(weightsFile(out, id), npzOfWeights(weights));
}

/**
 * Reads a run's weights, in the order of the network's parameters and then its running statistics; of several networks those of
 * the second are named `2/NAME`.
 *
 * @throws InputError if there are none, they are damaged, or not those of the record
 */
export async function readWeights(file: string, record: Pick<RunRecord, 'weightsSha256'>): Promise<Weights> {
  const bytes = await readBounded(file, WEIGHTS_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new InputError(
        `${file}: there are no weights; a suite with "keepWeights": true keeps them: add it, and the same "labelnoise run" makes the run again`,
      );
    throw explained(error, `cannot read ${file}`);
  });
  const damaged = (problem: string) => new InputError(`${file}: ${problem}; right: as it was written`);
  let arrays: [string, Uint8Array][];
  try {
    arrays = Object.entries(
      unzipSync(bytes, {
        filter({ name, compression }) {
          if (compression === 0) return true;
          throw new Error(`${name} is compressed`);
        },
      }),
    );
  } catch (error) {
    throw damaged(`is damaged (${(error as Error).message})`);
  }
  const weights: Weights = new Map();
  for (const [name, npy] of arrays)
    try {
      weights.set(name.replace(/\.npy$/, ''), floatsOf(npy));
    } catch (error) {
      throw damaged(`${name} ${(error as Error).message}`);
    }
  const found = hashOfWeights(weights);
  if (found !== record.weightsSha256)
    throw new InputError(
      `${file}: the SHA-256 of its values is ${found}; right: ${record.weightsSha256 ?? 'none is known'}, weightsSha256 of the run's record`,
    );
  return weights;
}

function floatsOf(npy: Uint8Array): { shape: number[]; values: Float32Array } {
  const { dtype, shape, isFortran, start } = npyHeader(npy);
  if (dtype !== '<f4' || isFortran)
    throw new Error(`has dtype ${dtype}${isFortran ? ', in Fortran order' : ''}`);
  const data = npy.slice(start);
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== 4 * size)
    throw new Error(`has ${data.length} bytes for its shape (${shape.join(', ')})`);
  return { shape, values: new Float32Array(data.buffer) };
}
