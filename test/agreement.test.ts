// The measures of the paper's shape: order of the methods, paired differences, memorisation.
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { agreementNotes } from '../src/report/agreement.js';
import { shapeCsv } from '../src/report/csv.js';
import { reportOf } from '../src/report/report.js';
import { leaders, summarise } from '../src/results/aggregate.js';
import { agreementOf, memorisedAlike } from '../src/results/agreement.js';
import { readPublished } from '../src/results/published.js';
import type { RunRecord } from '../src/spec/record.js';
import { kendallTauB } from '../src/statistics/statistics.js';
import { expand, type RunNode } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';

const published = readPublished();
const suite = { ...SUITE, seeds: [1, 2, 3] } as ResolvedSuite;
const graph = expand(suite);
const METHOD_ORDER = Object.keys(suite.methods);

function recordsWith(accuracy: (run: RunNode) => number | null): Map<string, RunRecord> {
  return new Map(
    graph.runs.flatMap((run) => {
      const value = accuracy(run);
      return value === null ? [] : [[run.id, fakeRecord(run, value)]];
    }),
  );
}

const place = (run: RunNode) => METHOD_ORDER.indexOf(run.method);

describe("Kendall's tau-b", () => {
  const pairs = (a: number[], b: number[]) => a.map((value, i) => ({ a: value, b: b[i]! }));

  it('is that of SciPy', () => {
    // scipy.stats.kendalltau
    expect(kendallTauB([pairs([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])])).to.be.closeTo(
      -0.4714045207910316,
      1e-15,
    );
    expect(kendallTauB([pairs([1, 2, 3, 4, 5], [2, 1, 3, 5, 4])])).to.be.closeTo(0.6, 1e-15);
  });

  it('compares only within a stratum', () => {
    const same = pairs([1, 2], [1, 2]);
    const opposite = pairs([2, 1], [101, 102]);
    expect(kendallTauB([same, opposite])).to.equal(0);
    expect(kendallTauB([same, same])).to.equal(1);
  });

  it('is nothing where there is no order', () => {
    expect(kendallTauB([])).to.equal(null);
    expect(kendallTauB([pairs([1, 1], [1, 2])])).to.equal(null);
  });
});

