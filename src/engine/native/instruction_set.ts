// The instruction sets that the native kernels are compiled for, which of them this processor has, and which is used.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../../spec/errors.js';

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
  return instructionSetsOf(cpuFeatures() ?? '');
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

/** What the variable ONEDNN_MAX_CPU_ISA calls the sets; for AMX it needs no limit. */
const ONEDNN_NAMES = { avx2: 'AVX2', avx512: 'AVX512_CORE', amx: undefined } as const;

/** The limit of oneDNN that keeps it to the set in use; undefined where that is the highest anyway. */
export function oneDnnLimit(): string | undefined {
  const available = instructionSets();
  const chosen = chosenInstructionSet(available);
  return chosen && chosen !== available.at(-1) ? ONEDNN_NAMES[chosen] : undefined;
}

/**
 * Whether a processor computes in bfloat16 itself.
 *
 * @param features names of its features as the operating system gives them; undefined if they cannot be had
 */
export function bfloat16Support(
  features = cpuFeatures(),
  platform = process.platform,
): 'native' | 'emulated' | 'unknown' {
  if (features === undefined) return 'unknown';
  const native = platform === 'darwin' ? /FEAT_BF16: 1/ : /\b(avx512_bf16|amx_bf16|avx_ne_convert|bf16)\b/;
  return native.test(features) ? 'native' : 'emulated';
}

function cpuFeatures(): string | undefined {
  if (process.platform === 'linux' && existsSync('/proc/cpuinfo'))
    return /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  if (process.platform !== 'darwin') return undefined;
  const { status, stdout } = spawnSync('sysctl', ['hw.optional'], { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}
