// How each tfjs kernel is recorded: its TensorFlow operation, its attributes, and its element type under autocast.
// A step that uses a kernel not listed here fails with its name; this is the place to add it.
import type { Attribute, DType, Value } from './graph.js';
import {
  BATCH_NORM,
  BATCH_NORM_EPSILON,
  BATCH_NORM_GRADIENT,
  BATCH_NORM_GRADIENT_OUTPUTS,
  BATCH_NORM_OUTPUTS,
  RELU,
  RELU_GRADIENT,
} from './operations.js';
import type { Recorder } from './recorder.js';
import { RECORDER, tf } from './tensorflow.js';
import { filterGradientByProducts, prefersProducts } from './weight_gradient.js';

type Attributes = Record<string, unknown>;
type Inputs = Record<string, tf.TensorInfo>;
type Recorded = tf.TensorInfo | tf.TensorInfo[];

function register(
  kernelName: string,
  record: (recorder: Recorder, inputs: Inputs, attributes: Attributes) => Recorded,
): void {
  tf.registerKernel({
    kernelName,
    backendName: RECORDER,
    kernelFunc: ({ inputs, attrs, backend }) =>
      record(backend as Recorder, inputs as Inputs, (attrs ?? {}) as Attributes),
  });
}

// Autocast: convolutions compute in the recorder's precision; element-wise kernels stay in bfloat16 when their
// operands are; everything else (reductions, loss, weights, update) is float32.

/** The operand in the precision of convolutions. */
function inPrecision(recorder: Recorder, tensor: tf.TensorInfo): Value {
  return recorder.cast(recorder.recorded(tensor), recorder.precision);
}

/** The operand in float32 if it is bfloat16. */
function inFull(recorder: Recorder, tensor: tf.TensorInfo): Value {
  const value = recorder.recorded(tensor);
  return value.dtype === 'bfloat16' ? recorder.cast(value, 'float32') : value;
}

/** Operands in one type: bfloat16 when every non-scalar among them is, else unchanged or float32. */
function alike(recorder: Recorder, tensors: tf.TensorInfo[]): Value[] {
  const values = tensors.map((tensor) => recorder.recorded(tensor));
  if (!values.some(({ dtype }) => dtype === 'bfloat16')) return values;
  const low = values.every(({ dtype, shape }) => dtype === 'bfloat16' || shape.length === 0);
  return values.map((value) => recorder.cast(value, low ? 'bfloat16' : 'float32'));
}

function emit(
  recorder: Recorder,
  op: string,
  inputs: Value[],
  attributes: Record<string, Attribute>,
  dtype: DType,
  shape: number[],
) {
  return recorder.tensorOf(recorder.graph.value(op, inputs, attributes, dtype, shape));
}

const T = (value: Value): Record<string, Attribute> => ({ T: { type: value.dtype } });

// Element-wise kernels of one and two operands.

const UNARY: Record<string, string> = {
  ...Object.fromEntries(
    // In the order of their kinds: powers, exponentials, rounding, trigonometry, activations.
    [
      ...['Neg', 'Abs', 'Sign', 'Square', 'Sqrt', 'Rsqrt', 'Reciprocal', 'ZerosLike', 'OnesLike'],
      ...[
        'Exp',
        'Expm1',
        'Log',
        'Log1p',
        'Erf',
        'Floor',
        'Ceil',
        'Sin',
        'Cos',
        'Tan',
        'Asin',
        'Acos',
        'Atan',
      ],
      ...[
        'Sinh',
        'Cosh',
        'Tanh',
        'Asinh',
        'Acosh',
        'Atanh',
        'Sigmoid',
        'Softplus',
        'Relu',
        'Relu6',
        'Elu',
        'Selu',
      ],
    ].map((name) => [name, name]),
  ),
  Round: 'Rint',
};
for (const [kernel, op] of Object.entries(UNARY))
  register(kernel, (recorder, { x }) => {
    const value = recorder.recorded(x!);
    return emit(recorder, op, [value], T(value), value.dtype, value.shape);
  });

