// Baselines and the verdicts on results: bitwise, by statistics, and what is refused.
import { expect } from 'chai';
import { type Baseline, baselineOf, baselineText } from '../src/regression/baseline.js';
import { parseBaseline, readBaseline } from '../src/regression/baseline_schema.js';
import { type Comparison, checkComparable, compare } from '../src/regression/compare.js';
import { environmentDifference, environmentOf } from '../src/regression/environment.js';
import { judge, type Value } from '../src/regression/judge.js';
import { InputError } from '../src/spec/errors.js';
import type { RunRecord } from '../src/spec/record.js';
import { ALGORITHM_VERSION } from '../src/spec/run_spec.js';
import { pairedDifference, welchDifference } from '../src/statistics/statistics.js';
import { expand, type RunGraph } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { select } from '../src/suite/select.js';
import { fakeRecord, SUITE } from './fakes.js';

const suite = { ...SUITE, data: { ...SUITE.data, testImages: 10000 } } as ResolvedSuite;
const seeded = (...seeds: number[]) => expand({ ...suite, seeds });

/** Records of all runs: accuracy and weights from the run's id unless changed. */
function recordsOf(graph: RunGraph, change: (record: RunRecord) => void = () => {}): Map<string, RunRecord> {
  const records = graph.runs.map((run) => {
    const record = fakeRecord(run, 30 + (Number.parseInt(run.id.slice(0, 6), 16) % 2000) / 100);
    record.weightsSha256 = run.id.repeat(4);
    change(record);
    return record;
  });
  return new Map(records.map((record) => [record.id, record]));
}

const elsewhere = (record: RunRecord) => {
  record.provenance.cpu = 'another';
};
const final = (record: RunRecord) => record.curve.at(-1)!;

function comparison(
  before: RunGraph,
  graph: RunGraph,
  change?: (record: RunRecord) => void,
  statisticsOnly = false,
): Comparison {
  const baseline = baselineOf(before, recordsOf(before), 'out');
  return compare(
    baseline,
    'b.json',
    { graph, records: recordsOf(graph, change), failed: new Set() },
    statisticsOnly,
  );
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).not.to.include('\n');
    return (error as Error).message;
  }
  throw new Error('not refused');
}

