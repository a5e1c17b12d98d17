// The training step and the evaluation of one kind of run, as a program for the engine. Written once, run anywhere.
import { augmentationOf } from '../data/augmentation.js';
import type { ImageForm } from '../data/datasets/dataset.js';
import type { Entry, Program, StateSpec, TensorSpec, Tensors } from '../engine/program.js';
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

/** Images of an evaluation call, at most. */
const MOST_EVALUATED = 250;

/** Images of each evaluation call of a set of so many. */
export function evaluationBatch(count: number): number {
  return Math.min(count, MOST_EVALUATED);
}

/** The images that a network is tried on. */
export type EvaluatedSet = 'train' | 'test' | 'heldOut';

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
  testImages: number;
  /** Images that are neither trained nor tested on, if there are any. */
  heldOutImages?: number;
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
 * State: `train` and `test` (images as bytes, labels), `model` (parameters, momentum, statistics; one vector each for every network),
 * and `method` if the recipe has state of its own.
 *
 * Entries: `step`, and one for each phase of the recipe, trains on one batch (indices, learningRate, and what augmentation and
 * recipe ask for) and gives the loss; `evaluateTrain` and `evaluateTest` give predictions and losses of
 * `evaluationBatch` images by index, and `examineTrain` logarithms of probabilities.
 */
export function trainingProgram(spec: ProgramSpec, recipe: Recipe): Program {
  const network = buildNetwork(spec.model, spec.form);
  const { imageSize, channels } = spec.form;
  const images = (count: number) => ({
    ...ints(count, imageSize, imageSize, channels),
    bytes: true as const,
  });
  const vector = (size: number): TensorSpec => ({ shape: [size], dtype: 'float32' });
  const state: Program['state'] = {
    'train/images': images(spec.trainImages),
    'train/labels': ints(spec.trainImages),
    'test/images': images(spec.testImages),
    'test/labels': ints(spec.testImages),
    ...(spec.heldOutImages && {
      'heldOut/images': images(spec.heldOutImages),
      'heldOut/labels': ints(spec.heldOutImages),
    }),
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
      evaluateTrain: evaluationEntry(spec, network, 'train'),
      evaluateTest: evaluationEntry(spec, network, 'test'),
      examineTrain: examinationEntry(spec, network),
      ...(spec.heldOutImages && { evaluateHeldOut: evaluationEntry(spec, network, 'heldOut') }),
      ...(recipe.classifier && {
        featuresTrain: featuresEntry(spec, network, 'train'),
        featuresTest: featuresEntry(spec, network, 'test'),
        ...(spec.heldOutImages && { featuresHeldOut: featuresEntry(spec, network, 'heldOut') }),
      }),
    },
  };
}

const SCALAR: TensorSpec = { shape: [], dtype: 'float32' };

function ints(...shape: number[]): TensorSpec {
  return { shape, dtype: 'int32' };
}

function stateSpec({ shape, dtype }: RecipeState): StateSpec {
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

/** Logits of each network by its running statistics. */
function evaluated(spec: ProgramSpec, network: Network, images: tf.Tensor4D, state: Tensors): tf.Tensor2D[] {
  return evaluations(spec, network, images, state).map(({ logits }) => logits);
}

function evaluations(spec: ProgramSpec, network: Network, images: tf.Tensor4D, state: Tensors) {
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

function sizeOf(spec: ProgramSpec, set: EvaluatedSet): number {
  return { train: spec.trainImages, test: spec.testImages, heldOut: spec.heldOutImages! }[set];
}

function evaluationEntry(spec: ProgramSpec, network: Network, set: EvaluatedSet): Entry {
  return {
    inputs: { indices: ints(evaluationBatch(sizeOf(spec, set))) },
    state: [`${set}/images`, `${set}/labels`, ...evaluatedState(spec)],
    run({ indices }, state) {
      const images = normalised(tf.gather(state[`${set}/images`]!, indices!) as tf.Tensor4D, spec.form);
      const logits = together(evaluated(spec, network, images, state));
      const targets = oneHot(tf.gather(state[`${set}/labels`]!, indices!), spec.form.classes);
      return { outputs: { predictions: tf.argMax(logits, 1), losses: crossEntropy(logits, targets) } };
    },
  };
}

/** What a recipe or a noise looks at: `0`, `1`, ...: logarithms of each network's probabilities. */
function examinationEntry(spec: ProgramSpec, network: Network): Entry {
  return {
    inputs: { indices: ints(evaluationBatch(spec.trainImages)) },
    state: ['train/images', ...evaluatedState(spec)],
    run({ indices }, state) {
      const images = normalised(tf.gather(state['train/images']!, indices!) as tf.Tensor4D, spec.form);
      const all = evaluated(spec, network, images, state);
      return { outputs: Object.fromEntries(all.map((logits, k) => [k, tf.logSoftmax(logits)])) };
    },
  };
}

/** What the last layer of the first network is given. */
function featuresEntry(spec: ProgramSpec, network: Network, set: EvaluatedSet): Entry {
  return {
    inputs: { indices: ints(evaluationBatch(sizeOf(spec, set))) },
    state: [`${set}/images`, ...evaluatedState(spec)],
    run({ indices }, state) {
      const images = normalised(tf.gather(state[`${set}/images`]!, indices!) as tf.Tensor4D, spec.form);
      const { features } = evaluations(spec, network, images, state)[0]!;
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
