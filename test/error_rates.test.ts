// The error rates of a check's verdicts, by simulation: false alarms in unchanged suites, and losses found.
import { expect } from 'chai';
import { normal, type Stream, stream } from '../src/io/random.js';
import { ALPHA, judge, type Sample } from '../src/regression/judge.js';
import { smallestDetectable } from '../src/statistics/statistics.js';

/** Standard deviations over seeds, in percentage points, by method and noise rate. */
type Spreads = Record<string, readonly number[]>;

// As measured in the suite `small`, three seeds (results/small).
const SMALL: Spreads = {
  sgd: [2.87, 4.17, 2.19, 0.42],
  mixup: [2.0, 1.13, 2.12, 1.36],
  'bootstrap-mixup': [1.81, 1.0, 1.61, 1.26],
  sam: [0.57, 0.77, 2.16, 0.89],
  'bootstrap-sam': [0.54, 0.82, 2.59, 0.97],
};
// As measured in the suite `check`, five seeds each (baselines/check.json).
const CHECK: Spreads = {
  sgd: [2.04],
  mixup: [2.2],
  'bootstrap-mixup': [2.16],
  sam: [3.8],
  'bootstrap-sam': [3.3],
};
/** What an image of 10,000 is worth, in percentage points. */
const RESOLUTION = 0.01;
/** Share of the variance that seeds have in common on two machines: images, wrong labels, initial weights. */
const SHARED = 0.3;

interface Setting {
  spreads: Spreads;
  seeds: number[];
  baselineSeeds: number[];
  /** Points lost, by cell. */
  loss?: (method: string, i: number) => number;
}

/** A suite's cells: what a seed has in common on both machines, and what each of them makes of it. */
function suiteOf({ spreads, seeds, baselineSeeds, loss = () => 0 }: Setting, next: Stream): Sample[] {
  return Object.entries(spreads).flatMap(([method, row]) =>
    row.map((spread, i) => {
      const common = new Map([...baselineSeeds, ...seeds].map((seed) => [seed, normal(next)]));
      const accuracy = (seed: number) => {
        const deviation = Math.sqrt(SHARED) * common.get(seed)! + Math.sqrt(1 - SHARED) * normal(next);
        return 40 + spread * deviation;
      };
      const rounded = (value: number) => Math.round(value / RESOLUTION) * RESOLUTION;
      return {
        method,
        before: baselineSeeds.map((seed) => ({ seed, accuracy: rounded(accuracy(seed)) })),
        after: seeds.map((seed) => ({ seed, accuracy: rounded(accuracy(seed) - loss(method, i)) })),
      };
    }),
  );
}

/** Shares of simulated suites with any cell that is not a pass, and with any that regressed. */
function rates(setting: Setting, name: string, suites = 400): { alarms: number; found: number } {
  const next = stream(1, 'error rates', name);
  let [alarms, found] = [0, 0];
  for (let i = 0; i < suites; i++) {
    const { cells, methods } = judge(suiteOf(setting, next), RESOLUTION);
    const verdicts = [...cells, ...methods.values()].map((judgement) => judgement!.verdict);
    if (verdicts.some((verdict) => verdict !== 'pass')) alarms++;
    if (verdicts.includes('regressed')) found++;
  }
  return { alarms: alarms / suites, found: found / suites };
}
describe('error rates of a check by statistics', () => {
  const [one, three, five, others] = [[1], [1, 2, 3], [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]];
  const designs: [string, number[], number[]][] = [
    ['one seed against three', one, three],
    ['one seed against five', one, five],
    ['three seeds, paired', three, three],
    ['five seeds, paired', five, five],
    ['five seeds against five others', others, five],
  ];
  for (const [suite, spreads] of Object.entries({ small: SMALL, check: CHECK }))
    for (const [design, seeds, baselineSeeds] of designs)
      it(`${suite}, ${design}: at most 5 % of unchanged suites are called changed`, () => {
        const { alarms } = rates({ spreads, seeds, baselineSeeds }, `${suite} ${design}`, 500);
        // Two standard errors of five hundred suites.
        expect(alarms).to.be.at.most(ALPHA + 0.02);
      });

  it('spreads that differ fourfold within a method do not raise false alarms much above that', () => {
    const spreads = Object.fromEntries(Object.keys(SMALL).map((method) => [method, [0.5, 1, 1, 2]]));
    const { alarms } = rates({ spreads, seeds: three, baselineSeeds: three }, 'uneven', 500);
    expect(alarms).to.be.at.most(0.08);
  });

  const paired = (seeds: number[], loss: Setting['loss'], name: string) =>
    rates({ spreads: SMALL, seeds, baselineSeeds: seeds, ...(loss && { loss }) }, name).found;

  it('two points lost in every cell are found by five seeds nearly always, by three in every other suite', () => {
    expect(paired(five, () => 2, 'two everywhere, five')).to.be.at.least(0.96);
    expect(paired(three, () => 2, 'two everywhere, three')).to.be.within(0.4, 0.7);
  });

  it('five points lost by SGD, whose seeds differ most, are found by five seeds in nine suites of ten, by three in a quarter', () => {
    const loss = (method: string) => (method === 'sgd' ? 5 : 0);
    expect(paired(five, loss, 'sgd, five')).to.be.within(0.83, 0.97);
    expect(paired(three, loss, 'sgd, three')).to.be.within(0.15, 0.35);
  });

  it('half a point is seldom found, and a single seed finds little: a pass proves as little', () => {
    expect(paired(three, () => 0.5, 'half, three')).to.be.below(0.12);
    expect(paired(five, () => 0.5, 'half, five')).to.be.below(0.2);
    const single = (points: number) =>
      rates({ spreads: SMALL, seeds: one, baselineSeeds: five, loss: () => points }, `single ${points}`)
        .found;
    expect(single(2)).to.be.below(0.2);
    expect(single(5)).to.be.within(0.8, 0.97);
  });

  it('what a test says it could have found is found four times out of five', () => {
    // Spreads known from many seeds, so that the stated figure is that of the true spread.
    const many = Array.from({ length: 60 }, (_, i) => i);
    const spreads = { sgd: [1] };
    const next = stream(1, 'error rates', 'detectable');
    const [sample] = suiteOf({ spreads, seeds: many, baselineSeeds: many }, next);
    const { standardError, degreesOfFreedom } = judge([sample!], RESOLUTION).cells[0]!;
    const loss = smallestDetectable(standardError!, degreesOfFreedom!);
    const { found } = rates({ spreads, seeds: many, baselineSeeds: many, loss: () => loss }, 'stated');
    expect(found).to.be.within(0.65, 0.95);
  });
});
