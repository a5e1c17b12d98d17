// The training step and the evaluation of one kind of run, as a program for the engine. Written once, run anywhere.
import { augmentationOf } from '../data/augmentation.js';
import type { ImageForm } from '../data/datasets/dataset.js';
import type { Entry, Program, TensorSpec, Tensors } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import { nesterovDescent, plusScaled, sumOfSquares } from '../engine/weight_vectors.js';
import { clippingFactor, crossEntropy, NO_LAST_LAYER } from '../methods/gradient.js';
import type {
  Batch,
  LastLayer,
  Losses,
  Objective,
  ObjectiveOf,
  Recipe,
  RecipeState,
  Step,
} from '../methods/method.js';
import { buildNetwork } from '../models/catalogue.js';
import { flatten, type Network, STATISTICS_DECAY, unflatten, weightCount } from '../models/network.js';
import type { Architecture } from '../spec/run_spec.js';

/** Images of an evaluation call, at most; and at least, as a call for each few of many images would be slow. */
const MOST_EVALUATED = 250;
const LEAST_EVALUATED = 50;

/** Images of each evaluation call, where sets of so many are evaluated: the smallest shall not be filled up by much. */
export function evaluationBatch(...counts: number[]): number {
  const least = Math.max(LEAST_EVALUATED, Math.min(...counts));
  return Math.min(MOST_EVALUATED, least, Math.max(...counts));
}

/** What tells one training program from another; everything else about a run goes in as an input. */
export interface ProgramSpec {
  model: Architecture;
  form: ImageForm;
  /** Networks that are trained together. */
  networks: number;
  batchSize: number;
  augment: string;
  augmentSource?: string;
  trainImages: number;
  /** Images of an evaluation call. */
  evaluationBatch: number;
  momentum: number;
  weightDecay: number;
  clipNorm: number;
}

/** The name of a network's part of the state `model`; networks are counted from 0. */
export function modelState(part: 'parameters' | 'momentum' | 'statistics', network = 0): string {
  return network === 0 ? `model/${part}` : `model/${network + 1}/${part}`;
}

/** The name of a recipe's own state. */
export function methodState(name: string): string {
  return `method/${name}`;
}

/** The name of the entry that takes a step in the form of this phase. */
export function stepEntryName(phase?: string): string {
  return phase === undefined ? 'step' : `step/${phase}`;
}

/**
 * State: `train` (images as bytes, labels), `model` (parameters, momentum, statistics; one vector each for every network), and
 * `method` if the recipe has state of its own.
 *
 * Entries: `step`, and one for each phase of the recipe, trains on one batch (indices, learningRate, and what augmentation and
 * recipe ask for) and gives the loss; `evaluate` is given `evaluationBatch` images and labels, and gives predictions, losses and,
 * as `0`, `1`, ..., the logarithms of each network's probabilities; `features`, for recipes with a classifier of their own,
 * gives what the last layer of the first network is given.
 */
export function trainingProgram(spec: ProgramSpec, recipe: Recipe): Program {
  const network = buildNetwork(spec.model, spec.form);
  const { imageSize, channels } = spec.form;
  const images = (count: number): TensorSpec => ({
    ...ints(count, imageSize, imageSize, channels),
    bytes: true,
  });
  const vector = (size: number): TensorSpec => ({ shape: [size], dtype: 'float32' });
  const state: Program['state'] = {
    'train/images': images(spec.trainImages),
    'train/labels': ints(spec.trainImages),
  };
  for (let k = 0; k < spec.networks; k++) {
    state[modelState('parameters', k)] = vector(weightCount(network.parameters));
    state[modelState('momentum', k)] = vector(weightCount(network.parameters));
    state[modelState('statistics', k)] = vector(weightCount(network.statistics));
  }
  for (const [name, own] of Object.entries(recipe.state ?? {})) state[methodState(name)] = stateSpec(own);
  for (const [name, own] of Object.entries(recipe.examples ?? {}))
    state[methodState(name)] = stateSpec({ ...own, shape: [spec.trainImages, ...own.shape] });
  const phases = Object.entries(recipe.phases ?? {}).map(([name, phase]) => [
    stepEntryName(name),
    stepEntry(spec, { ...recipe, ...phase }, network),
  ]);
  return {
    state,
    entries: {
      [stepEntryName()]: stepEntry(spec, recipe, network),
      ...Object.fromEntries(phases),
      evaluate: evaluationEntry(spec, network, images(spec.evaluationBatch)),
      ...(recipe.classifier && { features: featuresEntry(spec, network, images(spec.evaluationBatch)) }),
    },
  };
}

