// What the page shows of a folder's analyses: read from its files, with fewer digits.
import { analysisNamed } from '../analysis/kinds.js';
import type { Lines, Profiles, Sharpnesses, Spectra, Surfaces } from '../analysis/schema.js';
import { readAnalysis } from '../analysis/store.js';
import { InputError } from '../spec/errors.js';
import type { Evaluation } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import type { AnalysesData, SeenData, WatchedData, WatchedQuantity } from './analysis_data.js';
import type { Report } from './report.js';

export const NO_ANALYSES: AnalysesData = {
  ...{ spectra: [], sharpness: [], lines: [], profiles: [], surfaces: [], watched: [], faults: [] },
};

/** All that is known; of files that cannot be used there is a line each. */
export async function readAnalysesOf(
  out: string,
  { graph, records }: Pick<Report, 'graph' | 'records'>,
): Promise<AnalysesData> {
  const found: AnalysesData = structuredClone(NO_ANALYSES);
  /** What a kind of analysis says of each run that was asked. */
  const each = async <Result>(kind: string, use: (result: Result, run: Of, node: RunNode) => void) => {
    for (const node of graph.runs) {
      const record = records.get(node.id);
      try {
        const result = record && (await readAnalysis(out, analysisNamed(kind)!, record));
        // Its own schema has said that it is one.
        if (result) use(result as unknown as Result, { ...ofRun(node), batchNorm: result.batchNorm }, node);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        found.faults.push(error.message);
      }
    }
  };
  await each<Spectra>('spectrum', ({ of }, run) =>
    found.spectra.push({
      ...run,
      of: of.map(({ examples, images, largest, ratio, trace, density }) => ({
        ...{ examples, images, ratio: ratio && short(ratio), trace: short(trace.value) },
        largest: largest.map(({ value }) => short(value)),
        density: density.map(([at, value]): [number, number] => [short(at), short(value)]),
      })),
    }),
  );
  await each<Sharpnesses>('sharpness', ({ of }, run) =>
    found.sharpness.push({
      ...run,
      // What is not finite has no place in a figure.
      of: of.flatMap(({ sharpness, ...of }) => {
        if (sharpness === null) return [];
        const { examples, images, m, rho, ascent, adaptive } = of;
        return [{ examples, images, m, rho, ascent, adaptive, sharpness: short(sharpness) }];
      }),
    }),
  );
  await each<Lines>('line', ({ of }, run) => {
    for (const from of new Set(of.map((line) => line.from))) {
      const own = of.filter((line) => line.from === from);
      const other = graph.runs.find(({ id }) => id === from);
      if (!other) continue;
      found.lines.push({
        ...{ ...run, from: other.method, at: own[0]!.at.map(short) },
        of: own.map((line) => ({ ...seen(line), barrier: line.barrier && short(line.barrier) })),
      });
    }
  });
  await each<Profiles>('profile', ({ of }, run) =>
    found.profiles.push({
      ...{ ...run, at: of[0]!.at.map(short) },
      of: of.map((profile) => ({ ...seen(profile), direction: profile.direction })),
    }),
  );
  await each<Surfaces>('surface', ({ of }, run) =>
    found.surfaces.push({ ...run, at: of[0]!.at.map(short), of: of.map(seen) }),
  );
  return found;
}

/** What evaluations have besides, where a suite says so. */
export function watchedOf({ graph, records }: Pick<Report, 'graph' | 'records'>): WatchedData[] {
  return graph.cells.flatMap(({ method, noiseSetting, run }) => {
    const curve = records.get(run.id)?.curve ?? [];
    const values: WatchedData['values'] = {};
    for (const [quantity, of] of Object.entries(WATCHED_VALUES)) {
      const found = curve.map((evaluation) => of(evaluation) ?? null);
      if (found.some((value) => value !== null))
        values[quantity as WatchedQuantity] = found.map((value) => value && short(value));
    }
    const epochs = curve.map(({ epoch }) => epoch);
    const { seed } = run.spec;
    return Object.keys(values).length
      ? [{ method, noiseSetting: noiseSetting.label, seed, epochs, values }]
      : [];
  });
}

const WATCHED_VALUES: Record<WatchedQuantity, (evaluation: Evaluation) => number | undefined> = {
  sharpness: ({ sharpness }) => sharpness,
  lambda1: ({ lambda1 }) => lambda1,
  cosine: ({ gradientCosine }) => gradientCosine,
  ascendedCosine: ({ cosineAscended }) => cosineAscended,
  wrongToRight: ({ wrongGradient, rightGradient }) => ratio(wrongGradient, rightGradient),
  ascendedWrongToRight: ({ wrongAscended, rightAscended }) => ratio(wrongAscended, rightAscended),
};

const ratio = (a: number | undefined, b: number | undefined) => (a !== undefined && b ? a / b : undefined);

type Of = ReturnType<typeof ofRun> & { batchNorm: 'running' | 'batch' };

const ofRun = ({ method, noiseSetting, spec }: RunNode) => ({
  ...{ method, noiseSetting: noiseSetting.label, seed: spec.seed },
});

/** Finer than figures can show. */
const short = (value: number) => Number(value.toPrecision(5));

const seen = ({ examples, images, loss, accuracy }: SeenData): SeenData => ({
  ...{ examples, images, accuracy: accuracy.map(short) },
  loss: loss.map((value) => value && short(value)),
});
