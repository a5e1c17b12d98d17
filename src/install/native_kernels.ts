// Builds the native kernels from the C++ sources in native/. Training works without them, only slower.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { compilerFlags, NATIVE_LIBRARY, NATIVE_SOURCES, nativeFolder } from '../engine/native/folder.js';
import { type InstructionSet, instructionSets } from '../engine/native/instruction_set.js';
import { TFJS_FOLDER } from '../io/project.js';
import { CommandError, runCommand } from './command.js';
import { isSealed, publish, withWorkFolder } from './sealed_folder.js';

/** Compilers at the same time. */
const COMPILERS = 2;

/**
 * Builds them into the cache, for every instruction set that this processor has; does nothing if they are there. A
 * failure is said, not thrown.
 *
 * @param say gets one line per step
 */
export async function installNativeKernels(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const libraries = path.join(TFJS_FOLDER, 'deps');
  const missing = instructionSets()
    .map((set) => ({ set, ...nativeFolder(libraries, set) }))
    .filter(({ cached, content }) => !isSealed(cached, content));
  if (missing.length === 0) return;
  say(`Building the native kernels for ${missing.map(({ set }) => set).join(', ')} ...`);
  try {
    await withWorkFolder(path.dirname(missing[0]!.cached), async (work) => {
      const compilations = (
        await Promise.all(missing.map(({ set }) => plan(set, libraries, path.join(work, set))))
      ).flat();
      await compile(compilations, say, signal);
      for (const { set, content, cached } of missing) {
        const folder = path.join(work, `${set}-native`);
        await mkdir(folder);
        const objects = compilations.filter((one) => one.set === set).map(({ object }) => object);
        await link(libraries, objects, path.join(folder, NATIVE_LIBRARY), signal);
        await publish(folder, cached, content);
      }
    });
  } catch (error) {
    if (!(error instanceof CommandError || 'syscall' in (error as object))) throw error;
    say(`  did not work, TensorFlow's own kernels will be used: ${(error as Error).message}`);
  }
}

interface Compilation {
  set: InstructionSet;
  source: string;
  args: string[];
  object: string;
}

async function plan(set: InstructionSet, libraries: string, folder: string): Promise<Compilation[]> {
  await mkdir(folder);
  return compilerFlags(set).map(({ source, flags }) => {
    const object = path.join(folder, `${source}.o`);
    const files = ['-c', path.join(NATIVE_SOURCES, source), '-o', object];
    return { set, source, args: [...flags, '-isystem', path.join(libraries, 'include'), ...files], object };
  });
}

/** Runs all of them, a few at a time. After a failure none is begun. */
async function compile(
  compilations: Compilation[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const waiting = compilations.values();
  const work = async () => {
    for (const { set, source, args } of waiting) {
      if (failed.signal.aborted) return;
      const step = `native kernels ${set} ${path.parse(source).name}`;
      say(`  compiling the ${step}`);
      await runCommand(compiler(), args, { step, signal });
    }
  };
  const workers = Array.from({ length: COMPILERS }, () =>
    work().catch((error) => {
      failed.abort();
      throw error;
    }),
  );
  // All are waited for: no compiler may still write when the folder is removed.
  const results = await Promise.allSettled(workers);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

async function link(
  libraries: string,
  objects: string[],
  library: string,
  signal: AbortSignal,
): Promise<void> {
  const named = path.join(libraries, 'lib', 'libtensorflow_framework.so.2');
  if (!existsSync(named)) throw new CommandError(`native kernels: ${named} is missing`, '');
  // No path to the library is kept: by the time Node loads this, TensorFlow.js has loaded TensorFlow.
  const tensorflow = [
    `-L${path.dirname(named)}`,
    '-l:libtensorflow_framework.so.2',
    '-l:libtensorflow_cc.so.2',
  ];
  const args = ['-shared', '-pthread', ...objects, ...tensorflow, '-o', library];
  await runCommand(compiler(), args, { step: 'native kernels link', signal });
}

/** The program of CXX, by default g++. */
function compiler(): string {
  return process.env.CXX ?? 'g++';
}
