// Which precision trains fastest on this machine: a rule, since results must not depend on a timing.
import { bfloat16Support, chosenInstructionSet } from '../engine/native/instruction_set.js';
import type { Precision } from '../suite/spec.js';

/** bfloat16 where the processor has instructions for it and may use them, float32 where it would be emulated. */
export function fastestPrecision(): Precision {
  return bfloat16Support() === 'native' && chosenInstructionSet() !== 'avx2' ? 'bfloat16' : 'float32';
}
