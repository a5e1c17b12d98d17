// Builds the addon that joins Node and TensorFlow from the C++ source in the npm package.
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TFJS_FOLDER } from '../io/project.js';
import { runCommand } from './command.js';
import { ADDON, copyPackage, packageEnvironment } from './tfjs_package.js';

/**
 * Builds the addon in a copy of the package.
 *
 * @param libraries folder with TensorFlow's `lib` and `include`
 * @param folder empty folder that gets `napi-v<n>/tfjs_binding.node`
 * @throws CommandError if it does not compile
 */
export async function buildAddon(
  libraries: string,
  folder: string,
  napi: number,
  signal: AbortSignal,
): Promise<void> {
  // Not in the cache: make and the compiler cannot cope with blanks in a path, and the user chooses that one.
  const copy = await mkdtemp(path.join(tmpdir(), 'labelnoise-addon-'));
  try {
    await build(copy, libraries, signal);
    const built = path.join(`napi-v${napi}`, ADDON);
    await cp(path.join(copy, 'lib', built), path.join(folder, built));
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function build(copy: string, libraries: string, signal: AbortSignal): Promise<void> {
  await copyPackage(copy);
  await symlink(libraries, path.join(copy, 'deps'));
  const builder = path.resolve(TFJS_FOLDER, '..', '..', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp');
  await runCommand(process.execPath, [builder, 'install', '--build-from-source'], {
    step: 'addon build',
    cwd: copy,
    env: packageEnvironment(),
    signal,
  });
}
