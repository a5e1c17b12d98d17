// Whether a record can be true: what its figures, labels and noise say of each other. A checksum only tells that it is as it was written.
import { cifar10 } from '../data/datasets/cifar10.js';
import { datasetOf, type LoadedDataset } from '../data/datasets/dataset.js';
import { measureNoise, noiseOf, noisyLabels, settingOf } from '../data/noises/noise.js';
import { ImagesOfRuns } from '../data/subset.js';
import { baseName } from '../methods/catalogue.js';
import { decodeLabels, memorisation } from '../spec/labels.js';
import type { Evaluation, RunRecord } from '../spec/record.js';
import { ALGORITHM_VERSION, canonicalJson, type RunSpec } from '../spec/run_spec.js';
import type { RunNode } from '../suite/expand.js';
import { type Difference, firstDifference } from './difference.js';

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** What is wrong with a record, each as field, value and what would be right. It is whole, and the run's. */
export function recordFaults(record: RunRecord, { method, spec }: RunNode): string[] {
  const faults: string[] = [];
  const expect = (ok: boolean, field: string, value: unknown, right: unknown) => {
    if (!ok) faults.push(`${field} is ${JSON.stringify(value)}; right: ${right}`);
  };
  const same = (field: string, value: unknown, right: unknown) =>
    expect(value === right, field, value, JSON.stringify(right));
  const { data, noise, training } = spec;
  const { transitions, rate } = record.noise;
  // Variants of one method may share a run, which then has the name of one of them.
  same('method', baseName(record.method), baseName(method));
  same('provenance.precision', record.provenance.precision, spec.precision);
  same('provenance.threads', record.provenance.threads, spec.threads);

  const given = transitions.map((_, g) => sum(transitions.map((row) => row[g]!)));
  const truth = transitions.map(sum);
  const images = sum(truth);
  const wrong = images - sum(transitions.map((row, t) => row[t]!));
  same('noise.transitions (sum)', images, data.trainImages);
  // Subsets are balanced; all of the training set mostly is as well.
  const dataset = datasetOf(data);
  const isBalanced = !dataset.unbalanced || data.trainImages < dataset.trainImages;
  for (const [t, count] of isBalanced ? truth.entries() : []) {
    const share = data.trainImages / truth.length;
    expect(
      Math.abs(count - share) < 1,
      `noise.transitions[${t}] (sum)`,
      count,
      `${share}, its class's share`,
    );
  }
  same('noise.rate', rate, dataset.unverified ? null : wrong / images);
  const allowed = noiseOf(noise).wrongLabels?.(settingOf(noise), data.trainImages, dataset);
  if (allowed) {
    const [least, most] = allowed;
    const from = least === most ? '' : least === 0 ? 'at most ' : `${least / data.trainImages} to `;
    expect(
      wrong >= least && wrong <= most,
      'noise.rate',
      rate,
      `${from}${most / data.trainImages}, the share of ${most} labels of ${data.trainImages}`,
    );
  }

  const { curve, fit } = record;
  const predicted = Array.from(truth, () => 0);
  for (const label of decodeLabels(record.predictions, truth.length)) predicted[label]!++;
  if (fit) {
    const list = (field: string, value: readonly number[], right: readonly number[]) =>
      expect(`${value}` === `${right}`, field, value, JSON.stringify(right));
    list('fit.confusion (sum of each row)', fit.confusion.map(sum), given);
    const columns = truth.map((_, p) => sum(fit.confusion.map((row) => row[p]!)));
    list('fit.confusion (sum of each column)', columns, predicted);
    const counted = fit.losses ? sum([...fit.losses.right, ...fit.losses.wrong]) : images;
    same('fit.losses (sum)', counted, images);
  }
  const epochs = Array.from({ length: training.epochs }, (_, i) => i + 1).filter(
    (epoch) => epoch % training.evaluateEvery === 0 || epoch === training.epochs,
  );
  const seen = curve.map(({ epoch }) => epoch);
  expect(`${seen}` === `${epochs}`, 'curve (epochs)', seen, JSON.stringify(epochs));
  for (const [i, evaluation] of curve.entries()) {
    /** A percentage of so many images is a whole number of them; null where there are none. */
    const isShare = (field: keyof Evaluation, of: number) => {
      const value = evaluation[field] ?? null;
      const hits = value === null ? 0 : Math.round((value * of) / 100);
      expect(
        of === 0 ? value === null : value === (100 * hits) / of,
        `curve[${i}].${field}`,
        value,
        of === 0
          ? 'null: there are no wrong labels'
          : `a whole number of ${of} images, such as ${(100 * hits) / of}`,
      );
      return hits;
    };
    isShare('testAccuracy', data.testImages);
    if (evaluation.noisyHeldOutAccuracy !== undefined)
      isShare('noisyHeldOutAccuracy', data.testOn ? 0 : (data.heldOut ?? 0));
    if (dataset.unverified) {
      for (const field of ['wrongLabelsFitted', 'trueLabelsRecovered', 'trainAccuracyTrue'] as const)
        same(`curve[${i}].${field}`, evaluation[field], null);
      continue;
    }
    const right = isShare('trainAccuracyTrue', data.trainImages);
    const fitted = isShare('wrongLabelsFitted', wrong);
    const recovered = isShare('trueLabelsRecovered', wrong);
    const { wrongLabelsFitted, trueLabelsRecovered, trainAccuracyTrue } = evaluation;
    expect(
      fitted + recovered <= wrong,
      `curve[${i}].wrongLabelsFitted`,
      wrongLabelsFitted,
      `with trueLabelsRecovered ${trueLabelsRecovered}, at most 100`,
    );
    expect(
      right >= recovered && right - recovered <= images - wrong,
      `curve[${i}].trainAccuracyTrue`,
      trainAccuracyTrue,
      `what trueLabelsRecovered ${trueLabelsRecovered} of ${wrong} images leaves room for`,
    );
    if (i < curve.length - 1) continue;
    // The last evaluation is of the labels that are kept: no class is right, or fitted, more often than it is predicted.
    const atMost = (counts: readonly number[]) => sum(predicted.map((n, c) => Math.min(n, counts[c]!)));
    expect(
      right <= atMost(truth),
      `curve[${i}].trainAccuracyTrue`,
      trainAccuracyTrue,
      `by the predictions, at most ${(100 * atMost(truth)) / images}`,
    );
    const wrongly = given.map((count, c) => count - transitions[c]![c]!);
    expect(
      fitted <= atMost(wrongly),
      `curve[${i}].wrongLabelsFitted`,
      wrongLabelsFitted,
      `by the predictions, at most ${(100 * atMost(wrongly)) / wrong}`,
    );
  }
  return faults;
}