for (const [kernel, op] of Object.entries({ IsNan: 'IsNan', IsFinite: 'IsFinite', IsInf: 'IsInf' }))
  register(kernel, (recorder, { x }) => {
    const value = inFull(recorder, x!);
    return emit(recorder, op, [value], T(value), 'bool', value.shape);
  });

register('LeakyRelu', (recorder, { x }, { alpha }) => {
  const value = recorder.recorded(x!);
  const attributes = { ...T(value), alpha: { float: alpha as number } };
  return emit(recorder, 'LeakyRelu', [value], attributes, value.dtype, value.shape);
});

register('EluGrad', (recorder, { dy, y }) => {
  const [gradient, activation] = [inFull(recorder, dy!), inFull(recorder, y!)];
  return emit(recorder, 'EluGrad', [gradient, activation], T(gradient), gradient.dtype, gradient.shape);
});

// The slope of ReLU: 1 above 0, `alpha` elsewhere.
register('Step', (recorder, { x }, { alpha }) => {
  const value = inFull(recorder, x!);
  const scalar = (of: number) => recorder.graph.constant(Float32Array.of(of), 'float32', []);
  const above = recorder.graph.value('Greater', [value, scalar(0)], T(value), 'bool', value.shape);
  const operands = [above, scalar(1), scalar((alpha ?? 0) as number)];
  return emit(recorder, 'SelectV2', operands, { T: { type: 'float32' } }, 'float32', value.shape);
});

register('ClipByValue', (recorder, { x }, { clipValueMin, clipValueMax }) => {
  const value = inFull(recorder, x!);
  const scalar = (of: unknown) => recorder.graph.constant(Float32Array.of(of as number), 'float32', []);
  const operands = [value, scalar(clipValueMin), scalar(clipValueMax)];
  return emit(recorder, 'ClipByValue', operands, T(value), value.dtype, value.shape);
});

const BINARY: Record<string, string> = {
  Add: 'AddV2',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'RealDiv',
  Maximum: 'Maximum',
  Minimum: 'Minimum',
  Pow: 'Pow',
  FloorDiv: 'FloorDiv',
  Mod: 'FloorMod',
  SquaredDifference: 'SquaredDifference',
  Atan2: 'Atan2',
};
for (const kernel of ['LogicalAnd', 'LogicalOr'])
  register(kernel, (recorder, { a, b }) => {
    const [first, second] = [recorder.recorded(a!), recorder.recorded(b!)];
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(first.shape, second.shape);
    return emit(recorder, kernel, [first, second], {}, 'bool', shape);
  });
register('LogicalNot', (recorder, { x }) => {
  const value = recorder.recorded(x!);
  return emit(recorder, 'LogicalNot', [value], {}, 'bool', value.shape);
});

const COMPARISON = ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual'];
for (const [kernel, op] of [...Object.entries(BINARY), ...COMPARISON.map((name) => [name, name] as const)])
  register(kernel, (recorder, { a, b }) => {
    const [first, second] = alike(recorder, [a!, b!]) as [Value, Value];
    if (kernel === 'Add' && recorder.secondOrder) {
      // Most of what second derivatives add up is nothing.
      const isNothing = (value: Value) => recorder.graph.node(value)?.op === 'ZerosLike';
      const same = String(first.shape) === String(second.shape);
      if (same && isNothing(first)) return recorder.tensorOf(second);
      if (same && isNothing(second)) return recorder.tensorOf(first);
    }
    const native = kernel === 'Add' ? recorder.native.add(first, second) : undefined;
    if (native) return recorder.tensorOf(native);
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(first.shape, second.shape);
    return emit(
      recorder,
      op,
      [first, second],
      T(first),
      COMPARISON.includes(kernel) ? 'bool' : first.dtype,
      shape,
    );
  });

register('AddN', (recorder, inputs) => {
  const values = alike(recorder, Object.values(inputs));
  const attributes = { ...T(values[0]!), N: { int: values.length } };
  return emit(recorder, 'AddN', values, attributes, values[0]!.dtype, values[0]!.shape);
});

register('Select', (recorder, { condition, t, e }) => {
  const [yes, no] = alike(recorder, [t!, e!]) as [Value, Value];
  return emit(recorder, 'SelectV2', [recorder.recorded(condition!), yes, no], T(yes), yes.dtype, yes.shape);
});

