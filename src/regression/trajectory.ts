// The verdict by trajectory: a few steps of every method do what they did for the baseline, within what rounding explains.
import { noiseOf } from '../data/noises/noise.js';
import { methodOfSpec, methodSpec } from '../methods/catalogue.js';
import { smallest } from '../models/catalogue.js';
import { type RunSpec, runId } from '../spec/run_spec.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import type { Trajectory } from '../training/trajectory.js';

/** A trajectory in a baseline. */
export interface StoredTrajectory extends Trajectory {
  /** Id of the short run it is of. */
  run: string;
  method: string;
  /** The noise setting's label. */
  noise: string;
}

/** A short run's trajectory, or why it has none. */
export type FoundTrajectory = Trajectory | Error;

interface Quantity {
  /** `draw`: comes from random streams and the data, no matter how anything is computed. */
  kind: 'draw' | 'arithmetic';
  /** Largest deviation that is no difference. */
  tolerance: number;
}

/**
 * What is compared and how far it may be off: relative, for a vector to its norm, for predictions the share of images.
 *
 * Each tolerance of arithmetic is at least twenty times what kernels differ by (TensorFlow's and ours, oneDNN on or off, threads, instruction
 * sets), and twice the deviation seen when the operands of all convolutions are rounded to 13 bits (relative errors up to 1.2e-4,
 * `ROUGH` in test/support/mutations.ts). `make trajectory-test` measures both.
 */
export const QUANTITIES = {
  images: { kind: 'draw', tolerance: 0 },
  labels: { kind: 'draw', tolerance: 0 },
  batch: { kind: 'draw', tolerance: 0 },
  // Cosines and logarithms may differ in the last digit between versions of Node.
  given: { kind: 'draw', tolerance: 1e-6 },
  initial: { kind: 'draw', tolerance: 1e-6 },
  loss: { kind: 'arithmetic', tolerance: 2e-5 },
  momentum: { kind: 'arithmetic', tolerance: 2e-4 },
  weights: { kind: 'arithmetic', tolerance: 2e-4 },
  statistics: { kind: 'arithmetic', tolerance: 3e-4 },
  evaluation: { kind: 'arithmetic', tolerance: 1e-4 },
  // Two logits may be as good as equal.
  predictions: { kind: 'arithmetic', tolerance: 0.05 },
} satisfies Record<string, Quantity>;

type Name = keyof typeof QUANTITIES;

/** The seed of all trajectories, whatever seeds a suite has. */
const SEED = 1;
const LARGEST_BATCH = 32;
const STEPS_PER_EPOCH = 2;

/** Short runs of the cells of a graph, with their teachers. */
export interface ShortRuns {
  /** Each after its teacher. */
  runs: RunNode[];
  /** The short run of a cell, if the graph has the cell. */
  of(method: string, noise: string): RunNode | undefined;
}

/** The run whose predictions a run learns. A noise that is made of another run's guesses has a stand-in. */
function teachersOf({ spec: { labels }, dependsOn }: RunNode): string[] {
  return labels.from === 'predictions' ? dependsOn.filter((id) => id === labels.teacher) : [];
}

/** The short runs of a graph: one for each method and noise setting. */
export function shortRuns({ suite, cells, runs }: RunGraph, seed = SEED): ShortRuns {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const made = new Map<string, RunNode>();
  const make = (run: RunNode): RunNode => {
    const short = shortened(
      run,
      teachersOf(run).map((id) => make(byId.get(id)!)),
      seed,
    );
    if (!made.has(short.id)) made.set(short.id, short);
    return short;
  };
  const first = cells.filter((cell) => cell.seed === suite.seeds[0]);
  const ofCell = new Map(
    first.map(({ method, noiseSetting, run }) => [JSON.stringify([method, noiseSetting.label]), make(run)]),
  );
  return { runs: [...made.values()], of: (method, noise) => ofCell.get(JSON.stringify([method, noise])) };
}

/**
 * A run of four steps in two epochs, in float32, on the smallest network of the run's kind. Settings whose effect would
 * drown in rounding are made stronger: weight decay a hundred times, rho at least 0.4, and a clipping norm that is below the first gradients.
 */
function shortened(run: RunNode, teachers: readonly RunNode[], seed: number): RunNode {
  const { spec } = run;
  const { model, training, data, batch: _, gradient: __, ...rest } = spec;
  const { method, settings } = methodOfSpec(spec);
  const sizes = { batchSize: training.batchSize, largest: LARGEST_BATCH };
  const { batchSize, ...stronger } = method.shortened?.(settings, sizes) ?? {
    settings,
    batchSize: Math.min(training.batchSize, LARGEST_BATCH),
  };
  const short: RunSpec = {
    ...rest,
    ...methodSpec(method, stronger.settings),
    labels: teachers[0] ? { from: 'predictions', teacher: teachers[0].id } : spec.labels,
    // Label files need not be at hand where results are compared.
    noise: noiseOf(spec.noise).standIn ?? spec.noise,
    seed,
    // Ten images more than whole batches: a last, partial batch must be dropped.
    data: {
      ...data,
      trainImages: STEPS_PER_EPOCH * batchSize + 10,
      testImages: Math.min(250, data.testImages),
    },
    model: smallest(model),
    training: {
      ...training,
      epochs: 2,
      batchSize,
      weightDecay: 100 * training.weightDecay,
      clipNorm: training.clipNorm && 1.5,
      evaluateEvery: 2,
    },
    precision: 'float32',
  };
  const { keepsGuesses: ___, ...node } = run;
  return { ...node, id: runId(short), spec: short, dependsOn: teachers.map(({ id }) => id) };
}

