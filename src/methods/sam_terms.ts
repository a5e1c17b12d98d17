// SAM in one of its two terms (Baek et al., 2024): perturbed logits alone, or the perturbed network Jacobian alone.
import { tf } from '../engine/tensorflow.js';
import { fields } from '../spec/fields.js';
import { stopGradient } from './gradient.js';
import { defineMethod, type Losses } from './method.js';
import { ascend, ascending, ascent, checkGroups, shortenedAscent } from './sam.js';

const cite = 'Baek, Kolter and Raghunathan, Why is SAM Robust to Label Noise?, ICLR 2024';

/** The gradient of cross-entropy by the logits. */
const slopeOf = (logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor2D =>
  tf.sub(tf.softmax(logits), targets);

/** A loss whose gradient by the logits is `slope`. */
const withSlope = (logits: tf.Tensor2D, slope: tf.Tensor2D): tf.Tensor1D =>
  tf.sum(tf.mul(logits, stopGradient(slope)), 1);

/**
 * J(w + e)^T (p(w) - y), e SAM's ascent: the Jacobian of the perturbed network, the logits' gradient of the unperturbed one. The paper
 * finds that SAM's gain under label noise comes from this term.
 */
export const jacobianSam = defineMethod({
  name: 'jacobian-sam',
  title: 'SAM, Jacobian term alone',
  cite,
  about:
    "`J(w + e)^T (p(w) - y)`, e being SAM's ascent: the Jacobian of the perturbed network with the logits' gradient of the unperturbed one. The paper finds SAM's gain under label noise here. *Differs:* its analysis takes e for every example by itself (m = 1); here it is of the batch, or of `m`.",
  settings: fields(ascent),
  cost: () => 2,
  check: checkGroups,
  recipe: (settings) =>
    ascending(settings, (objective, weights, rho, { targets }) => {
      const first = objective()(weights);
      const above = weights.map((w, k) => ascend(w, first.gradients[k]!, rho));
      const loss = (logits: tf.Tensor2D[]): Losses => ({
        losses: logits.map((some, k) => withSlope(some, slopeOf(first.logits[k]!, targets))),
      });
      return { ...first, gradients: objective(loss)(above).gradients };
    }),
  shortened: shortenedAscent,
});

/** J(w)^T (p(w + e) - y): the logits' gradient of the perturbed network, the Jacobian of the unperturbed one. */
export const logitSam = defineMethod({
  name: 'logit-sam',
  title: 'SAM, logit term alone',
  cite,
  about:
    "`J(w)^T (p(w + e) - y)`, e being SAM's ascent: the logits' gradient of the perturbed network with the Jacobian of the unperturbed one, the other of SAM's two terms.",
  settings: fields(ascent),
  // Forward and backward, forward, forward and backward.
  cost: () => 2 + 1 / 3,
  check: checkGroups,
  recipe: (settings) =>
    ascending(settings, (objective, weights, rho, { targets }) => {
      const first = objective()(weights);
      const { logits: perturbed } = objective()(weights.map((w, k) => ascend(w, first.gradients[k]!, rho)));
      const loss = (logits: tf.Tensor2D[]): Losses => ({
        losses: logits.map((some, k) => withSlope(some, slopeOf(perturbed[k]!, targets))),
      });
      return { ...first, gradients: objective(loss)(weights).gradients };
    }),
  shortened: shortenedAscent,
});
