// The instruction sets that the native kernels are compiled for, which of them this processor has, and which is used.
import { readFileSync } from 'node:fs';
import { InputError } from '../../errors.js';

export type InstructionSet = 'avx2' | 'avx512' | 'amx';

/** Each holds the ones before it; features by the names that Linux gives them. */
const SETS: { name: InstructionSet; features: string[] }[] = [
  { name: 'avx2', features: ['avx2', 'fma'] },
  { name: 'avx512', features: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'] },
  { name: 'amx', features: ['avx512_bf16', 'amx_tile', 'amx_bf16'] },
];

/**
 * The sets that a processor has, least first.
 *
 * @param features names of its features, as Linux lists them
 */
export function instructionSetsOf(features: string): InstructionSet[] {
  const has = new Set(features.split(/\s+/));
  const lacking = SETS.findIndex((set) => !set.features.every((feature) => has.has(feature)));
  return SETS.slice(0, lacking < 0 ? SETS.length : lacking).map(({ name }) => name);
}

/** The sets that this processor has, least first: none where it is not x86-64 with Linux, or has no AVX2. */
export function instructionSets(): InstructionSet[] {
  if (process.platform !== 'linux' || process.arch !== 'x64') return [];
  return instructionSetsOf(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '');
}

/**
 * The set to use: the one that LABELNOISE_ISA names, else the highest; undefined if there is none.
 *
 * @param available the sets that the processor has, least first
 * @throws InputError if LABELNOISE_ISA names another
 */
export function chosenInstructionSet(
  available: readonly InstructionSet[] = instructionSets(),
): InstructionSet | undefined {
  const asked = process.env.LABELNOISE_ISA;
  if (!asked) return available.at(-1);
  const chosen = available.find((name) => name === asked);
  if (chosen) return chosen;
  const allowed =
    available.length > 0
      ? `it must be one of those that this processor has: ${available.join(', ')}`
      : 'but this processor has none of those that the native kernels are for';
  throw new InputError(`LABELNOISE_ISA is "${asked}"; ${allowed}`);
}
