// Records the project's own kernels (folder native/) in place of TensorFlow's, where they take the shapes and are faster.
import type { Attribute, Graph, Value } from '../graph.js';

/** A convolution by its images' shape, its filter's and its stride; padding is SAME. */
export interface ConvolutionShape {
  images: number[];
  filter: number[];
  strides: number[];
}

/** What the recorder asks for; undefined where TensorFlow's own operations are to be recorded. */
export class NativeOperations {
  constructor(
    private readonly graph: Graph,
    private readonly inUse: boolean,
  ) {}

  convolution(images: Value, filter: Value, strides: number[], shape: number[]): Value | undefined {
    const geometry = { images: images.shape, filter: filter.shape, strides };
    const [, , width, inputs] = images.shape as [number, number, number, number];
    const stride = strides[0]!;
    // Elsewhere oneDNN is as fast.
    const faster = stride === 1 ? width <= 8 : inputs >= 128;
    if (!this.takes(images, filter) || !takesConvolution(geometry) || !faster) return undefined;
    const attributes = { stride: { int: stride } };
    return this.graph.value('LabelnoiseConvolution', [images, filter], attributes, 'bfloat16', shape);
  }

  imageGradient(gradient: Value, filter: Value, strides: number[], images: number[]): Value | undefined {
    const [, height, width] = images as [number, number, number, number];
    const stride = strides[0]!;
    const faster = stride === 2 || width <= 8;
    if (
      !this.takes(gradient, filter) ||
      !takesConvolution({ images, filter: filter.shape, strides }) ||
      !faster
    )
      return undefined;
    const attributes = { stride: { int: stride }, height: { int: height }, width: { int: width } };
    return this.graph.value('LabelnoiseImageGradient', [gradient, filter], attributes, 'bfloat16', images);
  }

  /** In float32, as its sums are. */
  filterGradient(images: Value, gradient: Value, strides: number[], filter: number[]): Value | undefined {
    if (!this.takes(images, gradient) || !takesConvolution({ images: images.shape, filter, strides }))
      return undefined;
    const attributes = { stride: { int: strides[0]! } };
    return this.graph.value('LabelnoiseFilterGradient', [images, gradient], attributes, 'float32', filter);
  }

  /** The sum of two values of one shape. */
  add(a: Value, b: Value): Value | undefined {
    if (!this.takes(a, b) || String(a.shape) !== String(b.shape)) return undefined;
    return this.graph.value('LabelnoiseAdd', [a, b], {}, 'bfloat16', a.shape);
  }

  /** Mean and biased variance of the batch, [channels]. */
  moments(x: Value): { mean: Value; variance: Value } | undefined {
    if (!this.takes(x) || x.shape.at(-1)! % 16 !== 0) return undefined;
    const node = this.graph.add('LabelnoiseMoments', [x], {});
    const shape = x.shape.slice(-1);
    return {
      mean: { ref: node, dtype: 'float32', shape },
      variance: { ref: `${node}:1`, dtype: 'float32', shape },
    };
  }

  /** @param vectors mean, variance, scale and offset, float32 [channels] */
  normalise(x: Value, vectors: Value[], epsilon: number): Value | undefined {
    if (!this.takes(x) || x.shape.at(-1)! % 16 !== 0) return undefined;
    return this.normalised([x, ...vectors], false, epsilon, x.shape);
  }

  /** ReLU of a normalised value is one operation with it. */
  relu(x: Value): Value | undefined {
    const node = this.graph.node(x);
    if (node?.op !== 'LabelnoiseNormalise') return undefined;
    const { epsilon } = node.attributes as { epsilon: { float: number } };
    return this.normalised(node.inputs, true, epsilon.float, x.shape);
  }

  reluGradient(gradient: Value, activation: Value): Value | undefined {
    if (!this.takes(gradient, activation)) return undefined;
    return this.graph.value(
      'LabelnoiseReluGradient',
      [gradient, activation],
      {},
      'bfloat16',
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
    const attributes: Record<string, Attribute> = { relu: { bool: relu }, epsilon: { float: epsilon } };
    const operands = [relu ? masked!.inputs[0]! : dy, x, ...vectors];
    return this.graph.add('LabelnoiseNormaliseGradient', operands, attributes);
  }

  /** Of a vector in float32. */
  sumOfSquares(x: Value): Value[] | undefined {
    if (!this.inUse) return undefined;
    return [this.graph.value('LabelnoiseSumOfSquares', [x], {}, 'float32', [])];
  }

  /** @param operands a, b, factor */
  plusScaled(operands: Value[]): Value[] | undefined {
    if (!this.inUse) return undefined;
    return [this.graph.value('LabelnoisePlusScaled', operands, {}, 'float32', operands[0]!.shape)];
  }

  /**
   * @param operands weights, gradient, momentum; then the gradient's factor, the momentum's, and the learning rate
   * @returns new weights, new momentum
   */
  nesterovDescent(operands: Value[]): Value[] | undefined {
    if (!this.inUse) return undefined;
    const { shape } = operands[0]!;
    const weights = this.graph.value('LabelnoiseDescend', operands, {}, 'float32', shape);
    return [weights, { ...weights, ref: `${weights.ref}:1` }];
  }

  private normalised(operands: (Value | string)[], relu: boolean, epsilon: number, shape: number[]): Value {
    const attributes: Record<string, Attribute> = { relu: { bool: relu }, epsilon: { float: epsilon } };
    return this.graph.value('LabelnoiseNormalise', operands, attributes, 'bfloat16', shape);
  }

  private takes(...values: Value[]): boolean {
    return this.inUse && values.every(({ dtype }) => dtype === 'bfloat16');
  }
}

/** Whether the kernels' tiles can be filled: 16 channels, and 16 pixels of a few rows or images. */
function takesConvolution({ images, filter, strides }: ConvolutionShape): boolean {
  const [, height, width] = images as [number, number, number, number];
  const [rows, columns, inputs, outputs] = filter as [number, number, number, number];
  const [down, right] = strides as [number, number];
  if (rows !== 3 || columns !== 3 || down !== right || (down !== 1 && down !== 2)) return false;
  if (inputs % 16 || outputs % 16 || height % down || width % down) return false;
  const [outHeight, outWidth] = [height / down, width / down];
  return outHeight % 4 === 0 && (outWidth % 16 === 0 || outWidth === 8 || outWidth === 4);
}
