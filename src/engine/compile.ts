// The fast engine: traces every entry of a program into one TensorFlow graph and runs it through one session.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InputError } from '../spec/errors.js';
import type { Precision } from '../spec/run_spec.js';
import type { Attribute, DType, Graph, Value } from './graph.js';
import { writeSavedModel } from './graph.js';
import { isHeldFromBfloat16 } from './native/instruction_set.js';
import {
  type Given,
  groupsOf,
  namesOf,
  type Program,
  type Session,
  type TensorSpec,
  type Tensors,
  type Values,
} from './program.js';
import './recorded_kernels.js';
import { Recorder } from './recorder.js';
import { nativeBackend, RECORDER, tf } from './tensorflow.js';

/** Where an entry's inputs and outputs are in the graph. */
interface Signature {
  inputs: Record<string, TensorSpec & { node: string }>;
  outputs: Record<string, string>;
}

/**
 * Compiles a program. State lives in resource variables of the session and starts as zeros; only inputs and outputs
 * cross between JavaScript and TensorFlow.
 *
 * @param precision element type of convolutions and activations; weights, statistics, loss and update are float32
 * @throws Error naming the kernel if an entry uses one that the compiler does not know; InputError if oneDNN is held to an
 * instruction set in which it has no bfloat16
 */
export async function compiledSession(program: Program, precision: Precision): Promise<Session> {
  if (precision === 'bfloat16' && isHeldFromBfloat16())
    throw new InputError(
      'precision is bfloat16, which oneDNN does not have in the instruction set that it is held to; allowed: float32, or a higher LABELNOISE_ISA or ONEDNN_MAX_CPU_ISA',
    );
  const recorder = new Recorder(precision, program.secondOrder);
  const { graph } = recorder;
  const signatures = new Map<string, Signature>();
  tf.registerBackend(RECORDER, () => recorder);
  await tf.setBackend(RECORDER);
  try {
    const handles = variables(graph, program.state);
    for (const name of Object.keys(program.entries))
      signatures.set(name, traceEntry(recorder, program, name, handles));
    for (const group of groupsOf(program)) {
      signatures.set(`write:${group}`, writeSignature(graph, program, group, handles));
      signatures.set(`read:${group}`, readSignature(graph, program, group, handles));
    }
  } finally {
    await tf.setBackend('tensorflow');
    tf.removeBackend(RECORDER);
  }
  return openSession(graph, program, signatures);
}

function openSession(graph: Graph, program: Program, signatures: Map<string, Signature>): Session {
  const folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-graph-'));
  const backend = nativeBackend();
  let id: number;
  try {
    writeSavedModel(graph, folder);
    id = backend.loadSavedModelMetaGraph(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true });
  }

  const run = (name: string, values: Given): Values => {
    const { inputs, outputs } = signatures.get(name)!;
    const fed = Object.entries(inputs).map(([key, { shape, dtype }]) =>
      tf.tensor(packed(values[key]!), shape, dtype),
    );
    const names = Object.values(inputs).map(({ node }) => ({ name: `${node}:0` }));
    const fetched = backend.runSavedModel(id, fed, names, Object.values(outputs));
    const result = Object.fromEntries(
      Object.keys(outputs).map((key, i) => [key, fetched[i]!.dataSync() as Float32Array | Int32Array]),
    );
    tf.dispose([fed, fetched]);
    return result;
  };
  // Most state is written before anything reads it, and its images are many.
  const unwritten = new Set(groupsOf(program));
  const write: Session['write'] = (group, values) => {
    unwritten.delete(group);
    run(`write:${group}`, values);
  };
  const runOnState: typeof run = (name, values) => {
    for (const group of unwritten) write(group, zeros(program, group));
    return run(name, values);
  };
  return {
    call: runOnState,
    write,
    read: (group) => runOnState(`read:${group}`, {}),
    dispose: () => backend.deleteSavedModel(id),
  };
}

