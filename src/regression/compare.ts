// A suite's results against its baseline, cell by cell: by bits where they must be the same, by statistics elsewhere.
import { InputError } from '../errors.js';
import type { RunRecord } from '../results/record.js';
import type { Interval } from '../statistics/interval.js';
import { mean } from '../statistics/mean.js';
import { smallestDetectable } from '../statistics/power.js';
import type { RunGraph } from '../suite/expand.js';
import { type Baseline, type SeedResult, seedResult } from './baseline.js';
import { bitDifference } from './bits.js';
import { type Environment, environmentDifference, environmentOf } from './environment.js';
import { ALPHA, type Design, type Judgement, judge, type StatisticalVerdict } from './judge.js';
import { checkSameSuite } from './mismatch.js';

export type Verdict = StatisticalVerdict | 'missing';

/** What there is to say of one cell, or of a method at all its noise rates together. */
export interface CellVerdict {
  method: string;
  /** The noise condition's label; null for a method as a whole. */
  noise: string | null;
  verdict: Verdict;
  /** What decided; null if nothing could be compared. */
  by: 'bits' | 'statistics' | null;
  /** The same spec, machine and libraries gave other bits: reproducibility is broken, whatever the accuracy. */
  defect: boolean;
  /** Why it is not a pass, or how little the pass says; one line. */
  reason: string;
  /** Seeds compared. */
  seeds: number;
  /** Of a cell; none of a method as a whole. */
  baseline: SeedResult[];
  results: SeedResult[];
  /** Means over the compared seeds, percent, and their difference in points. */
  baselineMean: number;
  mean: number | null;
  difference: number | null;
  /** 95 % interval of the difference, of this cell alone; like all that follows null where bits decided. */
  interval: Interval | null;
  p: number | null;
  /** Corrected for the number of cells. */
  adjustedP: number | null;
  design: Design | null;
  /** What statistics say, also where bits decided; null where they can say nothing. */
  byStatistics: StatisticalVerdict | null;
  /** The smallest true difference, in points, that had a chance of 80 % to be found by statistics; null where there are none. */
  smallestDetectable: number | null;
}

export interface Comparison {
  suite: string;
  /** The baseline's file. */
  baseline: string;
  baselineProvenance: Baseline['provenance'];
  /** Of the first result; null if there is none. */
  environment: Environment | null;
  /** Why bits cannot be compared, if they cannot. */
  environmentDifference: ReturnType<typeof environmentDifference> | null;
  alpha: number;
  cells: CellVerdict[];
  /** Methods over their noise rates, where statistics decided on all of these. */
  methods: CellVerdict[];
  /** No cell or method regressed, is missing, or has other bits where they must be the same. */
  passed: boolean;
}

export interface Results {
  /** The cells to compare, of the suite's whole graph or a part of it. */
  graph: RunGraph;
  /** By run id. */
  records: ReadonlyMap<string, RunRecord>;
  /** Runs that failed when they were last tried. */
  failed: Pick<ReadonlySet<string>, 'has'>;
}

/**
 * Compares.
 *
 * @param file the baseline's, for errors
 * @param statisticsOnly judge by statistics even where bits could be compared
 * @throws InputError if the baseline is of other settings, or a difference could not be judged for lack of seeds
 */
export function compare(
  baseline: Baseline,
  file: string,
  results: Results,
  statisticsOnly = false,
): Comparison {
  const { graph } = results;
  checkSameSuite(baseline, graph.suite, file);
  const cells = selectedCells(baseline, results);
  const judgements = judge(
    baseline.cells.map(({ method, noise, results: before }) => ({
      method,
      before,
      after: cells.find((cell) => cell.method === method && cell.noise === noise)?.results ?? [],
    })),
    100 / graph.suite.data.testImages,
  );
  const tests = [...judgements.cells, ...judgements.methods.values()].filter(
    (test) => test?.p != null,
  ).length;
  const verdicts = cells.map((cell) =>
    verdictOf(cell, judgements.cells[cell.index]!, { baseline, file, statisticsOnly, tests }),
  );
  const methods = [...judgements.methods].flatMap(([method, judgement]) => {
    const row = verdicts.filter((cell) => cell.method === method);
    return row.every(({ by }) => by === 'statistics') ? [methodVerdict(row, judgement, tests)] : [];
  });
  const first = cells.flatMap(({ environments }) => environments)[0] ?? null;
  return {
    suite: graph.suite.name,
    baseline: file,
    baselineProvenance: baseline.provenance,
    environment: first,
    environmentDifference: (first && environmentDifference(baseline.provenance, first)) ?? null,
    alpha: ALPHA,
    cells: verdicts,
    methods,
    passed: ![...verdicts, ...methods].some(isFailure),
  };
}

