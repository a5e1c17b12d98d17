// The check by trajectory: which short runs it takes, how they are compared, what is refused, and that rounding is no difference.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { updateBaseline } from '../src/cli/baseline.js';
import { check } from '../src/cli/check.js';
import type { Engine } from '../src/cli/engine.js';
import { run } from '../src/cli/run.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import type { Baseline } from '../src/regression/baseline.js';
import { parseBaseline } from '../src/regression/baseline_schema.js';
import { compareTrajectories, QUANTITIES, shortRuns } from '../src/regression/trajectory.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import type { RunJob } from '../src/training/job.js';
import type { Trajectory } from '../src/training/trajectory.js';
import { fakeEngine, fakeTrajectory, SUITE, suiteFile } from './fakes.js';
import { copyProduct, MUTATIONS, mutate, ROUGH } from './support/mutations.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { compared, foreignSettings, HOME, take, takeBy } from './support/trajectories.js';

const quietly = () => {};
const progress = { stop() {} };

const trajectory: Trajectory = {
  images: '0'.repeat(16),
  labels: '1'.repeat(16),
  initial: [10, 1, 2, 3, 4],
  steps: [1, 2].map((step) => ({
    batch: String(step).repeat(16),
    given: { learningRate: 0.1 },
    loss: 2,
    momentum: [5, 1, 1, 1, 1],
    weights: [0.5, 0.1, 0.1, 0.1, 0.1],
    statistics: [3, 1, 1, 1, 1],
  })),
  predictions: '0123456789'.repeat(10),
  evaluation: {
    trainLoss: 2,
    testAccuracy: 30,
    testLoss: 2,
    wrongLabelsFitted: 20,
    trueLabelsRecovered: null,
    trainAccuracyTrue: 30,
  },
};

/** The trajectory but for one change. */
function changed(change: (copy: Trajectory) => void): Trajectory {
  const copy = structuredClone(trajectory);
  change(copy);
  return copy;
}

describe('trajectories that are compared', () => {
  it('are the same if they are off by rounding', () => {
    const off = changed((copy) => {
      copy.steps[1]!.loss *= 1 + 1e-6;
      copy.steps[1]!.weights[3]! += 0.5 * 5e-5;
      copy.evaluation.testAccuracy += 0.4;
      copy.predictions = `1${copy.predictions.slice(1)}`;
    });
    const verdict = compareTrajectories(trajectory, off);
    expect(verdict).to.include({ same: true, reason: 'the same trajectory' });
    expect(verdict.deviations.loss).to.be.closeTo(1e-6, 1e-9);
    expect(verdict.deviations.weights).to.be.closeTo(5e-5, 1e-9);
    expect(verdict.deviations.predictions).to.be.closeTo(0.01, 1e-9);
  });

  it('differ by any draw, however small the effect', () => {
    for (const [change, where] of [
      [(t) => Object.assign(t, { images: '2'.repeat(16) }), 'images (draw)'],
      [(t) => Object.assign(t, { labels: '2'.repeat(16) }), 'labels (draw)'],
      [(t) => Object.assign(t.steps[1]!, { batch: '3'.repeat(16) }), 'step 2, batch (draw)'],
      [(t) => Object.assign(t.steps[0]!.given, { learningRate: 0.100001 }), 'step 1, learningRate (draw)'],
      [(t) => Object.assign(t.initial, [10, 1.0001]), 'initial weights (draw)'],
    ] as [(copy: Trajectory) => void, string][]) {
      const { same, reason } = compareTrajectories(trajectory, changed(change));
      expect(same, where).to.equal(false);
      expect(reason).to.include(`the trajectory differs at ${where}`);
    }
  });

  it('differ by arithmetic beyond its tolerance, in the norm or in a projection, what comes first being named', () => {
    const { same, reason } = compareTrajectories(
      trajectory,
      changed((copy) => {
        copy.steps[1]!.momentum[2] = 1.01;
        copy.steps[1]!.weights[0] = 0.51;
      }),
    );
    expect(same).to.equal(false);
    expect(reason).to.equal(
      'the trajectory differs at step 2, momentum (arithmetic): projection 2 1 expected, projection 2 1.01 found; off by 2.0e-3, allowed 0.0002 (and 1 more)',
    );
  });

  it('differ where a number is none, a step is gone, or the run failed', () => {
    const nan = compareTrajectories(
      trajectory,
      changed((copy) => {
        copy.steps[0]!.loss = Number.NaN;
      }),
    );
    expect(nan.same).to.equal(false);
    const shorter = compareTrajectories(
      trajectory,
      changed((copy) => {
        copy.steps.pop();
      }),
    );
    expect(shorter.same).to.equal(false);
    expect(compareTrajectories(trajectory, new Error('the loss is NaN\nat step 1'))).to.include({
      same: false,
      reason: 'the trajectory ended: the loss is NaN',
    });
  });
});