/** Bytes travel four to an integer: tfjs has no tensors of bytes. */
function packed(values: Given[string]): Float32Array | Int32Array {
  if (!(values instanceof Uint8Array)) return values;
  const aligned = values.byteOffset % 4 === 0 ? values : values.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

function zeros(program: Program, group: string): Given {
  return Object.fromEntries(
    namesOf(program, group).map((name) => {
      const { shape, dtype, bytes } = program.state[name]!;
      const size = tf.util.sizeFromShape(shape);
      return [name, bytes ? new Uint8Array(size) : tf.util.makeZerosTypedArray(size, dtype)];
    }),
  );
}

function storageType({ dtype, bytes }: TensorSpec): DType {
  return bytes ? 'uint8' : dtype;
}

function variables(graph: Graph, state: Program['state']): Map<string, Value> {
  const handles = new Map<string, Value>();
  for (const [name, spec] of Object.entries(state)) {
    const attributes: Record<string, Attribute> = {
      dtype: { type: storageType(spec) },
      shape: { shape: spec.shape },
      shared_name: { text: name },
    };
    handles.set(name, graph.value('VarHandleOp', [], attributes, 'resource', [], `state/${name}`));
  }
  return handles;
}

function readVariable(graph: Graph, handle: Value, spec: TensorSpec): Value {
  const dtype = storageType(spec);
  return graph.value('ReadVariableOp', [handle], { dtype: { type: dtype } }, dtype, spec.shape);
}

/** The rows of a state at these indices. */
function readRows(graph: Graph, handle: Value, spec: TensorSpec, rows: Value): Value {
  const attributes: Record<string, Attribute> = {
    dtype: { type: spec.dtype },
    Tindices: { type: 'int32' },
    batch_dims: { int: 0 },
    validate_indices: { bool: true },
  };
  const shape = [...rows.shape, ...spec.shape.slice(1)];
  return graph.value('ResourceGather', [handle, rows], attributes, spec.dtype, shape);
}

/** Adds what a call is given. @param inputs is told under `key` what to feed @returns its value */
function input(
  graph: Graph,
  name: string,
  spec: TensorSpec,
  key: string,
  inputs: Signature['inputs'],
): Value {
  const size = tf.util.sizeFromShape(spec.shape);
  if (spec.bytes && size % 4) throw new Error(`${name} has ${size} bytes, not a multiple of 4`);
  const { shape, dtype }: TensorSpec = spec.bytes ? { shape: [size / 4], dtype: 'int32' } : spec;
  const attributes: Record<string, Attribute> = { dtype: { type: dtype }, shape: { shape } };
  const fed = graph.value('Placeholder', [], attributes, dtype, shape, name);
  inputs[key] = { shape, dtype, node: fed.ref };
  return spec.bytes ? unpacked(graph, fed, spec.shape) : fed;
}

/** An output that TensorFlow can be asked for; it is ready when the nodes in `after` have run. */
function output(graph: Graph, name: string, value: Value, after: string[]): string {
  const inputs = [value, ...after.map((node) => `^${node}`)];
  return graph.add('Identity', inputs, { T: { type: value.dtype } }, name);
}

function traceEntry(
  recorder: Recorder,
  program: Program,
  name: string,
  handles: Map<string, Value>,
): Signature {
  const { graph } = recorder;
  const asTensor = (value: Value) => tf.engine().makeTensorFromTensorInfo(recorder.tensorOf(value));
  const entry = program.entries[name]!;
  const signature: Signature = { inputs: {}, outputs: {} };
  tf.tidy(() => {
    const inputs: Tensors = {};
    for (const [key, spec] of Object.entries(entry.inputs)) {
      inputs[key] = asTensor(input(graph, `${name}/in/${key}`, spec, key, signature.inputs));
    }
    const { state: names, by } = entry.rows ?? { state: [], by: '' };
    const rows = by ? recorder.recorded(inputs[by]!) : undefined;
    const reads = new Map([
      ...entry.state.map(
        (key) => [key, readVariable(graph, handles.get(key)!, program.state[key]!)] as const,
      ),
      ...names.map((key) => [key, readRows(graph, handles.get(key)!, program.state[key]!, rows!)] as const),
    ]);
    const state = Object.fromEntries([...reads].map(([key, value]) => [key, asTensor(value)]));
    const { outputs, updates = {} } = recorded(name, () => entry.run(inputs, state));
    if (recorder.fault) throw recorder.fault;

    const assigned = Object.entries(updates).map(([key, tensor]) => {
      const value = recorder.cast(recorder.recorded(tensor), program.state[key]!.dtype);
      const wanted = reads.get(key)!.shape;
      if (!tf.util.arraysEqual(value.shape, wanted))
        throw new Error(`the new value of ${key} has the shape [${value.shape}]; expected: [${wanted}]`);
      // The old value must have been read before it is replaced.
      const operands = [handles.get(key)!, ...(names.includes(key) ? [rows!] : []), value];
      const attributes: Record<string, Attribute> = { dtype: { type: value.dtype } };
      return names.includes(key)
        ? graph.add('ResourceScatterUpdate', [...operands, `^${reads.get(key)!.ref}`], {
            ...attributes,
            Tindices: { type: 'int32' },
          })
        : graph.add('AssignVariableOp', [...operands, `^${reads.get(key)!.ref}`], attributes);
    });
    for (const [key, tensor] of Object.entries(outputs)) {
      const value = recorder.cast(recorder.recorded(tensor), tensor.dtype as DType);
      signature.outputs[key] = output(graph, `${name}/out/${key}`, value, assigned);
    }
  });
  return signature;
}

/** Runs a step for the recorder; a kernel that it does not know is named, with the place to add it. */
function recorded<T>(entry: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const kernel = /Kernel '(\w+)' not registered/.exec((error as Error).message)?.[1];
    if (!kernel) throw error;
    throw new Error(
      `entry '${entry}' uses tfjs's kernel '${kernel}', which the compiler does not know: add it to src/engine/recorded_kernels.ts`,
    );
  }
}

function writeSignature(
  graph: Graph,
  program: Program,
  group: string,
  handles: Map<string, Value>,
): Signature {
  const signature: Signature = { inputs: {}, outputs: {} };
  const assigned = namesOf(program, group).map((key) => {
    const stored = input(graph, `write/${key}`, program.state[key]!, key, signature.inputs);
    return graph.add('AssignVariableOp', [handles.get(key)!, stored], { dtype: { type: stored.dtype } });
  });
  const done = graph.integers(assigned.length);
  signature.outputs.done = output(graph, `write/${group}/done`, done, assigned);
  return signature;
}

function unpacked(graph: Graph, integers: Value, shape: number[]): Value {
  const types: Record<string, Attribute> = { T: { type: 'int32' }, type: { type: 'uint8' } };
  const bytes = graph.value('Bitcast', [integers], types, 'uint8', [...integers.shape, 4]);
  return graph.reshape(bytes, shape);
}

function readSignature(
  graph: Graph,
  program: Program,
  group: string,
  handles: Map<string, Value>,
): Signature {
  const signature: Signature = { inputs: {}, outputs: {} };
  for (const key of namesOf(program, group)) {
    const value = readVariable(graph, handles.get(key)!, program.state[key]!);
    signature.outputs[key] = output(graph, `read/${key}`, value, []);
  }
  return signature;
}
