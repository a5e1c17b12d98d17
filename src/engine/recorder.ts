// A tfjs backend that computes nothing: it records every kernel as a node of a TensorFlow graph.
import type { Precision } from '../spec/run_spec.js';
import { type DType, Graph, type Value } from './graph.js';
import { nativeKernels } from './native/library.js';
import { NativeOperations } from './native/operations.js';
import { tf } from './tensorflow.js';

/** tfjs's name for a type that only exists inside the graph. */
function visibleType(dtype: DType): tf.DataType {
  if (dtype === 'bfloat16') return 'float32';
  return dtype === 'uint8' ? 'int32' : (dtype as tf.DataType);
}

const VALUES =
  'a traced step must not look at the values of tensors; allowed: operations of tf on them, or afterEpoch, which sees values';

/** Records kernels into `graph` while it is tfjs's current backend: one for each compilation. */
export class Recorder extends tf.KernelBackend {
  readonly graph = new Graph();
  /** Records the project's own kernels into the graph. */
  readonly native: NativeOperations;
  private readonly data = new tf.DataStorage<Value>(this, tf.engine());
  /** What the step did that it must not, if that could not be told at once. */
  fault: Error | undefined;
  private readonly casts = new Map<string, Value>();

  /**
   * @param precision element type of convolutions and activations
   * @param secondOrder see `Program`
   */
  constructor(
    readonly precision: Precision,
    readonly secondOrder = false,
  ) {
    super();
    const kernels = nativeKernels();
    this.native = new NativeOperations(this.graph, kernels.inUse ? kernels.isa : undefined, secondOrder);
  }

  /** The graph value that a tensor stands for. */
  recorded(tensor: tf.TensorInfo): Value {
    const { ref, dtype } = this.data.get(tensor.dataId);
    return { ref, dtype, shape: tensor.shape };
  }

  /** A tensor that stands for a graph value. */
  tensorOf(value: Value): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, value);
    return { dataId, shape: value.shape, dtype: visibleType(value.dtype) };
  }

  /** The same value in another element type; recorded once per value and type. */
  cast(value: Value, dtype: DType): Value {
    if (value.dtype === dtype) return value;
    const key = `${value.ref}>${dtype}`;
    const known = this.casts.get(key);
    if (known) return { ...known, shape: value.shape };
    const attributes = { SrcT: { type: value.dtype }, DstT: { type: dtype } };
    const made = this.graph.value('Cast', [value], attributes, dtype, value.shape);
    this.casts.set(key, made);
    return made;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    return this.tensorOf(
      this.constantOf(values as Float32Array | Int32Array | Uint8Array, shape, dtype as DType),
    ).dataId;
  }

  /** Constants that tfjs fills in (zeros, ones) become a broadcast scalar rather than megabytes in the graph. */
  private constantOf(values: Float32Array | Int32Array | Uint8Array, shape: number[], dtype: DType): Value {
    const typed =
      dtype === 'float32'
        ? Float32Array.from(values)
        : dtype === 'int32'
          ? Int32Array.from(values)
          : Uint8Array.from(values);
    if (typed.length < 1024 || typed.some((value) => value !== typed[0]))
      return this.graph.constant(typed, dtype, shape);
    const scalar = this.graph.constant(typed.slice(0, 1), dtype, []);
    const attributes = { T: { type: dtype }, index_type: { type: 'int32' as const } };
    return this.graph.value('Fill', [this.graph.integers(shape), scalar], attributes, dtype, shape);
  }

  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  override refCount(): number {
    return 1;
  }
  override numDataIds(): number {
    return this.data.numDataIds();
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override dispose(): void {}
  override readSync(): never {
    throw new Error(VALUES);
  }
  override read(): Promise<never> {
    // Who asks may not wait for the answer.
    this.fault ??= new Error(VALUES);
    return new Promise(() => {});
  }
}
