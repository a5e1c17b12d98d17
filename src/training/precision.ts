// Which precision trains fastest on this machine: a rule, since results must not depend on a timing.
import { bfloat16Support, chosenInstructionSet } from '../engine/native/instruction_set.js';
import type { Precision } from '../spec/run_spec.js';

/**
 * bfloat16 where the processor has instructions for it, and they may be used: on x86-64 it is oneDNN that has them. float32 where it
 * would be emulated.
 */
export function fastestPrecision(): Precision {
  const mayUse = chosenInstructionSet() !== 'avx2' && process.env.TF_ENABLE_ONEDNN_OPTS !== '0';
  return bfloat16Support() === 'native' && mayUse ? 'bfloat16' : 'float32';
}
