// Named random streams: every random draw of the project comes from one of these and from nothing else.
import seedrandom from 'seedrandom';

/** A seeded source of uniform doubles in [0, 1). */
export type Stream = () => number;

/**
 * The stream of one name under one seed. Streams of different names are independent, so what one consumer draws
 * never shifts what another sees.
 *
 * @param seed the run's seed
 * @param name what the draws are for, e.g. `noise`, `init`, or with an epoch: `order`, 3
 */
export function stream(seed: number, ...name: (string | number)[]): Stream {
  return seedrandom(['labelnoise', seed, ...name].join('/'));
}

/** An integer drawn uniformly from 0 to n-1. */
export function integer(next: Stream, n: number): number {
  return Math.floor(next() * n);
}

/** A uniformly random order of 0..n-1 (Fisher-Yates). */
export function permutation(next: Stream, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = integer(next, i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** A draw from the standard normal distribution (Box and Muller, 1958). */
export function normal(next: Stream): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** A draw from Gamma(shape, 1) (Marsaglia and Tsang, 2000; for shape < 1 boosted as in their section 6). */
export function gamma(next: Stream, shape: number): number {
  if (shape < 1) return gamma(next, shape + 1) * (1 - next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(next);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A draw from Beta(alpha, alpha). */
export function beta(next: Stream, alpha: number): number {
  const [x, y] = [gamma(next, alpha), gamma(next, alpha)];
  // Of a small alpha both may be too small for a number; the distribution is then as good as that of a coin.
  if (x + y === 0) return next() < 0.5 ? 0 : 1;
  return x / (x + y);
}
