// Builds the addon that joins Node and TensorFlow from the C++ source in the npm package.
import { mkdir, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './command.js';
import { ADDON, copyPackage, packageEnvironment, TFJS_FOLDER } from './tfjs_package.js';

/**
 * Builds the addon in a copy of the package.
 *
 * @param libraries folder with TensorFlow's `lib` and `include`
 * @param folder empty folder that gets `napi-v<n>/tfjs_binding.node`
 * @param work another empty folder, for what is not to be kept
 * @throws CommandError if it does not compile
 */
export async function buildAddon(
  libraries: string,
  folder: string,
  work: string,
  napi: number,
  signal: AbortSignal,
): Promise<void> {
  const copy = path.join(work, 'package');
  await mkdir(copy);
  await copyPackage(copy);
  await symlink(libraries, path.join(copy, 'deps'));
  const builder = path.resolve(TFJS_FOLDER, '..', '..', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp');
  await runCommand(process.execPath, [builder, 'install', '--build-from-source'], {
    step: 'addon build',
    cwd: copy,
    env: packageEnvironment(),
    signal,
  });
  const built = `napi-v${napi}`;
  await mkdir(path.join(folder, built));
  await rename(path.join(copy, 'lib', built, ADDON), path.join(folder, built, ADDON));
}
