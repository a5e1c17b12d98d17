// Mixtures of two distributions fitted to the losses of all examples by expectation maximisation: which labels are wrong.
import { quantile } from '../statistics/statistics.js';

/** A fitted mixture. */
export interface Mixture {
  /** The probability that an example of this loss is of the component of large losses. */
  posterior(loss: number): number;
}

/** Below this distance of the components' means, in shares of the range of losses, there are not two of them. */
const LEAST_DISTANCE = 0.02;

/** Losses as shares of the range between these two, kept off 0 and 1, where beta densities have poles. */
const INSIDE = 1e-3;
function shareOf(loss: number, least: number, most: number): number {
  return Math.min(1 - INSIDE, Math.max(INSIDE, (loss - least) / (most - least + 1e-6)));
}

/** Posteriors are looked up at so many places, as in the authors' code. */
const PLACES = 100;

/** A mixture of two beta distributions, with its posterior as a table. */
export interface BetaMixture extends Mixture {
  /** Parameters of the components, that of small losses first, and their shares. */
  alphas: [number, number];
  betas: [number, number];
  weights: [number, number];
  /** Losses are taken as shares of the range between these. */
  least: number;
  most: number;
  /** The posterior at 0, 1/100, ..., 1 of the range; it does not fall after its largest value. */
  table: Float32Array;
}

/**
 * Two beta distributions, as Arazo et al. (2019) fit them: to losses between their 5th and 95th percentile, taken as
 * shares of that range, in ten iterations from alpha (1, 2), beta (2, 1) and equal weights; the M step matches weighted moments. Undefined if the
 * components do not come apart.
 */
export function betaMixture(losses: Float32Array, iterations = 10): BetaMixture | undefined {
  const sorted = losses.slice().sort();
  const [low, high] = [quantile(sorted, 0.05), quantile(sorted, 0.95)];
  const kept = sorted.filter((loss) => loss >= low && loss <= high);
  const [least, most] = [kept[0]!, kept.at(-1)!];
  const x = Float64Array.from(kept, (loss) => shareOf(loss, least, most));
  const alphas: [number, number] = [1, 2];
  const betas: [number, number] = [2, 1];
  const weights: [number, number] = [0.5, 0.5];
  const logX = x.map(Math.log);
  const logRest = x.map((v) => Math.log(1 - v));
  // Of the second component; the first has the rest.
  const shares = new Float64Array(x.length);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const [firstNorm, secondNorm] = [logBeta(alphas[0], betas[0]), logBeta(alphas[1], betas[1])];
    for (let i = 0; i < x.length; i++) {
      const [log, rest] = [logX[i]!, logRest[i]!];
      const first = weights[0] * Math.exp((alphas[0] - 1) * log + (betas[0] - 1) * rest - firstNorm);
      const second = weights[1] * Math.exp((alphas[1] - 1) * log + (betas[1] - 1) * rest - secondNorm);
      // Densities below this are taken as it, as in the authors' code.
      const [a, b] = [Math.max(first, 1e-12), Math.max(second, 1e-12)];
      shares[i] = b / (a + b);
    }
    for (const k of [0, 1] as const) {
      const { weight, mean, variance } = weightedMoments(x, shares, k);
      alphas[k] = mean * ((mean * (1 - mean)) / variance - 1);
      betas[k] = (alphas[k] * (1 - mean)) / mean;
      weights[k] = weight / x.length;
    }
  }
  const means = [0, 1].map((k) => alphas[k]! / (alphas[k]! + betas[k]!)) as [number, number];
  const isSound = [...alphas, ...betas, ...weights].every((v) => Number.isFinite(v) && v > 0);
  if (!isSound || !(means[1] - means[0] > LEAST_DISTANCE)) return undefined;
  const posteriorAt = (share: number) => {
    const at = Math.min(1 - 1e-4, Math.max(1e-4, share));
    const [a, b] = [0, 1].map(
      (k) =>
        weights[k]! *
        Math.exp(
          (alphas[k]! - 1) * Math.log(at) +
            (betas[k]! - 1) * Math.log(1 - at) -
            logBeta(alphas[k]!, betas[k]!),
        ),
    ) as [number, number];
    return b / (a + b + 1e-12);
  };
  const table = Float32Array.from({ length: PLACES + 1 }, (_, i) => posteriorAt(i / PLACES));
  const peak = table.indexOf(Math.max(...table));
  table.fill(table[peak]!, peak);
  const posterior = (loss: number) => table[Math.floor(PLACES * shareOf(loss, least, most))]!;
  return { alphas, betas, weights, least, most, table, posterior };
}

/** A mixture of two normal distributions. */
export interface GaussianMixture extends Mixture {
  means: [number, number];
  variances: [number, number];
  weights: [number, number];
}

/**
 * Two normal distributions, as DivideMix fits them: to losses as shares of their range, in ten iterations from the smallest and the largest
 * loss, every variance at least 5e-4. Undefined if the components do not come apart.
 */
export function gaussianMixture(
  losses: Float32Array,
  iterations = 10,
  floor = 5e-4,
): GaussianMixture | undefined {
  const least = losses.reduce((a, b) => Math.min(a, b));
  const most = losses.reduce((a, b) => Math.max(a, b));
  const toShare = (loss: number) => (loss - least) / (most - least || 1);
  const x = Float64Array.from(losses, toShare);
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const spread = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length + floor;
  const means: [number, number] = [0, 1];
  const variances: [number, number] = [spread, spread];
  const weights: [number, number] = [0.5, 0.5];
  const posteriorOf = (v: number) => {
    const logs = [0, 1].map(
      (k) =>
        Math.log(weights[k]!) - 0.5 * Math.log(variances[k]!) - (v - means[k]!) ** 2 / (2 * variances[k]!),
    ) as [number, number];
    return 1 / (1 + Math.exp(logs[0] - logs[1]));
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    const shares = x.map(posteriorOf);
    for (const k of [0, 1] as const) {
      const { weight, mean: centre, variance } = weightedMoments(x, shares, k);
      means[k] = centre;
      variances[k] = variance + floor;
      weights[k] = weight / x.length;
    }
  }
  const isSound = [...means, ...variances, ...weights].every(Number.isFinite);
  if (!isSound || !(means[1] - means[0] > LEAST_DISTANCE)) return undefined;
  return { means, variances, weights, posterior: (loss) => posteriorOf(toShare(loss)) };
}

/** Sum of the weights, weighted mean and variance. @param shares of the second component (k = 1), the first has the rest */
function weightedMoments(x: Float64Array, shares: Float64Array, k: 0 | 1) {
  let [weight, sum, squares] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const r = k ? shares[i]! : 1 - shares[i]!;
    weight += r;
    sum += r * x[i]!;
  }
  const mean = sum / weight;
  for (let i = 0; i < x.length; i++) squares += (k ? shares[i]! : 1 - shares[i]!) * (x[i]! - mean) ** 2;
  return { weight, mean, variance: squares / weight };
}

/** The logarithm of the beta function. */
function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The logarithm of the gamma function of a positive number (Lanczos, 1964). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  const sum = LANCZOS.reduce((total, c, i) => total + c / (z + i + 1), 0.99999999999980993);
  const t = z + LANCZOS.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
