// Records the project's own kernels (folder native/) in place of TensorFlow's, where they take the shapes and are faster.
import type { Attribute, DType, Graph, Value } from '../graph.js';
import type { InstructionSet } from './instruction_set.js';

/** A convolution by its images' shape, its filter's and its stride; padding is SAME. */
export interface ConvolutionShape {
  images: number[];
  filter: number[];
  strides: number[];
}

/** Of a normalisation's gradient, without a residual. */
const NORMALISE_GRADIENT_OPERANDS = 6;

/** What the recorder asks for; undefined where TensorFlow's own operations are to be recorded. */
export class NativeOperations {
  constructor(
    private readonly graph: Graph,
    /** The instruction set of the kernels in use; undefined if none are. */
    private readonly instructionSet: InstructionSet | undefined,
    /** Gradients are differentiated, and so used more than once. */
    private readonly secondOrder = false,
  ) {}

  convolution(images: Value, filter: Value, strides: number[], result: number[]): Value | undefined {
    const shape = { images: images.shape, filter: filter.shape, strides };
    const kernels = this.kernelsOf('forward', [images, filter], shape);
    if (!kernels) return undefined;
    const attributes = {
      ...T(images),
      stride: { int: strides[0]! },
      ...(kernels === 'Labelnoise' && { moments: { bool: false } }),
    };
    return this.graph.value(`${kernels}Convolution`, [images, filter], attributes, images.dtype, result);
  }

  imageGradient(gradient: Value, filter: Value, strides: number[], images: number[]): Value | undefined {
    const shape = { images, filter: filter.shape, strides };
    const kernels = this.kernelsOf('imageGradient', [gradient, filter], shape);
    if (!kernels) return undefined;
    const [, height, width] = images as [number, number, number, number];
    const attributes = {
      ...T(gradient),
      stride: { int: strides[0]! },
      height: { int: height },
      width: { int: width },
    };
    return this.graph.value(
      `${kernels}ImageGradient`,
      [gradient, filter],
      attributes,
      gradient.dtype,
      images,
    );
  }

  /** In float32, as its sums are. */
  filterGradient(images: Value, gradient: Value, strides: number[], filter: number[]): Value | undefined {
    const shape = { images: images.shape, filter, strides };
    const kernels = this.kernelsOf('filterGradient', [images, gradient], shape);
    if (!kernels) return undefined;
    const attributes = { ...T(images), stride: { int: strides[0]! } };
    return this.graph.value(`${kernels}FilterGradient`, [images, gradient], attributes, 'float32', filter);
  }

  /** The sum of a residual and what it is added to: images of one shape. */
  add(a: Value, b: Value): Value | undefined {
    if (!this.takes(a, b) || a.shape.length !== 4 || String(a.shape) !== String(b.shape)) return undefined;
    const sum =
      this.convolutionSum(a, b) ??
      this.convolutionSum(b, a) ??
      this.gradientSum(a, b) ??
      this.gradientSum(b, a);
    return sum ?? this.graph.value('LabelnoiseAdd', [a, b], T(a), a.dtype, a.shape);
  }

  /** A convolution and what is added to it as one operation: its result need not be written and read again. */
  private convolutionSum(convolved: Value, residual: Value): Value | undefined {
    const node = this.graph.node(convolved);
    if (node?.op !== 'LabelnoiseConvolution' || this.isOnTiles(convolved.dtype)) return undefined;
    const { stride } = node.attributes as { stride: Attribute };
    const attributes = { ...T(convolved), stride, moments: { bool: false } };
    const operands = [...node.inputs, residual];
    return this.graph.value(
      'LabelnoiseConvolutionSum',
      operands,
      attributes,
      convolved.dtype,
      convolved.shape,
    );
  }

  /**
   * The gradient of what was normalised and the residual's as one operation. Backpropagation has no other use for the former, which there
   * is none of any more: whoever took it would be refused its shape.
   */
  private gradientSum(gradient: Value, residual: Value): Value | undefined {
    const node = this.graph.node(gradient);
    // On AMX it has not been measured in bfloat16.
    if (node?.op !== 'LabelnoiseNormaliseGradient' || this.isOnTiles(gradient.dtype)) return undefined;
    if (this.secondOrder) return undefined;
    if (node.inputs.length > NORMALISE_GRADIENT_OPERANDS || gradient.ref === residual.ref) return undefined;
    node.inputs.push(residual.ref);
    node.attributes.residuals = { int: 1 };
    return { ...gradient, ref: `${gradient.ref}:3` };
  }