describe('a bitwise comparison', () => {
  it('passes the same bits, and says that it was bitwise', () => {
    const { passed, cells, methods } = comparison(seeded(1), seeded(1));
    expect(passed).to.equal(true);
    expect(cells).to.have.length(20);
    for (const cell of cells)
      expect(cell).to.include({ verdict: 'pass', by: 'bits', defect: false, difference: 0 });
    expect(methods).to.deep.equal([]);
  });

  it('calls a lower accuracy a regression and a defect', () => {
    const { passed, cells } = comparison(seeded(1, 2), seeded(1, 2), (record) => {
      if (record.method === 'sam' && record.spec.seed === 2) final(record).testAccuracy -= 0.01;
    });
    expect(passed).to.equal(false);
    const failed = cells.filter(({ defect }) => defect);
    expect(failed.map(({ method, noise, verdict }) => [method, noise, verdict])).to.deep.equal(
      ['20', '40', '60', '80'].map((noise) => ['sam', noise, 'regressed']),
    );
    expect(failed[0]!.reason).to.match(/^a defect: .*seed 2: accuracy \S+ became \S+\)$/);
    // Two seeds say nothing of a hundredth of a point.
    expect(failed[0]!.byStatistics).to.equal('pass');
  });

  it('calls a higher accuracy an improvement, and a defect all the same', () => {
    const { passed, cells } = comparison(seeded(1), seeded(1), (record) => {
      if (record.method === 'sgd') final(record).testAccuracy += 1;
    });
    expect(passed).to.equal(false);
    expect(cells.filter(({ verdict, defect }) => verdict === 'improved' && defect)).to.have.length(4);
  });

  it('sees other weights behind the same accuracy', () => {
    const { passed, cells } = comparison(seeded(1), seeded(1), (record) => {
      if (record.method === 'mixup') record.weightsSha256 = 'f'.repeat(64);
    });
    expect(passed).to.equal(false);
    const [cell] = cells.filter(({ defect }) => defect);
    expect(cell!.reason).to.include('seed 1: the same accuracy from other weights');
  });

  it('goes by accuracies where a record has no hash of its weights', () => {
    const { passed } = comparison(seeded(1), seeded(1), (record) => {
      delete record.weightsSha256;
    });
    expect(passed).to.equal(true);
  });

  it('takes a slice of a baseline, of cells and of seeds', () => {
    const part = select(seeded(1, 2, 3), { method: ['sam'], noise: ['40'], seeds: 1 });
    const { passed, cells } = comparison(seeded(1, 2, 3), part);
    expect(passed).to.equal(true);
    expect(cells.map(({ method, noise, seeds }) => [method, noise, seeds])).to.deep.equal([['sam', '40', 1]]);
  });

  it('reports a cell without a result as missing, and whether it failed', () => {
    const graph = seeded(1, 2);
    const records = recordsOf(graph);
    const [absent, failed] = graph.runs.filter(({ method }) => method === 'sgd');
    records.delete(absent!.id);
    records.delete(failed!.id);
    const baseline = baselineOf(graph, recordsOf(graph), 'out');
    const { passed, cells } = compare(baseline, 'b.json', { graph, records, failed: new Set([failed!.id]) });
    expect(passed).to.equal(false);
    expect(cells.filter(({ verdict }) => verdict === 'missing').map(({ reason }) => reason)).to.deep.equal([
      'seed 1 was not run',
      'seed 1 failed',
    ]);
  });

  for (const [what, change] of [
    ['CPU', elsewhere],
    ['instruction sets', (r) => Object.assign(r.provenance, { instructions: 'avx2' })],
    ['TensorFlow', (r) => Object.assign(r.provenance, { tensorflow: '3' })],
    // The baseline tells of none: it was made before there were native kernels in float32.
    ['instruction set of kernels', (r) => Object.assign(r.provenance, { isa: 'avx2' })],
    ['major version of Node', (r) => Object.assign(r.provenance, { node: 'v20.1.0' })],
  ] as [string, (record: RunRecord) => void][])
    it(`is not made on another ${what}`, () => {
      const graph = seeded(1, 2);
      const made = recordsOf(graph, (r) => Object.assign(r.provenance, { instructions: 'avx512f' }));
      const baseline = baselineOf(graph, made, 'out');
      const records = recordsOf(graph, (r) => {
        r.provenance.instructions = 'avx512f';
        change(r);
      });
      const { cells, environmentDifference } = compare(baseline, 'b', { graph, records, failed: new Set() });
      expect(cells.every(({ by }) => by === 'statistics')).to.equal(true);
      expect(environmentDifference).to.have.property('field');
    });

  it('is not made by another version of the kernels where that rounds otherwise, and else is', () => {
    for (const [isa, precision, kernelsVersion, same] of [
      ['avx2', 'bfloat16', 2, false],
      ['avx512', 'bfloat16', 2, false],
      ['avx512', 'float32', 2, true],
      ['avx512', 'float32', 3, false],
      ['amx', 'bfloat16', 4, true],
    ] as const) {
      const here = { ...recordsOf(seeded(1)).values().next().value!.provenance, isa, precision };
      const difference = environmentDifference(
        environmentOf(here),
        environmentOf({ ...here, kernelsVersion }),
      );
      expect(difference).to.deep.equal(
        same ? undefined : { field: 'kernelsVersion', before: '1', after: `${kernelsVersion}` },
      );
    }
  });

  it('is made on another minor version of Node', () => {
    const { cells } = comparison(seeded(1), seeded(1), (r) => {
      r.provenance.node = 'v22.99.0';
    });
    expect(cells.every(({ by }) => by === 'bits')).to.equal(true);
  });

  it('is not made where precision differs', () => {
    const [before, after] = [seeded(1, 2), expand({ ...suite, seeds: [1, 2], precision: 'bfloat16' })];
    const { cells, environmentDifference } = comparison(before, after);
    expect(cells.every(({ by }) => by === 'statistics')).to.equal(true);
    expect(environmentDifference).to.deep.equal({
      field: 'precision',
      before: 'float32',
      after: 'bfloat16',
    });
  });
});

