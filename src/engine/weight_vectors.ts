// Arithmetic on the vector of all weights: plain tfjs, recorded as one native operation where there are native kernels.
import type { Value } from './graph.js';
import type { NativeOperations } from './native/operations.js';
import type { Recorder } from './recorder.js';
import { RECORDER, tf } from './tensorflow.js';

/** The sum of a vector's squares. */
export function sumOfSquares(x: tf.Tensor1D): tf.Scalar {
  const [sum] = natively([x], (native, [value]) => native.sumOfSquares(value!)) ?? [];
  return (sum as tf.Scalar | undefined) ?? tf.sum(tf.square(x));
}

/** a + factor * b, for vectors a and b. */
export function plusScaled(a: tf.Tensor1D, b: tf.Tensor1D, factor: tf.Scalar | number): tf.Tensor1D {
  const operands = [a, b, scalar(factor)];
  const [sum] = natively(operands, (native, values) => native.plusScaled(values)) ?? [];
  return (sum as tf.Tensor1D | undefined) ?? tf.add(a, tf.mul(b, factor));
}

/** A step of gradient descent. */
export interface Descent {
  weights: tf.Tensor1D;
  gradient: tf.Tensor1D;
  /** The running sum of gradients. */
  momentum: tf.Tensor1D;
  /** What the gradient is multiplied by first. */
  clippingFactor: tf.Scalar;
  /** What is kept of the momentum, 0 to 1. */
  momentumFactor: number;
  learningRate: tf.Scalar;
}

/** Gradient descent with Nesterov's momentum: m' = momentumFactor m + g, w' = w - learningRate (g + momentumFactor m'). */
export function nesterovDescent(step: Descent): { weights: tf.Tensor1D; momentum: tf.Tensor1D } {
  const { weights, gradient, momentum, clippingFactor, momentumFactor, learningRate } = step;
  const operands = [weights, gradient, momentum, clippingFactor, scalar(momentumFactor), learningRate];
  const recorded = natively(operands, (native, values) => native.nesterovDescent(values));
  if (recorded) return { weights: recorded[0] as tf.Tensor1D, momentum: recorded[1] as tf.Tensor1D };
  const descent = tf.mul(gradient, clippingFactor);
  const newMomentum = tf.add(tf.mul(momentum, momentumFactor), descent);
  const nesterov = tf.add(descent, tf.mul(newMomentum, momentumFactor));
  return {
    weights: tf.sub(weights, tf.mul(nesterov, learningRate)) as tf.Tensor1D,
    momentum: newMomentum as tf.Tensor1D,
  };
}

function scalar(value: tf.Scalar | number): tf.Scalar {
  return typeof value === 'number' ? tf.scalar(value) : value;
}

/** The outputs of a native operation, if one is being recorded. */
function natively(
  operands: tf.Tensor[],
  record: (native: NativeOperations, values: Value[]) => Value[] | undefined,
): tf.Tensor[] | undefined {
  if (tf.getBackend() !== RECORDER) return undefined;
  const recorder = tf.backend() as Recorder;
  const values = operands.map((operand) => recorder.cast(recorder.recorded(operand), 'float32'));
  const outputs = record(recorder.native, values);
  return outputs?.map((output) => tf.engine().makeTensorFromTensorInfo(recorder.tensorOf(output)));
}
