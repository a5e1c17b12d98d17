// Which precision trains fastest on this machine: a rule, since results must not depend on a timing.
import { chosenInstructionSet } from '../engine/native/instruction_set.js';
import type { Precision } from '../suite/spec.js';

/**
 * bfloat16 with AMX, which multiplies it many times as fast as float32; float32 elsewhere, where the float32 kernels are at
 * least as fast as bfloat16 is in AVX-512, and many times as fast as emulated bfloat16 (results/perf).
 */
export function fastestPrecision(): Precision {
  return chosenInstructionSet() === 'amx' ? 'bfloat16' : 'float32';
}
