// The figures of one evaluation, from the network's predictions.
import { datasetOf, type ImageSet } from '../data/datasets/dataset.js';
import type { Session } from '../engine/program.js';
import { memorisation, percentage } from '../spec/labels.js';
import { type Evaluation, type LabelFit, LOSS_BIN, LOSS_BINS } from '../spec/record.js';
import type { TrainingJob } from './job.js';
import type { ProgramSpec } from './training_program.js';

/** What is predicted for the images of a set, and the mean cross-entropy. */
export interface Predicted {
  predictions: Uint8Array;
  /** Cross-entropy of each image. */
  losses: Float32Array;
  loss: number;
}

export type Predictions<P = Predicted> = Record<'train' | 'test', P> & { heldOut?: P };

/**
 * Predicted labels and mean cross-entropy over a whole set, at the session's weights.
 *
 * @param of what the session is a program of
 * @param set with the labels that the loss is of
 * @param pause is waited for before each batch; what it throws ends the prediction
 */
export async function predict(
  session: Session,
  of: ProgramSpec,
  set: ImageSet,
  pause: () => Promise<void> = async () => {},
): Promise<Predicted> {
  const predictions = new Uint8Array(set.count);
  const losses = new Float32Array(set.count);
  let total = 0;
  for (const { start, size, images, labels } of evaluationBatches(of, set)) {
    await pause();
    const result = session.call('evaluate', { images, labels });
    predictions.set(result.predictions!.subarray(0, size), start);
    losses.set((result.losses as Float32Array).subarray(0, size), start);
    for (let i = 0; i < size; i++) total += result.losses![i]!;
  }
  return { predictions, losses, loss: total / set.count };
}

/** Logarithms of the class probabilities of all images of a set, count x classes, for each network. */
export function examine(session: Session, of: ProgramSpec, set: ImageSet): Float32Array[] {
  const { classes } = of.form;
  const found = Array.from({ length: of.networks }, () => new Float32Array(set.count * classes));
  for (const { start, size, images, labels } of evaluationBatches(of, set)) {
    const result = session.call('evaluate', { images, labels });
    for (const [k, all] of found.entries())
      all.set(result[k]!.subarray(0, size * classes) as Float32Array, start * classes);
  }
  return found;
}

/** What the last layer of the first network is given, images x features. */
export function featuresOf(session: Session, of: ProgramSpec, set: ImageSet): Float32Array {
  let all = new Float32Array();
  for (const { start, size, images } of evaluationBatches(of, set)) {
    const found = session.call('features', { images }).features as Float32Array;
    const width = found.length / of.evaluationBatch;
    if (start === 0) all = new Float32Array(set.count * width);
    all.set(found.subarray(0, size * width), start * width);
  }
  return all;
}

/** A last, smaller batch is filled up with black images, whose results are not used. */
function* evaluationBatches(
  { evaluationBatch, form }: ProgramSpec,
  { images, labels, count }: ImageSet,
): Generator<{ start: number; size: number; images: Uint8Array; labels: Int32Array }> {
  const bytes = form.imageSize ** 2 * form.channels;
  for (let start = 0; start < count; start += evaluationBatch) {
    const size = Math.min(evaluationBatch, count - start);
    const some = images.subarray(start * bytes, (start + size) * bytes);
    const batch = { images: some, labels: new Int32Array(evaluationBatch) };
    if (size < evaluationBatch) {
      batch.images = new Uint8Array(evaluationBatch * bytes);
      batch.images.set(some);
    }
    batch.labels.set(labels.subarray(start, start + size));
    yield { start, size, ...batch };
  }
}

/** The figures of an epoch. */
export function evaluationOf(
  job: TrainingJob,
  epoch: number,
  trainLoss: number,
  { train: { predictions: train }, test, heldOut }: Predictions<Omit<Predicted, 'losses'>>,
): Evaluation {
  return {
    epoch,
    trainLoss,
    testAccuracy: percentage(
      job.test.count,
      () => true,
      (i) => test.predictions[i] === job.test.labels[i],
    )!,
    testLoss: test.loss,
    ...(datasetOf(job.spec.data).unverified
      ? { wrongLabelsFitted: null, trueLabelsRecovered: null, trainAccuracyTrue: null }
      : memorisation(train, job.train.labels, job.noisyLabels)),
    ...(heldOut &&
      job.heldOut && {
        noisyHeldOutAccuracy: percentage(
          job.heldOut.count,
          () => true,
          (i) => heldOut.predictions[i] === job.heldOut!.labels[i],
        )!,
      }),
  };
}

/** What a network makes of the labels that it learned from, by what it predicts for the training images. */
export function labelFit(
  { spec, train, noisyLabels, targetLabels }: TrainingJob,
  { predictions, losses }: Predicted,
): LabelFit {
  const dataset = datasetOf(spec.data);
  const classes = dataset.classNames.length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const right = new Array<number>(LOSS_BINS).fill(0);
  const wrong = new Array<number>(LOSS_BINS).fill(0);
  for (const [i, prediction] of predictions.entries()) {
    confusion[noisyLabels[i]!]![prediction]!++;
    const loss = losses[i]!;
    // Also where it is not a number.
    const bin = loss < LOSS_BINS * LOSS_BIN ? Math.max(0, Math.floor(loss / LOSS_BIN)) : LOSS_BINS - 1;
    (targetLabels[i] === train.labels[i] ? right : wrong)[bin]!++;
  }
  return { ...(!dataset.unverified && { losses: { right, wrong } }), confusion };
}
