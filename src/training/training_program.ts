// The training step and the evaluation of one kind of run, as a program for the engine. Written once, run anywhere.
import { CHANNELS, CLASSES, IMAGE_SIZE, PIXEL_DEVIATION, PIXEL_MEAN } from '../data/dataset.js';
import type { Entry, Program, TensorSpec } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import { nesterovDescent, plusScaled, sumOfSquares } from '../engine/weight_vectors.js';
import { clippingFactor, groupedSamGradient, type Objective, plainGradient } from '../methods/gradient.js';
import { mixed } from '../methods/mixup.js';
import type { Architecture } from '../models/architecture.js';
import { buildNetwork } from '../models/build.js';
import { flatten, type Network, STATISTICS_DECAY, unflatten, weightCount } from '../models/network.js';

/** Images per evaluation call. */
export const EVALUATION_BATCH = 250;

/** What tells one training program from another; everything else about a run goes in as an input. */
export interface ProgramSpec {
  model: Architecture;
  batchSize: number;
  batch: 'plain' | 'mixup';
  gradient: 'plain' | 'sam';
  /** Examples per ascent step of SAM; 0 is the whole batch. */
  groupSize: number;
  augment: boolean;
  trainImages: number;
  testImages: number;
  momentum: number;
  weightDecay: number;
  clipNorm: number;
}

/**
 * State: `train` and `test` (images as bytes, labels), `model` (parameters, momentum, statistics; one vector each).
 *
 * Entries: `step` trains on one batch (indices; with augmentation also the source row and column of every output row
 * and column; learningRate; lambda for mixup; rho for SAM) and gives the loss; `evaluateTrain` and `evaluateTest` give
 * predictions and losses of EVALUATION_BATCH images by index.
 */
export function trainingProgram(spec: ProgramSpec): Program {
  const network = buildNetwork(spec.model);
  const images = (count: number) => ({
    ...ints(count, IMAGE_SIZE, IMAGE_SIZE, CHANNELS),
    bytes: true as const,
  });
  const vector = (size: number): TensorSpec => ({ shape: [size], dtype: 'float32' });
  return {
    state: {
      'train/images': images(spec.trainImages),
      'train/labels': ints(spec.trainImages),
      'test/images': images(spec.testImages),
      'test/labels': ints(spec.testImages),
      'model/parameters': vector(weightCount(network.parameters)),
      'model/momentum': vector(weightCount(network.parameters)),
      'model/statistics': vector(weightCount(network.statistics)),
    },
    entries: {
      step: stepEntry(spec, network),
      evaluateTrain: evaluationEntry(network, 'train'),
      evaluateTest: evaluationEntry(network, 'test'),
    },
  };
}

const SCALAR: TensorSpec = { shape: [], dtype: 'float32' };

function ints(...shape: number[]): TensorSpec {
  return { shape, dtype: 'int32' };
}

function stepEntry(spec: ProgramSpec, network: Network): Entry {
  const { batchSize } = spec;
  const inputs: Entry['inputs'] = { indices: ints(batchSize), learningRate: SCALAR };
  if (spec.augment) {
    inputs.rows = ints(batchSize, IMAGE_SIZE);
    inputs.columns = ints(batchSize, IMAGE_SIZE);
  }
  if (spec.batch === 'mixup') inputs.lambda = SCALAR;
  if (spec.gradient === 'sam') inputs.rho = SCALAR;

  return {
    inputs,
    state: ['train/images', 'train/labels', 'model/parameters', 'model/momentum', 'model/statistics'],
    run(fed, state) {
      let images = normalised(gathered(state['train/images']!, fed.indices!, fed.rows, fed.columns));
      let targets = oneHot(tf.gather(state['train/labels']!, fed.indices!));
      if (fed.lambda) {
        images = mixed(images, fed.lambda as tf.Scalar);
        targets = mixed(targets, fed.lambda as tf.Scalar);
      }
      const weights = state['model/parameters'] as tf.Tensor1D;
      const size = spec.groupSize || batchSize;
      const objectives = Array.from({ length: batchSize / size }, (_, i) => {
        const [some, wanted] = [groupOf(images, i, size), groupOf(targets, i, size)];
        return trainingObjective(network, some, wanted, spec.weightDecay);
      });
      const { loss, gradient, statistics } = fed.rho
        ? groupedSamGradient(objectives, weights, fed.rho as tf.Scalar)
        : plainGradient(objectives[0]!, weights);

      const next = nesterovDescent({
        weights,
        gradient,
        momentum: state['model/momentum'] as tf.Tensor1D,
        clippingFactor: clippingFactor(gradient, spec.clipNorm),
        momentumFactor: spec.momentum,
        learningRate: fed.learningRate as tf.Scalar,
      });
      const decayed = tf.mul(state['model/statistics']!, STATISTICS_DECAY);
      return {
        outputs: { loss },
        updates: {
          'model/parameters': next.weights,
          'model/momentum': next.momentum,
          'model/statistics': tf.add(decayed, tf.mul(statistics, 1 - STATISTICS_DECAY)),
        },
      };
    },
  };
}

