// The one place that loads TensorFlow, after the settings that must be in place before the library is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.TF_NUM_INTRAOP_THREADS ??= String(availableParallelism());
process.env.TF_NUM_INTEROP_THREADS ??= '1';

import tf = require('@tensorflow/tfjs-node-gpu');

export { tf };

/** What tfjs-node's backend can do beyond tfjs's own interface (tfjs-node 4.22, nodejs_kernel_backend). */
export interface NativeBackend {
  binding: Record<string, number> & { TF_Version: string };
  executeMultipleOutputs(
    op: string,
    attributes: { name: string; type: number; value: unknown }[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(
    session: number,
    inputs: tf.Tensor[],
    inputNames: { name: string }[],
    outputs: string[],
  ): tf.Tensor[];
  deleteSavedModel(session: number): void;
}

/** The native TensorFlow backend of tfjs-node. */
export function nativeBackend(): NativeBackend {
  return tf.engine().findBackend('tensorflow') as unknown as NativeBackend;
}

/** Versions of what computes, and how many threads one operation may use. */
export function engineVersions(): { tensorflow: string; tfjs: string; threads: number } {
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  return {
    tensorflow: nativeBackend().binding.TF_Version,
    tfjs: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version,
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS),
  };
}
