// Builds the native kernels from the C++ sources in native/. Training works without them, only slower.
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  COMPILER_FLAGS,
  KERNEL_FLAGS,
  NATIVE_LIBRARY,
  NATIVE_SOURCES,
  nativeFolder,
} from '../native/folder.js';
import { CommandError, runCommand } from './command.js';
import { isSealed, publish, withWorkFolder } from './sealed_folder.js';
import { TFJS_FOLDER } from './tfjs_package.js';

/** Sources that run before it is known what the processor can do, or that serve every kernel. */
const FOR_ANY_PROCESSOR = ['operations.cpp', 'pool.cpp', 'processor.cpp'];

/**
 * Builds them into the cache; does nothing if they are there. A failure is said, not thrown.
 *
 * @param say gets one line per step
 */
export async function installNativeKernels(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const libraries = path.join(TFJS_FOLDER, 'deps');
  const { content, cached } = nativeFolder(libraries);
  if (isSealed(cached, content)) return;
  say('Building the native kernels ...');
  try {
    await withWorkFolder(path.dirname(cached), async (work) => {
      const folder = path.join(work, 'native');
      await mkdir(folder);
      await build(libraries, work, path.join(folder, NATIVE_LIBRARY), signal);
      await publish(folder, cached, content);
    });
  } catch (error) {
    if (!(error instanceof CommandError || 'syscall' in (error as object))) throw error;
    say(`  did not work, TensorFlow's own kernels will be used: ${(error as Error).message}`);
  }
}

async function build(libraries: string, work: string, library: string, signal: AbortSignal): Promise<void> {
  const compiler = process.env.CXX ?? 'g++';
  const sources = (await readdir(NATIVE_SOURCES)).filter((name) => name.endsWith('.cpp')).sort();
  const objects: string[] = [];
  for (const source of sources) {
    const object = path.join(work, `${source}.o`);
    const flags = FOR_ANY_PROCESSOR.includes(source) ? COMPILER_FLAGS : [...COMPILER_FLAGS, ...KERNEL_FLAGS];
    const include = `-I${path.join(libraries, 'include')}`;
    const args = [...flags, include, '-c', path.join(NATIVE_SOURCES, source), '-o', object];
    await runCommand(compiler, args, { step: `native kernels ${path.parse(source).name}`, signal });
    objects.push(object);
  }
  const named = path.join(libraries, 'lib', 'libtensorflow_framework.so.2');
  if (!existsSync(named)) throw new CommandError(`native kernels: ${named} is missing`, '');
  // No path to the library is kept: by the time Node loads this, TensorFlow.js has loaded TensorFlow.
  const link = [
    '-shared',
    '-pthread',
    ...objects,
    `-L${path.dirname(named)}`,
    '-l:libtensorflow_framework.so.2',
  ];
  const rest = ['-l:libtensorflow_cc.so.2', '-o', library];
  await runCommand(compiler, [...link, ...rest], { step: 'native kernels link', signal });
}