/**
 * Says before anything is trained what `compare` would say after.
 *
 * @param here where the results would be made
 * @throws InputError as `compare`
 */
export function checkComparable(baseline: Baseline, file: string, graph: RunGraph, here: Environment): void {
  checkSameSuite(baseline, graph.suite, file);
  for (const cell of baseline.cells) {
    const wanted = graph.cells.filter(
      ({ method, condition }) => method === cell.method && condition === cell.noise,
    );
    const bits = !environmentDifference(baseline.provenance, here);
    const shared = wanted.some(({ seed }) => cell.results.some((result) => result.seed === seed));
    if (wanted.length === 1 && cell.results.length === 1 && !(bits && shared))
      throw unjudgeable(cell, baseline, file, [here]);
  }
}

/** A difference of two single values, which nothing can be made of. */
function unjudgeable(
  { method, noise }: { method: string; noise: string },
  { provenance }: Baseline,
  file: string,
  environments: readonly Environment[],
): InputError {
  const differs = environments.map((here) => environmentDifference(provenance, here)).find(Boolean);
  const why = differs
    ? `${differs.field} is ${differs.after} here and ${differs.before} in the baseline, so that bits may differ`
    : 'bits are not compared';
  return new InputError(
    `${file}: ${method} at noise ${noise} cannot be judged: ${why}, and with one seed on both sides nothing says by how much; make the baseline with several seeds (labelnoise run <suite> --seeds 3)`,
  );
}

/** What fails a check. */
export function isFailure({ verdict, defect }: CellVerdict): boolean {
  return defect || verdict === 'regressed' || verdict === 'missing';
}

/** The verdict on a method over all its noise rates. */
function methodVerdict(row: readonly CellVerdict[], judgement: Judgement, tests: number): CellVerdict {
  const seeds = Math.min(...row.map((cell) => cell.seeds));
  const detectable = detectableBy(judgement, tests);
  return {
    ...statisticsOf(judgement, detectable),
    ...decisionOf(judgement, detectable!, seeds),
    method: row[0]!.method,
    noise: null,
    seeds,
    baseline: [],
    results: [],
    baselineMean: mean(row.map(({ baselineMean }) => baselineMean)),
    mean: mean(row.map((cell) => cell.mean!)),
  };
}

/** A selected cell with what the baseline and the results folder hold of it. */
interface ComparedCell {
  /** Its place in the baseline. */
  index: number;
  method: string;
  noise: string;
  baseline: SeedResult[];
  results: SeedResult[];
  environments: Environment[];
  missing: { seed: number; failed: boolean }[];
}

function selectedCells(baseline: Baseline, { graph, records, failed }: Results): ComparedCell[] {
  return baseline.cells.flatMap(({ method, noise, results }, index) => {
    const wanted = graph.cells.filter((cell) => cell.method === method && cell.condition === noise);
    if (!wanted.length) return [];
    const found = wanted.flatMap(({ run }) => records.get(run) ?? []);
    return {
      index,
      method,
      noise,
      baseline: results,
      results: found.map(seedResult),
      environments: found.map(({ provenance }) => environmentOf(provenance)),
      missing: wanted
        .filter(({ run }) => !records.has(run))
        .map(({ seed, run }) => ({ seed, failed: failed.has(run) })),
    };
  });
}

interface Context {
  baseline: Baseline;
  file: string;
  statisticsOnly: boolean;
  /** Number of cells with a test. */
  tests: number;
}

