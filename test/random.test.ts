// The random streams: independent of one another, and of the right distributions.
import { expect } from 'chai';
import { beta, gamma, normal, permutation, stream } from '../src/io/random.js';

function draws(n: number, draw: () => number): { mean: number; variance: number } {
  const values = Array.from({ length: n }, draw);
  const mean = values.reduce((a, b) => a + b) / n;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n };
}

describe('random streams', () => {
  it('repeat for the same seed and name, and differ for any other', () => {
    const first = (...key: Parameters<typeof stream>) => {
      const next = stream(...key);
      return [next(), next(), next()];
    };
    expect(first(1, 'noise')).to.deep.equal(first(1, 'noise'));
    const others = [first(2, 'noise'), first(1, 'init'), first(1, 'noise', 1), first(1, 'noise', 2)];
    expect(new Set([...others, first(1, 'noise')].map(String)).size).to.equal(5);
  });

  it('are not shifted by what another stream draws', () => {
    const alone = stream(7, 'order')();
    const other = stream(7, 'augment');
    for (let i = 0; i < 10; i++) other();
    expect(stream(7, 'order')()).to.equal(alone);
  });

  it('permute: every index once, in an order that depends on the seed', () => {
    const order = permutation(stream(1, 'order'), 1000);
    expect([...order].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order]).not.to.deep.equal([...permutation(stream(2, 'order'), 1000)]);
  });

  it('draw normal, gamma and beta variables with the right mean and variance', () => {
    const next = stream(3, 'moments');
    const n = 20000;
    const gauss = draws(n, () => normal(next));
    expect(gauss.mean).to.be.closeTo(0, 0.03);
    expect(gauss.variance).to.be.closeTo(1, 0.05);
    for (const shape of [0.3, 1, 8]) {
      const { mean, variance } = draws(n, () => gamma(next, shape));
      expect(mean).to.be.closeTo(shape, 0.05 * shape + 0.01);
      expect(variance).to.be.closeTo(shape, 0.1 * shape + 0.02);
      const symmetric = draws(n, () => beta(next, shape));
      expect(symmetric.mean).to.be.closeTo(0.5, 0.02);
      expect(symmetric.variance).to.be.closeTo(1 / (4 * (2 * shape + 1)), 0.01);
    }
    // Both gamma variables of so small a shape may be 0 in double precision: what is left is 0 or 1.
    const coin = draws(n, () => beta(next, 1e-3));
    expect(coin.mean).to.be.closeTo(0.5, 0.02);
    expect(coin.variance).to.be.closeTo(0.25, 0.01);
  });
});