  /** Mean and biased variance of the batch, [channels]. */
  moments(x: Value): { mean: Value; variance: Value } | undefined {
    if (!this.takes(x) || x.shape.at(-1)! % 16 !== 0) return undefined;
    const vector = (ref: string): Value => ({ ref, dtype: 'float32', shape: x.shape.slice(-1) });
    const convolution = this.graph.node(x);
    if (!this.isOnTiles(x.dtype) && /^LabelnoiseConvolution(Sum)?$/.test(convolution?.op ?? '')) {
      // The convolution has them on the way.
      convolution!.attributes.moments = { bool: true };
      return { mean: vector(`${x.ref}:1`), variance: vector(`${x.ref}:2`) };
    }
    const node = this.graph.add('LabelnoiseMoments', [x], T(x));
    return { mean: vector(node), variance: vector(`${node}:1`) };
  }

  /** @param vectors mean, variance, scale and offset, float32 [channels] */
  normalise(x: Value, vectors: Value[], epsilon: number): Value | undefined {
    if (!this.takes(x) || x.shape.at(-1)! % 16 !== 0) return undefined;
    return this.normalised([x, ...vectors], x, false, epsilon);
  }

  /** ReLU of a normalised value is one operation with it. */
  relu(x: Value): Value | undefined {
    const node = this.graph.node(x);
    // Where statistics are given, tfjs shapes the result as it was.
    const normalised = node?.op === 'Reshape' ? this.graph.node(node.inputs[0]!) : node;
    if (normalised?.op !== 'LabelnoiseNormalise') return undefined;
    const { epsilon } = normalised.attributes as { epsilon: { float: number } };
    const activated = this.normalised(normalised.inputs, x, true, epsilon.float);
    return normalised === node ? activated : this.graph.reshape(activated, x.shape);
  }

  reluGradient(gradient: Value, activation: Value): Value | undefined {
    if (!this.takes(gradient, activation)) return undefined;
    return this.graph.value(
      'LabelnoiseReluGradient',
      [gradient, activation],
      T(gradient),
      gradient.dtype,
      activation.shape,
    );
  }

  /**
   * The node whose outputs are the gradients of x, scale and offset. Where `dy` has passed back through the ReLU that
   * follows the normalisation, that is part of it.
   *
   * @param vectors mean, variance, scale and offset, float32 [channels]
   */
  normaliseGradient(dy: Value, x: Value, vectors: Value[], epsilon: number): string | undefined {
    if (!this.takes(dy, x) || x.shape.at(-1)! % 16 !== 0) return undefined;
    const masked = this.graph.node(dy);
    const activation =
      masked?.op === 'LabelnoiseReluGradient' ? this.graph.node(masked.inputs[1]!) : undefined;
    const relu = activation?.op === 'LabelnoiseNormalise' && activation.inputs[0] === x.ref;
    const attributes: Record<string, Attribute> = {
      ...T(x),
      relu: { bool: relu },
      epsilon: { float: epsilon },
      residuals: { int: 0 },
    };
    const operands = [relu ? masked!.inputs[0]! : dy, x, ...vectors];
    return this.graph.add('LabelnoiseNormaliseGradient', operands, attributes);
  }

  /** Of a vector in float32. */
  sumOfSquares(x: Value): Value[] | undefined {
    if (!this.instructionSet) return undefined;
    return [this.graph.value('LabelnoiseSumOfSquares', [x], {}, 'float32', [])];
  }

  /** @param operands a, b, factor */
  plusScaled(operands: Value[]): Value[] | undefined {
    if (!this.instructionSet) return undefined;
    return [this.graph.value('LabelnoisePlusScaled', operands, {}, 'float32', operands[0]!.shape)];
  }

