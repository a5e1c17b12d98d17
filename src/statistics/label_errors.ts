// How many labels are wrong, and which: estimates from what networks say of images, without the true labels.
import { quantile } from './statistics.js';

/** Probabilities of classes for images, [images x classes], row by row. */
export interface Table {
  values: Float32Array;
  classes: number;
}

/** The class that each row of the table has as its largest. */
export function largest({ values, classes }: Table): Uint8Array {
  return Uint8Array.from({ length: values.length / classes }, (_, i) => {
    const row = values.subarray(i * classes, (i + 1) * classes);
    return row.reduce((best, value, c) => (value > row[best]! ? c : best), 0);
  });
}

/** Share of images for which two lists of labels agree. */
export function agreement(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, label, i) => sum + Number(label === b[i]), 0) / a.length;
}

/**
 * The noise rate by INCV's closed form (Chen et al., 2019): networks that have learned all there is, wrong labels included, agree with labels they
 * have not seen in (1 - e)^2 + e^2 / (C - 1) of them, if e of all labels are wrong; of two solutions it is the smaller one. Where networks learn less, it
 * is too large. Where they agree less than chance gives, it is the rate at which they agree least.
 */
export function rateOfAgreement(agreement: number, classes: number): number {
  const a = classes / (classes - 1);
  return (1 - Math.sqrt(Math.max(0, 1 - a * (1 - agreement)))) / a;
}

/**
 * The same without the assumption that the network has learned all there is: how often it is right is counted on clean test images.
 * It agrees with right labels as often as it is right, and with a wrong one by chance. Null where it is right no more often than that.
 */
export function testedRate(agreed: number, accuracy: number, classes: number): number | null {
  const byChance = (1 - accuracy) / (classes - 1);
  if (accuracy - byChance < 1e-9) return null;
  return Math.min(1, Math.max(0, (accuracy - agreed) / (accuracy - byChance)));
}

/** The authors' percentile of anchors for CIFAR-10 (Patrini et al., 2017): what is surer is taken for an outlier. */
export const ANCHOR_PERCENTILE = 97;

/**
 * Anchor points (Patrini et al., 2017): for each class the place of the image that is surest to be of it, those above the percentile left out.
 *
 * @param table probabilities or their logarithms
 */
export function anchors({ values, classes }: Table, percentile: number): number[] {
  const images = values.length / classes;
  return Array.from({ length: classes }, (_, c) => {
    const sure = Float32Array.from({ length: images }, (_, n) => values[n * classes + c]!);
    const limit = quantile(sure.slice().sort(), percentile / 100);
    let best = -1;
    for (let n = 0; n < images; n++) if (sure[n]! <= limit && (best < 0 || sure[n]! > sure[best]!)) best = n;
    return best;
  });
}

/**
 * The transition matrix by anchor points: row t is what the network says of the anchor of t. By that it is as far from the truth as the network is
 * from sure.
 */
export function anchorMatrix(table: Table): number[][] {
  const { values, classes } = table;
  return anchors(table, ANCHOR_PERCENTILE).map((at) => {
    const row = Array.from(values.subarray(at * classes, (at + 1) * classes));
    const sum = row.reduce((a, b) => a + b);
    return row.map((value) => value / sum);
  });
}

/** The rate that a transition matrix makes of classes of these shares. */
export function rateOfMatrix(matrix: readonly (readonly number[])[], shares: readonly number[]): number {
  return 1 - matrix.reduce((sum, row, t) => sum + shares[t]! * row[t]!, 0);
}

const ROUNDS = 200;

/**
 * The share of large losses by a mixture of two normal distributions, fitted by expectation and maximisation from the lower and the upper
 * half on (as in DivideMix, Li et al., 2020).
 */
export function mixtureRate(losses: ArrayLike<number>): number {
  const sorted = Float64Array.from(losses).sort();
  const half = Math.floor(sorted.length / 2);
  const mean = (some: Float64Array) => some.reduce((a, b) => a + b, 0) / some.length;
  let [low, high] = [mean(sorted.subarray(0, half)), mean(sorted.subarray(half))];
  const all = mean(sorted);
  const least = 1e-6 + 1e-3 * mean(sorted.map((v) => (v - all) ** 2));
  let [varianceLow, varianceHigh] = [least * 250, least * 250];
  let share = 0.5;
  for (let round = 0; round < ROUNDS; round++) {
    let [weight, sum, squares, sumLow, squaresLow] = [0, 0, 0, 0, 0];
    for (const loss of sorted) {
      const a = (share / Math.sqrt(varianceHigh)) * Math.exp(-((loss - high) ** 2) / (2 * varianceHigh));
      const b = ((1 - share) / Math.sqrt(varianceLow)) * Math.exp(-((loss - low) ** 2) / (2 * varianceLow));
      const p = a + b > 0 ? a / (a + b) : Number(loss > (low + high) / 2);
      weight += p;
      sum += p * loss;
      squares += p * loss * loss;
      sumLow += (1 - p) * loss;
      squaresLow += (1 - p) * loss * loss;
    }
    const rest = sorted.length - weight;
    if (weight < 1 || rest < 1) break;
    share = weight / sorted.length;
    [high, low] = [sum / weight, sumLow / rest];
    varianceHigh = Math.max(least, squares / weight - high * high);
    varianceLow = Math.max(least, squaresLow / rest - low * low);
  }
  return high >= low ? share : 1 - share;
}

/** Area under the ROC curve: how often a positive has a larger score than a negative, ties counting half. */
export function rocAuc(scores: ArrayLike<number>, isPositive: (i: number) => boolean): number | null {
  const order = Int32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[a]! - scores[b]!,
  );
  let [positives, rankSum] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end++;
    for (let i = start; i < end; i++)
      if (isPositive(order[i]!)) {
        positives++;
        rankSum += (start + end + 1) / 2;
      }
    start = end;
  }
  const negatives = order.length - positives;
  if (!positives || !negatives) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
