// Which precision trains fastest on this machine: a rule, since results must not depend on a timing.
import {
  bfloat16Support,
  chosenInstructionSet,
  isHeldFromBfloat16,
  oneDnnSetting,
} from '../engine/native/instruction_set.js';
import type { Precision } from '../spec/run_spec.js';

/** Whether bfloat16 would be emulated here, and slow: on x86-64 it is oneDNN that has the instructions for it. */
export function emulatesBfloat16(): boolean {
  return bfloat16Support() === 'emulated' || (process.arch === 'x64' && oneDnnSetting().value === '0');
}

/** bfloat16 where the processor has instructions for it, and they may be used; float32 elsewhere. */
export function fastestPrecision(): Precision {
  const has = bfloat16Support() === 'native' && !emulatesBfloat16() && !isHeldFromBfloat16();
  return has && chosenInstructionSet() !== 'avx2' ? 'bfloat16' : 'float32';
}