describe('short runs', () => {
  const suite = { ...SUITE, data: { ...SUITE.data, testImages: 10000 } } as ResolvedSuite;

  it('are one for each method and noise, in float32, with teachers before their students', () => {
    const { runs, of } = shortRuns(expand({ ...suite, seeds: [3, 4], precision: 'bfloat16' }));
    // The teachers are the table's own runs but for alpha and rho, which are the same here.
    expect(new Set(runs.map(({ id }) => id)).size).to.equal(runs.length);
    for (const { method, noiseSetting } of expand(suite).cells)
      expect(of(method, noiseSetting.label)?.method).to.equal(method);
    for (const [i, { spec, dependsOn }] of runs.entries()) {
      expect(spec).to.include({ precision: 'float32', seed: 1 });
      for (const id of dependsOn) expect(runs.findIndex((run) => run.id === id)).to.be.within(0, i - 1);
    }
  });

  it('need no label files', () => {
    const files = { kind: 'file', files: { human: 'a'.repeat(64) } };
    const methods = { sgd: {}, 'bootstrap-mixup': { alpha: 8 } };
    const { runs } = shortRuns(expand({ ...suite, noise: files, methods } as ResolvedSuite));
    for (const { spec } of runs) expect(spec.noise.kind).to.equal('symmetric');
  });
});

describe('a check on another kind of machine', () => {
  let suite: string;
  let folder: string;
  let baseline: string;
  before(async () => {
    folder = await temporaryFolder();
    suite = await suiteFile({});
    baseline = path.join(folder, 'b.json');
    const out = path.join(folder, 'made');
    await run(suite, { out }, fakeEngine, progress, quietly);
    await updateBaseline(out, { baseline, yes: true }, fakeEngine, quietly, null);
  });

  /** What differs in a machine's trajectories. */
  const elsewhere = (change: (found: Trajectory, job: RunJob) => void): Engine => ({
    ...fakeEngine,
    versions: async () => ({ tensorflow: '1', tfjs: '0', kernels: 'tensorflow' as const }),
    trajectory: async (job) => {
      const found = await fakeTrajectory(job);
      change(found, job);
      return found;
    },
  });
  const checked = async (engine: Engine, name: string, statistics = false) => {
    let said = '';
    const out = path.join(folder, name);
    const code = await check(suite, { baseline, out, statistics }, engine, progress, (text) => {
      said += text;
    });
    return { code, said, json: JSON.parse(await readFile(path.join(out, 'check.json'), 'utf8')) };
  };
  const rounded = (found: Trajectory) => {
    for (const step of found.steps) step.loss *= 1 + 1e-6;
  };

  it('passes by trajectory, even with a single seed', async () => {
    const { code, said, json } = await checked(elsewhere(rounded), 'rounded');
    expect(code).to.equal(0);
    expect(json.cells).to.have.length(20);
    for (const cell of json.cells) {
      expect(cell).to.include({ verdict: 'pass', by: 'trajectory' });
      expect(cell.reason).to.include('the same trajectory; accuracy is not judged');
      expect(cell.trajectory.same).to.equal(true);
    }
    expect(said).to.include('20 of 20 cells compared by trajectory');
  });

  it('fails where a method takes other steps', async () => {
    const engine = elsewhere((found, { spec }) => {
      rounded(found);
      if (spec.gradient?.kind === 'sam') found.steps[1]!.weights[0]! *= 1.01;
    });
    const { code, said, json } = await checked(engine, 'other steps');
    expect(code).to.equal(1);
    const failed = json.cells.filter((cell: { defect: boolean }) => cell.defect);
    expect(new Set(failed.map((cell: { method: string }) => cell.method))).to.deep.equal(
      new Set(['sam', 'bootstrap-sam']),
    );
    expect(failed).to.have.length(8);
    expect(said).to.match(
      /SAM, 20 %: regressed \(defect\): a defect: the trajectory differs at step 2, weights/,
    );
  });

  it("gives students the labels of the baseline's teachers", async () => {
    const engine = elsewhere((found, job) => {
      rounded(found);
      // One label in twenty is another on this machine.
      if (job.spec.labels.from === 'noise') found.predictions = `9${found.predictions.slice(1)}`;
    });
    expect((await checked(engine, 'other predictions')).code).to.equal(0);
  });

  it('says so where a baseline has none', async () => {
    const before = await readFile(baseline, 'utf8');
    const { trajectories: _, ...without } = JSON.parse(before) as Baseline;
    await writeFile(baseline, JSON.stringify({ ...without, format: 1 }));
    try {
      const { code, said } = await checked(fakeEngine, 'old baseline');
      expect(code).to.equal(0);
      expect(said).to.include('The baseline has no trajectories to compare');
      // They are added without another training.
      expect(await updateBaseline(baseline, { yes: true }, fakeEngine, quietly, null)).to.equal(0);
      expect(JSON.parse(await readFile(baseline, 'utf8'))).to.deep.equal(JSON.parse(before));
    } finally {
      await writeFile(baseline, before);
    }
  });

  it('refuses trajectories that are not of the suite', async () => {
    const text = await readFile(baseline, 'utf8');
    const refusal = (change: (parsed: Baseline) => void) => {
      const parsed = JSON.parse(text) as Baseline;
      change(parsed);
      try {
        parseBaseline(JSON.stringify(parsed), 'b.json');
      } catch (error) {
        expect(error).to.be.instanceOf(InputError);
        return (error as Error).message;
      }
      throw new Error('not refused');
    };
    const remedy = '"labelnoise baseline update b.json" makes them anew';
    const runs = (parsed: Baseline) => parsed.trajectories!.runs;
    expect(refusal((parsed) => Object.assign(runs(parsed)[0]!, { run: '0'.repeat(16) })))
      .to.include('trajectories.runs[0].run is 0000000000000000')
      .and.to.include(remedy);
    expect(refusal((parsed) => Object.assign(runs(parsed)[1]!, { predictions: '01a' }))).to.include(
      'trajectories.runs[1].predictions is "01a"; allowed: a digit for each image',
    );
    expect(refusal((parsed) => runs(parsed).pop()))
      .to.include('trajectories.runs lacks')
      .and.to.include(remedy);
    expect(refusal((parsed) => runs(parsed).push(runs(parsed)[0]!))).to.include('has a run twice');
    expect(refusal((parsed) => Object.assign(runs(parsed)[2]!.steps[0]!, { loss: 'low' }))).to.include(
      'trajectories.runs[2].steps[0].loss is "low"',
    );
  });
});