const SCALAR: TensorSpec = { shape: [], dtype: 'float32' };

function ints(...shape: number[]): TensorSpec {
  return { shape, dtype: 'int32' };
}

function stateSpec({ shape, dtype }: RecipeState): TensorSpec {
  return { shape, dtype };
}

/** `make(0)` to `make(count - 1)`. */
function each<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function stepEntry(spec: ProgramSpec, recipe: Recipe, network: Network): Entry {
  const { batchSize, networks, form } = spec;
  const augmentation = augmentationOf(spec);
  const parts = (['parameters', 'momentum', 'statistics'] as const).flatMap((part) =>
    each(networks, (k) => modelState(part, k)),
  );
  const [ownState, ownExamples] = [recipe.state ?? {}, recipe.examples ?? {}].map(Object.keys) as [
    string[],
    string[],
  ];
  const own = (names: string[], state: Tensors): Tensors =>
    Object.fromEntries(names.map((name) => [name, state[methodState(name)]!]));

  return {
    inputs: {
      indices: ints(batchSize),
      learningRate: SCALAR,
      ...augmentation.inputs(batchSize, form.imageSize, form.channels),
      ...recipe.inputs,
    },
    state: ['train/images', 'train/labels', ...parts, ...ownState.map(methodState)],
    ...(ownExamples.length && { rows: { state: ownExamples.map(methodState), by: 'indices' } }),
    run(fed, state) {
      const weights = each(networks, (k) => state[modelState('parameters', k)] as tf.Tensor1D);
      const step: Step = {
        inputs: fed,
        state: own(ownState, state),
        classes: form.classes,
        weightDecay: spec.weightDecay,
        weightShapes: Object.fromEntries(
          Object.entries(network.parameters).map(([name, { shape }]) => [name, shape]),
        ),
        statistics: each(networks, (k) => state[modelState('statistics', k)] as tf.Tensor1D),
        predict: (images) => weights.map((w) => unlearned(network, w, images)),
      };
      const gathered = tf.gather(state['train/images']!, fed.indices!) as tf.Tensor4D;
      const images = augmentation.apply(gathered, fed, form);
      const plain: Batch = {
        images: normalised(images, form),
        targets: oneHot(tf.gather(state['train/labels']!, fed.indices!), form.classes),
        indices: fed.indices as tf.Tensor1D,
        examples: own(ownExamples, state),
      };
      const batch = recipe.transform?.(plain, step) ?? plain;
      const objective: ObjectiveOf = (some, loss = recipe.loss) =>
        trainingObjective(
          network,
          some,
          (logits, last) => lossesOf(loss, logits, some, step, last),
          spec.weightDecay,
        );
      const pass = recipe.gradient?.(objective, batch, weights, step) ?? objective(batch)(weights);

      const updates: Tensors = {};
      for (const [name, value] of Object.entries({ ...pass.state, ...pass.examples }))
        updates[methodState(name)] = value;
      for (const [k, gradient] of pass.gradients.entries()) {
        const next = nesterovDescent({
          weights: weights[k]!,
          gradient,
          momentum: state[modelState('momentum', k)] as tf.Tensor1D,
          clippingFactor: clippingFactor(gradient, spec.clipNorm),
          momentumFactor: spec.momentum,
          learningRate: fed.learningRate as tf.Scalar,
        });
        const decayed = tf.mul(state[modelState('statistics', k)]!, STATISTICS_DECAY);
        updates[modelState('parameters', k)] = next.weights;
        updates[modelState('momentum', k)] = next.momentum;
        updates[modelState('statistics', k)] = tf.add(
          decayed,
          tf.mul(pass.statistics[k]!, 1 - STATISTICS_DECAY),
        );
      }
      return { outputs: { loss: pass.loss }, updates };
    },
  };
}

