// A TensorFlow graph under construction, and its form on disk (a SavedModel without a variables folder).
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { makeFolder } from '../io/paths.js';

/** TensorFlow's numbers of the element types used here (types.proto). */
const DTYPES = { float32: 1, int32: 3, uint8: 4, bool: 10, bfloat16: 14, resource: 20 } as const;
export type DType = keyof typeof DTYPES;

/** One output of a node. */
export interface Value {
  /** `node` or `node:output`. */
  ref: string;
  dtype: DType;
  shape: number[];
}

/** An attribute of a node; the key says its kind. */
export type Attribute =
  | { type: DType }
  | { int: number }
  | { float: number }
  | { bool: boolean }
  | { text: string }
  | { ints: number[] }
  | { shape: number[] }
  | { tensor: { dtype: DType; shape: number[]; bytes: Uint8Array } };

export interface Node {
  name: string;
  op: string;
  inputs: string[];
  attributes: Record<string, Attribute>;
}

/** Nodes in the order they were added. Names are unique. */
export class Graph {
  readonly nodes: Node[] = [];
  private readonly constants = new Map<string, Value>();
  private readonly byName = new Map<string, Node>();

  /**
   * Adds a node.
   *
   * @param inputs values, or `^name` for a control dependency
   * @returns its name
   */
  add(op: string, inputs: (Value | string)[], attributes: Record<string, Attribute>, name?: string): string {
    const unique = name ?? `${op}_${this.nodes.length}`;
    const refs = inputs.map((input) => (typeof input === 'string' ? input : input.ref));
    const node = { name: unique, op, inputs: refs, attributes };
    this.nodes.push(node);
    this.byName.set(unique, node);
    return unique;
  }

  /** The node whose first output a value is; undefined for other outputs. */
  node(value: Value | string): Node | undefined {
    return this.byName.get(typeof value === 'string' ? value : value.ref);
  }

  /** Adds a node with one output. */
  value(
    op: string,
    inputs: (Value | string)[],
    attributes: Record<string, Attribute>,
    dtype: DType,
    shape: number[],
    name?: string,
  ): Value {
    return { ref: this.add(op, inputs, attributes, name), dtype, shape };
  }

  /** A constant; equal small constants are one node. */
  constant(values: Float32Array | Int32Array | Uint8Array, dtype: DType, shape: number[]): Value {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const key = bytes.length <= 64 ? `${dtype}/${shape}/${Buffer.from(bytes).toString('hex')}` : undefined;
    const known = key && this.constants.get(key);
    if (known) return known;
    const attributes = { dtype: { type: dtype }, value: { tensor: { dtype, shape, bytes } } };
    const made = this.value('Const', [], attributes, dtype, shape);
    if (key) this.constants.set(key, made);
    return made;
  }

  /** The same values in another shape. */
  reshape(value: Value, shape: number[]): Value {
    const attributes: Record<string, Attribute> = { T: { type: value.dtype }, Tshape: { type: 'int32' } };
    return this.value('Reshape', [value, this.integers(shape)], attributes, value.dtype, shape);
  }

  /** A block of a value. */
  slice(value: Value, begin: number[], size: number[]): Value {
    const attributes: Record<string, Attribute> = { T: { type: value.dtype }, Index: { type: 'int32' } };
    const operands = [value, this.integers(begin), this.integers(size)];
    return this.value('Slice', operands, attributes, value.dtype, size);
  }

  /** Zeros before and after each axis, `[before, after]` an axis. */
  pad(value: Value, paddings: [number, number][]): Value {
    const table = this.constant(Int32Array.from(paddings.flat()), 'int32', [paddings.length, 2]);
    const attributes: Record<string, Attribute> = { T: { type: value.dtype }, Tpaddings: { type: 'int32' } };
    const shape = value.shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]);
    return this.value('Pad', [value, table], attributes, value.dtype, shape);
  }

  /** A constant vector of integers, or a scalar. */
  integers(values: number[] | number): Value {
    return typeof values === 'number'
      ? this.constant(Int32Array.of(values), 'int32', [])
      : this.constant(Int32Array.from(values), 'int32', [values.length]);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tfjs-node ships these protocol-buffer classes without types
type Message = any;

/** Writes a graph as a SavedModel with the tag `serve`. */
export function writeSavedModel(graph: Graph, folder: string): void {
  const messages: Message = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js');
  const shapeMessage = (shape: number[]) => {
    const message = new messages.TensorShape();
    for (const size of shape) {
      const dimension = new messages.TensorShape.Dim();
      dimension.setSize(size);
      message.addDim(dimension);
    }
    return message;
  };
  const attributeMessage = (attribute: Attribute) => {
    const message = new messages.AttrValue();
    if ('type' in attribute) message.setType(DTYPES[attribute.type]);
    else if ('int' in attribute) message.setI(attribute.int);
    else if ('float' in attribute) message.setF(attribute.float);
    else if ('bool' in attribute) message.setB(attribute.bool);
    else if ('text' in attribute) message.setS(Buffer.from(attribute.text));
    else if ('shape' in attribute) message.setShape(shapeMessage(attribute.shape));
    else if ('ints' in attribute) {
      const list = new messages.AttrValue.ListValue();
      list.setIList(attribute.ints);
      message.setList(list);
    } else {
      const tensor = new messages.Tensor();
      tensor.setDtype(DTYPES[attribute.tensor.dtype]);
      tensor.setTensorShape(shapeMessage(attribute.tensor.shape));
      tensor.setTensorContent(attribute.tensor.bytes);
      message.setTensor(tensor);
    }
    return message;
  };

  const graphDef = new messages.GraphDef();
  for (const { name, op, inputs, attributes } of graph.nodes) {
    const node = new messages.NodeDef();
    node.setName(name);
    node.setOp(op);
    // Control dependencies come last in a NodeDef.
    node.setInputList([...inputs].sort((a, b) => Number(a.startsWith('^')) - Number(b.startsWith('^'))));
    for (const [key, attribute] of Object.entries(attributes))
      node.getAttrMap().set(key, attributeMessage(attribute));
    graphDef.addNode(node);
  }
  // Producer 1882 is a version of 2024: old enough for all, new enough that no operation is read in an old meaning.
  const versions = new messages.VersionDef();
  versions.setProducer(1882);
  graphDef.setVersions(versions);
  const metaGraph = new messages.MetaGraphDef();
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.addTags('serve');
  metaGraph.setMetaInfoDef(info);
  metaGraph.setGraphDef(graphDef);
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(metaGraph);
  makeFolder(folder);
  writeFileSync(path.join(folder, 'saved_model.pb'), model.serializeBinary());
}
