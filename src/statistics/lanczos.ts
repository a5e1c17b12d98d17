// The Lanczos process: extreme eigenvalues, trace and spectral density of a symmetric matrix that is known by its products alone.

/** A matrix by its products. */
export type Product = (vector: Float32Array) => Promise<Float64Array>;

/** The matrix in the basis that the process makes of its first vector: T, and how far the last vector leads out of it. */
export interface Tridiagonal {
  diagonal: number[];
  /** One shorter than the diagonal. */
  offDiagonal: number[];
  /** Norm of what was left after the last step: 0 where the vectors span all that the matrix does with the first. */
  rest: number;
}

/** Below this share of the matrix's size, what is left of a product is rounding of float32. */
const ROUNDING = 1e-6;

/**
 * Lanczos (1950) from a unit vector, with every new vector made orthogonal to all before, twice ("twice is enough", Kahan and Parlett), so
 * that no eigenvalue comes a second time.
 *
 * @param start of any length but 0
 * @param onStep told after each step how many are done
 */
export async function lanczos(
  product: Product,
  start: Float32Array,
  steps: number,
  onStep: (done: number) => void = () => {},
): Promise<Tridiagonal> {
  const basis: Float32Array[] = [];
  const found: Tridiagonal = { diagonal: [], offDiagonal: [], rest: 0 };
  let next: Float64Array = Float64Array.from(start);
  let length = norm(next);
  let largest = 0;
  while (basis.length < Math.min(steps, start.length)) {
    const vector = Float32Array.from(next, (value) => value / length);
    basis.push(vector);
    next = await product(vector);
    const alpha = dot(next, vector);
    for (let twice = 0; twice < 2; twice++)
      for (const known of basis) subtract(next, known, dot(next, known));
    length = norm(next);
    largest = Math.max(largest, Math.abs(alpha), length);
    found.diagonal.push(alpha);
    found.rest = length;
    onStep(basis.length);
    if (length <= ROUNDING * largest) {
      found.rest = 0;
      break;
    }
    if (basis.length < Math.min(steps, start.length)) found.offDiagonal.push(length);
  }
  return found;
}

/** The scalar product of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The length of a vector. */
export const norm = (vector: ArrayLike<number>) => Math.sqrt(dot(vector, vector));

function subtract(from: Float64Array, vector: Float32Array, times: number): void {
  for (let i = 0; i < from.length; i++) from[i]! -= times * vector[i]!;
}

/** An eigenvalue of T: a Ritz value of the matrix, which has an eigenvalue within `error` of it. */
export interface Ritz {
  value: number;
  error: number;
  /** Share of the first vector along it: the square of the first component of T's eigenvector. */
  weight: number;
}

/** Eigenvalues of T, largest first. */
export function ritzValues({ diagonal, offDiagonal, rest }: Tridiagonal): Ritz[] {
  const { values, first, last } = eigenOf(diagonal, offDiagonal);
  const rounding = ROUNDING * Math.max(...values.map(Math.abs));
  return values
    .map((value, i) => ({
      value,
      error: Math.max(rounding, rest * Math.abs(last[i]!)),
      weight: first[i]! ** 2,
    }))
    .sort((a, b) => b.value - a.value);
}

/** Sweeps for one eigenvalue; QL with shifts needs two or three. */
const SWEEPS = 60;

/**
 * Eigenvalues of a symmetric tridiagonal matrix, with the first and last components of their unit vectors, by QL with implicit
 * shifts (Bowdler et al., 1968; EISPACK's tql2, on two rows of the matrix of vectors).
 */
function eigenOf(
  diagonal: readonly number[],
  offDiagonal: readonly number[],
): { values: number[]; first: number[]; last: number[] } {
  const n = diagonal.length;
  const d = [...diagonal];
  const e = [...offDiagonal, 0];
  const unit = (at: number) => d.map((_, i) => Number(i === at));
  const [first, last] = [unit(0), unit(n - 1)];
  for (let l = 0; l < n; l++)
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === l) break;
      if (sweep === SWEEPS) throw new Error('QL does not converge');
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = Math.hypot(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for (const row of [first, last]) {
          const held = row[i + 1]!;
          row[i + 1] = s * row[i]! + c * held;
          row[i] = c * row[i]! - s * held;
        }
      }
      if (i >= l) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  return { values: d, first, last };
}

/** Standard deviation of the smoothing Gaussian, as a share of the spectrum's width, unless given. */
const SMOOTHING = 0.01;
/** Points of a density beside each other within one standard deviation. */
const POINTS = 3;
/** Standard deviations beyond the outermost Ritz values: what is left out is below 1e-8. */
const MARGIN = 6;

/**
 * The spectral density by stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao, 2019): the mean over probes of the Ritz
 * values' weights, each spread as a Gaussian.
 *
 * @param sigma its standard deviation
 * @returns points from below the smallest Ritz value to above the largest, equally far apart
 */
export function spectralDensity(
  probes: readonly Tridiagonal[],
  sigma?: number,
): { sigma: number; density: [number, number][] } {
  const all = probes.map(ritzValues);
  const values = all.flatMap((ritz) => ritz.map(({ value }) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = sigma ?? (SMOOTHING * (high - low) || 1e-3);
  const [from, to] = [low - MARGIN * width, high + MARGIN * width];
  const count = Math.ceil(((to - from) / width) * POINTS);
  const density = Array.from({ length: count + 1 }, (_, i): [number, number] => {
    const at = from + ((to - from) * i) / count;
    let sum = 0;
    for (const ritz of all)
      for (const { value, weight } of ritz) sum += weight * Math.exp(-0.5 * ((at - value) / width) ** 2);
    return [at, sum / (all.length * width * Math.sqrt(2 * Math.PI))];
  });
  return { sigma: width, density };
}
