// Where the compiled native kernels are kept: for each instruction set a cache folder whose name changes with the source.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../io/cache.js';
import { PROJECT_ROOT } from '../../io/project.js';
import type { InstructionSet } from './instruction_set.js';

/** The C++ sources. */
export const NATIVE_SOURCES = path.join(PROJECT_ROOT, 'native');

/** File name of the compiled library, which Node loads as an addon. */
export const NATIVE_LIBRARY = 'kernels.node';

/** Sources that run before it is known what the processor can do, hence are compiled for any. */
const FOR_ANY_PROCESSOR = ['addon.cpp', 'processor.cpp'];

/** Kernels on tiles, which only the library for AMX has. */
const FOR_TILES = ['convolution.cpp', 'filter_gradient.cpp'];

const AVX2 = ['-mavx2', '-mfma'];
const AVX512 = [...AVX2, ...['f', 'bw', 'dq', 'vl'].map((feature) => `-mavx512${feature}`)];
const AMX = [...AVX512, '-mavx512bf16', '-mamx-tile', '-mamx-bf16'];
const INSTRUCTION_SET_FLAGS: Record<InstructionSet, string[]> = { avx2: AVX2, avx512: AVX512, amx: AMX };

/** Contraction of products and sums is the compilers' default, or not: the bits must be the same. */
const FLAGS = ['-std=c++17', '-O3', '-ffp-contract=fast', '-fPIC', '-pthread', '-fvisibility=hidden'];

/**
 * How each source is compiled into the library for an instruction set. All that is in it is compiled for that set, or
 * the linker could keep an inline function's copy for a higher one.
 */
export function compilerFlags(set: InstructionSet): { source: string; flags: string[] }[] {
  return readdirSync(NATIVE_SOURCES)
    .filter((name) => name.endsWith('.cpp') && (set === 'amx' || !FOR_TILES.includes(name)))
    .sort()
    .map((source) => ({
      source,
      flags: FOR_ANY_PROCESSOR.includes(source) ? FLAGS : [...FLAGS, ...INSTRUCTION_SET_FLAGS[set]],
    }));
}

/**
 * The folder for these sources and flags and this TensorFlow.
 *
 * @param libraries folder of TensorFlow's libraries
 */
export function nativeFolder(libraries: string, set: InstructionSet): { content: string; cached: string } {
  const hash = createHash('sha256').update(JSON.stringify(compilerFlags(set)));
  const names = readdirSync(NATIVE_SOURCES).filter((name) => /\.(cpp|h)$/.test(name));
  for (const name of names.sort())
    hash.update(`\0${name}\0`).update(readFileSync(path.join(NATIVE_SOURCES, name)));
  const version = path.basename(realpathSync(libraries));
  const content = `${version}-native-${set}-${hash.digest('hex').slice(0, 16)}`;
  return { content, cached: path.resolve(cacheFolder('tensorflow', content)) };
}