/**
 * Cross-entropy plus the L2 penalty 0.5 * weightDecay * ||w||^2 over all parameters, batch norm's and biases included,
 * as in the SAM authors' code. The penalty's gradient, weightDecay * w, is added in closed form.
 */
export function trainingObjective(
  network: Network,
  images: tf.Tensor4D,
  targets: tf.Tensor2D,
  weightDecay: number,
): Objective {
  return (weights) => {
    const parameters = unflatten(weights, network.parameters);
    const names = Object.keys(network.parameters);
    // tfjs ends the scope of a gradient with its value: what else the pass yields must be kept over that.
    let kept: tf.Tensor1D | undefined;
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
      const { logits, statistics } = network.forward(named, images, true);
      kept = tf.keep(flatten(statistics, network.statistics));
      return tf.mean(crossEntropy(logits, targets)) as tf.Scalar;
    })(names.map((name) => parameters[name]!));
    const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]!]));
    const penalty = tf.mul(sumOfSquares(weights), 0.5 * weightDecay);
    const statistics = kept!.clone();
    kept!.dispose();
    return {
      loss: tf.add(value, penalty),
      gradient: plusScaled(flatten(gradients, network.parameters), weights, weightDecay),
      statistics,
    };
  };
}

function evaluationEntry(network: Network, set: 'train' | 'test'): Entry {
  return {
    inputs: { indices: ints(EVALUATION_BATCH) },
    state: [`${set}/images`, `${set}/labels`, 'model/parameters', 'model/statistics'],
    run({ indices }, state) {
      const images = normalised(gathered(state[`${set}/images`]!, indices!));
      const weights = {
        ...unflatten(state['model/parameters'] as tf.Tensor1D, network.parameters),
        ...unflatten(state['model/statistics'] as tf.Tensor1D, network.statistics),
      };
      const { logits } = network.forward(weights, images, false);
      const targets = oneHot(tf.gather(state[`${set}/labels`]!, indices!));
      return { outputs: { predictions: tf.argMax(logits, 1), losses: crossEntropy(logits, targets) } };
    },
  };
}

/** The i-th group of `size` examples of a batch. */
function groupOf<T extends tf.Tensor>(batch: T, i: number, size: number): T {
  if (size === batch.shape[0]) return batch;
  const rest = batch.shape.slice(1);
  return tf.slice(batch, [i * size, ...rest.map(() => 0)], [size, ...rest]);
}

/** The images at `indices`; if given, output row r of image i is its source row rows[i, r], and columns alike. */
function gathered(images: tf.Tensor, indices: tf.Tensor, rows?: tf.Tensor, columns?: tf.Tensor): tf.Tensor4D {
  let picked = tf.gather(images, indices);
  if (rows) picked = tf.gather(picked, rows, 1, 1);
  if (columns) picked = tf.gather(picked, columns, 2, 1);
  return picked as tf.Tensor4D;
}

/** Bytes to zero mean and unit variance per channel. */
function normalised(bytes: tf.Tensor4D): tf.Tensor4D {
  const scale = PIXEL_DEVIATION.map((deviation) => 1 / (255 * deviation));
  const shift = PIXEL_MEAN.map((mean, i) => -mean / PIXEL_DEVIATION[i]!);
  return tf.add(tf.mul(tf.cast(bytes, 'float32'), scale), shift);
}

function oneHot(labels: tf.Tensor): tf.Tensor2D {
  return tf.oneHot(labels as tf.Tensor1D, CLASSES).toFloat() as tf.Tensor2D;
}

/** Cross-entropy of each example, [batch]. */
function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  return tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1));
}
