// What a network is to the rest of the program, and the layers that networks are built of.
import type { z } from 'zod';
import type { ImageForm } from '../data/datasets/dataset.js';
import { BATCH_NORM_EPSILON, batchNormTraining, relu } from '../engine/operations.js';
import type { Tensors } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';

/** How a weight starts: He et al. 2015 with fan-out, uniform in +-bound, or a constant. */
export type Initialiser =
  | { kind: 'he-fan-out' }
  | { kind: 'uniform'; bound: number }
  | { kind: 'constant'; value: number };

export interface WeightSpec {
  shape: number[];
  init: Initialiser;
}

/** A kind of network, by its settings. */
export interface NetworkKind<S extends z.ZodObject = z.ZodObject> {
  /** How suites and specs call it. */
  name: string;
  /** Where it is from. */
  cite?: string;
  settings: S;
  /** The usual short name of the network with these settings. */
  title(settings: z.infer<S>): string;
  /** A setting that does not go with the others, and what would. */
  check?(settings: z.infer<S>): { setting: string; allowed: string } | undefined;
  build(settings: z.infer<S>, form: ImageForm): Network;
  /** Settings of the smallest network of the kind, for trainings of a few steps. */
  smallest(settings: z.infer<S>): z.infer<S>;
}

/** A kind of network, with the types of its settings. @returns what it is given */
export function defineNetwork<S extends z.ZodObject>(kind: NetworkKind<S>): NetworkKind<S> {
  return kind;
}

/** A network as pure functions of named weights. */
export interface Network {
  /** Trainable weights, in the order of the forward pass. */
  parameters: Record<string, WeightSpec>;
  /** Running means and variances of batch normalisation. */
  statistics: Record<string, WeightSpec>;
  /**
   * @param weights parameters and statistics by name
   * @param images [batch, height, width, channels], normalised
   * @returns logits [batch, classes]; in training also the statistics of this batch, to be averaged into the running ones; and
   * what the last layer made the logits of, [batch, features], with its weights, [features, classes]
   */
  forward(
    weights: Tensors,
    images: tf.Tensor4D,
    training: boolean,
  ): { logits: tf.Tensor2D; statistics: Tensors; features?: tf.Tensor2D; classifier?: tf.Tensor2D };
}

/** Decay of the running statistics of batch normalisation (that of the SAM authors' code). */
export const STATISTICS_DECAY = 0.9;

/** One pass through the network. */
export interface Pass {
  weights: Tensors;
  training: boolean;
  /** Filled with the batch's statistics. */
  statistics: Tensors;
  /** Filled with what the last layer is given. */
  features?: tf.Tensor2D;
}

type Layer = (pass: Pass, x: tf.Tensor4D) => tf.Tensor4D;

/** Makes layers and remembers which weights they need. */
export class Layers {
  readonly parameters: Record<string, WeightSpec> = {};
  readonly statistics: Record<string, WeightSpec> = {};
  private classifierWeights = '';

  /** A square convolution without bias, padding SAME. */
  conv(name: string, inputs: number, outputs: number, size: number, stride: number): Layer {
    this.parameters[name] = { shape: [size, size, inputs, outputs], init: { kind: 'he-fan-out' } };
    return ({ weights }, x) => tf.conv2d(x, weights[name] as tf.Tensor4D, stride, 'same');
  }

  /** Batch normalisation with scale and offset. */
  batchNorm(name: string, channels: number): Layer {
    const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(
      (part) => `${name}/${part}`,
    ) as [string, string, string, string];
    const constant = (value: number): WeightSpec => ({
      shape: [channels],
      init: { kind: 'constant', value },
    });
    this.parameters[scale] = constant(1);
    this.parameters[offset] = constant(0);
    this.statistics[mean] = constant(0);
    this.statistics[variance] = constant(1);
    return (pass, x) => {
      const { weights } = pass;
      if (pass.training) {
        const normalised = batchNormTraining(x, weights[scale]!, weights[offset]!);
        pass.statistics[mean] = normalised.mean;
        pass.statistics[variance] = normalised.variance;
        return normalised.y as tf.Tensor4D;
      }
      return tf.batchNorm4d(
        x,
        weights[mean] as tf.Tensor1D,
        weights[variance] as tf.Tensor1D,
        weights[offset] as tf.Tensor1D,
        weights[scale] as tf.Tensor1D,
        BATCH_NORM_EPSILON,
      );
    };
  }

  /** Batch normalisation, then ReLU. */
  activation(name: string, channels: number): Layer {
    const normalise = this.batchNorm(name, channels);
    return (pass, x) => relu(normalise(pass, x)) as tf.Tensor4D;
  }

  /** Global average pooling and a dense layer; initialised uniformly in +-1/sqrt(outputs) like the SAM authors' code. */
  classifier(name: string, inputs: number, outputs: number): (pass: Pass, x: tf.Tensor4D) => tf.Tensor2D {
    const init: Initialiser = { kind: 'uniform', bound: 1 / Math.sqrt(outputs) };
    this.parameters[`${name}/weights`] = { shape: [inputs, outputs], init };
    this.parameters[`${name}/bias`] = { shape: [outputs], init: { kind: 'constant', value: 0 } };
    this.classifierWeights = `${name}/weights`;
    return (pass, x) => {
      const { weights } = pass;
      const pooled = tf.mean(x, [1, 2]) as tf.Tensor2D;
      pass.features = pooled;
      return tf.add(tf.matMul(pooled, weights[`${name}/weights`] as tf.Tensor2D), weights[`${name}/bias`]!);
    };
  }

  /** The finished network whose forward pass is `body`. */
  network(body: (pass: Pass, images: tf.Tensor4D) => tf.Tensor2D): Network {
    return {
      parameters: this.parameters,
      statistics: this.statistics,
      forward: (weights, images, training) => {
        const pass: Pass = { weights, training, statistics: {} };
        const logits = body(pass, images);
        const classifier = weights[this.classifierWeights] as tf.Tensor2D | undefined;
        return {
          ...{ logits, statistics: pass.statistics },
          ...(pass.features && classifier && { features: pass.features, classifier }),
        };
      },
    };
  }
}

/** Appends zero channels until there are `channels`. */
export function padChannels(x: tf.Tensor4D, channels: number): tf.Tensor4D {
  const missing = channels - x.shape[3];
  return missing
    ? tf.pad(x, [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, missing],
      ])
    : x;
}

/** How many numbers a set of weights holds. */
export function weightCount(weights: Record<string, WeightSpec>): number {
  return Object.values(weights).reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape), 0);
}

/** Weights cut out of the vector that holds them all. */
export function unflatten(flat: tf.Tensor1D, weights: Record<string, WeightSpec>): Tensors {
  const shapes = Object.entries(weights).map(([name, { shape }]) => [name, shape] as const);
  const parts = tf.split(
    flat,
    shapes.map(([, shape]) => tf.util.sizeFromShape(shape)),
  );
  // What is a vector stays as it is: operations that do nothing cost as much to optimise as others.
  return Object.fromEntries(
    shapes.map(([name, shape], i) => [name, shape.length === 1 ? parts[i]! : parts[i]!.reshape(shape)]),
  );
}

/** All weights, in the order of their specification, as one vector. */
export function flatten(tensors: Tensors, weights: Record<string, WeightSpec>): tf.Tensor1D {
  const asVector = (tensor: tf.Tensor) => (tensor.rank === 1 ? tensor : tensor.reshape([-1])) as tf.Tensor1D;
  return tf.concat(Object.keys(weights).map((name) => asVector(tensors[name]!)));
}
