// The spectrum of the loss's Hessian: its largest eigenvalues, trace and density (Ghorbani, Krishnan and Xiao, 2019).
import { stream } from '../io/random.js';
import { lanczos, type Ritz, ritzValues, spectralDensity, type Tridiagonal } from '../statistics/lanczos.js';
import { mean, sampleStd } from '../statistics/statistics.js';
import { signs } from '../training/flatness.js';
import { defineAnalysis } from './analysis.js';
import { whole } from './options.js';
import { type ExampleSet, type Spectrum, spectra } from './schema.js';

/** Eigenvalues that are told. */
const LARGEST = 10;
/** The figure of the SAM paper compares the first with this one. */
const FIFTH = 5;

interface Settings {
  steps: number;
  probes: number;
}

interface Piece {
  examples: ExampleSet;
  probe: number;
}

interface Part {
  images: number;
  loss: number;
  size: number;
  probe: Tridiagonal;
}

export const spectrumAnalysis = defineAnalysis<Settings, Piece, Part, Spectrum>({
  name: 'spectrum',
  says: "largest eigenvalues, trace and density of the loss's Hessian",
  options: {
    steps: whole(1, 1000, 50, 'steps of each Lanczos process: products with the Hessian'),
    probes: whole(1, 1000, 2, 'random vectors that trace and density are means over'),
  },
  result: spectra,
  pieces: (sets, { probes }) =>
    sets.flatMap((examples) => Array.from({ length: probes }, (_, probe) => ({ examples, probe }))),
  async measure(
    { examples, probe },
    { spec, point, examples: of, landscape: make, pause },
    { steps },
    onShare,
  ) {
    const landscape = await make();
    const some = of(examples);
    const { loss } = await landscape.loss(some, point, pause);
    const start = signs(stream(spec.seed, 'analysis', 'probe', probe), landscape.size);
    const product = (vector: Float32Array) => landscape.product(some, point, vector, pause);
    const found = await lanczos(product, start, steps, (done) => onShare(done / steps));
    return { images: landscape.counted(some.places.length), loss, size: landscape.size, probe: found };
  },
  combine: (parts) =>
    [...new Set(parts.map(({ piece }) => piece.examples))].map((examples) =>
      spectrumOf(
        examples,
        parts.filter(({ piece }) => piece.examples === examples).map(({ part }) => part),
      ),
    ),
  tables: {
    'spectrum.csv': ({ of, batchNorm }) =>
      of.map(({ examples, images, loss, largest, smallest, ratio, trace }) => ({
        ...{ examples, images, batch_norm: batchNorm, loss },
        lambda_1: largest[0]!.value,
        lambda_1_error: largest[0]!.error,
        lambda_5: largest[FIFTH - 1]?.value ?? '',
        lambda_1_over_lambda_5: ratio ?? '',
        smallest: smallest.value,
        trace: trace.value,
        trace_error: trace.error ?? '',
      })),
    'eigenvalues.csv': ({ of, batchNorm }) =>
      of.flatMap(({ examples, images, largest }) =>
        largest.map(({ value, error }, i) => ({
          ...{ examples, images, batch_norm: batchNorm, rank: i + 1, eigenvalue: value, error },
        })),
      ),
    'density.csv': ({ of, batchNorm }) =>
      of.flatMap(({ examples, images, density, sigma }) =>
        density.map(([eigenvalue, value]) => ({
          ...{ examples, images, batch_norm: batchNorm, sigma, eigenvalue, density: value },
        })),
      ),
  },
});

/** What the probes of one loss say together. */
export function spectrumOf(examples: ExampleSet, parts: readonly Part[]): Spectrum {
  const [{ images, loss, size }] = parts as [Part];
  const probes = parts.map(({ probe }) => probe);
  const all = probes.map(ritzValues);
  // Ritz values lie within the spectrum: the probe that has come farthest out knows best.
  const best = (outer: (ritz: Ritz[]) => number) => all.toSorted((a, b) => outer(b) - outer(a))[0]!;
  const largest = best((ritz) => ritz[0]!.value).slice(0, LARGEST);
  const smallest = best((ritz) => -ritz.at(-1)!.value).at(-1)!;
  // The first entry of T is v'Hv of a unit vector; of random signs that is the mean eigenvalue, on average.
  const traces = probes.map(({ diagonal }) => size * diagonal[0]!);
  const fifth = largest[FIFTH - 1]?.value;
  return {
    ...{ examples, images, loss, size },
    largest: largest.map(({ value, error }) => ({ value, error })),
    smallest: { value: smallest.value, error: smallest.error },
    ratio: fifth !== undefined && fifth > 0 ? largest[0]!.value / fifth : null,
    trace: {
      value: mean(traces),
      error: traces.length > 1 ? sampleStd(traces) / Math.sqrt(traces.length) : null,
    },
    ...spectralDensity(probes),
    probes: probes.map(({ diagonal, offDiagonal }) => ({ diagonal, offDiagonal })),
  };
}