  /**
   * @param operands weights, gradient, momentum; then the gradient's factor, the momentum's, and the learning rate
   * @returns new weights, new momentum
   */
  nesterovDescent(operands: Value[]): Value[] | undefined {
    if (!this.instructionSet) return undefined;
    const { shape } = operands[0]!;
    const weights = this.graph.value('LabelnoiseDescend', operands, {}, 'float32', shape);
    return [weights, { ...weights, ref: `${weights.ref}:1` }];
  }

  private normalised(operands: (Value | string)[], x: Value, relu: boolean, epsilon: number): Value {
    const attributes: Record<string, Attribute> = {
      ...T(x),
      relu: { bool: relu },
      epsilon: { float: epsilon },
    };
    return this.graph.value('LabelnoiseNormalise', operands, attributes, x.dtype, x.shape);
  }

  /** Whether there are kernels for values of these types: all of them must be of one. */
  private takes(...values: Value[]): boolean {
    const [{ dtype }] = values as [Value];
    return (
      this.instructionSet !== undefined &&
      (dtype === 'float32' || dtype === 'bfloat16') &&
      values.every((value) => value.dtype === dtype)
    );
  }

  /** Whether convolutions of such numbers are on tiles; others are by Winograd or direct. */
  private isOnTiles(dtype: DType): boolean {
    return dtype === 'bfloat16' && this.instructionSet === 'amx';
  }

  /** How the kernels' names begin that beat TensorFlow's for a convolution of these values, if there are any. */
  private kernelsOf(
    product: Product,
    values: Value[],
    shape: ConvolutionShape,
  ): 'Labelnoise' | 'LabelnoiseDirect' | undefined {
    if (!this.takes(...values)) return undefined;
    const [{ dtype }] = values as [Value];
    if (this.isOnTiles(dtype) ? isForTiles(product, shape) : isForWinograd(shape)) return 'Labelnoise';
    return dtype === 'float32' && isForDirect(product, shape) ? 'LabelnoiseDirect' : undefined;
  }
}

function T({ dtype }: Value): Record<string, Attribute> {
  return { T: { type: dtype } };
}

// Which convolutions have kernels that beat TensorFlow's: fixed rules, or bits would depend on a timing.

type Product = 'forward' | 'imageGradient' | 'filterGradient';

/** Winograd's transforms are worth it from 16 channels on, on AVX2 and AVX-512 alike. */
function isForWinograd({ filter, strides }: ConvolutionShape): boolean {
  const [rows, columns, inputs, outputs] = filter as [number, number, number, number];
  return (
    rows === 3 && columns === 3 && strides.every((stride) => stride === 1) && inputs >= 16 && outputs >= 16
  );
}

/** Of stride 2 or few channels, but for a gradient of an image's few channels, which vectors of them would not fill. */
function isForDirect(product: Product, { filter, strides }: ConvolutionShape): boolean {
  const [rows, columns, inputs] = filter as [number, number, number];
  const [stride, right] = strides as [number, number];
  if (rows !== 3 || columns !== 3 || stride !== right || (stride !== 1 && stride !== 2)) return false;
  return product !== 'imageGradient' || inputs >= 16;
}

/** The tiles of AMX serve where oneDNN does not fill them as well. */
function isForTiles(product: Product, shape: ConvolutionShape): boolean {
  const [, height, width] = shape.images as [number, number, number, number];
  const [rows, columns, inputs, outputs] = shape.filter as [number, number, number, number];
  const [stride, right] = shape.strides as [number, number];
  if (rows !== 3 || columns !== 3 || stride !== right) return false;
  if (!fillsTiles(height, width, inputs, outputs, stride)) return false;
  if (product === 'filterGradient') return true;
  if (product === 'imageGradient') return stride === 2 || width <= 8;
  return stride === 1 ? width <= 8 : inputs >= 128;
}

/** Whether AMX's tiles can be filled: 16 channels, and 16 pixels of a few rows or images. */
function fillsTiles(height: number, width: number, inputs: number, outputs: number, stride: number): boolean {
  if (stride !== 1 && stride !== 2) return false;
  if (inputs % 16 || outputs % 16 || height % stride || width % stride) return false;
  const [outHeight, outWidth] = [height / stride, width / stride];
  return outHeight % 4 === 0 && (outWidth % 16 === 0 || outWidth === 8 || outWidth === 4);
}
