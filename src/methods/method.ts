// What a training method is: its settings, and a recipe of the parts in which it departs from plain SGD.
import type { z } from 'zod';
import type { TensorSpec, Tensors, Values } from '../engine/program.js';
import type { tf } from '../engine/tensorflow.js';
import type { Stream } from '../io/random.js';
import type { NoiseMeasurement } from '../spec/record.js';
import type { PartSpec } from '../spec/run_spec.js';

/** What the settings of a method must go with. */
export interface Checked extends Pick<Dims, 'batchSize'> {
  /** Whether the data set says which labels are right. */
  isTruthKnown: boolean;
}

/** A training method. Everything that the project says or does about it comes from here. */
export interface Method<S extends z.ZodObject = z.ZodObject> {
  /** How suites, records and CSV call it: small letters and dashes. */
  name: string;
  /** As in a table. */
  title: string;
  /** Where it is from: authors, year, title or venue; undefined where there is nothing to cite. */
  cite?: string;
  /** What it computes, as a paragraph of Markdown with a formula, and in what it differs from its source. */
  about?: string;
  /**
   * The settings of one run. A suite gives each as one value or as one for each noise setting. The message of a field says
   * what is allowed; `.meta({ title })` what it is called in print, `.describe()` what it does.
   */
  settings: S;
  /** The method whose network predicts the labels that this one learns; it takes the same settings. */
  teacher?: string;
  /** Networks that are trained together: 1 unless given. */
  networks?: number;
  /** What a training costs, in trainings by SGD of as many epochs. */
  cost(settings: z.infer<S>, of: Pick<Dims, 'epochs'>): number;
  /** A setting that does not go with a run's sizes or its data, and what would. */
  check?(settings: z.infer<S>, of: Checked): { setting: string; allowed: string } | undefined;
  /** How it trains; an empty recipe is SGD. */
  recipe(settings: z.infer<S>, dims: Dims): Recipe;
  /**
   * What a run's spec says of it, where that is not its name and settings: the oldest methods are told by their parts, and
   * the ids of their runs are to stay.
   */
  parts?(settings: z.infer<S>): { batch: PartSpec; gradient: PartSpec };
  /**
   * Settings for a run of a few steps, in which the effect of each must be above rounding. By default they are those of the
   * run, and batches are cut to `largest`.
   */
  shortened?(
    settings: z.infer<S>,
    sizes: { batchSize: number; largest: number },
  ): { settings: z.infer<S>; batchSize: number };
}

/** What a forward pass costs, in steps of SGD: the backward pass is twice as much work. */
export const FORWARD = 1 / 3;

/** Cosine decay from `base` at step 0 to zero after the last step, without warm-up (the SAM authors' code). */
export function cosineRate(base: number, step: number, steps: number): number {
  return 0.5 * base * (1 + Math.cos((Math.PI * step) / steps));
}

/** The sizes of a run. */
export interface Dims {
  /** Examples of a step. */
  batchSize: number;
  /** Images that are trained on. */
  trainImages: number;
  classes: number;
  epochs: number;
  /** Steps of an epoch in which all images are trained on. */
  stepsPerEpoch: number;
}

/** State of a recipe: kept by the session, replaced by what a step's loss gives, and part of every checkpoint. */
export interface RecipeState extends TensorSpec {
  /**
   * The values it starts with, zeros unless given.
   *
   * @param next draws of the run's seed, named after the state
   * @param labels the labels that the run learns, in the order of its images
   * @param noise what is wrong in these labels, for settings that ask for the truth
   */
  init?(next: Stream, labels: Uint8Array, noise: NoiseMeasurement): Float32Array | Int32Array;
}

/**
 * The parts of a method. `transform`, `loss` and `gradient` are traced: they run once, on tensors without values, and what
 * they record is what every step computes.
 */
export interface Recipe {
  /**
   * What the traced step depends on, as a value that JSON can hold. Methods and settings for which it is the same share one
   * compiled step. Unless given, no two settings share.
   */
  sharedBy?: unknown;
  /** What each step is given besides its images and the learning rate. */
  inputs?: Record<string, TensorSpec>;
  /**
   * Draws the inputs of an epoch's steps.
   *
   * @param stream gives the stream of a name; every seed, name and epoch has its own
   * @returns the inputs of each next step
   */
  draws?(stream: (name: string) => Stream, epoch: number): (step: number) => Values;
  state?: Record<string, RecipeState>;
  /** State of every training image: the first axis is the image's. A step sees and replaces only the rows of its batch. */
  examples?: Record<string, RecipeState>;
  /** What happens to a batch before the loss. */
  transform?(batch: Batch, step: Step): Batch;
  /**
   * The loss of each example, [batch] for each network; cross-entropy unless given. Their mean is learned, and the L2 penalty
   * is added to it.
   *
   * @param logits [batch, classes] for each network
   * @param last what made them, for each network; empty if the network does not say
   */
  loss?(logits: tf.Tensor2D[], batch: Batch, step: Step, last: LastLayer[]): Losses;
  /** How the gradient is taken: at the weights themselves unless given. */
  gradient?(objective: ObjectiveOf, batch: Batch, weights: tf.Tensor1D[], step: Step): Pass;
  /** Other forms of the step, by name: what each gives replaces the recipe's own. */
  phases?: Record<string, Pick<Recipe, 'transform' | 'loss' | 'gradient'>>;
  /** Which form a step takes: a name of `phases`, or undefined for the recipe's own. `step` counts from 0 over the run. */
  phaseAt?(at: { step: number; epoch: number }): string | undefined;
  /** The learning rate of a step; the run's schedule unless given. */
  learningRate?(at: { step: number; steps: number; epoch: number; epochs: number; base: number }): number;
  /** What happens between two epochs, outside the graph. */
  afterEpoch?(view: EpochView): EpochPlan | undefined;
  /** Another classifier in place of the network's last layer, made after the last epoch from what that layer is given. */
  classifier?(of: FeatureView): (features: Float32Array) => Uint8Array;
}

