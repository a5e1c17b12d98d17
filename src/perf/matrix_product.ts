// The machine's own speed limit: large matrix products in the precision of the training.
import { compiledSession } from '../engine/compile.js';
import type { Program } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import type { Precision } from '../spec/run_spec.js';
import { MATRIX_PRODUCTS as PRODUCTS, MATRIX_SIZE as SIZE } from './flops.js';

/**
 * A call that does MATRIX_PRODUCTS products of large matrices in `precision`. They are written as 1x1 convolutions, which is the same
 * arithmetic: the compiler keeps matrix products proper, those of classifiers, in float32.
 */
export async function matrixProduct(precision: Precision): Promise<() => void> {
  const program: Program = {
    state: {
      'matrix/left': { shape: [1, 32, SIZE / 32, SIZE], dtype: 'float32' },
      'matrix/right': { shape: [1, 1, SIZE, SIZE], dtype: 'float32' },
    },
    entries: {
      multiply: {
        inputs: {},
        state: ['matrix/left', 'matrix/right'],
        run(_, state) {
          let x = state['matrix/left'] as tf.Tensor4D;
          for (let i = 0; i < PRODUCTS; i++)
            x = tf.conv2d(x, state['matrix/right'] as tf.Tensor4D, 1, 'same');
          return { outputs: { mean: tf.mean(x) } };
        },
      },
    },
  };
  const session = await compiledSession(program, precision);
  // Products of these stay what they are.
  session.write('matrix', {
    'matrix/left': new Float32Array(SIZE * SIZE).fill(1),
    'matrix/right': new Float32Array(SIZE * SIZE).fill(1 / SIZE),
  });
  return () => session.call('multiply', {});
}