/** Whether a run's noise can be drawn again: on CIFAR-10, by this version's algorithm, of no file. */
export function isDrawnHere({ spec: { algorithm, data, noise } }: RunNode): boolean {
  const isOurs = data.dataset === cifar10.name && !data.source && !noise.source;
  return isOurs && algorithm === ALGORITHM_VERSION && !noiseOf(noise).resolve;
}

/** What the labels of CIFAR-10 say of records: noise is drawn again, and the last figures counted from the predictions. */
export class LabelCheck {
  private readonly images: ImagesOfRuns;
  /** By what they are drawn of: many runs share them, and drawing takes longer than all else. */
  private readonly drawn = new Map<string, { truth: Uint8Array; noisy: Uint8Array }>();

  constructor(cifar: LoadedDataset) {
    this.images = new ImagesOfRuns(cifar);
  }

  /** What is wrong with a record of a run whose noise can be drawn again. */
  faults(record: RunRecord, { spec }: RunNode): string[] {
    const { truth, noisy } = this.labelsOf(spec);
    const classes = cifar10.classNames.length;
    const last = record.curve.length - 1;
    const { wrongLabelsFitted, trueLabelsRecovered, trainAccuracyTrue } = record.curve[last]!;
    const found = firstDifference(record.noise, measureNoise(truth, noisy, classes));
    const learned = firstDifference(
      { wrongLabelsFitted, trueLabelsRecovered, trainAccuracyTrue },
      memorisation(decodeLabels(record.predictions, classes), truth, noisy),
    );
    const fault = (field: string, { before, after }: Difference, why: string) =>
      `${field} is ${JSON.stringify(before)}; right: ${JSON.stringify(after)}, ${why}`;
    return [
      ...(found ? [fault(`noise.${found.path}`, found, "as its seed draws it of CIFAR-10's labels")] : []),
      ...(learned
        ? [fault(`curve[${last}].${learned.path}`, learned, "by its predictions and CIFAR-10's labels")]
        : []),
    ];
  }

  private labelsOf(spec: RunSpec): { truth: Uint8Array; noisy: Uint8Array } {
    const { data, seed, noise } = spec;
    const key = canonicalJson({ data, seed, noise });
    let labels = this.drawn.get(key);
    if (!labels) {
      const { train, indices } = this.images.of(spec);
      labels = { truth: train.labels, noisy: noisyLabels(spec, train, indices, new Map()) };
      this.drawn.set(key, labels);
    }
    return labels;
  }
}

/**
 * Runs at one noise, seed and data set have the same labels. @returns for those that differ from the first: id and fault
 */
export function pairingFaults(
  runs: readonly RunNode[],
  records: ReadonlyMap<string, RunRecord>,
): { run: string; fault: string }[] {
  const first = new Map<string, RunRecord>();
  return runs.flatMap(({ id, spec: { noise, seed, data } }) => {
    const record = records.get(id);
    if (!record) return [];
    const key = canonicalJson({ noise, seed, data });
    const other = first.get(key);
    if (!other) first.set(key, record);
    const found = other && firstDifference(record.noise, other.noise);
    if (!found) return [];
    return [
      {
        run: id,
        fault: `noise.${found.path} is ${JSON.stringify(found.before)}; right: ${JSON.stringify(found.after)}, as in the run ${other.id} of the same noise and seed`,
      },
    ];
  });
}