describe('a comparison by statistics', () => {
  const values = (...accuracies: number[]): Value[] =>
    accuracies.map((accuracy, i) => ({ seed: i + 1, accuracy }));
  const other = (...accuracies: number[]): Value[] =>
    accuracies.map((accuracy, i) => ({ seed: i + 101, accuracy }));

  it('is the paired test where seeds are shared', () => {
    const [before, after] = [
      [40, 42, 44, 41],
      [39, 42.5, 41, 40],
    ];
    const { cells } = judge([{ method: 'sgd', before: values(...before), after: values(...after) }], 0.01);
    const { standardError, p, interval } = pairedDifference(before, after);
    expect(cells[0]).to.deep.include({ design: 'paired', standardError, p, interval, adjustedP: p });
  });

  it("is Welch's test where they are not", () => {
    const [before, after] = [
      [40, 42, 44, 41],
      [39, 39.5, 39.2],
    ];
    const { cells } = judge([{ method: 'sgd', before: values(...before), after: other(...after) }], 0.01);
    const { standardError, p, degreesOfFreedom } = welchDifference(before, after);
    expect(cells[0]).to.deep.include({ design: 'two samples', standardError, p, degreesOfFreedom });
  });

  it("judges one seed by the baseline's spread, that of cells that are not compared included", () => {
    const before = values(40, 41, 42);
    const alone = judge([{ method: 'sgd', before, after: values(39) }], 0.01).cells[0]!;
    expect(alone.design).to.equal('one seed');
    expect(alone.difference).to.equal(-2);
    expect(alone.standardError).to.be.closeTo(Math.sqrt(1 + 1 / 3), 1e-9);
    expect(alone.degreesOfFreedom).to.be.closeTo(2, 1e-9);
    const neighbour = { method: 'sgd', before: values(30, 33, 36), after: [] };
    const { cells } = judge([{ method: 'sgd', before, after: values(39) }, neighbour], 0.01);
    expect(cells[0]!.standardError).to.be.closeTo(Math.sqrt(5 * (1 + 1 / 3)), 1e-9);
    expect(cells[1]).to.equal(null);
  });

  it('says nothing of one seed against one', () => {
    const { cells } = judge([{ method: 'sgd', before: values(40), after: values(30) }], 0.01);
    expect(cells[0]).to.deep.include({ design: null, p: null, verdict: null, difference: -10 });
  });

  it('does not take two equal differences for certainty, but takes them seriously if they are large', () => {
    const judged = (loss: number) =>
      judge([{ method: 'sgd', before: values(40, 41), after: values(40 - loss, 41 - loss) }], 0.05).cells[0]!;
    expect(judged(0.05).verdict).to.equal('pass');
    expect(judged(0).verdict).to.equal('pass');
    expect(judged(5).verdict).to.equal('regressed');
  });

  it('corrects for the number of cells', () => {
    const sample = (method: string) => ({
      method,
      before: values(40, 42, 44, 41),
      after: values(37, 40, 40.5, 37.5),
    });
    const single = judge([sample('sgd')], 0.01).cells[0]!;
    expect(single.verdict).to.equal('regressed');
    const { cells } = judge(['a', 'b', 'c', 'd', 'e', 'f'].map(sample), 0.01);
    expect(cells[0]!.adjustedP).to.be.closeTo(6 * single.p!, 1e-12);
  });

  it('sees a method lose at every noise rate what no single cell shows', () => {
    const wobble = [0.9, -1.1, 0.4, -0.8, 1, -0.7];
    const sample = (shift: number) => ({
      method: 'sgd',
      before: values(40, 41, 42),
      after: values(...[0, 1, 2].map((i) => 40 + i - 1.1 + wobble[(i + shift) % 6]!)),
    });
    const { cells, methods } = judge([0, 1, 2, 3].map(sample), 0.01);
    expect(cells.map((cell) => cell!.verdict)).to.deep.equal(['pass', 'pass', 'pass', 'pass']);
    expect(methods.get('sgd')!.verdict).to.equal('regressed');
  });

  it('passes an unchanged suite on another machine, and says what it could have seen', () => {
    const { passed, cells, methods } = comparison(seeded(1, 2, 3), seeded(1, 2, 3), (record) => {
      elsewhere(record);
      final(record).testAccuracy += Math.cos(Number.parseInt(record.id.slice(0, 6), 16));
    });
    expect(passed).to.equal(true);
    for (const cell of [...cells, ...methods]) {
      expect(cell).to.include({ verdict: 'pass', by: 'statistics' });
      expect(cell.smallestDetectable).to.be.greaterThan(Math.abs(cell.difference!));
    }
    expect(methods.map(({ method, noise }) => [method, noise])).to.deep.include(['sam', null]);
    expect(methods[0]!.smallestDetectable).to.be.below(cells[0]!.smallestDetectable!);
  });

  it('finds a loss there, and lets an improvement pass', () => {
    const shifted = (points: number) =>
      comparison(seeded(1, 2, 3), seeded(1, 2, 3), (record) => {
        elsewhere(record);
        const wobble = Math.cos(Number.parseInt(record.id.slice(0, 6), 16)) / 5;
        final(record).testAccuracy += wobble + (record.method === 'sam' ? points : 0);
      });
    const lost = shifted(-6);
    expect(lost.passed).to.equal(false);
    expect(
      lost.cells.filter(({ verdict }) => verdict === 'regressed').map(({ method }) => method),
    ).to.deep.equal(['sam', 'sam', 'sam', 'sam']);
    const won = shifted(6);
    expect(won.passed).to.equal(true);
    expect(won.cells.filter(({ verdict }) => verdict === 'improved')).to.have.length(4);
  });

  it('can be asked for where bits could be compared', () => {
    const { cells } = comparison(seeded(1, 2), seeded(1, 2), undefined, true);
    expect(cells.every(({ by, verdict }) => by === 'statistics' && verdict === 'pass')).to.equal(true);
  });

  it('is refused with one seed on both sides, before anything is trained too', () => {
    const graph = seeded(1);
    const said = refusal(() => comparison(graph, graph, elsewhere));
    expect(said)
      .to.match(/^b\.json: sgd at noise 20 cannot be judged: cpu is another here and none in the baseline/)
      .and.to.include('--seeds 3');
    const baseline = baselineOf(graph, recordsOf(graph), 'out');
    const here = { ...baseline.provenance, cpu: 'another' };
    expect(refusal(() => checkComparable(baseline, 'b.json', graph, here))).to.equal(said);
    expect(() => checkComparable(baseline, 'b.json', graph, baseline.provenance)).not.to.throw();
  });
});