register(RELU, (recorder, { x }) => {
  const value = recorder.recorded(x!);
  const native = recorder.native.relu(value);
  if (native) return recorder.tensorOf(native);
  return emit(recorder, 'Relu', [value], T(value), value.dtype, value.shape);
});

register(RELU_GRADIENT, (recorder, { dy, y }) => {
  const activation = recorder.recorded(y!);
  const gradient = recorder.cast(recorder.recorded(dy!), activation.dtype);
  const native = recorder.native.reluGradient(gradient, activation);
  if (native) return recorder.tensorOf(native);
  const operands = [gradient, activation];
  return emit(recorder, 'ReluGrad', operands, T(activation), activation.dtype, activation.shape);
});

// Kernels that only move values.

register('Identity', (recorder, { x }) => recorder.tensorOf(recorder.recorded(x!)));

register('Cast', (recorder, { x }, { dtype }) => {
  const value = recorder.recorded(x!);
  // Within tfjs a bfloat16 value is a float32 already.
  return recorder.tensorOf(
    value.dtype === 'bfloat16' && dtype === 'float32' ? value : recorder.cast(value, dtype as DType),
  );
});

register('Reshape', (recorder, { x }, { shape }) => {
  const value = recorder.recorded(x!);
  const whole = tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape(value.shape));
  return recorder.tensorOf(recorder.graph.reshape(value, whole));
});

register('Transpose', (recorder, { x }, { perm }) => {
  const value = recorder.recorded(x!);
  const order = perm as number[];
  const attributes = { ...T(value), Tperm: { type: 'int32' as const } };
  const shape = order.map((axis) => value.shape[axis]!);
  return emit(recorder, 'Transpose', [value, recorder.graph.integers(order)], attributes, value.dtype, shape);
});

register('PadV2', (recorder, { x }, { paddings, constantValue }) => {
  if (constantValue !== 0)
    throw new Error(`the compiler records padding with zeros, not with ${constantValue}`);
  return recorder.tensorOf(recorder.graph.pad(recorder.recorded(x!), paddings as [number, number][]));
});

register('Slice', (recorder, { x }, { begin, size }) => {
  const value = recorder.recorded(x!);
  const start = begin as number[];
  const shape = (size as number[]).map((length, axis) =>
    length < 0 ? value.shape[axis]! - start[axis]! : length,
  );
  return recorder.tensorOf(recorder.graph.slice(value, start, shape));
});

register('Concat', (recorder, inputs, { axis }) => {
  const values = alike(recorder, Object.values(inputs));
  const along = axis as number;
  const shape = [...values[0]!.shape];
  shape[along] = values.reduce((sum, value) => sum + value.shape[along]!, 0);
  const attributes = { ...T(values[0]!), N: { int: values.length }, Tidx: { type: 'int32' as const } };
  return emit(
    recorder,
    'ConcatV2',
    [...values, recorder.graph.integers(along)],
    attributes,
    values[0]!.dtype,
    shape,
  );
});

register('ExpandDims', (recorder, { input }, { dim }) => {
  const value = recorder.recorded(input!);
  const at = (dim as number) < 0 ? value.shape.length + 1 + (dim as number) : (dim as number);
  return recorder.tensorOf(recorder.graph.reshape(value, value.shape.toSpliced(at, 0, 1)));
});

register('Tile', (recorder, { x }, { reps }) => {
  const value = recorder.recorded(x!);
  const times = reps as number[];
  const attributes = { ...T(value), Tmultiples: { type: 'int32' as const } };
  const shape = value.shape.map((size, axis) => size * times[axis]!);
  return emit(recorder, 'Tile', [value, recorder.graph.integers(times)], attributes, value.dtype, shape);
});

register('Pack', (recorder, inputs, { axis }) => {
  const values = alike(recorder, Object.values(inputs));
  const [first] = values as [Value];
  const attributes = { ...T(first), N: { int: values.length }, axis: { int: axis as number } };
  const shape = first.shape.toSpliced(axis as number, 0, values.length);
  return emit(recorder, 'Pack', values, attributes, first.dtype, shape);
});

