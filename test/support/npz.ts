// Arrays that NumPy saved (numpy.savez_compressed): a zip archive of .npy files, version 1.0.
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';

type Values = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array;

const TYPES: Record<string, new (data: ArrayBuffer) => Values> = {
  '|i1': Int8Array,
  '|u1': Uint8Array,
  '<i2': Int16Array,
  '<i4': Int32Array,
  '<f4': Float32Array,
};

/** The values of every array in the file, by name; shapes are left to the reader. */
export function readNpz(file: string): Map<string, Values> {
  const arrays = Object.entries(unzipSync(readFileSync(file)));
  return new Map(arrays.map(([name, npy]) => [name.replace(/\.npy$/, ''), valuesOf(name, npy)]));
}

function valuesOf(name: string, npy: Uint8Array): Values {
  const start = 10 + npy[8]! + 256 * npy[9]!;
  const header = Buffer.from(npy.subarray(10, start)).toString('latin1');
  const Type = TYPES[/'descr': '([^']+)'/.exec(header)?.[1] ?? ''];
  if (!Type) throw new Error(`${name}: unreadable ${header}`);
  return new Type(npy.slice(start).buffer as ArrayBuffer);
}
