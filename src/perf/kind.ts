// The kinds of CPU that speed is compared on: by the widest instruction set that is in use.
import { InputError } from '../errors.js';

/** From the narrowest to the widest. */
export const KINDS = ['avx2', 'avx512', 'amx'] as const;
export type Kind = (typeof KINDS)[number];

export const KIND_TITLES: Record<Kind, string> = { avx2: 'AVX2', avx512: 'AVX-512', amx: 'AMX' };

/** What a kind of CPU has, as Linux calls it. */
const NEEDS: Partial<Record<Kind, string[]>> = {
  avx512: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
  amx: ['amx_tile', 'amx_bf16'],
};

/**
 * The kind in use, and whether LABELNOISE_ISA holds a wider processor down to it.
 *
 * @param instructions the processor's instruction sets, as in a record's provenance
 * @throws InputError if LABELNOISE_ISA is no kind
 */
export function kindInUse(
  instructions = '',
  wanted = process.env.LABELNOISE_ISA,
): { isa: Kind; heldDown: boolean } {
  const has = new Set(instructions.split(' '));
  const able = KINDS.filter((kind) => (NEEDS[kind] ?? []).every((name) => has.has(name)));
  const widest = able.at(-1)!;
  if (!wanted) return { isa: widest, heldDown: false };
  const limit = KINDS.find((kind) => kind === wanted);
  if (!limit) throw new InputError(`LABELNOISE_ISA is "${wanted}"; it must be one of ${KINDS.join(', ')}`);
  const isa = KINDS[Math.min(KINDS.indexOf(limit), KINDS.indexOf(widest))]!;
  return { isa, heldDown: isa !== widest };
}

/** What holds oneDNN and PyTorch's own kernels to the same instruction set. */
export function pytorchLimits({ isa, heldDown }: { isa: Kind; heldDown: boolean }): NodeJS.ProcessEnv {
  if (!heldDown) return {};
  return isa === 'avx2'
    ? { ONEDNN_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2' }
    : { ONEDNN_MAX_CPU_ISA: 'AVX512_CORE', ATEN_CPU_CAPABILITY: 'avx512' };
}
