// The error rates of a check's verdicts, by simulation: false alarms in unchanged suites, and losses found.
import { expect } from 'chai';
import { normal, type Stream, stream } from '../src/random.js';
import { ALPHA, judge, type Sample } from '../src/regression/judge.js';

/** Standard deviations over seeds, in points, by method and noise rate. */
type Spreads = Record<string, readonly number[]>;

// As measured in the setting of the suite `quick` at 40 % noise with 12 epochs, three seeds each: SGD 0.50 in bfloat16 and
// 1.09 in float32, SAM 3.66 and 2.80. The other rates and methods are filled with values between the two.
const QUICK: Spreads = {
  sgd: [0.5, 1.09, 0.8, 0.8],
  mixup: [0.5, 1.09, 0.8, 0.8],
  'bootstrap-mixup': [0.5, 1.09, 0.8, 0.8],
  sam: [3.66, 2.8, 3.2, 3.2],
  'bootstrap-sam': [3.66, 2.8, 3.2, 3.2],
};
// As measured in the suite `check`, five seeds each.
const CHECK: Spreads = {
  sgd: [2.34],
  mixup: [2.29],
  'bootstrap-mixup': [1.94],
  sam: [1.67],
  'bootstrap-sam': [1.39],
};
/** What an image of 10,000 is worth, in points. */
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
function rates(setting: Setting, name: string, suites = 600): { alarms: number; found: number } {
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
const one = [1],
  three = [1, 2, 3],
  five = [1, 2, 3, 4, 5];
for (const [sn, spreads] of Object.entries({ QUICK, CHECK }))
  for (const [seeds, baselineSeeds] of [
    [one, three],
    [one, five],
    [three, three],
    [five, five],
    [three, [4, 5, 6]],
    [five, [6, 7, 8, 9, 10]],
  ] as [number[], number[]][]) {
    const l = (loss?: Setting['loss']) =>
      rates({ spreads, seeds, baselineSeeds, ...(loss && { loss }) }, 'x');
    console.log(
      sn,
      seeds.length,
      baselineSeeds.length,
      seeds[0] === baselineSeeds[0],
      l().alarms,
      'half',
      l(() => 0.5).found,
      'two all',
      l(() => 2).found,
      'two in sgd row',
      l((m) => (m === 'sgd' ? 2 : 0)).found,
      'one cell',
      l((m, i) => (m === 'sgd' && i === 0 ? 2 : 0)).found,
      'five all',
      l(() => 5).found,
    );
  }
void expect;
void ALPHA;
