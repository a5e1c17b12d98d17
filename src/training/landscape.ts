// The loss of some images as a function of the weights: its value, its gradient, and exact products with its Hessian.
import type { ImageForm } from '../data/datasets/dataset.js';
import { compiledSession } from '../engine/compile.js';
import type { Entry, Program, Session, TensorSpec, Tensors, Values } from '../engine/program.js';
import { secondGradients } from '../engine/second_order.js';
import { tf } from '../engine/tensorflow.js';
import { crossEntropy } from '../methods/gradient.js';
import { flatten, type Network, unflatten, weightCount } from '../models/network.js';
import { InputError } from '../spec/errors.js';
import { normalised, oneHot } from './training_program.js';

/** What batch norm normalises by: running statistics, or those of each batch. */
export type BatchNorm = 'running' | 'batch';

/** Some images by their places, and the label of each that the loss is of. */
export interface Examples {
  places: Int32Array;
  labels: Uint8Array;
}

/** Where on the landscape: parameters and running statistics, each as one vector. */
export interface Point {
  parameters: Float32Array;
  statistics: Float32Array;
}

export interface LandscapeSpec {
  network: Network;
  form: ImageForm;
  /** Images that there are places of. */
  images: number;
  /** Images of one call. */
  batch: number;
  batchNorm: BatchNorm;
}

/** Called between batches: lets others have their turn, and ends it all by what it throws. */
export type Pause = () => Promise<void>;

type EntryName = 'loss' | 'gradient' | 'product';

/**
 * State: `images`. Each entry is given places, labels, the share that each example has in the loss, and the weights; `product` a vector
 * too. Cross-entropy, without the L2 penalty, whatever the run's own loss.
 */
export function landscapeProgram({ network, form, images, batch, batchNorm }: LandscapeSpec): Program {
  const size = weightCount(network.parameters);
  const floats = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
  const ints = (...shape: number[]): TensorSpec => ({ shape, dtype: 'int32' });
  const inputs = {
    places: ints(batch),
    labels: ints(batch),
    shares: floats(batch),
    parameters: floats(size),
    statistics: floats(weightCount(network.statistics)),
  };
  const entry = (more: Entry['inputs'], run: (of: Traced, fed: Tensors) => Tensors): Entry => ({
    inputs: { ...inputs, ...more },
    state: ['images/pixels'],
    run: (fed, state) => ({ outputs: run(traced(network, form, batchNorm, fed, state), fed) }),
  });
  return {
    secondOrder: true,
    state: {
      'images/pixels': { ...ints(images, form.imageSize, form.imageSize, form.channels), bytes: true },
    },
    entries: {
      loss: entry({}, ({ logits, targets, parameters }) => {
        const found = logits(parameters);
        return { losses: crossEntropy(found, targets), predictions: tf.argMax(found, 1) };
      }),
      gradient: entry({}, ({ loss, parameters }) => {
        const { value, grads } = tf.valueAndGrads(loss)(parameters);
        return { loss: value, gradient: flattened(grads, network) };
      }),
      product: entry({ vector: floats(size) }, ({ loss, parameters }, { vector }) => {
        const along = Object.values(unflatten(vector as tf.Tensor1D, network.parameters));
        // The gradient of <gradient, v>, whose own value nobody asks for and nothing computes.
        const slope = (...at: tf.Tensor[]): tf.Scalar =>
          tf
            .grads(loss)(at)
            .map((gradient, i) => tf.sum(tf.mul(gradient, along[i]!)) as tf.Scalar)
            .reduce((a, b) => tf.add(a, b));
        return { product: flattened(secondGradients(slope, parameters), network, parameters) };
      }),
    },
  };
}

interface Traced {
  parameters: tf.Tensor[];
  logits(parameters: tf.Tensor[]): tf.Tensor2D;
  loss(...parameters: tf.Tensor[]): tf.Scalar;
  targets: tf.Tensor2D;
}

function traced(
  network: Network,
  form: ImageForm,
  batchNorm: BatchNorm,
  fed: Tensors,
  state: Tensors,
): Traced {
  const images = normalised(tf.gather(state['images/pixels']!, fed.places!) as tf.Tensor4D, form);
  const targets = oneHot(fed.labels!, form.classes);
  const statistics = unflatten(fed.statistics as tf.Tensor1D, network.statistics);
  const names = Object.keys(network.parameters);
  const logits = (parameters: tf.Tensor[]) => {
    const named = Object.fromEntries(names.map((name, i) => [name, parameters[i]!]));
    return network.forward({ ...named, ...statistics }, images, batchNorm === 'batch').logits;
  };
  return {
    parameters: Object.values(unflatten(fed.parameters as tf.Tensor1D, network.parameters)),
    logits,
    loss: (...parameters) => tf.sum(tf.mul(crossEntropy(logits(parameters), targets), fed.shares!)),
    targets,
  };
}

