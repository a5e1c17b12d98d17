// A process of its own that computes what the native kernels compute, and writes it to a file, and prints its hash: how, is settled by its environment.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import { compiledSession } from '../../src/engine/compile.js';
import { chosenInstructionSet } from '../../src/engine/native/instruction_set.js';
import { batchNormTraining, relu } from '../../src/engine/operations.js';
import type { Program, Session, TensorSpec } from '../../src/engine/program.js';
import { tf } from '../../src/engine/tensorflow.js';
import { nesterovDescent, plusScaled, sumOfSquares } from '../../src/engine/weight_vectors.js';
import { stream } from '../../src/io/random.js';
import type { Precision } from '../../src/spec/run_spec.js';

type Entry = Program['entries'][string];

function float32(...shape: number[]): TensorSpec {
  return { shape, dtype: 'float32' };
}

/** A convolution [batch, size, size, inputs -> outputs] and its gradients for random gradients of its output. */
function convolution(batch: number, size: number, inputs: number, outputs: number, stride: number): Entry {
  return {
    inputs: {
      images: float32(batch, size, size, inputs),
      filter: float32(3, 3, inputs, outputs),
      dy: float32(batch, size / stride, size / stride, outputs),
    },
    state: [],
    run({ images, filter, dy }) {
      const y = (x: tf.Tensor, f: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, stride, 'same');
      const [dImages, dFilter] = tf.grads(y)([images!, filter!], dy);
      return { outputs: { y: y(images!, filter!), dImages: dImages!, dFilter: dFilter! } };
    },
  };
}

/** Batch normalisation, a residual sum and perhaps ReLU, and their gradients. */
function normalisation(batch: number, size: number, channels: number, activated: boolean): Entry {
  const x = float32(batch, size, size, channels);
  return {
    inputs: { x, dy: x, scale: float32(channels), offset: float32(channels) },
    state: [],
    run({ x, dy, scale, offset }) {
      // A convolution by the identity: what it gives is bfloat16, as in a network.
      const eye = tf.reshape(tf.eye(channels), [1, 1, channels, channels]) as tf.Tensor4D;
      const low = (v: tf.Tensor) => tf.conv2d(v as tf.Tensor4D, eye, 1, 'same') as tf.Tensor;
      const f = (v: tf.Tensor, s: tf.Tensor, o: tf.Tensor) => {
        const { y } = batchNormTraining(low(v), s, o);
        return low(tf.add(activated ? relu(y) : y, low(v)));
      };
      const { mean, variance } = batchNormTraining(low(x!), scale!, offset!);
      const [dx, dScale, dOffset] = tf.grads(f)([x!, scale!, offset!], dy);
      const y = f(x!, scale!, offset!);
      return { outputs: { y, mean, variance, dx: dx!, dScale: dScale!, dOffset: dOffset! } };
    },
  };
}

/** What is done with the vector of all weights. */
function weightVectors(size: number): Entry {
  const vector = float32(size);
  return {
    inputs: { weights: vector, gradient: vector, momentum: vector, factor: float32() },
    state: [],
    run(fed) {
      const [weights, gradient, momentum] = [fed.weights, fed.gradient, fed.momentum] as tf.Tensor1D[];
      const factor = fed.factor as tf.Scalar;
      const step = { clippingFactor: factor, momentumFactor: 0.9, learningRate: factor };
      const next = nesterovDescent({ weights: weights!, gradient: gradient!, momentum: momentum!, ...step });
      const sum = plusScaled(weights!, gradient!, factor);
      return { outputs: { squares: sumOfSquares(weights!), sum, ...next } };
    },
  };
}

const entries: Program['entries'] = {
  'convolution-8x8': convolution(4, 8, 32, 48, 1),
  'convolution-8x8-odd-batch': convolution(5, 8, 64, 32, 1),
  'convolution-8x8-256-channels': convolution(4, 8, 256, 256, 1),
  'convolution-4x4': convolution(3, 4, 32, 16, 1),
  'convolution-16x16': convolution(3, 16, 16, 32, 1),
  'convolution-32x32': convolution(2, 32, 16, 16, 1),
  'stem-32x32': convolution(3, 32, 3, 16, 1),
  'strided-32x32': convolution(3, 32, 16, 32, 2),
  'strided-16x16': convolution(3, 16, 128, 64, 2),
  'strided-16x16-48-channels': convolution(2, 16, 48, 16, 2),
  'no-native-convolution-of-24-channels': convolution(2, 8, 24, 40, 1),
  'no-native-convolution-of-odd-size': convolution(3, 7, 32, 32, 1),
  'no-native-convolution-12x12': convolution(2, 12, 16, 16, 1),
  'normalisation-of-16-channels': normalisation(5, 8, 16, true),
  'normalisation-of-80-channels': normalisation(3, 4, 80, true),
  'normalisation-without-ReLU': normalisation(2, 16, 64, false),
  'normalisation-of-odd-rows': normalisation(3, 5, 48, true),
  'weights-of-one': weightVectors(1),
  'weights-of-no-whole-block': weightVectors(70_003),
  'no-native-normalisation-of-24-channels': normalisation(2, 8, 24, true),
};

function results(session: Session): Record<string, Float32Array> {
  const found: Record<string, Float32Array> = {};
  for (const [name, { inputs }] of Object.entries(entries)) {
    const next = stream(1, name);
    const fed = Object.entries(inputs).map(
      ([key, { shape }]) =>
        [key, Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => next() - 0.3)] as const,
    );
    for (const [key, values] of Object.entries(session.call(name, Object.fromEntries(fed))))
      found[`${name}: ${key}`] = values as Float32Array;
  }
  return found;
}

const [precision, file] = process.argv.slice(2) as [Precision, string];
const found = results(await compiledSession({ state: {}, entries }, precision));
writeFileSync(file, serialize(found));
// What TensorFlow's own kernels compute may depend on the threads.
const isOnTiles = precision === 'bfloat16' && chosenInstructionSet() === 'amx';
const others =
  precision === 'float32'
    ? /^(no-native|stem.*dImages)/
    : isOnTiles
      ? /^(no-native|stem)/
      : /^(no-native|stem|strided)/;
const hash = createHash('sha256');
for (const [name, values] of Object.entries(found)) if (!others.test(name)) hash.update(name).update(values);
console.log(hash.digest('hex'));