/** The examples of a step. */
export interface Batch {
  /** [batch, height, width, channels], normalised. */
  images: tf.Tensor4D;
  /** What is learned, [batch, classes]: one-hot until something mixes them. */
  targets: tf.Tensor2D;
  /** Places of the images in the training set, [batch]. */
  indices: tf.Tensor1D;
  /** Rows of the recipe's `examples`, by their names. */
  examples: Tensors;
}

/** What a traced step can see besides its batch. */
export interface Step {
  /** By the names of the recipe's `inputs`. */
  inputs: Tensors;
  /** By the names of the recipe's `state`. */
  state: Tensors;
  classes: number;
  /** Factor of the L2 penalty. */
  weightDecay: number;
  /** Shapes of the weights, by name, in the order of the vector that holds them all. */
  weightShapes: Record<string, number[]>;
  /** Running statistics before the step, one vector for each network. */
  statistics: tf.Tensor1D[];
  /**
   * Logits of other images at the step's weights, [images, classes] for each network, with the statistics of these images; no gradient
   * flows through them.
   */
  predict(images: tf.Tensor4D): tf.Tensor2D[];
}

/** The last, dense layer of a network. */
export interface LastLayer {
  /** What it is given, [batch, features]. */
  features: tf.Tensor2D;
  /** [features, classes]. */
  weights: tf.Tensor2D;
}

/** What a loss gives. */
export interface Losses {
  /** [batch] for each network. */
  losses: tf.Tensor1D[];
  /** New values of `state`, by name. */
  state?: Tensors;
  /** New rows of `examples`, by name. */
  examples?: Tensors;
}

/** Loss and gradients at some weights; the weights of a network are one vector. */
export interface Pass {
  loss: tf.Scalar;
  /** One vector for each network. */
  gradients: tf.Tensor1D[];
  /** Batch-norm statistics of the pass, one vector for each network. */
  statistics: tf.Tensor1D[];
  /** [batch, classes] for each network. */
  logits: tf.Tensor2D[];
  state: Tensors;
  examples: Tensors;
}

/** The training loss of some examples as a function of the weights, one vector for each network. */
export type Objective = (weights: tf.Tensor1D[]) => Pass;

/** Makes the objective of a batch. @param loss in place of the recipe's */
export type ObjectiveOf = (batch: Batch, loss?: NonNullable<Recipe['loss']>) => Objective;

/** What a recipe sees between epochs. */
export interface EpochView {
  /** Epochs done, from 1. */
  epoch: number;
  epochs: number;
  classes: number;
  /** The labels that the run learns, in the order of its images. */
  labels: Uint8Array;
  /** What is wrong in them, for settings that ask for the truth. */
  noise: NoiseMeasurement;
  /**
   * Logarithms of the class probabilities of all training images at the present weights, without augmentation: images x
   * classes, row by row. It takes a pass over the training set.
   *
   * @param network counted from 0
   */
  logProbabilities(network?: number): Float32Array;
  /** A copy of a state of the recipe. */
  read(name: string): Float32Array | Int32Array;
  /** Replaces a state of the recipe. */
  write(name: string, values: Float32Array | Int32Array): void;
  stream(name: string): Stream;
  /** What is written here is there after the next epochs, and after an interruption: numbers, texts, arrays, typed arrays. */
  memory: Record<string, unknown>;
  /** Says something of the run that its record is to keep, such as an estimate that failed. */
  note(text: string): void;
}

/** What a classifier in place of the last layer is made from. */
export interface FeatureView extends Pick<EpochView, 'classes' | 'labels' | 'note' | 'stream'> {
  /** What the last layer of the first network is given, images x features, row by row: of the training images. */
  features: Float32Array;
}

/** What the next epochs are to do. */
export interface EpochPlan {
  /** Places of the images that are trained on from now on. */
  select?: Int32Array;
  /** Weights, momentum and statistics begin anew, from other draws. The method's own state stays. */
  restart?: true;
}

/**
 * The recipe with the parts of both. A batch is transformed by the first, then by the second; of two losses, gradients, phases,
 * learning rates or hooks between epochs the second's is taken.
 */
export function combined(first: Recipe, second: Recipe): Recipe {
  const [drawsFirst, drawsSecond] = [first.draws, second.draws];
  const [transformFirst, transformSecond] = [first.transform, second.transform];
  const { sharedBy: _, ...parts } = { ...first, ...second };
  return {
    ...parts,
    ...(first.sharedBy !== undefined &&
      second.sharedBy !== undefined && { sharedBy: [first.sharedBy, second.sharedBy] }),
    inputs: { ...first.inputs, ...second.inputs },
    state: { ...first.state, ...second.state },
    examples: { ...first.examples, ...second.examples },
    ...(drawsFirst &&
      drawsSecond && {
        draws(stream, epoch) {
          const [drawFirst, drawSecond] = [drawsFirst(stream, epoch), drawsSecond(stream, epoch)];
          return (step) => ({ ...drawFirst(step), ...drawSecond(step) });
        },
      }),
    ...(transformFirst &&
      transformSecond && {
        transform: (batch, step) => transformSecond(transformFirst(batch, step), step),
      }),
  };
}

/** A method, with the types of its settings. @returns what it is given */
export function defineMethod<S extends z.ZodObject>(method: Method<S>): Method<S> {
  return method;
}
