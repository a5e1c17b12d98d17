// The one place that loads TensorFlow, after the settings that must be in place before the library is.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import util from 'node:util';
import type * as TF from '@tensorflow/tfjs-node-gpu';
import { oneDnnLimit, oneDnnSetting } from './native/instruction_set.js';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.TF_NUM_INTRAOP_THREADS ??= String(availableParallelism());
process.env.TF_NUM_INTEROP_THREADS ??= '1';
const { value: oneDnn } = oneDnnSetting();
if (oneDnn !== undefined) process.env.TF_ENABLE_ONEDNN_OPTS = oneDnn;
const limit = oneDnnLimit();
if (limit) process.env.ONEDNN_MAX_CPU_ISA ??= limit;
// One arena instead of malloc, which gives large tensors back to the system and faults their pages in again each step.
process.env.TF_CPU_ALLOCATOR_USE_BFC ??= 'true';

// tfjs-node 4.22 calls these two: Node 23 removed the first, and since Node 22 the second warns on the terminal.
Object.assign(util, {
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  isArray: Array.isArray,
});

type Library = typeof TF;
let library: Library | undefined;
const waiting: ((tf: Library) => void)[] = [];

/** Does something with the library once it is loaded: what registers kernels must not load it. */
export function whenLoaded(then: (tf: Library) => void): void {
  if (library) then(library);
  else waiting.push(then);
}

function loaded(): Library {
  if (library) return library;
  library = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as Library;
  for (const then of waiting.splice(0)) then(library);
  return library;
}

/**
 * tfjs, loaded when it is first used. Methods and networks are described by files that also say how they compute, and
 * commands that only print tables need the description alone.
 */
export const tf: Library = new Proxy({} as Library, {
  get: (_, name) => refuseChance(name) ?? Reflect.get(loaded(), name),
});

/** Draws that no stream gives would make a run another each time, or each step the same. */
function refuseChance(name: string | symbol): undefined {
  if (/^(rand|truncatedNormal$|multinomial$|dropout$)/.test(String(name)))
    throw new Error(
      `tf.${String(name)} is not repeatable; allowed: draws from the streams that functions are given`,
    );
}

/** The name under which tfjs knows the backend of a compilation under way, whose tensors have no values. */
export const RECORDER = 'recorder';

/** tfjs's types, under the name of its values. */
export namespace tf {
  export type Tensor<R extends TF.Rank = TF.Rank> = TF.Tensor<R>;
  export type Scalar = TF.Scalar;
  export type Tensor1D = TF.Tensor1D;
  export type Tensor2D = TF.Tensor2D;
  export type Tensor3D = TF.Tensor3D;
  export type Tensor4D = TF.Tensor4D;
  export type Variable = TF.Variable;
  export type TensorInfo = TF.TensorInfo;
  export type NamedTensorInfoMap = TF.NamedTensorInfoMap;
  export type DataType = TF.DataType;
  export type DataId = TF.DataId;
  export type BackendValues = TF.backend_util.BackendValues;
}

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
