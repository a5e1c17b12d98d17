// The kinds of CPU that speed is compared on: by the instruction set in use, and the precision that is the fastest with it.
import {
  chosenInstructionSet,
  type InstructionSet,
  instructionSets,
} from '../engine/native/instruction_set.js';
import { cacheFolder } from '../io/cache.js';
import type { Precision } from '../spec/run_spec.js';

/** From the narrowest to the widest; `other` for processors that have no set of ours, `avx512` and `amx` in bfloat16. */
export const KINDS = ['other', 'avx2', 'avx512-float32', 'avx512', 'amx'] as const;
export type Kind = (typeof KINDS)[number];

export const KIND_TITLES: Record<Kind, string> = {
  other: 'Other',
  avx2: 'AVX2',
  'avx512-float32': 'AVX-512, float32',
  avx512: 'AVX-512, bfloat16',
  amx: 'AMX',
};

/** The instruction set in use, and whether LABELNOISE_ISA holds a wider processor down to it. */
export interface SetInUse {
  isa: InstructionSet | 'other';
  heldDown: boolean;
}

/** @throws InputError if LABELNOISE_ISA names no set of the processor's */
export function setInUse(): SetInUse {
  const available = instructionSets();
  const isa = chosenInstructionSet(available);
  return { isa: isa ?? 'other', heldDown: isa !== available.at(-1) };
}

/** The kind of CPU that figures are of. */
export function kindOf({ isa }: SetInUse, precision: Precision): Kind {
  return isa === 'avx512' && precision === 'float32' ? 'avx512-float32' : isa;
}

/**
 * What the environment of PyTorch's processes has besides: it holds its own kernels to the same instruction set (its oneDNN has our process's
 * limit), and keeps what torch.compile makes for each set by itself. PyTorch does not tell them apart, and crashes where it finds another's.
 */
export function pytorchEnvironment({ isa, heldDown }: SetInUse): NodeJS.ProcessEnv {
  return {
    TORCHINDUCTOR_CACHE_DIR: cacheFolder('pytorch', isa),
    ...(heldDown ? { ATEN_CPU_CAPABILITY: isa } : {}),
  };
}
