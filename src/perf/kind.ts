// The kinds of CPU that speed is compared on: by the instruction set in use.
import {
  chosenInstructionSet,
  type InstructionSet,
  instructionSets,
} from '../engine/native/instruction_set.js';
import { cacheFolder } from '../io/cache.js';

/** From the narrowest to the widest; `other` for processors that have none of these. */
export const KINDS = ['other', 'avx2', 'avx512', 'amx'] as const satisfies readonly (
  | InstructionSet
  | 'other'
)[];
export type Kind = (typeof KINDS)[number];

export const KIND_TITLES: Record<Kind, string> = {
  other: 'Other',
  avx2: 'AVX2',
  avx512: 'AVX-512',
  amx: 'AMX',
};

/** The kind in use, and whether LABELNOISE_ISA holds a wider processor down to it. @throws InputError if it names none of its sets */
export function kindInUse(): { isa: Kind; heldDown: boolean } {
  const available = instructionSets();
  const isa = chosenInstructionSet(available);
  return { isa: isa ?? 'other', heldDown: isa !== available.at(-1) };
}

/**
 * What the environment of PyTorch's processes has besides: it holds its own kernels to the same instruction set (its oneDNN has our process's
 * limit), and keeps what torch.compile makes for each set by itself. PyTorch does not tell them apart, and crashes where it finds another's.
 */
export function pytorchEnvironment({ isa, heldDown }: { isa: Kind; heldDown: boolean }): NodeJS.ProcessEnv {
  return {
    TORCHINDUCTOR_CACHE_DIR: cacheFolder('pytorch', isa),
    ...(heldDown ? { ATEN_CPU_CAPABILITY: isa } : {}),
  };
}