/** How a trajectory compares with the baseline's. */
export interface TrajectoryVerdict {
  same: boolean;
  /** The first difference in words, or how near the nearest quantity came to its tolerance. */
  reason: string;
  /** By kind of quantity, the largest deviation. */
  deviations: Partial<Record<Name, number>>;
}

/** Compares a trajectory with the baseline's. */
export function compareTrajectories(before: Trajectory, after: FoundTrajectory): TrajectoryVerdict {
  if (after instanceof Error)
    return {
      same: false,
      reason: `the trajectory ended: ${after.message.split('\n', 1)[0]}`,
      deviations: {},
    };
  const expected = [...quantities(before)];
  const found = new Map([...quantities(after)].map(({ where, value }) => [where, value]));
  const deviations: TrajectoryVerdict['deviations'] = {};
  const differences: string[] = [];
  if (found.size !== expected.length)
    differences.push(`${found.size} quantities (draw): ${expected.length} expected`);
  for (const { where, name, value } of expected) {
    const { kind, tolerance } = QUANTITIES[name];
    const now = found.get(where);
    const deviation = deviationOf(name, value, now);
    deviations[name] = Math.max(deviations[name] ?? 0, deviation);
    if (!(deviation <= tolerance))
      differences.push(
        `${where} (${kind}): ${shown(value, now)} expected, ${shown(now, value)} found; ${tolerance ? `off by ${deviation.toExponential(1)}, allowed ${tolerance}` : 'must be the same'}`,
      );
  }
  const [first, ...others] = differences;
  const more = others.length ? ` (and ${others.length} more)` : '';
  return first
    ? { same: false, reason: `the trajectory differs at ${first}${more}`, deviations }
    : { same: true, reason: 'the same trajectory', deviations };
}

type Value = string | number | number[] | null;

/** Everything that is compared, what comes first first. */
function* quantities(trajectory: Trajectory): Generator<{ where: string; name: Name; value: Value }> {
  const { images, labels, initial, steps, predictions, evaluation } = trajectory;
  yield { where: 'images', name: 'images', value: images };
  yield { where: 'labels', name: 'labels', value: labels };
  yield { where: 'initial weights', name: 'initial', value: initial };
  for (const [i, { batch, given, ...results }] of steps.entries()) {
    const step = `step ${i + 1}, `;
    yield { where: `${step}batch`, name: 'batch', value: batch };
    for (const [name, value] of Object.entries(given)) yield { where: step + name, name: 'given', value };
    for (const name of ['loss', 'statistics', 'momentum', 'weights'] as const)
      yield { where: step + name, name, value: results[name] };
  }
  for (const [name, value] of Object.entries(evaluation))
    yield {
      where: `evaluation, ${name}`,
      name: name.endsWith('Loss') ? 'evaluation' : 'predictions',
      value,
    };
  yield { where: 'evaluation, predictions', name: 'predictions', value: predictions };
}

/** Infinite where there is no number to compare. */
function deviationOf(name: Name, before: Value, after: Value | undefined): number {
  const deviation = difference(name, before, after);
  return Number.isNaN(deviation) ? Number.POSITIVE_INFINITY : deviation;
}

function difference(name: Name, before: Value, after: Value | undefined): number {
  if (before === after) return 0;
  if (typeof before === 'number' && typeof after === 'number')
    return Math.abs(after - before) / (name === 'predictions' ? 100 : Math.abs(before));
  if (Array.isArray(before) && Array.isArray(after)) {
    const largest = Math.max(...before.map((value, i) => Math.abs(value - after[i]!)));
    return largest === 0 ? 0 : largest / before[0]!;
  }
  if (name !== 'predictions' || typeof before !== 'string' || typeof after !== 'string')
    return Number.POSITIVE_INFINITY;
  return [...before].filter((label, i) => label !== after[i]).length / before.length;
}

/** A value for a message; of a vector the number that differs most from the other one's. */
function shown(value: Value | undefined, other: Value | undefined): string {
  if (!Array.isArray(value) || !Array.isArray(other)) return String(value).slice(0, 20);
  const distances = value.map((v, i) => Math.abs(v - other[i]!));
  const i = distances.indexOf(Math.max(...distances));
  return `${i <= 0 ? 'norm' : `projection ${i}`} ${value[Math.max(0, i)]}`;
}
