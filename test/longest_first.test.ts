// The order in which runs are begun.
import { expect } from 'chai';
import { longestFirst } from '../src/execution/longest_first.js';
import { expand, type RunNode, totalCost } from '../src/suite/expand.js';
import { loadSuite } from '../src/suite/load.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE } from './fakes.js';

/** Units of time until all runs are over, on so many cores, each run begun as soon as it can be. */
function makespan(runs: readonly RunNode[], cores: number): number {
  const waiting = [...runs];
  const over = new Set<string>();
  const underWay: { id: string; end: number }[] = [];
  let now = 0;
  while (waiting.length || underWay.length) {
    const ready = waiting.findIndex(({ dependsOn }) => dependsOn.every((id) => over.has(id)));
    if (ready >= 0 && underWay.length < cores) {
      const [run] = waiting.splice(ready, 1);
      underWay.push({ id: run!.id, end: now + run!.cost });
    } else {
      underWay.sort((a, b) => a.end - b.end);
      const next = underWay.shift()!;
      now = next.end;
      over.add(next.id);
    }
  }
  return now;
}

describe('longest chains first', () => {
  it('keeps the cores busy to the end, where the order of the table does not', async () => {
    const { runs } = expand((await loadSuite('quick')).suite as ResolvedSuite);
    for (const cores of [2, 4]) {
      expect(makespan(longestFirst(runs), cores)).to.equal(totalCost(runs) / cores);
      expect(makespan(runs, cores)).to.be.above((1.1 * totalCost(runs)) / cores);
    }
  });

  it('begins with the teachers of the dearest students, and leaves equals in their order', () => {
    const { runs } = expand({ ...SUITE, noise: { ...SUITE.noise, rates: [0.2, 0.4] } } as ResolvedSuite);
    expect(
      longestFirst(runs).map(({ method, noiseSetting }) => `${method} ${noiseSetting.label}`),
    ).to.deep.equal([
      'sam 20',
      'sam 40',
      'mixup 20',
      'bootstrap-sam 20',
      'mixup 40',
      'bootstrap-sam 40',
      'sgd 20',
      'bootstrap-mixup 20',
      'sgd 40',
      'bootstrap-mixup 40',
    ]);
  });

  it('finishes one seed before the next', () => {
    const { runs } = expand({ ...SUITE, seeds: [7, 3] } as ResolvedSuite);
    const seeds = longestFirst(runs).map(({ spec }) => spec.seed);
    expect(seeds).to.deep.equal([...Array(20).fill(7), ...Array(20).fill(3)]);
  });
});
