// Loads the native kernels, where they are wanted, built, and can run on this processor.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { InputError } from '../../errors.js';
import { TFJS_FOLDER } from '../install/tfjs_package.js';
import { nativeBackend } from '../tensorflow.js';
import { NATIVE_LIBRARY, nativeFolder } from './folder.js';

/** Whether compiled steps in bfloat16 use the native kernels; if not, why. */
export type NativeKernels = { inUse: true } | { inUse: false; why: string };

let loaded: NativeKernels | undefined;

/**
 * Loads them once.
 *
 * @throws InputError if LABELNOISE_NATIVE is neither on nor off
 */
export function nativeKernels(): NativeKernels {
  loaded ??= load();
  return loaded;
}

function load(): NativeKernels {
  const wanted = process.env.LABELNOISE_NATIVE || 'on';
  if (wanted !== 'on' && wanted !== 'off')
    throw new InputError(`LABELNOISE_NATIVE is "${wanted}"; it must be on or off`);
  if (wanted === 'off') return { inUse: false, why: 'LABELNOISE_NATIVE=off' };
  if (nativeBackend().isUsingGpuDevice) return { inUse: false, why: 'they are for the CPU' };
  const library = path.join(nativeFolder(path.join(TFJS_FOLDER, 'deps')).cached, NATIVE_LIBRARY);
  if (!existsSync(library)) return { inUse: false, why: 'not built; make install tries to' };
  try {
    const { problem } = createRequire(import.meta.url)(library) as { problem: string };
    return problem ? { inUse: false, why: problem } : { inUse: true };
  } catch (error) {
    return { inUse: false, why: `they do not load (${(error as Error).message.split('\n')[0]})` };
  }
}
