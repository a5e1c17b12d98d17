// Where the compiled native kernels are kept: a cache folder whose name changes with their source.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../cache.js';
import { PROJECT_ROOT } from '../../project.js';

/** The C++ sources. */
export const NATIVE_SOURCES = path.join(PROJECT_ROOT, 'native');

/** File name of the compiled library, which Node loads as an addon. */
export const NATIVE_LIBRARY = 'kernels.node';

/** For sources that run on any processor. */
export const COMPILER_FLAGS = ['-std=c++17', '-O3', '-fPIC', '-pthread', '-fvisibility=hidden'];

/** For the kernels themselves, which are called only where the processor has all of this. */
export const KERNEL_FLAGS = ['f', 'bw', 'dq', 'vl', 'bf16']
  .map((feature) => `-mavx512${feature}`)
  .concat('-mamx-tile', '-mamx-bf16');

/**
 * The folder for these sources and flags and this TensorFlow.
 *
 * @param libraries folder of TensorFlow's libraries
 */
export function nativeFolder(libraries: string): { content: string; cached: string } {
  const hash = createHash('sha256').update(JSON.stringify([COMPILER_FLAGS, KERNEL_FLAGS]));
  const names = readdirSync(NATIVE_SOURCES).filter((name) => /\.(cpp|h)$/.test(name));
  for (const name of names.sort())
    hash.update(`\0${name}\0`).update(readFileSync(path.join(NATIVE_SOURCES, name)));
  const content = `${path.basename(realpathSync(libraries))}-native-${hash.digest('hex').slice(0, 16)}`;
  return { content, cached: path.resolve(cacheFolder('tensorflow', content)) };
}
