// The verdict on a cell, with its reason: by trajectory, and bitwise where they must be the same, by statistics elsewhere.
import { InputError } from '../spec/errors.js';
import { type Interval, mean, smallestDetectable } from '../statistics/statistics.js';
import type { Baseline, SeedResult } from './baseline.js';
import { type Environment, environmentDifference } from './environment.js';
import { ALPHA, type Design, type Judgement, type StatisticalVerdict } from './judge.js';
import type { TrajectoryVerdict } from './trajectory.js';

export type Verdict = StatisticalVerdict | 'missing';

/** What there is to say of one cell, or of a method at all its noise rates together. */
export interface CellVerdict {
  method: string;
  /** The noise setting's label; null for a method as a whole. */
  noise: string | null;
  verdict: Verdict;
  /** What decided; null if nothing could be compared. */
  by: 'bits' | 'trajectory' | 'statistics' | null;
  /** Other bits where they must be the same, or another trajectory: the product is another one, whatever the accuracy. */
  defect: boolean;
  /** Why it is not a pass, or how little the pass says; one line. */
  reason: string;
  /** How the first steps compare; null if they were not compared. */
  trajectory: TrajectoryVerdict | null;
  /** Seeds compared. */
  seeds: number;
  /** Of a cell; none of a method as a whole. */
  baseline: SeedResult[];
  results: SeedResult[];
  /** Means over the compared seeds, percent, and their difference in percentage points. */
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
  /** The smallest true difference, in percentage points, that had a chance of 80 % to be found by statistics; null where there are none. */
  smallestDetectable: number | null;
}

/** What fails a check. */
export function isFailure({ verdict, defect }: CellVerdict): boolean {
  return defect || verdict === 'regressed' || verdict === 'missing';
}

/** A selected cell with what the baseline and the results folder hold of it. */
export interface ComparedCell {
  /** Its place in the baseline. */
  index: number;
  method: string;
  noise: string;
  baseline: SeedResult[];
  results: SeedResult[];
  environments: Environment[];
  missing: { seed: number; failed: boolean }[];
  trajectory: TrajectoryVerdict | null;
}

/** What verdicts on all cells have in common. */
export interface Context {
  baseline: Baseline;
  file: string;
  statisticsOnly: boolean;
  /** Number of cells with a test. */
  tests: number;
}

/** The verdict on a cell. @throws InputError if a difference cannot be judged */
export function verdictOf(cell: ComparedCell, judgement: Judgement | null, context: Context): CellVerdict {
  const detectable = detectableBy(judgement, context.tests);
  const shared = cell.baseline.filter(({ seed }) => cell.results.some((result) => result.seed === seed));
  // The means shown are those that the difference is of.
  const paired = judgement?.design === 'paired';
  const before = paired ? shared : cell.baseline;
  const after = cell.results.filter(({ seed }) => !paired || shared.some((result) => result.seed === seed));
  const common = {
    method: cell.method,
    noise: cell.noise,
    trajectory: cell.trajectory,
    seeds: after.length,
    baseline: cell.baseline,
    results: cell.results,
    baselineMean: mean(before.map(({ accuracy }) => accuracy)),
    mean: after.length ? mean(after.map(({ accuracy }) => accuracy)) : null,
    ...statisticsOf(judgement, detectable),
  };
  if (cell.missing.length) {
    const what = cell.missing.map(({ seed, failed }) => `seed ${seed} ${failed ? 'failed' : 'was not run'}`);
    const missing = { verdict: 'missing' as const, by: null, defect: false, reason: what.join(', ') };
    return { ...common, ...withTrajectory(missing, cell) };
  }
  const decision = byBits(cell, shared, context) ?? byStatistics(cell, judgement, detectable, context);
  return { ...common, ...withTrajectory(decision, cell) };
}

type Decision = Pick<CellVerdict, 'verdict' | 'by' | 'defect' | 'reason'>;

/** Another trajectory is a defect whatever else is said of the cell, and decides where that would be a pass. */
function withTrajectory<D extends Decision>(decision: D, { trajectory }: ComparedCell): D {
  if (!trajectory || trajectory.same) return decision;
  const reason = `a defect: ${trajectory.reason}`;
  return decision.verdict === 'pass'
    ? { ...decision, verdict: 'regressed', by: 'trajectory', defect: true, reason }
    : { ...decision, defect: true, reason: `${reason}; ${decision.reason}` };
}

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
  if (!judgement?.verdict) {
    if (!cell.trajectory) throw unjudgeable(cell, baseline, file, cell.environments);
    const reason = `${cell.trajectory.reason}; accuracy is not judged: one seed on both sides, and bits are not compared`;
    return { verdict: 'pass', by: 'trajectory', defect: false, reason };
  }
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

/** The verdict on a method over all its noise rates. */
export function methodVerdict(row: readonly CellVerdict[], judgement: Judgement, tests: number): CellVerdict {
  const seeds = Math.min(...row.map((cell) => cell.seeds));
  const detectable = detectableBy(judgement, tests);
  return {
    ...statisticsOf(judgement, detectable),
    ...decisionOf(judgement, detectable!, seeds),
    method: row[0]!.method,
    noise: null,
    trajectory: null,
    seeds,
    baseline: [],
    results: [],
    baselineMean: mean(row.map(({ baselineMean }) => baselineMean)),
    mean: mean(row.map((cell) => cell.mean!)),
  };
}

/** A difference of two single values, which nothing can be made of. */
export function unjudgeable(
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

/** A seed whose bits are not the baseline's, in words; undefined if they are. */
function bitDifference(before: SeedResult, after: SeedResult): string | undefined {
  if (before.accuracy !== after.accuracy)
    return `seed ${after.seed}: accuracy ${percent(before.accuracy)} became ${percent(after.accuracy)}`;
  // Records of early versions have no hash.
  if (before.weightsSha256 && after.weightsSha256 && before.weightsSha256 !== after.weightsSha256)
    return `seed ${after.seed}: the same accuracy from other weights (SHA-256 ${before.weightsSha256.slice(0, 8)}..., now ${after.weightsSha256.slice(0, 8)}...)`;
  return undefined;
}

/** Two decimals, more if the value has them: what differs must look different. */
function percent(value: number): string {
  const short = value.toFixed(2);
  return Number(short) === value ? short : String(value);
}
