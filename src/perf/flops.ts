// How much arithmetic a network is, from the shapes of its weights.
import { cifar10 } from '../data/datasets/cifar10.js';
import { imageForm } from '../data/datasets/dataset.js';
import { buildNetwork } from '../models/catalogue.js';
import type { Architecture } from '../spec/run_spec.js';

const STEM = 'stem';

/** The products that the machine's own speed is measured by: each of two square matrices. */
export const MATRIX_SIZE = 2048;
export const MATRIX_PRODUCTS = 4;
export const MATRIX_PRODUCT_FLOPS = 2 * MATRIX_SIZE ** 3 * MATRIX_PRODUCTS;

/**
 * Floating-point operations of convolutions and classifier on one image; a multiplication and an addition are two. Zeros
 * at the borders count. The first convolution's share is given apart: it has no gradient with respect to its input.
 */
export function forwardFlops(model: Architecture): { total: number; stem: number } {
  const stemStride = Number(model.stemStride ?? 1);
  const flops = Object.entries(buildNetwork(model, imageForm(cifar10)).parameters).map(
    ([name, { shape }]) => {
      if (shape.length === 1) return { name, count: 0 };
      const weights = shape.reduce((product, size) => product * size, 1);
      return { name, count: 2 * weights * (shape.length === 4 ? outputPixels(name, stemStride) : 1) };
    },
  );
  const total = flops.reduce((sum, { count }) => sum + count, 0);
  return { total, stem: flops.find(({ name }) => name === STEM)!.count };
}

/** Operations of one training step on one image: forward, and the gradients of every convolution's weights and input. */
export function trainingFlops(model: Architecture): number {
  const { total, stem } = forwardFlops(model);
  return 3 * total - stem;
}

/** Whether a network has a 3x3 convolution of these channels whose result has that height and width. */
export function hasConvolution(
  model: Architecture,
  { inputs, outputs, size }: { inputs: number; outputs: number; size: number },
): boolean {
  const wanted = String([3, 3, inputs, outputs]);
  return Object.entries(buildNetwork(model, imageForm(cifar10)).parameters).some(
    ([name, { shape }]) => String(shape) === wanted && outputPixels(name, 1) === size ** 2,
  );
}

/** The second and third group of blocks begin by halving height and width. */
function outputPixels(name: string, stemStride: number): number {
  const group = Number(/^group(\d)/.exec(name)?.[1] ?? 1);
  return (cifar10.imageSize / stemStride / 2 ** (group - 1)) ** 2;
}
