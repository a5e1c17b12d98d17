// What the first steps of a training do, seen at the seam between the training loop and the engine.
import { createHash } from 'node:crypto';
import { datasetOf, imageFormOf } from '../data/datasets/dataset.js';
import type { Session, Values } from '../engine/program.js';
import { stream } from '../io/random.js';
import { buildNetwork } from '../models/catalogue.js';
import { type WeightSpec, weightCount } from '../models/network.js';
import { encodeLabels } from '../spec/labels.js';
import type { Evaluation } from '../spec/record.js';
import type { TrainingJob } from './job.js';
import { sessionFor } from './sessions.js';
import { trainIn } from './train.js';
import { stepEntryName } from './training_program.js';

/**
 * A vector in a few numbers: its norm, then its products with fixed vectors of random signs. An error of the vector, as a
 * share of its norm, changes each of them by about that share of the norm, so other vectors are told from it by these numbers.
 */
export type Summary = number[];

/** One step, and the model after it. */
export interface TrajectoryStep {
  /** Hash of the places of the batch's images and of the pixels that augmentation takes. */
  batch: string;
  /** The numbers it is given: learning rate, Mixup's lambda, SAM's rho. */
  given: Record<string, number>;
  loss: number;
  /** After the first step this is the gradient as it was clipped. */
  momentum: Summary;
  /** What weights and running statistics have changed by since the start. */
  weights: Summary;
  statistics: Summary;
}

/** What a short training does from weights at which rounding stays small (see `smooth`). */
export interface Trajectory {
  /** Hashes of the training and test images and of the labels that are learned. */
  images: string;
  labels: string;
  /** The weights that the run would start from. */
  initial: Summary;
  steps: TrajectoryStep[];
  /** The last evaluation: the network's labels for the training images, one digit each, and the figures. */
  predictions: string;
  evaluation: Omit<Evaluation, 'epoch'>;
}

const PROJECTIONS = 4;

/** Trains, and tells how it went. @throws Error as `train` */
export async function trajectoryOf({ heldOut: _, ...job }: TrainingJob): Promise<Trajectory> {
  const seen = { images: '', labels: '', initial: [] as Summary, steps: [] as TrajectoryStep[] };
  const session = watched(await sessionFor(job.spec), job, seen);
  const { curve, predictions } = await trainIn(session, job, () => {}, new AbortController().signal);
  const { epoch: __, ...evaluation } = curve.at(-1)!;
  return {
    ...seen,
    images: hash(seen.images, job.test.images),
    predictions: encodeLabels(predictions, datasetOf(job.spec.data).classNames.length),
    evaluation: rounded(evaluation),
  };
}

/** The session, with a look at everything that passes through it. */
function watched(
  session: Session,
  { spec }: TrainingJob,
  seen: Pick<Trajectory, 'images' | 'labels' | 'initial' | 'steps'>,
): Session {
  const { parameters } = buildNetwork(spec.model, imageFormOf(spec.data));
  let start: Values = {};
  return {
    ...session,
    write(group, values) {
      // What a recipe's own state starts with shows in the steps.
      if (group === 'method') return session.write(group, values);
      if (group === 'train') {
        seen.images = hash(values['train/images']!);
        seen.labels = hash(values['train/labels']!);
        return session.write(group, values);
      }
      const drawn = values['model/parameters'] as Float32Array;
      seen.initial = summary(drawn);
      session.write(group, { ...values, 'model/parameters': smooth(drawn, parameters) });
      start = session.read(group);
    },
    call(entry, inputs) {
      const outputs = session.call(entry, inputs);
      if (entry === stepEntryName() || entry.startsWith(stepEntryName(''))) {
        const model = session.read('model');
        const change = (name: string) =>
          summary(Float64Array.from(model[name]!, (value, i) => value - start[name]![i]!));
        const all = Object.entries(inputs);
        seen.steps.push({
          batch: hash(
            ...all.flatMap(([name, values]) => (values instanceof Int32Array ? [name, values] : [])),
          ),
          given: Object.fromEntries(
            all.flatMap(([name, values]) =>
              values instanceof Float32Array ? [[name, short(values[0]!)]] : [],
            ),
          ),
          loss: short(outputs.loss![0]!),
          momentum: summary(model['model/momentum']!),
          weights: change('model/parameters'),
          statistics: change('model/statistics'),
        });
      }
      return outputs;
    },
  };
}

/**
 * Weights at which the network is a smooth function for a few steps: scales of batch normalisation become 0.10 to 0.15, offsets +-(0.9
 * to 1.1), so that no unit is near ReLU's kink. At a kink, rounding alone decides between two gradients, and machines
 * could not be compared. What a shortcut is added to has positive offsets, since the sum goes through ReLU in ResNets.
 */
function smooth(drawn: Float32Array, specs: Record<string, WeightSpec>): Float32Array {
  const weights = drawn.slice();
  let start = 0;
  for (const [name, spec] of Object.entries(specs)) {
    const size = weightCount({ [name]: spec });
    const next = stream(0, 'trajectory', 'weights', name);
    for (let i = start; i < start + size; i++)
      if (name.endsWith('/scale')) weights[i] = 0.1 + 0.05 * next();
      else if (name.endsWith('/offset'))
        weights[i] = (next() < 0.5 && !name.endsWith('/after/offset') ? -1 : 1) * (0.9 + 0.2 * next());
    start += size;
  }
  return weights;
}

/** Signs by the number of weights; the same on every machine. */
const signs = new Map<number, Int8Array[]>();

function signsOf(size: number): Int8Array[] {
  const known =
    signs.get(size) ??
    Array.from({ length: PROJECTIONS }, (_, i) => {
      const next = stream(0, 'trajectory', 'projection', i);
      return new Int8Array(size).map(() => (next() < 0.5 ? -1 : 1));
    });
  signs.set(size, known);
  return known;
}

function summary(vector: ArrayLike<number>): Summary {
  const numbers = [0, ...Array<number>(PROJECTIONS).fill(0)];
  const projections = signsOf(vector.length);
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i]!;
    numbers[0]! += value * value;
    for (let p = 0; p < PROJECTIONS; p++) numbers[p + 1]! += projections[p]![i]! * value;
  }
  return [Math.sqrt(numbers[0]!), ...numbers.slice(1)].map(short);
}

/** Seven digits: more than tolerances ask for. */
function short(value: number): number {
  return Number(value.toPrecision(7));
}

function rounded(evaluation: Omit<Evaluation, 'epoch'>): Omit<Evaluation, 'epoch'> {
  return JSON.parse(JSON.stringify(evaluation, (_, v) => (typeof v === 'number' ? short(v) : v)));
}

function hash(...parts: (string | ArrayBufferView)[]): string {
  const sha256 = createHash('sha256');
  for (const part of parts)
    sha256.update(
      typeof part === 'string' ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    );
  return sha256.digest('hex').slice(0, 16);
}
