// Which of a method's variants is named the best.
import { expect } from 'chai';
import { summarise } from '../src/results/aggregate.js';
import { bestVariants } from '../src/results/best_variants.js';
import type { RunRecord } from '../src/spec/record.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';

/** A search among three SAMs; the row `sam` has the runs of one of them. */
const SEARCH = {
  ...SUITE,
  noise: { kind: 'symmetric', rates: [0.2, 0.4], redraw: 'other' },
  methods: {
    sgd: {},
    'sam@rho 0.1': { rho: 0.1 },
    'sam@rho 0.2': { rho: 0.2 },
    sam: { rho: { '0.2': 0.1, '0.4': 0.2 } },
  },
} as ResolvedSuite;

describe('the best variants', () => {
  const graph = expand(SEARCH);
  const records = (accuracy: Record<string, number>) =>
    new Map<string, RunRecord>(
      graph.runs.flatMap((run) => {
        const { gradient } = run.spec;
        const value =
          accuracy[`${gradient?.kind === 'sam' ? gradient.rho : 'sgd'} at ${run.noiseSetting.key}`];
        return value === undefined ? [] : [[run.id, fakeRecord(run, value)]];
      }),
    );
  const best = (accuracy: Record<string, number>) =>
    bestVariants(graph, summarise(graph, records(accuracy))).map(
      ({ method, noiseSetting, variant, accuracy: value, tried }) => [
        method,
        noiseSetting.key,
        variant,
        value,
        tried,
      ],
    );

  it('are named for each noise rate, and counted once if two rows have the same runs', () => {
    expect(best({ '0.1 at 0.2': 50, '0.2 at 0.2': 40, '0.1 at 0.4': 30, '0.2 at 0.4': 35 })).to.deep.equal([
      ['sam', '0.2', 'sam@rho 0.1', 50, 2],
      ['sam', '0.4', 'sam@rho 0.2', 35, 2],
    ]);
  });

  it('are of those that have a result', () => {
    expect(best({ '0.2 at 0.2': 40 })).to.deep.equal([['sam', '0.2', 'sam@rho 0.2', 40, 1]]);
  });
});
