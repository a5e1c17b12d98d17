// What an engine runs: named state, and entry points that are pure functions of their inputs and that state.
import type { tf } from './tensorflow.js';

export type Tensors = Record<string, tf.Tensor>;

/** Values outside TensorFlow. */
export type Values = Record<string, Float32Array | Int32Array>;

/** Values that an engine is given: bytes are Uint8Array. */
export type Given = Record<string, Float32Array | Int32Array | Uint8Array>;

export interface TensorSpec {
  shape: number[];
  dtype: 'float32' | 'int32';
  /** The values are 0 to 255: they are given as bytes, and may be kept as such. */
  bytes?: true;
}

/** One function of a program. It is traced: its shapes are fixed and its JavaScript must not look at tensor values. */
export interface Entry {
  inputs: Record<string, TensorSpec>;
  /** State it reads or replaces, by name. */
  state: string[];
  /** State of which it reads and replaces only the rows whose indices are the input `by`; none of them occurs twice. */
  rows?: { state: string[]; by: string };
  run(inputs: Tensors, state: Tensors): { outputs: Tensors; updates?: Tensors };
}

/** State names are `group/name`; a group is written and read as a whole. */
export interface Program {
  /** Whether gradients are differentiated in it: what is not used twice otherwise then is. */
  secondOrder?: true;
  /** Tensors that live in the engine between calls. */
  state: Record<string, TensorSpec>;
  entries: Record<string, Entry>;
}

/** A program loaded into an engine, with its state. */
export interface Session {
  /** Runs an entry; its updates replace the state. */
  call(entry: string, inputs: Given): Values;
  /** Replaces the whole state of a group. */
  write(group: string, values: Given): void;
  /** A copy of the whole state of a group (not for byte-valued state). */
  read(group: string): Values;
  dispose(): void;
}

/** The names in a group of a program's state. */
export function namesOf(program: Program, group: string): string[] {
  return Object.keys(program.state).filter((name) => name.startsWith(`${group}/`));
}

/** The groups of a program's state. */
export function groupsOf(program: Program): string[] {
  return [...new Set(Object.keys(program.state).map((name) => name.slice(0, name.indexOf('/'))))];
}