/** Logits by the statistics of these images, apart from what is learned. */
function unlearned(network: Network, weights: tf.Tensor1D, images: tf.Tensor4D): tf.Tensor2D {
  return network.forward(unflatten(weights, network.parameters), images, true).logits;
}

/** What a loss gives, or cross-entropy. @throws Error if it has another shape than one number for each example */
function lossesOf(
  loss: Recipe['loss'],
  logits: tf.Tensor2D[],
  batch: Batch,
  step: Step,
  last: LastLayer[],
): Losses {
  if (!loss) return { losses: logits.map((some) => crossEntropy(some, batch.targets)) };
  const given = loss(logits, batch, step, last);
  const wanted = batch.indices.shape;
  const isRight =
    given?.losses?.length === logits.length &&
    given.losses.every((losses) => tf.util.arraysEqual(losses.shape, wanted));
  if (!isRight) {
    const found = given?.losses?.map(({ shape }) => `[${shape}]`).join(', ') ?? 'nothing';
    throw new Error(
      `loss gives losses of the shapes ${found}; expected: ${logits.length} of the shape [${wanted}]`,
    );
  }
  return given;
}

/**
 * The mean of the examples' losses, summed over networks, plus the L2 penalty 0.5 * weightDecay * ||w||^2 over all
 * parameters, batch norm's and biases included, as in the SAM authors' code. The penalty's gradient, weightDecay * w, is
 * added in closed form.
 */
export function trainingObjective(
  network: Network,
  { images }: Pick<Batch, 'images'>,
  lossesOfLogits: (logits: tf.Tensor2D[], last: LastLayer[]) => Losses,
  weightDecay: number,
): Objective {
  return (weights) => {
    const names = Object.keys(network.parameters);
    const tensors = weights.flatMap((w) => Object.values(unflatten(w, network.parameters)));
    // tfjs ends the scope of a gradient with its value: what else the pass yields must be kept over that.
    const kept = {
      statistics: [] as tf.Tensor1D[],
      logits: [] as tf.Tensor2D[],
      state: {} as Tensors,
      examples: {} as Tensors,
    };
    const ofNetwork = (all: tf.Tensor[], k: number): Tensors =>
      Object.fromEntries(names.map((name, i) => [name, all[k * names.length + i]!]));
    const { value, grads } = tf.valueAndGrads((...all: tf.Tensor[]) => {
      const passes = weights.map((_, k) => {
        const pass = network.forward(ofNetwork(all, k), images, true);
        kept.statistics.push(tf.keep(flatten(pass.statistics, network.statistics)));
        kept.logits.push(tf.keep(pass.logits.clone()));
        return pass;
      });
      const {
        losses,
        state = {},
        examples = {},
      } = lossesOfLogits(
        passes.map(({ logits }) => logits),
        passes.flatMap(({ features, classifier }) =>
          features && classifier ? [{ features, weights: classifier }] : [],
        ),
      );
      for (const [name, tensor] of Object.entries(state)) kept.state[name] = tf.keep(tensor.clone());
      for (const [name, tensor] of Object.entries(examples)) kept.examples[name] = tf.keep(tensor.clone());
      return losses
        .map((some) => tf.mean(some) as tf.Scalar)
        .reduce((sum, mean) => tf.add(sum, mean) as tf.Scalar);
    })(tensors);
    const released = <T extends tf.Tensor>(tensor: T): T => {
      const copy = tensor.clone();
      tensor.dispose();
      return copy;
    };
    const releasedAll = (all: Tensors): Tensors =>
      Object.fromEntries(Object.entries(all).map(([name, tensor]) => [name, released(tensor)]));
    const penalty = weights
      .map((w) => tf.mul(sumOfSquares(w), 0.5 * weightDecay))
      .reduce((sum, one) => tf.add(sum, one));
    return {
      loss: tf.add(value, penalty),
      gradients: weights.map((w, k) =>
        plusScaled(flatten(ofNetwork(grads, k), network.parameters), w, weightDecay),
      ),
      statistics: kept.statistics.map(released),
      logits: kept.logits.map(released),
      state: releasedAll(kept.state),
      examples: releasedAll(kept.examples),
    };
  };
}