register('Unpack', (recorder, { value: whole }, { axis }) => {
  const value = recorder.recorded(whole!);
  const along = tf.util.parseAxisParam(axis as number, value.shape)[0]!;
  const count = value.shape[along]!;
  const attributes = { ...T(value), num: { int: count }, axis: { int: along } };
  const node = recorder.graph.add('Unpack', [value], attributes);
  const shape = value.shape.toSpliced(along, 1);
  return Array.from({ length: count }, (_, i) => recorder.tensorOf(outputOf(node, i, value, shape)));
});

register('SplitV', (recorder, { x }, { numOrSizeSplits, axis }) => {
  const value = recorder.recorded(x!);
  const along = tf.util.parseAxisParam(axis as number, value.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits as number[], along);
  const attributes = { ...T(value), Tlen: { type: 'int32' as const }, num_split: { int: sizes.length } };
  const { graph } = recorder;
  const node = graph.add('SplitV', [value, graph.integers(sizes), graph.integers(along)], attributes);
  return sizes.map((size, i) => recorder.tensorOf(outputOf(node, i, value, value.shape.with(along, size))));
});

/** One of several outputs of a node, of another shape than what it was made of. */
function outputOf(node: string, i: number, { dtype }: Value, shape: number[]): Value {
  return { ref: i ? `${node}:${i}` : node, dtype, shape };
}

register('UnsortedSegmentSum', (recorder, { x, segmentIds }, { numSegments }) => {
  const value = inFull(recorder, x!);
  const ids = recorder.recorded(segmentIds!);
  const attributes = {
    ...T(value),
    Tindices: { type: 'int32' as const },
    Tnumsegments: { type: 'int32' as const },
  };
  const shape = [numSegments as number, ...value.shape.slice(ids.shape.length)];
  const operands = [value, ids, recorder.graph.integers(numSegments as number)];
  return emit(recorder, 'UnsortedSegmentSum', operands, attributes, value.dtype, shape);
});

register('Reverse', (recorder, { x }, { dims }) => {
  const value = recorder.recorded(x!);
  const axes = tf.util.parseAxisParam(dims as number[], value.shape);
  const attributes = { ...T(value), Tidx: { type: 'int32' as const } };
  return emit(
    recorder,
    'ReverseV2',
    [value, recorder.graph.integers(axes)],
    attributes,
    value.dtype,
    value.shape,
  );
});

register('GatherV2', (recorder, { x, indices }, { axis, batchDims }) => {
  const value = recorder.recorded(x!);
  const where = recorder.recorded(indices!);
  const along = tf.util.parseAxisParam(axis as number, value.shape)[0]!;
  const attributes = {
    Tparams: { type: value.dtype },
    Tindices: { type: 'int32' as const },
    Taxis: { type: 'int32' as const },
    batch_dims: { int: batchDims as number },
  };
  const shape = [
    ...value.shape.slice(0, along),
    ...where.shape.slice(batchDims as number),
    ...value.shape.slice(along + 1),
  ];
  return emit(
    recorder,
    'GatherV2',
    [value, where, recorder.graph.integers(along)],
    attributes,
    value.dtype,
    shape,
  );
});

register('Fill', (recorder, _inputs, { shape, value, dtype }) => {
  const type = (dtype ?? 'float32') as 'float32' | 'int32';
  const typed = type === 'float32' ? Float32Array.of(value as number) : Int32Array.of(value as number);
  const operands = [recorder.graph.integers(shape as number[]), recorder.graph.constant(typed, type, [])];
  const attributes = { T: { type }, index_type: { type: 'int32' as const } };
  return emit(recorder, 'Fill', operands, attributes, type, shape as number[]);
});

register('OneHot', (recorder, { indices }, { depth, onValue, offValue }) => {
  const where = recorder.recorded(indices!);
  const scalar = (value: unknown) => recorder.graph.constant(Float32Array.of(value as number), 'float32', []);
  const operands = [where, recorder.graph.integers(depth as number), scalar(onValue), scalar(offValue)];
  const attributes = { T: { type: 'float32' as const }, TI: { type: where.dtype }, axis: { int: -1 } };
  return emit(recorder, 'OneHot', operands, attributes, 'float32', [...where.shape, depth as number]);
});

