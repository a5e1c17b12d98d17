// Sharpness-aware minimisation (Foret et al., 2021): the gradient is taken at the worst weights nearby.
import type { z } from 'zod';
import { tf } from '../engine/tensorflow.js';
import { plusScaled } from '../engine/weight_vectors.js';
import { STATISTICS_DECAY } from '../models/network.js';
import { choice, fields, integer, number } from '../spec/fields.js';
import { groupsOf, meanOf, norm, TINY } from './gradient.js';
import {
  type Batch,
  type Dims,
  defineMethod,
  type Objective,
  type ObjectiveOf,
  type Pass,
  type Step,
} from './method.js';

/** Perturbations below this drown in rounding after a few steps. */
const PLAIN_RHO = 0.4;

/** What all methods of SAM's kind can be set to. */
export const ascent = {
  rho: number('a number from 0 (0: no ascent)', (v) => v >= 0).describe('radius of the ascent step'),
  m: integer('a whole number from 0 (0: the whole batch)', (v) => v >= 0)
    .default(0)
    .meta({
      title: 'm (examples per ascent step, 0: whole batch)',
      description: 'examples per ascent step; 0 is the whole batch',
    }),
};

/** Where SAM's implementations differ; what is not given is as in the paper. */
const switches = {
  l2: choice('inside', 'outside')
    .optional()
    .meta({ title: 'L2 penalty' })
    .describe('inside: in both gradients, as in the paper; outside: in neither, added to the second one'),
  statistics: choice('first', 'second', 'both')
    .optional()
    .meta({ title: "batch norm's statistics" })
    .describe(
      "the pass that running statistics learn from: the first, as in the authors' code, the second, or one after the other",
    ),
  norm: choice('all', 'without-batch-norm')
    .optional()
    .meta({ title: 'weights that ascend' })
    .describe("all: every weight, as in the paper; without-batch-norm: not batch norm's scales and offsets"),
};

type Switches = Required<{ [Name in keyof typeof switches]: NonNullable<z.infer<(typeof switches)[Name]>> }>;

/** The paper's. */
const PAPER: Switches = { l2: 'inside', statistics: 'first', norm: 'all' };

/** Those that are not the paper's. */
function departures(settings: { [Name in keyof Switches]?: Switches[Name] | undefined }): Partial<Switches> {
  // There may be other settings beside them, as in Mixup + SAM.
  const given = Object.entries(PAPER).flatMap(([name, paper]) => {
    const value = settings[name as keyof Switches];
    return value === undefined || value === paper ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
}

/** m must divide the batch. */
export function checkGroups({ m }: { m: number }, { batchSize }: Pick<Dims, 'batchSize'>) {
  return m && batchSize % m
    ? { setting: 'm', allowed: `a divisor of the batch size ${batchSize}, or 0 for the whole batch` }
    : undefined;
}

/** A radius above rounding, and as many groups as the run has, of fewer examples. */
export function shortenedAscent<S extends { rho: number; m: number }>(
  settings: S,
  { batchSize, largest }: { batchSize: number; largest: number },
): { settings: S; batchSize: number } {
  const { rho, m } = settings;
  const groups = m ? batchSize / m : 1;
  const size = Math.max(1, Math.floor(Math.min(batchSize, largest) / groups));
  return { settings: { ...settings, rho: Math.max(PLAIN_RHO, rho), m: m && size }, batchSize: groups * size };
}

/** What a recipe of SAM's kind needs besides what the batch goes through: rho as an input, and groups of m examples. */
export function ascending(
  { rho, m }: { rho: number; m: number },
  gradient: (
    objective: (loss?: Parameters<ObjectiveOf>[1]) => Objective,
    weights: tf.Tensor1D[],
    rho: tf.Scalar,
    group: Batch,
    step: Step,
  ) => Pass,
) {
  return {
    inputs: { rho: { shape: [], dtype: 'float32' as const } },
    draws: () => () => ({ rho: Float32Array.of(rho) }),
    gradient(objective: ObjectiveOf, batch: Batch, weights: tf.Tensor1D[], step: Step): Pass {
      const groups = groupsOf(batch, m).map((group) =>
        gradient((loss) => objective(group, loss), weights, step.inputs.rho as tf.Scalar, group, step),
      );
      return meanOf(groups);
    },
  };
}

export const sam = defineMethod({
  name: 'sam',
  title: 'SAM',
  cite: 'Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021',
  about:
    "The gradient at `w + rho g / ||g||`, where the norm is over all weights and g over `m` examples at a time (0: the whole batch). The switches are where implementations differ: `l2`, the penalty inside both gradients (the paper) or outside the ascent and of w; `statistics`, batch norm's running statistics from the first pass (the authors' code), the second, or one after the other; `norm`, all weights ascend and count in the norm (the paper), or not batch norm's. A run's spec names only what is not the paper's. At rho 0 SAM is bitwise SGD. The suite `sam-switches` measures what each switch is worth.",
  settings: fields({ ...ascent, ...switches }),
  cost: () => 2,
  check: checkGroups,
  recipe: ({ rho, m, ...rest }) => {
    const others = departures(rest);
    return {
      sharedBy: { sam: m, ...others },
      ...ascending({ rho, m }, (objective, weights, radius, _group, step) =>
        Object.keys(others).length
          ? switchedGradient(objective(), weights, radius, step, { ...PAPER, ...others })
          : samGradient(objective(), weights, radius),
      ),
    };
  },
  parts: ({ rho, m, ...rest }) => ({
    batch: { kind: 'plain' },
    gradient: { kind: 'sam', rho, m, ...departures(rest) },
  }),
  shortened: shortenedAscent,
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

/** SAM's gradient with what other implementations do differently. */
function switchedGradient(
  objective: Objective,
  weights: tf.Tensor1D[],
  rho: tf.Scalar,
  { weightDecay, weightShapes, statistics: running }: Step,
  { l2, statistics, norm: over }: Switches,
): Pass {
  const first = objective(weights);
  const own = (gradient: tf.Tensor1D, at: tf.Tensor1D) =>
    l2 === 'inside' ? gradient : plusScaled(gradient, at, -weightDecay);
  const above = weights.map((w, k) => {
    const gradient = own(first.gradients[k]!, w);
    return ascend(w, over === 'all' ? gradient : tf.mul(gradient, withoutBatchNorm(weightShapes)), rho);
  });
  const second = objective(above);
  const gradients = second.gradients.map((gradient, k) =>
    l2 === 'inside' ? gradient : plusScaled(own(gradient, above[k]!), weights[k]!, weightDecay),
  );
  // Two updates one after the other, as one: d (d s + (1 - d) a) + (1 - d) b = d s + (1 - d) (d (a - s) + b).
  const both = () =>
    first.statistics.map(
      (a, k) =>
        tf.add(tf.mul(tf.sub(a, running[k]!), STATISTICS_DECAY), second.statistics[k]!) as tf.Tensor1D,
    );
  const learned = { first: () => first.statistics, second: () => second.statistics, both };
  return { ...first, gradients, statistics: learned[statistics]() };
}

/** 1 for every weight but those of batch normalisation, which are 0. */
function withoutBatchNorm(shapes: Record<string, number[]>): tf.Tensor1D {
  return tf.concat(
    Object.entries(shapes).map(([name, shape]) =>
      tf.fill([tf.util.sizeFromShape(shape)], /\/(scale|offset)$/.test(name) ? 0 : 1),
    ),
  ) as tf.Tensor1D;
}
