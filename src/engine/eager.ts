// The plain engine: runs a program operation by operation, for tests and debugging.
import { type Given, namesOf, type Program, type Session, type Tensors, type Values } from './program.js';
import { tf } from './tensorflow.js';

/** Loads a program into the eager engine. Its state starts as zeros. */
export function eagerSession(program: Program): Session {
  const state = new Map<string, tf.Tensor>();
  for (const [name, { shape, dtype }] of Object.entries(program.state))
    state.set(name, tf.zeros(shape, dtype));

  const replace = (name: string, tensor: tf.Tensor) => {
    state.get(name)!.dispose();
    state.set(name, tf.keep(tensor));
  };
  return {
    call(entryName, inputs) {
      const entry = program.entries[entryName]!;
      return tf.tidy(() => {
        const fed: Tensors = {};
        for (const [name, { shape, dtype }] of Object.entries(entry.inputs))
          fed[name] = tf.tensor(whole(inputs[name]!), shape, dtype);
        const { state: rowwise, by } = entry.rows ?? { state: [], by: '' };
        const indices = fed[by] as tf.Tensor1D;
        const held = Object.fromEntries([
          ...entry.state.map((name) => [name, state.get(name)!]),
          ...rowwise.map((name) => [name, tf.gather(state.get(name)!, indices)]),
        ]);
        const { outputs, updates = {} } = entry.run(fed, held);
        const values = valuesOf(outputs);
        for (const [name, tensor] of Object.entries(updates))
          replace(
            name,
            rowwise.includes(name)
              ? tf.tensorScatterUpdate(state.get(name)!, tf.expandDims(indices, 1), tensor)
              : tensor.clone(),
          );
        return values;
      });
    },
    write(group, values) {
      for (const name of namesOf(program, group)) {
        const { shape, dtype } = program.state[name]!;
        replace(name, tf.tensor(whole(values[name]!), shape, dtype));
      }
    },
    read(group) {
      return valuesOf(Object.fromEntries(namesOf(program, group).map((name) => [name, state.get(name)!])));
    },
    dispose() {
      for (const tensor of state.values()) tensor.dispose();
    },
  };
}

/** Bytes as integers, as there are no tensors of bytes. */
function whole(values: Given[string]): Float32Array | Int32Array {
  return values instanceof Uint8Array ? Int32Array.from(values) : values;
}

function valuesOf(tensors: Tensors): Values {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array | Int32Array]),
  );
}