function verdictOf(cell: ComparedCell, judgement: Judgement | null, context: Context): CellVerdict {
  const detectable = detectableBy(judgement, context.tests);
  const shared = cell.baseline.filter(({ seed }) => cell.results.some((result) => result.seed === seed));
  // The means shown are those that the difference is of.
  const paired = judgement?.design === 'paired';
  const before = paired ? shared : cell.baseline;
  const after = cell.results.filter(({ seed }) => !paired || shared.some((result) => result.seed === seed));
  const common = {
    method: cell.method,
    noise: cell.noise,
    seeds: after.length,
    baseline: cell.baseline,
    results: cell.results,
    baselineMean: mean(before.map(({ accuracy }) => accuracy)),
    mean: after.length ? mean(after.map(({ accuracy }) => accuracy)) : null,
    ...statisticsOf(judgement, detectable),
  };
  if (cell.missing.length) {
    const what = cell.missing.map(({ seed, failed }) => `seed ${seed} ${failed ? 'failed' : 'was not run'}`);
    return { ...common, verdict: 'missing', by: null, defect: false, reason: what.join(', ') };
  }
  return {
    ...common,
    ...(byBits(cell, shared, context) ?? byStatistics(cell, judgement, detectable, context)),
  };
}

type Decision = Pick<CellVerdict, 'verdict' | 'by' | 'defect' | 'reason'>;

/** Nothing if bits need not be the same: other machine, other libraries, other spec, no shared seed. */
function byBits(
  cell: ComparedCell,
  shared: readonly SeedResult[],
  { baseline, statisticsOnly }: Context,
): (Decision & Partial<CellVerdict>) | undefined {
  const comparable = cell.environments.every((here) => !environmentDifference(baseline.provenance, here));
  if (statisticsOnly || !comparable || !shared.length) return undefined;
  const pairs = shared.map((before) => ({
    before,
    after: cell.results.find(({ seed }) => seed === before.seed)!,
  }));
  if (pairs.some(({ before, after }) => before.run !== after.run)) return undefined;
  const differences = pairs.flatMap(({ before, after }) => bitDifference(before, after) ?? []);
  const baselineMean = mean(pairs.map(({ before }) => before.accuracy));
  const now = mean(pairs.map(({ after }) => after.accuracy));
  const compared = {
    by: 'bits' as const,
    seeds: pairs.length,
    baselineMean,
    mean: now,
    difference: now - baselineMean,
    interval: null,
    p: null,
    adjustedP: null,
    design: null,
    smallestDetectable: null,
  };
  if (!differences.length) {
    const seeds = pairs.map(({ after }) => after.seed).join(', ');
    return { ...compared, verdict: 'pass', defect: false, reason: `the same bits, seed ${seeds}` };
  }
  return {
    ...compared,
    verdict: now > baselineMean ? 'improved' : 'regressed',
    defect: true,
    reason: `a defect: the same spec, machine and libraries gave other bits (${differences.join('; ')})`,
  };
}

function byStatistics(
  cell: ComparedCell,
  judgement: Judgement | null,
  detectable: number | null,
  { baseline, file }: Context,
): Decision {
  if (!judgement?.verdict) throw unjudgeable(cell, baseline, file, cell.environments);
  return decisionOf(judgement, detectable!, cell.results.length);
}

/** The figures of a test, as far as there is one. */
function statisticsOf(judgement: Judgement | null, detectable: number | null) {
  return {
    difference: judgement?.difference ?? null,
    interval: judgement?.interval ?? null,
    p: judgement?.p ?? null,
    adjustedP: judgement?.adjustedP ?? null,
    design: judgement?.design ?? null,
    byStatistics: judgement?.verdict ?? null,
    smallestDetectable: detectable,
  };
}

/** A test's verdict in words. */
function decisionOf(
  { verdict, difference, adjustedP }: Judgement,
  detectable: number,
  seeds: number,
): Decision {
  const reason =
    verdict === 'pass'
      ? `${seeds} seed${seeds === 1 ? '' : 's'}; only a change above ${detectable.toFixed(1)} points would have been found four times out of five`
      : `${points(difference)}, more than seeds explain (corrected p ${adjustedP! < 0.001 ? '< 0.001' : adjustedP!.toFixed(3)})`;
  return { verdict: verdict!, by: 'statistics', defect: false, reason };
}

function points(difference: number): string {
  return `${difference < 0 ? '-' : '+'}${Math.abs(difference).toFixed(2)} points`;
}

/** At the level of Holm's first step, which a lone change in the suite has to pass. */
function detectableBy(judgement: Judgement | null, tests: number): number | null {
  if (!judgement?.standardError || !judgement.degreesOfFreedom) return null;
  return smallestDetectable(judgement.standardError, judgement.degreesOfFreedom, ALPHA / tests);
}
