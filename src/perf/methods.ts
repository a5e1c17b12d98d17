// What a step of each method of a suite takes beside one of SGD, and what methods do on the host between epochs.
import { blankImages, datasetOf, type ImageSet, imageFormOf } from '../data/datasets/dataset.js';
import { noiseIn } from '../data/noises/noise.js';
import type { Session, Values } from '../engine/program.js';
import { integer, stream } from '../io/random.js';
import { methodTitle } from '../methods/catalogue.js';
import type { EpochView, Recipe } from '../methods/method.js';
import type { RunSpec } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import type { RunNode } from '../suite/expand.js';
import { programSpecOf, recipeOf } from '../training/program_spec.js';
import { sessionFor } from '../training/sessions.js';
import { batchesOf, load } from '../training/train.js';
import { methodState, stepEntryName } from '../training/training_program.js';

/** What the steps of one round in one form should take. */
const TURN_MILLISECONDS = 250;
const MOST_STEPS = 25;
const LEARNING_RATE = 0.01;
/** Of the labels that methods see between epochs. */
const NOISE_RATE = 0.4;

export interface MethodFigures {
  title: string;
  /** What tables say that it costs: trainings by SGD of as many epochs. */
  cost: number;
  /** Median of the rounds' ratios to SGD, by the forms of its step; `step` is its own, and others are its phases. */
  steps: Record<string, number>;
  /** The longest that it takes on the host after an epoch, as a share of the epoch's steps; null if it does nothing there. */
  between_epochs: number | null;
}

/**
 * Measures runs, in this process and its threads, each in turn with SGD. Passes over the training set after an epoch are not the host's
 * part: their results are made up here.
 *
 * @param runs one for each method, without teachers
 * @param sgd what they are compared with
 * @returns figures by the names that the suite has for its methods
 */
export async function methodFigures(
  runs: readonly Pick<RunNode, 'method' | 'spec' | 'cost'>[],
  sgd: RunSpec,
  rounds: number,
  tell: (method: string) => void,
): Promise<Record<string, MethodFigures>> {
  const train = blankImages(datasetOf(sgd.data), sgd.data.trainImages);
  const figures: Record<string, MethodFigures> = {};
  for (const { method, spec, cost } of runs) {
    const title = methodTitle(method);
    tell(title);
    const recipe = recipeOf(spec);
    const [own, plain] = [await stepper(spec, train), await stepper(sgd, train)];
    const forms = [undefined, ...Object.keys(recipe.phases ?? {})];
    const steps: Record<string, number> = {};
    for (const form of forms) {
      const entry = stepEntryName(form);
      steps[form ?? 'step'] = ratio(
        () => own.take(entry),
        () => plain.take(),
        rounds,
      );
    }
    const epoch = own.milliseconds() * Math.floor(train.count / spec.training.batchSize);
    const host = recipe.afterEpoch && longestBetween(spec, recipe, own.session, train);
    figures[method] = { title, cost, steps, between_epochs: host === undefined ? null : host / epoch };
  }
  return figures;
}

/** A run's session with its data, and its next steps. */
async function stepper(spec: RunSpec, train: ImageSet) {
  const session = await sessionFor(spec);
  load(session, { spec, train, targetLabels: train.labels });
  const recipe = recipeOf(spec);
  let batches: Generator<Values> = batchesOf(spec, recipe, 1, train);
  const times: number[] = [];
  const take = (entry = stepEntryName()) => {
    const started = performance.now();
    let next = batches.next();
    if (next.done) {
      batches = batchesOf(spec, recipe, 1, train);
      next = batches.next();
    }
    session.call(entry, { ...(next.value as Values), learningRate: Float32Array.of(LEARNING_RATE) });
    const time = performance.now() - started;
    if (entry === stepEntryName()) times.push(time);
    return time;
  };
  return { session, take, milliseconds: () => median(times) };
}

/** Median over rounds of one's time over the other's; each round has several steps of both. */
function ratio(one: () => number, other: () => number, rounds: number): number {
  // Compiled in the first step.
  one();
  other();
  const steps = Math.max(1, Math.min(MOST_STEPS, Math.round(TURN_MILLISECONDS / one())));
  const turn = (take: () => number) => median(Array.from({ length: steps }, take));
  return median(Array.from({ length: rounds }, () => turn(one) / turn(other)));
}

/** The most milliseconds that a recipe takes after an epoch of a run, of its own calls alone. */
function longestBetween(spec: RunSpec, recipe: Recipe, session: Session, train: ImageSet): number {
  const { classes } = imageFormOf(spec.data);
  const { networks } = programSpecOf(spec);
  const next = stream(spec.seed, 'perf', 'labels');
  const labels = train.labels.map((label) => (next() < NOISE_RATE ? integer(next, classes) : label));
  const predicted = Array.from({ length: networks }, (_, k) => madeUp(spec.seed, k, train, classes));
  const memory = {};
  let longest = 0;
  for (let epoch = 1; epoch < spec.training.epochs; epoch++) {
    const view: EpochView = {
      epoch,
      epochs: spec.training.epochs,
      classes,
      labels,
      noise: noiseIn(spec.data, train, labels),
      logProbabilities: (network = 0) => predicted[network]!,
      read: (name) => session.read('method')[methodState(name)]!,
      write(name, values) {
        session.write('method', { ...session.read('method'), [methodState(name)]: values });
      },
      stream: (name) => stream(spec.seed, name, epoch),
      memory,
      note: () => {},
    };
    const started = performance.now();
    recipe.afterEpoch!(view);
    longest = Math.max(longest, performance.now() - started);
  }
  return longest;
}

/** Logarithms of probabilities as of a network that knows most labels, more or less surely. */
function madeUp(seed: number, network: number, { labels, count }: ImageSet, classes: number): Float32Array {
  const next = stream(seed, 'perf', 'predictions', network);
  const found = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const likely = next() < 0.8 ? labels[i]! : integer(next, classes);
    const sure = 0.3 + 0.69 * next();
    for (let k = 0; k < classes; k++)
      found[i * classes + k] = Math.log(k === likely ? sure : (1 - sure) / (classes - 1));
  }
  return found;
}