// Reductions, in float32.

// tfjs's Max has another name for the axes than its other reductions.
for (const kernel of ['Sum', 'Mean', 'Max', 'Min', 'Prod'])
  register(kernel, (recorder, { x }, { axis, reductionIndices, keepDims }) => {
    const value = inFull(recorder, x!);
    const axes = tf.util.parseAxisParam((axis ?? reductionIndices) as number[], value.shape);
    const attributes = {
      ...T(value),
      Tidx: { type: 'int32' as const },
      keep_dims: { bool: Boolean(keepDims) },
    };
    const shape = value.shape.flatMap((size, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [size]));
    return emit(recorder, kernel, [value, recorder.graph.integers(axes)], attributes, value.dtype, shape);
  });

for (const kernel of ['Any', 'All'])
  register(kernel, (recorder, { x }, { axis, keepDims }) => {
    const value = recorder.recorded(x!);
    const axes = tf.util.parseAxisParam(axis as number[], value.shape);
    const attributes = { Tidx: { type: 'int32' as const }, keep_dims: { bool: Boolean(keepDims) } };
    const shape = value.shape.flatMap((size, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [size]));
    return emit(recorder, kernel, [value, recorder.graph.integers(axes)], attributes, 'bool', shape);
  });

register('Cumsum', (recorder, { x }, { axis, exclusive, reverse }) => {
  const value = inFull(recorder, x!);
  const attributes = {
    ...T(value),
    Tidx: { type: 'int32' as const },
    exclusive: { bool: Boolean(exclusive) },
    reverse: { bool: Boolean(reverse) },
  };
  const operands = [value, recorder.graph.integers(axis as number)];
  return emit(recorder, 'Cumsum', operands, attributes, value.dtype, value.shape);
});

// The largest along the last axis, and where they are; of equals the first.
register('TopK', (recorder, { x }, { k, sorted }) => {
  const value = inFull(recorder, x!);
  const attributes = {
    ...T(value),
    sorted: { bool: Boolean(sorted) },
    Tk: { type: 'int32' as const },
    index_type: { type: 'int32' as const },
  };
  const node = recorder.graph.add('TopKV2', [value, recorder.graph.integers(k as number)], attributes);
  const shape = [...value.shape.slice(0, -1), k as number];
  return [
    recorder.tensorOf({ ref: node, dtype: value.dtype, shape }),
    recorder.tensorOf({ ref: `${node}:1`, dtype: 'int32', shape }),
  ];
});

for (const kernel of ['ArgMax', 'ArgMin'])
  register(kernel, (recorder, { x }, { axis }) => {
    const value = inFull(recorder, x!);
    const along = tf.util.parseAxisParam(axis as number, value.shape)[0]!;
    const attributes = {
      ...T(value),
      Tidx: { type: 'int32' as const },
      output_type: { type: 'int32' as const },
    };
    const shape = value.shape.filter((_, i) => i !== along);
    return emit(recorder, kernel, [value, recorder.graph.integers(along)], attributes, 'int32', shape);
  });

for (const kernel of ['LogSoftmax', 'Softmax'])
  register(kernel, (recorder, { logits }) => {
    const value = inFull(recorder, logits!);
    return emit(recorder, kernel, [value], T(value), 'float32', value.shape);
  });

// Products: dense layers in float32, convolutions in the recorder's precision.

register('BatchMatMul', (recorder, { a, b }, { transposeA, transposeB }) => {
  const [first, second] = [inFull(recorder, a!), inFull(recorder, b!)];
  const [rows, columns] = [first.shape.at(transposeA ? -1 : -2)!, second.shape.at(transposeB ? -2 : -1)!];
  const flat = first.shape.length === 2 && second.shape.length === 2;
  const attributes: Record<string, Attribute> = flat
    ? { ...T(first), transpose_a: { bool: Boolean(transposeA) }, transpose_b: { bool: Boolean(transposeB) } }
    : { ...T(first), adj_x: { bool: Boolean(transposeA) }, adj_y: { bool: Boolean(transposeB) } };
  const shape = [...first.shape.slice(0, -2), rows, columns];
  return emit(recorder, flat ? 'MatMul' : 'BatchMatMulV2', [first, second], attributes, 'float32', shape);
});

