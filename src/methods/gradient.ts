// How the gradient of a batch is taken: plainly, or at SAM's perturbed weights.
import { tf } from '../engine/tensorflow.js';
import { plusScaled, sumOfSquares } from '../engine/weight_vectors.js';

/** Loss and gradient at some weights; all weights are one vector. */
export interface LossGradient {
  loss: tf.Scalar;
  gradient: tf.Tensor1D;
  /** Batch-norm statistics of the pass, one vector. */
  statistics: tf.Tensor1D;
}

/** The training loss of one batch as a function of the weights. */
export type Objective = (weights: tf.Tensor1D) => LossGradient;

/** The usual gradient. */
export function plainGradient(objective: Objective, weights: tf.Tensor1D): LossGradient {
  return objective(weights);
}

/**
 * Sharpness-aware minimisation (Foret et al., 2021, equations 2 and 3): the gradient taken at w + rho * g / ||g||, g the
 * gradient at w, the norm over all weights together. Loss and batch-norm statistics are those of the first pass, at w,
 * as in the authors' code.
 *
 * @param rho radius of the ascent step (scalar)
 */
export function samGradient(objective: Objective, weights: tf.Tensor1D, rho: tf.Scalar): LossGradient {
  const first = objective(weights);
  const second = objective(ascend(weights, first.gradient, rho));
  return { ...first, gradient: second.gradient };
}

/**
 * SAM per group of examples (m-sharpness; Foret et al., 2021, section 4.1): every group ascends along its own gradient
 * and normalises by its own statistics, as on as many accelerators; loss, gradient and statistics are averaged.
 *
 * @param objectives one per group
 */
export function groupedSamGradient(
  objectives: Objective[],
  weights: tf.Tensor1D,
  rho: tf.Scalar,
): LossGradient {
  const groups = objectives.map((objective) => samGradient(objective, weights, rho));
  if (groups.length === 1) return groups[0]!;
  const mean = <T extends tf.Tensor>(tensors: T[]): T => tf.div(tf.addN(tensors), tensors.length);
  return {
    loss: mean(groups.map(({ loss }) => loss)),
    gradient: mean(groups.map(({ gradient }) => gradient)),
    statistics: mean(groups.map(({ statistics }) => statistics)),
  };
}

/** SAM's ascent step: w + rho * g / ||g||. */
export function ascend(weights: tf.Tensor1D, gradient: tf.Tensor1D, rho: tf.Scalar): tf.Tensor1D {
  return plusScaled(weights, gradient, tf.div(rho, tf.maximum(norm(gradient), TINY)));
}

/** What the gradient must be multiplied by for a global norm of at most `limit`; 0 is no limit. */
export function clippingFactor(gradient: tf.Tensor1D, limit: number): tf.Scalar {
  if (limit === 0) return tf.scalar(1);
  return tf.minimum(1, tf.div(limit, tf.maximum(norm(gradient), TINY)));
}

/** Keeps a zero gradient from becoming 0 / 0. */
const TINY = 1e-12;

function norm(vector: tf.Tensor1D): tf.Scalar {
  return tf.sqrt(sumOfSquares(vector));
}
