// Where this project's own files lie, whatever folder a command is started from.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder (compiled code lies in dist/src). */
export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** This package's version. */
export const VERSION: string = JSON.parse(
  readFileSync(path.join(PROJECT_ROOT, 'package.json'), 'utf8'),
).version;

/** The folder of the npm package that binds Node to TensorFlow, wherever npm has put it. It looks for TensorFlow in `deps/lib` and for its addon in `lib/napi-v<n>`. */
export const TFJS_FOLDER = tfjsFolder();

/** The folder of packages that TensorFlow.js and what it is built with lie in. */
export const NODE_MODULES = path.resolve(TFJS_FOLDER, '..', '..');

function tfjsFolder(): string {
  const name = '@tensorflow/tfjs-node-gpu';
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    // Where it would be: that it is missing is said by who needs it.
    return path.join(PROJECT_ROOT, 'node_modules', name);
  }
}

/** Whether this is a checkout with its Makefile; else it is a package that npm has installed. */
const isCheckout = existsSync(path.join(PROJECT_ROOT, 'Makefile'));

/** What to type so that the engine is installed, and so that a data set is fetched. */
export const TO_INSTALL = isCheckout ? 'make install' : 'npx labelnoise install';
export const TO_FETCH = isCheckout ? 'make data' : 'npx labelnoise data';