/** Strides down and right. */
function pairOf(strides: unknown): [number, number] {
  return (Array.isArray(strides) ? strides : [strides, strides]) as [number, number];
}

/** Attributes that windowed kernels share. */
function windowAttributes(value: Value, strides: unknown, pad: unknown): Record<string, Attribute> {
  if (pad !== 'same' && pad !== 'valid')
    throw new Error(`the compiler records padding 'same' or 'valid', not ${pad}`);
  const [height, width] = pairOf(strides);
  return {
    ...T(value),
    strides: { ints: [1, height, width, 1] },
    padding: { text: pad.toUpperCase() },
    data_format: { text: 'NHWC' },
  };
}

register('Conv2D', (recorder, { x, filter }, { strides, pad, dilations }) => {
  const [images, weights] = [inPrecision(recorder, x!), inPrecision(recorder, filter!)];
  const info = tf.backend_util.computeConv2DInfo(
    images.shape as [number, number, number, number],
    weights.shape as [number, number, number, number],
    strides as number,
    dilations as number,
    pad as 'same',
  );
  const native =
    pad === 'same' && recorder.native.convolution(images, weights, pairOf(strides), info.outShape);
  if (native) return recorder.tensorOf(native);
  return emit(
    recorder,
    'Conv2D',
    [images, weights],
    windowAttributes(images, strides, pad),
    images.dtype,
    info.outShape,
  );
});

register('Conv2DBackpropInput', (recorder, { dy, filter }, { inputShape, strides, pad }) => {
  const [gradient, weights] = [inPrecision(recorder, dy!), inPrecision(recorder, filter!)];
  const native =
    pad === 'same' &&
    recorder.native.imageGradient(gradient, weights, pairOf(strides), inputShape as number[]);
  if (native) return recorder.tensorOf(native);
  const operands = [recorder.graph.integers(inputShape as number[]), weights, gradient];
  const attributes = windowAttributes(gradient, strides, pad);
  return emit(recorder, 'Conv2DBackpropInput', operands, attributes, gradient.dtype, inputShape as number[]);
});

register('Conv2DBackpropFilter', (recorder, { x, dy }, { filterShape, strides, pad }) => {
  // oneDNN 3.7.3 is wrong in bfloat16 where filters stride over images of one pixel.
  const isWrong = x!.shape[1] === 1 && x!.shape[2] === 1 && pairOf(strides).some((stride) => stride > 1);
  const taken = isWrong ? inFull : inPrecision;
  const [images, gradient] = [taken(recorder, x!), taken(recorder, dy!)];
  const native =
    pad === 'same' &&
    recorder.native.filterGradient(images, gradient, pairOf(strides), filterShape as number[]);
  if (native) return recorder.tensorOf(native);
  const operands = [images, recorder.graph.integers(filterShape as number[]), gradient];
  if (prefersProducts(images, filterShape as number[], [strides].flat() as number[]))
    return recorder.tensorOf(filterGradientByProducts(recorder.graph, { images, gradient }));
  const attributes = windowAttributes(images, strides, pad);
  return emit(recorder, 'Conv2DBackpropFilter', operands, attributes, images.dtype, filterShape as number[]);
});

register('AvgPool', (recorder, { x }, { filterSize, strides, pad }) => {
  const value = recorder.recorded(x!);
  const [height, width] = (Array.isArray(filterSize) ? filterSize : [filterSize, filterSize]) as [
    number,
    number,
  ];
  const info = tf.backend_util.computePool2DInfo(
    value.shape as [number, number, number, number],
    filterSize as number,
    strides as number,
    1,
    pad as 'same',
  );
  const attributes = { ...windowAttributes(value, strides, pad), ksize: { ints: [1, height, width, 1] } };
  return emit(recorder, 'AvgPool', [value], attributes, value.dtype, info.outShape);
});

