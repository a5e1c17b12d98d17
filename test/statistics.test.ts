// The statistics, against published figures.
import { expect } from 'chai';
import {
  cautiousSpread,
  holm,
  intervalAround,
  mean,
  noncentralT,
  pairedDifference,
  pooled,
  power,
  sampleStd,
  smallestDetectable,
  tQuantile,
  twoSidedP,
  welchDifference,
} from '../src/statistics/statistics.js';

// Hours of sleep gained by ten patients with either of two drugs, the data of Student (1908); the expected figures
// are those of R's t.test for its data set `sleep`.
const DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
const DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

describe('statistics', () => {
  it('have the mean and the sample standard deviation', () => {
    expect(mean([1, 2, 3, 6])).to.equal(3);
    expect(sampleStd([2, 4, 4, 4, 5, 5, 7, 9])).to.be.closeTo(Math.sqrt(32 / 7), 1e-12);
    expect(() => mean([])).to.throw(RangeError);
    expect(() => sampleStd([1])).to.throw(RangeError);
  });

  it('see no spread in equal values, whatever their sum rounds to', () => {
    expect(mean([0.1, 0.1, 0.1])).not.to.equal(0.1);
    expect(sampleStd([0.1, 0.1, 0.1])).to.equal(0);
    expect(pairedDifference([40.1, 35.2, 31.3], [41.1, 36.2, 32.3]).p).to.equal(null);
  });

  it('have the t distribution of the tables', () => {
    const table: [number, number, number][] = [
      [0.975, 1, 12.7062],
      [0.975, 2, 4.3027],
      [0.975, 4, 2.7764],
      [0.995, 9, 3.2498],
      [0.975, 120, 1.9799],
      [0.975, Infinity, 1.96],
    ];
    for (const [p, degrees, quantile] of table) {
      expect(tQuantile(p, degrees)).to.be.closeTo(quantile, 5e-5);
      expect(twoSidedP(tQuantile(p, degrees), degrees)).to.be.closeTo(2 * (1 - p), 1e-8);
    }
    expect(twoSidedP(0, 3)).to.be.closeTo(1, 1e-7);
    expect(tQuantile(0.975, 1e9)).to.be.closeTo(tQuantile(0.975, 1e5), 1e-4);
  });

  it("have Student's interval around a mean", () => {
    const standardError = sampleStd(DRUG_1) / Math.sqrt(DRUG_1.length);
    const { low, high } = intervalAround(mean(DRUG_1), standardError, DRUG_1.length - 1)!;
    expect(low).to.be.closeTo(-0.5297804, 1e-6);
    expect(high).to.be.closeTo(2.0297804, 1e-6);
    expect(intervalAround(10, 0, 2)).to.equal(null);
  });

  it('have the paired test', () => {
    const { difference, degreesOfFreedom, interval, p, standardError } = pairedDifference(DRUG_2, DRUG_1);
    expect(difference).to.be.closeTo(-1.58, 1e-9);
    expect(difference / standardError!).to.be.closeTo(-4.0621, 5e-5);
    expect(degreesOfFreedom).to.equal(9);
    expect(p).to.be.closeTo(0.002833, 5e-7);
    expect(interval!.low).to.be.closeTo(-2.4598858, 1e-6);
    expect(interval!.high).to.be.closeTo(-0.7001142, 1e-6);
    expect(() => pairedDifference([1, 2], [1])).to.throw(RangeError);
  });

  it("have Welch's test", () => {
    const { difference, degreesOfFreedom, interval, p } = welchDifference(DRUG_2, DRUG_1);
    expect(difference).to.be.closeTo(-1.58, 1e-9);
    expect(degreesOfFreedom).to.be.closeTo(17.776, 5e-4);
    expect(p).to.be.closeTo(0.07939, 5e-6);
    expect(interval!.low).to.be.closeTo(-3.3654832, 1e-6);
    expect(interval!.high).to.be.closeTo(0.2054832, 1e-6);
  });

  it('say nothing of one seed or of no spread', () => {
    const nothing = { standardError: null, degreesOfFreedom: null, interval: null, p: null };
    expect(pairedDifference([40], [38])).to.deep.equal({ difference: -2, ...nothing });
    expect(pairedDifference([40, 30], [38, 28])).to.deep.equal({ difference: -2, ...nothing });
    expect(welchDifference([40], [38, 39])).to.deep.equal({ difference: -1.5, ...nothing });
    expect(welchDifference([40, 40], [38, 38])).to.deep.equal({ difference: -2, ...nothing });
    expect(() => welchDifference([], [1])).to.throw(RangeError);
  });

  it('pool spreads, with fewer degrees of freedom the less alike they are', () => {
    const spread = (variance: number, degreesOfFreedom = 2) => ({ variance, degreesOfFreedom });
    expect(pooled([spread(3), spread(3), spread(3)])).to.deep.equal(spread(3, 6));
    // One spread that is all of the sum is known from its own degrees of freedom alone.
    expect(pooled([spread(9), spread(0), spread(0)])).to.deep.equal(spread(3, 2));
    expect(pooled([spread(1, 1), spread(4, 3)]).variance).to.equal(13 / 4);
    expect(() => pooled([])).to.throw(RangeError);
    expect(cautiousSpread(spread(1), [spread(1), spread(5)]).variance).to.equal(3);
    expect(cautiousSpread(spread(5), [spread(1), spread(5)]).variance).to.equal(5);
  });

  it("have Holm's correction", () => {
    expect(holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(9)))).to.deep.equal([
      0.03, 0.06, 0.06, 0.02,
    ]);
    expect(holm([0.9, 0.8])).to.deep.equal([1, 1]);
    expect(holm([])).to.deep.equal([]);
  });

  // Half a standard deviation needs 33.36713 pairs, or 63.76561 values a side (R's pwr, after Cohen, 1988).
  it('know what a test could have detected', () => {
    const [pairs, perSide] = [33.36713, 63.76561];
    expect(smallestDetectable(1 / Math.sqrt(pairs), pairs - 1)).to.be.closeTo(0.5, 1e-4);
    expect(smallestDetectable(Math.sqrt(2 / perSide), 2 * perSide - 2)).to.be.closeTo(0.5, 1e-4);
    expect(smallestDetectable(3, 4)).to.be.closeTo(3 * smallestDetectable(1, 4), 1e-4);
    // The normal distribution's 1.959964 + 0.841621.
    expect(smallestDetectable(1, Infinity)).to.be.closeTo(2.8016, 2e-4);
    expect(power(0, 7)).to.be.closeTo(0.05, 1e-6);
    expect(noncentralT(2, 5, 0)).to.be.closeTo(1 - twoSidedP(2, 5) / 2, 1e-7);
  });
});
