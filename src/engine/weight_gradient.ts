// The gradient of a convolution's filter: TensorFlow's own kernel, or an equal form that is faster where that is slow.
import type { Attribute, Graph, Value } from './graph.js';

/** A convolution by stride 1 with padding SAME and a 3x3 filter, seen from its filter's gradient. */
export interface FilterGradient {
  /** [batch, height, width, inputs] */
  images: Value;
  /** Gradient of the output, [batch, height, width, outputs]. */
  gradient: Value;
}

/**
 * Whether nine matrix products beat TensorFlow's kernel. That one reduces over positions for a whole filter at
 * once, and a filter of 256 x 256 channels or more does not stay in the cache while few positions pass.
 */
export function prefersProducts(images: Value, filterShape: number[], strides: number[]): boolean {
  const [, height, width] = images.shape as [number, number, number, number];
  const [rows, columns, inputs, outputs] = filterShape as [number, number, number, number];
  return (
    images.dtype === 'bfloat16' &&
    strides.every((stride) => stride === 1) &&
    rows === 3 &&
    columns === 3 &&
    height * width <= 64 &&
    inputs * outputs >= 256 * 256
  );
}

/**
 * The filter's gradient as one matrix product per filter position.
 *
 * Images and gradient get one column and one row of zeros, and are seen as matrices of one pixel a row. A shift of the
 * image by (i, j) is then a shift by i * (width + 1) + j rows, which costs no copy, and wherever it crosses an edge it
 * meets zeros.
 *
 * @returns [3, 3, inputs, outputs]
 */
export function filterGradientByProducts(graph: Graph, { images, gradient }: FilterGradient): Value {
  const [batch, height, width, inputs] = images.shape as [number, number, number, number];
  const outputs = gradient.shape[3]!;
  const pixels = batch * (height + 1) * (width + 1);
  const x = pixelRows(graph, images, pixels);
  const dy = pixelRows(graph, gradient, pixels);
  const type = { type: images.dtype };
  const products: Value[] = [];
  for (const i of [-1, 0, 1])
    for (const j of [-1, 0, 1]) {
      const shift = i * (width + 1) + j;
      const rows = pixels - Math.abs(shift);
      const operands = [
        rowsFrom(graph, x, Math.max(0, shift), rows),
        rowsFrom(graph, dy, Math.max(0, -shift), rows),
      ];
      const attributes: Record<string, Attribute> = {
        T: type,
        transpose_a: { bool: true },
        transpose_b: { bool: false },
      };
      products.push(graph.value('MatMul', operands, attributes, images.dtype, [inputs, outputs]));
    }
  const shape = [3, 3, inputs, outputs];
  const all = [9 * inputs, outputs];
  const attributes: Record<string, Attribute> = { T: type, N: { int: 9 }, Tidx: { type: 'int32' } };
  const stacked = graph.value('ConcatV2', [...products, graph.integers(0)], attributes, images.dtype, all);
  return graph.reshape(stacked, shape);
}

/** Images with a row and a column of zeros after the last, as a matrix of one pixel a row. */
function pixelRows(graph: Graph, images: Value, pixels: number): Value {
  const channels = images.shape[3]!;
  const padded = graph.pad(images, [
    [0, 0],
    [0, 1],
    [0, 1],
    [0, 0],
  ]);
  return graph.reshape(padded, [pixels, channels]);
}

function rowsFrom(graph: Graph, matrix: Value, start: number, rows: number): Value {
  return graph.slice(matrix, [start, 0], [rows, matrix.shape[1]!]);
}
