// The figures of one evaluation, from the network's predictions.
import { datasetOf } from '../data/datasets/dataset.js';
import type { Session } from '../engine/program.js';
import { memorisation, percentage } from '../spec/labels.js';
import { type Evaluation, type LabelFit, LOSS_BIN, LOSS_BINS } from '../spec/record.js';
import type { TrainingJob } from './job.js';
import { type EvaluatedSet, evaluationBatch } from './training_program.js';

const EVALUATIONS = { train: 'evaluateTrain', test: 'evaluateTest', heldOut: 'evaluateHeldOut' };
const FEATURES = { train: 'featuresTrain', test: 'featuresTest', heldOut: 'featuresHeldOut' };

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
 * @param pause is waited for before each batch; what it throws ends the prediction
 */
export async function predict(
  session: Session,
  set: EvaluatedSet,
  count: number,
  pause: () => Promise<void> = async () => {},
): Promise<Predicted> {
  const predictions = new Uint8Array(count);
  const losses = new Float32Array(count);
  let total = 0;
  for (const { start, size, indices } of evaluationBatches(count)) {
    await pause();
    const result = session.call(EVALUATIONS[set], { indices });
    predictions.set(result.predictions!.subarray(0, size), start);
    losses.set((result.losses as Float32Array).subarray(0, size), start);
    for (let i = 0; i < size; i++) total += result.losses![i]!;
  }
  return { predictions, losses, loss: total / count };
}

/**
 * Logarithms of the class probabilities of all training images, count x classes, for each network.
 *
 * @param networks how many there are
 */
export function examine(session: Session, count: number, networks: number, classes: number): Float32Array[] {
  const found = Array.from({ length: networks }, () => new Float32Array(count * classes));
  for (const { start, size, indices } of evaluationBatches(count)) {
    const result = session.call('examineTrain', { indices });
    for (const [k, all] of found.entries())
      all.set(result[k]!.subarray(0, size * classes) as Float32Array, start * classes);
  }
  return found;
}

/** What the last layer of the first network is given, images x features. */
export function featuresOf(session: Session, set: EvaluatedSet, count: number): Float32Array {
  let all = new Float32Array();
  for (const { start, size, indices } of evaluationBatches(count)) {
    const found = session.call(FEATURES[set], { indices }).features as Float32Array;
    const width = found.length / indices.length;
    if (start === 0) all = new Float32Array(count * width);
    all.set(found.subarray(0, size * width), start * width);
  }
  return all;
}

/** A last, smaller batch is filled up with images whose results are not used. */
function* evaluationBatches(count: number): Generator<{ start: number; size: number; indices: Int32Array }> {
  const length = evaluationBatch(count);
  for (let start = 0; start < count; start += length) {
    const size = Math.min(length, count - start);
    const indices = Int32Array.from({ length }, (_, i) => (i < size ? start + i : start));
    yield { start, size, indices };
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