describe('a baseline', () => {
  const graph = seeded(1, 2);
  const baseline = baselineOf(graph, recordsOf(graph), 'out');
  const text = baselineText(baseline);

  it('has every seed of every cell, and comes back as it was written', () => {
    expect(baseline.cells).to.have.length(20);
    const { results } = baseline.cells[0]!;
    expect(results.map(({ seed }) => seed)).to.deep.equal([1, 2]);
    expect(results[0]!.run).to.equal(graph.cells[0]!.run.id);
    expect(baseline.provenance).to.include({ cpu: 'none', finished: '2026-01-01T00:00:00.000Z' });
    expect(parseBaseline(text, 'b.json')).to.deep.equal(baseline);
  });

  it('needs all runs, of one machine', () => {
    const records = recordsOf(graph);
    records.delete(graph.runs[3]!.id);
    expect(refusal(() => baselineOf(graph, records, 'out'))).to.match(
      /^out: has no result for \S+ at noise 20/,
    );
    const mixed = recordsOf(graph, (record) => {
      if (record.id === graph.runs[3]!.id) elsewhere(record);
    });
    expect(refusal(() => baselineOf(graph, mixed, 'out'))).to.include('cpu another, others with none');
  });

  const damages: [string, (b: Baseline) => unknown, string][] = [
    ['another format', (b) => ({ ...b, format: 3 }), 'format is 3; allowed: 2'],
    ['no cells', (b) => ({ ...b, cells: [] }), 'cells is []; allowed: a list of cells'],
    ['an unknown field', (b) => ({ ...b, colour: 'red' }), 'colour is not known; allowed: one of format'],
    [
      'an unknown method',
      (b) => ({ ...b, suite: { ...b.suite, methods: { adam: {} } } }),
      'adam is not known',
    ],
    ['a cell too few', (b) => ({ ...b, cells: b.cells.slice(1) }), 'cells lacks sgd at noise 20'],
    ['a cell twice', (b) => ({ ...b, cells: [...b.cells, b.cells[0]] }), 'cells[20] is sgd at noise 20'],
    [
      'an accuracy of 101',
      (b) => edited(b, { accuracy: 101 }),
      'results[0].accuracy is 101; allowed: from 0 to 100',
    ],
    [
      'another seed',
      (b) => edited(b, { seed: 7 }),
      'have the seeds [7,2]; allowed: those of suite.seeds, [1,2]',
    ],
    [
      'another run',
      (b) => edited(b, { run: 'f'.repeat(16) }),
      `run is ${'f'.repeat(16)}; allowed: ${graph.cells[0]!.run.id}`,
    ],
    ['a wrong hash', (b) => edited(b, { weightsSha256: 'x' }), 'allowed: 64 hex digits, or null'],
  ];
  function edited(b: Baseline, change: object) {
    const [first, ...others] = b.cells;
    const [result, ...results] = first!.results;
    return { ...b, cells: [{ ...first, results: [{ ...result, ...change }, ...results] }, ...others] };
  }
  for (const [what, damage, said] of damages)
    it(`with ${what} is refused`, () => {
      const line = refusal(() => parseBaseline(JSON.stringify(damage(baseline)), 'b.json'));
      expect(line)
        .to.match(/^b\.json/)
        .and.to.include(said);
    });

  it('that is cut short, or not there, is refused', async () => {
    expect(refusal(() => parseBaseline(text.slice(0, 99), 'b.json'))).to.match(/^b\.json: is not JSON/);
    const error = await readBaseline('no/such.json').catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.include('no/such.json: there is no such baseline');
  });

  it('of other settings is refused, naming the field and both values', () => {
    const changed = (change: Partial<ResolvedSuite>) => {
      const now = expand({ ...suite, seeds: [1, 2], ...change });
      return refusal(() =>
        compare(baseline, 'b.json', { graph: now, records: new Map(), failed: new Set() }),
      );
    };
    expect(changed({ training: { ...suite.training, epochs: 3 } })).to.match(
      /^b\.json: .*training\.epochs is 2 in the baseline and 3 in the suite tiny/,
    );
    expect(changed({ methods: { ...suite.methods, mixup: { alpha: 1 } } })).to.include(
      'methods.mixup.alpha is 8 in the baseline and 1',
    );
    expect(changed({ noise: { kind: 'symmetric', rates: [0.2, 0.4, 0.6], redraw: 'other' } })).to.include(
      'noise.rates.3 is 0.8 in the baseline and not given',
    );
    const older = expand({ ...suite, seeds: [1, 2] }, 1);
    expect(
      refusal(() => compare(baseline, 'b.json', { graph: older, records: new Map(), failed: new Set() })),
    ).to.include(`algorithm is ${ALGORITHM_VERSION} in the baseline and 1`);
    const itself = baselineOf(older, recordsOf(older), 'out');
    expect(parseBaseline(baselineText(itself), 'b.json').algorithm).to.equal(1);
  });

  it('may differ from the suite in prose and in seeds', () => {
    const now = expand({ ...suite, seeds: [2], description: 'Other words.' });
    const { passed } = compare(baseline, 'b.json', {
      graph: now,
      records: recordsOf(graph),
      failed: new Set(),
    });
    expect(passed).to.equal(true);
  });
});
