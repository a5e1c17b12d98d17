// The verdict by statistics: which cells of a suite differ from the baseline by more than seeds do.
import {
  cautiousSpread,
  type Difference,
  holm,
  mean,
  pooled,
  type Spread,
  spreadOf,
  tested,
  untested,
  welchTest,
} from '../statistics/statistics.js';

/** The share of suites without any change that may be called changed in some cell. */
export const ALPHA = 0.05;

export interface Value {
  seed: number;
  accuracy: number;
}

/** One cell's values; `after` is empty for a cell that is not judged and only tells of the baseline's spread. */
export interface Sample {
  method: string;
  before: readonly Value[];
  after: readonly Value[];
}

/**
 * How a cell was judged. `paired`: differences seed by seed. `two samples`: other seeds than the baseline's. `one seed`: on
 * one side there is one seed, and the other side's spread is taken for both.
 */
export type Design = 'paired' | 'two samples' | 'one seed';

export type StatisticalVerdict = 'pass' | 'regressed' | 'improved';

export interface Judgement extends Difference {
  /** Null if there is one seed on both sides: nothing says then what a difference means. */
  design: Design | null;
  /** Corrected for the number of cells (Holm); null where there is no p. */
  adjustedP: number | null;
  verdict: StatisticalVerdict | null;
}

/** What is known of a cell before its spread is. */
interface Prepared {
  design: Design | null;
  difference: number;
  /** Differences by seed, where they are paired. */
  bySeed: ReadonlyMap<number, number>;
  /** Spreads to be pooled over the cells of the method. */
  spreads: Spread[];
  /** The test once these are. */
  test(spreads: readonly Spread[]): Difference;
}

export interface SuiteJudgement {
  /** For each sample; null for those with no `after` or no `before`. */
  cells: (Judgement | null)[];
  /** For each method whose cells are paired at several noise rates: its mean difference over these rates. */
  methods: ReadonlyMap<string, Judgement>;
}

/**
 * Judges all cells of a suite together, and methods as a whole: a change that loses a little at every noise rate is seen in
 * their mean before it is in any of them. Two-sided t tests with Holm's correction over all of these, so that at most ALPHA
 * of all suites without a change have a verdict that is not `pass`. A cell's spread is the larger of its own and that of its
 * method over all noise rates (see `cautiousSpread`), and never below what rounding to whole images makes.
 *
 * @param resolution what one test image is worth, in percentage points
 */
export function judge(samples: readonly Sample[], resolution: number): SuiteJudgement {
  const rounding = resolution ** 2 / 12;
  const prepared = samples.map((sample) =>
    sample.before.length && sample.after.length ? prepare(sample, rounding) : null,
  );
  const tests = prepared.map((cell, i) => {
    if (!cell) return null;
    if (!cell.design) return untested(cell.difference);
    const row = prepared.flatMap((other, j) =>
      samples[j]!.method === samples[i]!.method ? [other ?? onlyBefore(samples[j]!)] : [],
    );
    return cell.test(
      cell.spreads.map((own, side) => {
        const group = row.flatMap(({ design, spreads }) =>
          design === cell.design && spreads[side] ? [spreads[side]] : [],
        );
        return cautiousSpread(own, group);
      }),
    );
  });
  const methods = [...new Set(samples.map(({ method }) => method))].flatMap((method) => {
    const row = prepared.filter((cell, i) => cell?.design === 'paired' && samples[i]!.method === method);
    return row.length > 1 ? [{ method, test: methodTest(row as Prepared[], rounding) }] : [];
  });
  const all = [...tests, ...methods.map(({ test }) => test)];
  const adjusted = holm(all.flatMap((test) => test?.p ?? []));
  const judged = (test: Difference, design: Design | null): Judgement => {
    const adjustedP = test.p === null ? null : adjusted.shift()!;
    return { ...test, design, adjustedP, verdict: verdictOf(test.difference, adjustedP) };
  };
  return {
    cells: tests.map((test, i) => test && judged(test, prepared[i]!.design)),
    methods: new Map(methods.map(({ method, test }) => [method, judged(test, 'paired')])),
  };
}

/**
 * The mean over a method's noise rates. Differences of the same seed on two machines have lost what the seed does, so those of
 * several rates are independent; where they are not, the spread of their means over seeds is larger, and is taken.
 */
