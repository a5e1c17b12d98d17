// The one place that loads TensorFlow, after the settings that must be in place before the library is.
import { availableParallelism } from 'node:os';
import util from 'node:util';
import { oneDnnLimit } from './native/instruction_set.js';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.TF_NUM_INTRAOP_THREADS ??= String(availableParallelism());
process.env.TF_NUM_INTEROP_THREADS ??= '1';
// TensorFlow's default is to leave oneDNN off on processors without AVX-512, where its own convolutions take about twice as long.
if (process.arch === 'x64') process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
const limit = oneDnnLimit();
if (limit) process.env.ONEDNN_MAX_CPU_ISA ??= limit;
// One arena instead of malloc, which gives large tensors back to the system and faults their pages in again each step.
process.env.TF_CPU_ALLOCATOR_USE_BFC ??= 'true';

// tfjs-node 4.22 calls these two: Node 23 removed the first, and since Node 22 the second warns on the terminal.
Object.assign(util, {
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  isArray: Array.isArray,
});

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
  isUsingGpuDevice: boolean;
}

/** The native TensorFlow backend of tfjs-node. */
export function nativeBackend(): NativeBackend {
  return tf.engine().findBackend('tensorflow') as unknown as NativeBackend;
}