describe('what the product really does in its first steps', function () {
  this.timeout(600_000);
  const suite = path.join(PROJECT_ROOT, 'suites', 'check.json');
  let home: Awaited<ReturnType<typeof take>>;
  let otherBits = 0;
  before(async () => {
    home = await take(PROJECT_ROOT, suite, HOME, [1]);
  });
  const differing = (after: typeof home) =>
    compared(home, after)
      .filter(({ same }) => !same)
      .map(({ method, reason }) => `${method}: ${reason}`);

  it('covers all methods, and says it again', async () => {
    expect(new Set(home.map(({ method }) => method))).to.deep.equal(
      new Set(['sgd', 'mixup', 'bootstrap-mixup', 'sam', 'bootstrap-sam']),
    );
    expect(await take(PROJECT_ROOT, suite, HOME, [1], [], true), 'in a worker').to.deep.equal(home);
  });

  for (const setting of foreignSettings())
    it(`is the same within rounding: ${setting.name}`, async () => {
      const after = await take(PROJECT_ROOT, suite, setting, [1], home);
      expect(differing(after)).to.deep.equal([]);
      expect(after).to.have.length(home.length);
      if (JSON.stringify(after) !== JSON.stringify(home)) otherBits++;
    });

  it('has other bits in some of these settings, or nothing would be tested', () => {
    expect(otherBits).to.be.greaterThan(0);
  });

  it('is the same if convolutions are rounded far more coarsely than by any machine', async () => {
    const root = path.join(await temporaryFolder(), 'rough');
    await copyProduct(root);
    await mutate(root, ROUGH);
    const after = await take(root, suite, HOME, [1], home);
    expect(differing(after)).to.deep.equal([]);
    const largest = Math.max(...compared(home, after).map(({ deviations }) => deviations.weights ?? 0));
    expect(largest)
      .to.be.greaterThan(1e-7)
      .and.to.be.lessThan(QUANTITIES.weights.tolerance / 2);
  });

  it('differs for each of ten mistakes, where the bits differ anyway', async () => {
    const folder = await temporaryFolder();
    const broken = await Promise.all(
      MUTATIONS.map(async (mutation) => {
        const root = path.join(folder, mutation.name);
        await copyProduct(root);
        await mutate(root, mutation);
        return { root, method: mutation.method };
      }),
    );
    const taken = await takeBy(broken, suite, foreignSettings().at(-1)!, [1], home);
    for (const [i, { name }] of MUTATIONS.entries())
      expect(differing(taken[i]!), name).to.have.length.above(0);
  });
});