/** Each network's forward pass by its running statistics. */
function evaluated(spec: ProgramSpec, network: Network, bytes: tf.Tensor, state: Tensors) {
  const images = normalised(bytes as tf.Tensor4D, spec.form);
  return each(spec.networks, (k) => {
    const weights = {
      ...unflatten(state[modelState('parameters', k)] as tf.Tensor1D, network.parameters),
      ...unflatten(state[modelState('statistics', k)] as tf.Tensor1D, network.statistics),
    };
    return network.forward(weights, images, false);
  });
}

function evaluatedState(spec: ProgramSpec): string[] {
  return each(spec.networks, (k) => [modelState('parameters', k), modelState('statistics', k)]).flat();
}

/** Above the smallest numbers that are kept at full precision. */
const LEAST_PROBABILITY = 1e-37;

/** Several networks predict together, by the mean of their probabilities. */
function together(logits: tf.Tensor2D[]): tf.Tensor2D {
  const [first] = logits as [tf.Tensor2D];
  if (logits.length === 1) return first;
  const sum = logits.map((some) => tf.softmax(some)).reduce((a, b) => tf.add(a, b));
  // Where all of them underflow, a logarithm of 0 would make the loss no number.
  return tf.log(tf.maximum(tf.div(sum, logits.length), LEAST_PROBABILITY));
}

function evaluationEntry(spec: ProgramSpec, network: Network, images: TensorSpec): Entry {
  return {
    inputs: { images, labels: ints(spec.evaluationBatch) },
    state: evaluatedState(spec),
    run(fed, state) {
      const all = evaluated(spec, network, fed.images!, state).map(({ logits }) => logits);
      const logits = together(all);
      const targets = oneHot(fed.labels!, spec.form.classes);
      return {
        outputs: {
          predictions: tf.argMax(logits, 1),
          losses: crossEntropy(logits, targets),
          ...Object.fromEntries(all.map((some, k) => [k, tf.logSoftmax(some)])),
        },
      };
    },
  };
}

function featuresEntry(spec: ProgramSpec, network: Network, images: TensorSpec): Entry {
  return {
    inputs: { images },
    state: evaluatedState(spec),
    run(fed, state) {
      const { features } = evaluated(spec, network, fed.images!, state)[0]!;
      if (!features) throw new Error(NO_LAST_LAYER);
      return { outputs: { features } };
    },
  };
}

/** Bytes to zero mean and unit variance per channel, a row of an image at a time: TensorFlow is slow where it repeats as little as three numbers. */
export function normalised(bytes: tf.Tensor4D, { mean, deviation }: ImageForm): tf.Tensor4D {
  const [count, height, width, channels] = bytes.shape;
  const row = (values: number[]) => Array.from({ length: width }, () => values).flat();
  const scale = row(deviation.map((d) => 1 / (255 * d)));
  const shift = row(mean.map((m, i) => -m / deviation[i]!));
  const rows = tf.reshape(tf.cast(bytes, 'float32'), [count, height, width * channels]);
  return tf.reshape(tf.add(tf.mul(rows, scale), shift), bytes.shape);
}

/** Labels as rows of zeros with one 1. */
export function oneHot(labels: tf.Tensor, classes: number): tf.Tensor2D {
  return tf.oneHot(labels as tf.Tensor1D, classes).toFloat() as tf.Tensor2D;
}