register('AvgPoolGrad', (recorder, { dy, input }, { filterSize, strides, pad }) => {
  const gradient = recorder.recorded(dy!);
  const [height, width] = (Array.isArray(filterSize) ? filterSize : [filterSize, filterSize]) as [
    number,
    number,
  ];
  const attributes = { ...windowAttributes(gradient, strides, pad), ksize: { ints: [1, height, width, 1] } };
  const operands = [recorder.graph.integers(input!.shape), gradient];
  return emit(recorder, 'AvgPoolGrad', operands, attributes, gradient.dtype, input!.shape);
});

// Batch normalisation: values in the type of x, statistics and their gradients in float32.

function batchNormAttributes(x: Value, training = true): Record<string, Attribute> {
  return {
    ...T(x),
    U: { type: 'float32' },
    epsilon: { float: BATCH_NORM_EPSILON },
    data_format: { text: 'NHWC' },
    is_training: { bool: training },
  };
}

/** Tensors for the outputs of a node: the first in the type of `x`, the others float32. */
function outputs(recorder: Recorder, node: string, x: Value, shapes: number[][]): tf.TensorInfo[] {
  return shapes.map((shape, i) =>
    recorder.tensorOf({ ref: i ? `${node}:${i}` : node, dtype: i ? 'float32' : x.dtype, shape }),
  );
}

register(BATCH_NORM, (recorder, { x, scale, offset }) => {
  const value = recorder.recorded(x!);
  const batch = recorder.native.moments(value);
  if (batch) {
    const { mean, variance } = batch;
    const vectors = [mean, variance, inFull(recorder, scale!), inFull(recorder, offset!)];
    const y = recorder.native.normalise(value, vectors, BATCH_NORM_EPSILON)!;
    const rows = tf.util.sizeFromShape(value.shape) / variance.shape[0]!;
    const correction = recorder.graph.constant(Float32Array.of(rows / (rows - 1)), 'float32', []);
    const unbiased = recorder.graph.value(
      'Mul',
      [variance, correction],
      T(variance),
      'float32',
      variance.shape,
    );
    // The last three are what the gradient below needs.
    return [y, mean, unbiased, mean, variance, inFull(recorder, offset!)].map((output) =>
      recorder.tensorOf(output),
    );
  }
  const none = recorder.graph.constant(new Float32Array(0), 'float32', [0]);
  const operands = [value, inFull(recorder, scale!), inFull(recorder, offset!), none, none];
  const node = recorder.graph.add(BATCH_NORM, operands, batchNormAttributes(value));
  const channels = Array.from({ length: BATCH_NORM_OUTPUTS - 1 }, () => scale!.shape);
  return outputs(recorder, node, value, [value.shape, ...channels]);
});

register(BATCH_NORM_GRADIENT, (recorder, { dy, x, scale, first, second, third }) => {
  const value = recorder.recorded(x!);
  const gradient = recorder.cast(recorder.recorded(dy!), value.dtype);
  const shapes = [value.shape, scale!.shape, scale!.shape];
  const vectors = [first!, second!, scale!, third!].map((tensor) => inFull(recorder, tensor));
  const native = recorder.native.normaliseGradient(gradient, value, vectors, BATCH_NORM_EPSILON);
  if (native) return outputs(recorder, native, value, shapes);
  const operands = [
    gradient,
    value,
    ...[scale!, first!, second!, third!].map((tensor) => inFull(recorder, tensor)),
  ];
  const node = recorder.graph.add(BATCH_NORM_GRADIENT, operands, batchNormAttributes(value));
  const channels = Array.from({ length: BATCH_NORM_GRADIENT_OUTPUTS - 1 }, () => scale!.shape);
  return outputs(recorder, node, value, [value.shape, ...channels]);
});

register('FusedBatchNorm', (recorder, { x, mean, variance, offset, scale }) => {
  const value = recorder.recorded(x!);
  const native = recorder.native.normalise(
    value,
    [mean!, variance!, scale!, offset!].map((tensor) => inFull(recorder, tensor)),
    BATCH_NORM_EPSILON,
  );
  if (native) return recorder.tensorOf(native);
  const operands = [value, ...[scale!, offset!, mean!, variance!].map((tensor) => inFull(recorder, tensor))];
  const node = recorder.graph.add(BATCH_NORM, operands, batchNormAttributes(value, false));
  return outputs(recorder, node, value, [value.shape])[0]!;
});