/** What tfjs finds no way to is missing, and zero. */
function flattened(
  tensors: (tf.Tensor | null | undefined)[],
  { parameters }: Network,
  like: tf.Tensor[] = [],
): tf.Tensor1D {
  const names = Object.keys(parameters);
  const named = names.map((name, i) => [name, tensors[i] ?? tf.zerosLike(like[i]!)]);
  return flatten(Object.fromEntries(named), parameters);
}

/** A landscape, compiled, with its images. */
export class Landscape {
  private constructor(
    readonly spec: LandscapeSpec,
    /** Parameters of the network. */
    readonly size: number,
    private readonly session: Session,
  ) {}

  /** @param pixels of all images, one after the other */
  static async of(spec: LandscapeSpec, pixels: Uint8Array): Promise<Landscape> {
    const session = await compiledSession(landscapeProgram(spec), 'float32');
    session.write('images', { 'images/pixels': pixels });
    return new Landscape(spec, weightCount(spec.network.parameters), session);
  }

  /** Images that a loss of so many is the mean of: where a batch has statistics of its own, only whole ones. */
  counted(images: number): number {
    const { batch, batchNorm } = this.spec;
    return batchNorm === 'running' ? images : Math.floor(images / batch) * batch;
  }

  /** The mean loss, that of each image, and what is predicted. */
  async loss(
    of: Examples,
    at: Point,
    pause?: Pause,
  ): Promise<{ loss: number; losses: Float32Array; predictions: Uint8Array }> {
    const count = this.counted(of.places.length);
    const losses = new Float32Array(count);
    const predictions = new Uint8Array(count);
    let total = 0;
    await this.each('loss', of, at, {}, pause, (found, start, size) => {
      losses.set((found.losses as Float32Array).subarray(0, size), start);
      predictions.set(found.predictions!.subarray(0, size), start);
      for (let i = start; i < start + size; i++) total += losses[i]!;
    });
    return { loss: total / count, losses, predictions };
  }

  /** The mean loss and its gradient. */
  async gradient(of: Examples, at: Point, pause?: Pause): Promise<{ loss: number; gradient: Float64Array }> {
    const gradient = new Float64Array(this.size);
    let loss = 0;
    await this.each('gradient', of, at, {}, pause, (found) => {
      loss += found.loss![0]!;
      add(gradient, found.gradient!);
    });
    return { loss, gradient };
  }

  /** The product of the mean loss's Hessian with a vector. */
  async product(of: Examples, at: Point, vector: Float32Array, pause?: Pause): Promise<Float64Array> {
    const product = new Float64Array(this.size);
    await this.each('product', of, at, { vector }, pause, (found) => add(product, found.product!));
    return product;
  }

  dispose(): void {
    this.session.dispose();
  }

  private async each(
    entry: EntryName,
    { places, labels }: Examples,
    { parameters, statistics }: Point,
    more: Values,
    pause: Pause | undefined,
    take: (found: Values, start: number, size: number) => void,
  ): Promise<void> {
    const { batch } = this.spec;
    const count = this.counted(places.length);
    if (!count)
      throw new InputError(
        `${places.length} images are no whole batch of ${batch}, as statistics of batches need; allowed: a smaller batch, or running statistics`,
      );
    for (let start = 0; start < count; start += batch) {
      await pause?.();
      const size = Math.min(batch, count - start);
      // A last, smaller batch is filled up with images that have no share in the loss.
      const filled = <T extends Int32Array | Float32Array>(values: T, value: (i: number) => number): T => {
        for (let i = 0; i < batch; i++) values[i] = value(start + (i < size ? i : 0));
        return values;
      };
      const shares = new Float32Array(batch).fill(1 / count, 0, size);
      const fed = {
        places: filled(new Int32Array(batch), (i) => places[i]!),
        labels: filled(new Int32Array(batch), (i) => labels[i]!),
        ...{ shares, parameters, statistics, ...more },
      };
      take(this.session.call(entry, fed), start, size);
    }
  }
}

function add(sum: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}
