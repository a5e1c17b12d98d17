// Where this project's own files lie, whatever folder a command is started from.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder (compiled code lies in dist/src). */
export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** This package's version. */
export const VERSION: string = JSON.parse(
  readFileSync(path.join(PROJECT_ROOT, 'package.json'), 'utf8'),
).version;

export const NODE_MODULES = path.join(PROJECT_ROOT, 'node_modules');

/** The folder of the npm package that binds Node to TensorFlow. It looks for TensorFlow in `deps/lib` and for its addon in `lib/napi-v<n>`. */
export const TFJS_FOLDER = path.join(NODE_MODULES, '@tensorflow', 'tfjs-node-gpu');
