// What this processor has: the instruction sets that the native kernels are compiled for, which is used, and whether oneDNN can be trusted.
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

/** What oneDNN calls those in which it has no bfloat16. */
const WITHOUT_BFLOAT16 = ['SSE41', 'AVX', 'AVX2', 'AVX2_VNNI'];

/** Whether oneDNN is held to an instruction set in which it has no bfloat16: by its own variable, whose prefix was another once, or by LABELNOISE_ISA. */
export function isHeldFromBfloat16(): boolean {
  const limit = process.env.ONEDNN_MAX_CPU_ISA ?? oneDnnLimit() ?? process.env.DNNL_MAX_CPU_ISA;
  return limit !== undefined && WITHOUT_BFLOAT16.includes(limit.toUpperCase());
}

/** A folder of Linux, there if the processor tells of its caches. */
const CACHES = '/sys/devices/system/cpu/cpu0/cache/index0';

/**
 * Whether oneDNN takes every cache of a processor for one byte: where an AMD processor does not tell of them in CPUID's leaf 0x8000001D,
 * as in some virtual machines. It then orders filters for such caches, and the zeros that fill up their blocks go over values: convolutions
 * of odd numbers of channels in bfloat16 and some image gradients in float32 are wrong, or NaN (oneDNN 3.7.3: setCacheHierarchy in
 * xbyak_util.h, prb_block_for_cache and zero_dst_memory in jit_uni_reorder.cpp).
 *
 * @param cpuinfo of Linux
 * @param caches whether Linux knows the caches; for AMD it has them from that leaf if there is `topoext`, else from older ones
 */
export function oneDnnMistakesCaches(
  cpuinfo = linuxCpuinfo(),
  caches = process.platform !== 'linux' || existsSync(CACHES),
): boolean {
  if (!/^vendor_id\s*: AuthenticAMD$/m.test(cpuinfo ?? '')) return false;
  return !caches || !/^flags\s*:.*\btopoext\b/m.test(cpuinfo!);
}

/** What TF_ENABLE_ONEDNN_OPTS is to be before TensorFlow is loaded, and why; undefined leaves oneDNN to TensorFlow's default. */
export function oneDnnSetting(): { value: string | undefined; why: string } {
  const asked = process.env.TF_ENABLE_ONEDNN_OPTS;
  if (process.arch === 'x64' && oneDnnMistakesCaches())
    return {
      value: '0',
      why: 'this processor does not tell the size of its caches, without which oneDNN computes wrongly',
    };
  if (asked !== undefined) return { value: asked, why: `TF_ENABLE_ONEDNN_OPTS=${asked}` };
  // TensorFlow's default is to leave it off on processors without AVX-512, where its own convolutions take about twice as long.
  return { value: process.arch === 'x64' ? '1' : undefined, why: 'by our rule' };
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

function linuxCpuinfo(): string | undefined {
  const file = '/proc/cpuinfo';
  return process.platform === 'linux' && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function cpuFeatures(): string | undefined {
  const cpuinfo = linuxCpuinfo();
  if (cpuinfo !== undefined) return /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1];
  if (process.platform !== 'darwin') return undefined;
  const { status, stdout } = spawnSync('sysctl', ['hw.optional'], { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}
