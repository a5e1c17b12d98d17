// When the native kernels began to round otherwise, and where: what was computed before has other bits there.
import type { Provenance } from './record.js';

/** Each with the version of the kernels that it came with. Whoever changes their bits adds one. */
const CHANGES: (Required<Pick<Provenance, 'kernelsVersion' | 'isa'>> & Pick<Provenance, 'precision'>)[] = [
  // Convolutions by Winograd, which TensorFlow's had been.
  { kernelsVersion: 2, isa: 'avx2', precision: 'bfloat16' },
  { kernelsVersion: 2, isa: 'avx512', precision: 'bfloat16' },
  // Convolutions of stride 2 and of few channels, likewise.
  { kernelsVersion: 3, isa: 'avx2', precision: 'float32' },
  { kernelsVersion: 3, isa: 'avx512', precision: 'float32' },
  { kernelsVersion: 3, isa: 'amx', precision: 'float32' },
  // Filter gradients and deep convolutions position by position, large filters directly; where there are tiles, in float32 alone.
  { kernelsVersion: 4, isa: 'avx2', precision: 'float32' },
  { kernelsVersion: 4, isa: 'avx512', precision: 'float32' },
  { kernelsVersion: 4, isa: 'amx', precision: 'float32' },
  { kernelsVersion: 4, isa: 'avx2', precision: 'bfloat16' },
  { kernelsVersion: 4, isa: 'avx512', precision: 'bfloat16' },
];

/** Of the native kernels, as records have it; those that do not tell are of the first. */
export const KERNELS_VERSION = Math.max(...CHANGES.map(({ kernelsVersion }) => kernelsVersion));

/** Whether kernels of these versions give the same bits for an instruction set and precision. */
export function kernelsAgree(
  before: number,
  after: number,
  { isa, precision }: Pick<Provenance, 'isa' | 'precision'>,
): boolean {
  const [older, newer] = [before, after].sort((a, b) => a - b) as [number, number];
  return !CHANGES.some(
    (change) =>
      change.kernelsVersion > older &&
      change.kernelsVersion <= newer &&
      change.isa === isa &&
      change.precision === precision,
  );
}
