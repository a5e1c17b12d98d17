// The npm package that binds Node to TensorFlow, as npm left it: source of the addon, no libraries.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { NODE_MODULES, TFJS_FOLDER, TO_INSTALL } from '../io/project.js';
import { InputError } from '../spec/errors.js';

/** File name of the compiled binding. */
export const ADDON = 'tfjs_binding.node';

export interface TfjsPackage {
  version: string;
  /** Version of Node's stable C interface that the addon is built for. */
  napi: number;
}

/**
 * Reads the package's description.
 *
 * @throws InputError if npm has not installed it
 */
export function tfjsPackage(): TfjsPackage {
  const file = path.join(TFJS_FOLDER, 'package.json');
  if (!existsSync(file))
    throw new InputError(
      `${file} is missing: npm has not installed it, as its install script may have failed; type npm ci or npm install with --ignore-scripts, then ${TO_INSTALL}`,
    );
  const description = JSON.parse(readFileSync(file, 'utf8'));
  const offered: number[] = description.binary.napi_versions;
  const napi = Math.max(...offered.filter((version) => version <= Number(process.versions.napi)));
  return { version: description.version, napi };
}

/** Copies what building needs of the package, so that node_modules never holds anything half-built. */
export async function copyPackage(to: string): Promise<void> {
  for (const part of ['package.json', 'binding.gyp', 'binding', 'scripts']) {
    await cp(path.join(TFJS_FOLDER, part), path.join(to, part), { recursive: true });
  }
}

/** Environment in which a copy of the package finds the packages and programs of this project's node_modules. */
export function packageEnvironment(): NodeJS.ProcessEnv {
  const headers = nodeHeaders();
  return {
    ...(headers ? { npm_config_nodedir: headers } : {}),
    ...process.env,
    NODE_PATH: NODE_MODULES,
    PATH: `${path.join(NODE_MODULES, '.bin')}${path.delimiter}${process.env.PATH}`,
  };
}

/** The folder with Node's C headers: beside Node itself or as npm is set up; undefined lets node-gyp download them. */
function nodeHeaders(): string | undefined {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  if (existsSync(path.join(prefix, 'include', 'node', 'node_api.h'))) return prefix;
  const { stdout } = spawnSync('npm', ['config', 'get', 'nodedir'], { encoding: 'utf8' });
  const configured = stdout?.trim();
  return configured && existsSync(configured) ? configured : undefined;
}
