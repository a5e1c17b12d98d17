// Sharpness-aware minimisation (Foret et al., 2021): the gradient is taken at the worst weights nearby.
import { tf } from '../engine/tensorflow.js';
import { plusScaled } from '../engine/weight_vectors.js';
import { fields, integer, positive } from '../spec/fields.js';
import { groupsOf, meanOf, norm, TINY } from './gradient.js';
import { defineMethod, type Objective, type Pass } from './method.js';

/** Perturbations below this drown in rounding after a few steps. */
const PLAIN_RHO = 0.4;

export const sam = defineMethod({
  name: 'sam',
  title: 'SAM',
  cite: 'Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021',
  settings: fields({
    rho: positive().describe('radius of the ascent step'),
    m: integer('a whole number from 0 (0: the whole batch)', (v) => v >= 0)
      .default(0)
      .meta({
        title: 'm (examples per ascent step, 0: whole batch)',
        description: 'examples per ascent step; 0 is the whole batch',
      }),
  }),
  cost: () => 2,
  check: ({ m }, { batchSize }) =>
    m && batchSize % m
      ? { setting: 'm', allowed: `a divisor of the batch size ${batchSize}, or 0 for the whole batch` }
      : undefined,
  recipe: ({ rho, m }) => ({
    sharedBy: { sam: m },
    inputs: { rho: { shape: [], dtype: 'float32' } },
    draws: () => () => ({ rho: Float32Array.of(rho) }),
    gradient(objective, batch, weights, { inputs }) {
      const groups = groupsOf(batch, m).map((group) =>
        samGradient(objective(group), weights, inputs.rho as tf.Scalar),
      );
      return meanOf(groups);
    },
  }),
  parts: ({ rho, m }) => ({ batch: { kind: 'plain' }, gradient: { kind: 'sam', rho, m } }),
  // As many groups as the run has, of fewer examples.
  shortened({ rho, m }, { batchSize, largest }) {
    const groups = m ? batchSize / m : 1;
    const size = Math.max(1, Math.floor(Math.min(batchSize, largest) / groups));
    return { settings: { rho: Math.max(PLAIN_RHO, rho), m: m && size }, batchSize: groups * size };
  },
});

/**
 * SAM's gradient (equations 2 and 3): that at w + rho * g / ||g||, g the gradient at w, the norm over all weights of a network
 * together. All else is of the first pass, at w, as in the authors' code. On groups of examples (m-sharpness, section
 * 4.1) every group ascends along its own gradient and normalises by its own statistics, as on as many accelerators.
 *
 * @param rho radius of the ascent step (scalar)
 */
export function samGradient(objective: Objective, weights: tf.Tensor1D[], rho: tf.Scalar): Pass {
  const first = objective(weights);
  const { gradients } = objective(weights.map((w, k) => ascend(w, first.gradients[k]!, rho)));
  return { ...first, gradients };
}

/** SAM's ascent step: w + rho * g / ||g||. */
export function ascend(weights: tf.Tensor1D, gradient: tf.Tensor1D, rho: tf.Scalar): tf.Tensor1D {
  return plusScaled(weights, gradient, tf.div(rho, tf.maximum(norm(gradient), TINY)));
}