describe("the paper's shape", () => {
  it('is there in full where every method is in its place', () => {
    const shape = agreementOf(
      graph,
      recordsWith((run) => 50 + place(run)),
      published,
    );
    expect([...shape.tau.values(), shape.tauOverall]).to.deep.equal([1, 1, 1, 1, 1]);
    expect(
      shape.orderings.map(({ worse, better, overall }) => [worse, better, overall!.difference]),
    ).to.deep.equal([
      ['sgd', 'mixup', 1],
      ['mixup', 'bootstrap-mixup', 1],
      ['sgd', 'sam', 3],
      ['sam', 'bootstrap-sam', 1],
      ['mixup', 'sam', 2],
    ]);
  });

  it('says at which noise rate the order is another', () => {
    const shape = agreementOf(
      graph,
      recordsWith((run) => (run.noiseSetting.label === '80' ? 50 - place(run) : 50 + place(run))),
      published,
    );
    expect([...shape.tau]).to.deep.equal([
      ['20', 1],
      ['40', 1],
      ['60', 1],
      ['80', -1],
    ]);
    expect(shape.tauOverall).to.equal(0.5);
  });

  it('pairs by seed: what a seed does to all methods is in no difference', () => {
    const luck = [0, 7, -5, 20];
    const gain = [0, 1, 2, 3];
    const records = recordsWith(
      (run) => 40 + luck[run.spec.seed]! + (run.method === 'sam' ? gain[run.spec.seed]! : 0),
    );
    const { differences } = agreementOf(graph, records, published).orderings.find(
      ({ worse, better }) => worse === 'sgd' && better === 'sam',
    )!;
    const { difference, interval } = differences[0]!.difference;
    expect(difference).to.be.closeTo(2, 1e-9);
    // 2 +- t(0.975, 2) * 1 / sqrt(3)
    expect(interval!.low).to.be.closeTo(2 - 4.302652729749464 / Math.sqrt(3), 1e-9);
  });

  it('leaves out the seeds that one of the two has not', () => {
    const records = recordsWith((run) =>
      run.method === 'sam' && run.spec.seed > 1 ? null : 40 + place(run),
    );
    const { orderings } = agreementOf(graph, records, published);
    const sam = orderings.find(({ worse, better }) => worse === 'sgd' && better === 'sam')!;
    expect(
      sam.differences.map(({ difference }) => [difference.difference, difference.interval]),
    ).to.deep.equal([
      [3, null],
      [3, null],
      [3, null],
      [3, null],
    ]);
  });

  it('is said under the table and in a CSV file', () => {
    const report = reportOf(
      graph,
      recordsWith((run) => 50 + place(run) * run.spec.seed),
    );
    const notes = agreementNotes(report).join('\n');
    expect(notes).to.include('20 % 1.00, 40 % 1.00, 60 % 1.00, 80 % 1.00; overall 1.00.');
    expect(notes).to.match(
      /SAM - SGD: 20 % \+6\.00 \[-1\.45, 13\.45\], .*; on average \+6\.00 \[-1\.45, 13\.45\]/,
    );
    expect(notes).to.include('  SGD: 20 % 50.0, 40 % 50.0');
    const rows: Record<string, string>[] = parse(shapeCsv(report), { columns: true });
    expect(rows).to.have.length(5 + 5 * 5 + 20);
    expect(rows[4]).to.include({ measure: 'kendall_tau_b', noise_rate: 'all', value: '1.0000' });
    expect(rows).to.deep.include({
      measure: 'difference',
      method: 'sam',
      minus: 'sgd',
      noise_rate: '20',
      value: '6.00',
      low: '-1.45',
      high: '13.45',
    });
  });

  it('leads where every difference to the others has an interval above zero', () => {
    const lead = (of: (run: RunNode) => number) => {
      const records = recordsWith(of);
      return [...leaders(graph, records, summarise(graph, records))].map((cell) => [
        cell.method,
        cell.noiseSetting,
      ]);
    };
    const jitter = [0, 0.1, -0.1, 0];
    // At 20 % SAM is above all by 3 +- 0.25; elsewhere the best is apart by as much as its seeds are.
    const found = lead((run) => {
      const own = run.method === 'sam' ? 3 + jitter[run.spec.seed]! : 0;
      return 40 + (run.noiseSetting.label === '20' ? own : own * (run.spec.seed - 2));
    });
    expect(found).to.deep.equal([['sam', '20']]);
    expect(
      lead((run) => 40 + place(run)),
      'no spread seen is not no spread',
    ).to.deep.equal([]);
  });

  it('has memorisation with its interval, and says where a student has its teacher’s by construction', () => {
    const shares: Record<string, number> = {
      sgd: 60,
      mixup: 10,
      'bootstrap-mixup': 10.1,
      sam: 12,
      'bootstrap-sam': 9,
    };
    const records = recordsWith(() => 40);
    for (const run of graph.runs)
      records.get(run.id)!.curve.at(-1)!.wrongLabelsFitted = shares[run.method]! + run.spec.seed;
    expect(memorisedAlike(graph, records)).to.deep.equal([{ student: 'bootstrap-mixup', teacher: 'mixup' }]);
    const notes = agreementNotes(reportOf(graph, records)).join('\n');
    // t(0.975, 2) / sqrt(3)
    expect(notes).to.include('  SGD: 20 % 62.0 ± 2.5, 40 %');
    expect(notes).to.match(/ {2}Bootstrap \+ Mixup learns what Mixup predicts.*by construction\.$/);
  });

  it('is nothing where the paper has no numbers', () => {
    const methods = { sgd: {}, sam: { rho: 0.1 } };
    const other = expand({ ...suite, methods, noise: { kind: 'symmetric', rates: [0.3], redraw: 'other' } });
    const records = new Map(other.runs.map((run) => [run.id, fakeRecord(run, 40)]));
    expect(agreementNotes(reportOf(other, records))).to.deep.equal([]);
  });
});