function methodTest(row: readonly Prepared[], rounding: number): Difference {
  const { variance, degreesOfFreedom } = atLeast(2 * rounding, pooled(row.map(({ spreads }) => spreads[0]!)));
  const independent = variance / row.reduce((sum, { bySeed }) => sum + bySeed.size, 0);
  const seeds = [...row[0]!.bySeed.keys()].filter((seed) => row.every(({ bySeed }) => bySeed.has(seed)));
  const means = seeds.map((seed) => mean(row.map(({ bySeed }) => bySeed.get(seed)!)));
  const together = means.length > 1 ? spreadOf(means).variance / means.length : 0;
  const difference = mean(row.map((cell) => cell.difference));
  return tested(difference, Math.sqrt(Math.max(independent, together)), degreesOfFreedom);
}

function verdictOf(difference: number, adjustedP: number | null): StatisticalVerdict | null {
  if (adjustedP === null) return null;
  if (adjustedP > ALPHA) return 'pass';
  return difference < 0 ? 'regressed' : 'improved';
}

/** @param rounding the variance of a single accuracy's rounding */
function prepare({ before, after }: Sample, rounding: number): Prepared {
  const pairs = before.flatMap((b) => {
    const a = after.find(({ seed }) => seed === b.seed);
    return a ? [{ seed: b.seed, b: b.accuracy, a: a.accuracy }] : [];
  });
  if (pairs.length > 1) return paired(pairs, rounding);
  const [x, y] = [before.map(({ accuracy }) => accuracy), after.map(({ accuracy }) => accuracy)];
  if (x.length > 1 && y.length > 1) return twoSamples(x, y, rounding);
  if (x.length > 1 || y.length > 1) return oneSeed(x, y, rounding);
  const difference = y[0]! - x[0]!;
  return { design: null, difference, bySeed: new Map(), spreads: [], test: () => untested(difference) };
}

function paired(pairs: readonly { seed: number; b: number; a: number }[], rounding: number): Prepared {
  const differences = pairs.map(({ b, a }) => a - b);
  const difference = mean(differences);
  const scale = Math.max(...pairs.flatMap(({ b, a }) => [b, a]));
  return {
    design: 'paired',
    difference,
    bySeed: new Map(pairs.map(({ seed, b, a }) => [seed, a - b])),
    spreads: [spreadOf(differences, scale)],
    test: ([spread]) => {
      const { variance, degreesOfFreedom } = atLeast(2 * rounding, spread!);
      return tested(difference, Math.sqrt(variance / pairs.length), degreesOfFreedom);
    },
  };
}

/** Welch's test, with each side's own spread. */
function twoSamples(x: readonly number[], y: readonly number[], rounding: number): Prepared {
  const difference = mean(y) - mean(x);
  return {
    design: 'two samples',
    difference,
    bySeed: new Map(),
    spreads: [spreadOf(x), spreadOf(y)],
    test: (spreads) => {
      const [sx, sy] = spreads.map((spread) => atLeast(rounding, spread));
      return welchTest(
        difference,
        { ...sx!, variance: sx!.variance / x.length },
        { ...sy!, variance: sy!.variance / y.length },
      );
    },
  };
}

/** A single value against several: without a change it is drawn as they were. */
function oneSeed(x: readonly number[], y: readonly number[], rounding: number): Prepared {
  const difference = mean(y) - mean(x);
  return {
    design: 'one seed',
    difference,
    bySeed: new Map(),
    spreads: [spreadOf(x.length > 1 ? x : y)],
    test: ([spread]) => {
      const { variance, degreesOfFreedom } = atLeast(rounding, spread!);
      return tested(difference, Math.sqrt(variance * (1 / x.length + 1 / y.length)), degreesOfFreedom);
    },
  };
}

/** What a cell that is not judged adds to the spread of its row. */
function onlyBefore({ before }: Sample): Pick<Prepared, 'design' | 'spreads'> {
  const values = before.map(({ accuracy }) => accuracy);
  return { design: 'one seed', spreads: values.length > 1 ? [spreadOf(values)] : [] };
}

/** Two seeds can differ by the same number of images by chance: no spread seen is not no spread. */
function atLeast(least: number, { variance, degreesOfFreedom }: Spread): Spread {
  return { variance: Math.max(least, variance), degreesOfFreedom };
}
