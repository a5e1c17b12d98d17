// Loads the native kernels, where they are wanted, built, and can run on this processor.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TFJS_FOLDER, TO_INSTALL } from '../../io/project.js';
import { InputError } from '../../spec/errors.js';
import { nativeBackend } from '../tensorflow.js';
import { NATIVE_LIBRARY, nativeFolder } from './folder.js';
import { chosenInstructionSet, type InstructionSet } from './instruction_set.js';

/** Whether compiled steps use the native kernels, and those for which instruction set; if not, why. */
export type NativeKernels = { inUse: true; isa: InstructionSet } | { inUse: false; why: string };

let loaded: NativeKernels | undefined;

/**
 * Loads them once.
 *
 * @throws InputError if LABELNOISE_NATIVE is neither on nor off, or LABELNOISE_ISA not what this processor has
 */
export function nativeKernels(): NativeKernels {
  loaded ??= load();
  return loaded;
}

function load(): NativeKernels {
  const wanted = process.env.LABELNOISE_NATIVE || 'on';
  if (wanted !== 'on' && wanted !== 'off')
    throw new InputError(`LABELNOISE_NATIVE is "${wanted}"; it must be on or off`);
  const isa = chosenInstructionSet();
  if (wanted === 'off') return { inUse: false, why: 'LABELNOISE_NATIVE=off' };
  if (nativeBackend().isUsingGpuDevice) return { inUse: false, why: 'they are for the CPU' };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { inUse: false, why: 'they are for Linux on x86-64' };
  if (!isa) return { inUse: false, why: 'the processor has no AVX2 with FMA' };
  const library = path.join(nativeFolder(path.join(TFJS_FOLDER, 'deps'), isa).cached, NATIVE_LIBRARY);
  if (!existsSync(library)) return { inUse: false, why: `not built; ${TO_INSTALL} tries to` };
  try {
    const { problem } = createRequire(import.meta.url)(library) as { problem: string };
    return problem ? { inUse: false, why: problem } : { inUse: true, isa };
  } catch (error) {
    return { inUse: false, why: `they do not load (${(error as Error).message.split('\n')[0]})` };
  }
}
