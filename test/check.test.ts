// `labelnoise check`, `compare` and `baseline update` with a stand-in for the engine: exit codes, files, refusals.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { updateBaseline } from '../src/cli/baseline.js';
import { check } from '../src/cli/check.js';
import { compareFolder } from '../src/cli/compare.js';
import type { Engine } from '../src/cli/engine.js';
import { run } from '../src/cli/run.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { InputError } from '../src/spec/errors.js';
import { EVERYTHING } from '../src/suite/select.js';
import { fakeEngine, fakeTrain, suiteFile } from './fakes.js';
import { keptEnvironment } from './support/environment.js';
import { temporaryFolder } from './support/temporary_folder.js';

const progress = { stop() {} };
const quietly = () => {};

/** An engine whose SAM runs end a point lower. */
const worse: Engine = {
  ...fakeEngine,
  train: async (job, onProgress, signal) => {
    const outcome = await fakeTrain(job, onProgress, signal);
    if (job.spec.gradient?.kind === 'sam') outcome.curve.at(-1)!.testAccuracy -= 1;
    return outcome;
  },
};

describe('labelnoise check', () => {
  let folder: string;
  let suite: string;
  let baseline: string;
  let made: string;
  before(async () => {
    made = path.join(await temporaryFolder(), 'made');
    suite = await suiteFile({ seeds: [1, 2] });
    baseline = path.join(path.dirname(made), 'baseline.json');
    await run(suite, { out: made }, fakeEngine, progress, quietly);
    expect(await updateBaseline(made, { baseline, yes: true }, fakeEngine, quietly, null)).to.equal(0);
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  const checked = async (engine: Engine, options: Parameters<typeof check>[1] = {}) => {
    let said = '';
    const out = options.out ?? path.join(folder, 'out');
    const code = await check(suite, { baseline, out, ...options }, engine, progress, (text) => {
      said += text;
    });
    const json = JSON.parse(await readFile(path.join(out, 'check.json'), 'utf8'));
    return { code, said, json, out };
  };
  const refused = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (e) => e,
    );
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).not.to.include('\n');
    return error.message as string;
  };

  it('ends with 0 if all is as it was', async () => {
    const { code, said, json, out } = await checked(fakeEngine);
    expect(code).to.equal(0);
    expect(said).to.match(/tiny: passed: 20 pass\n$/);
    expect(json).to.include({ passed: true, suite: 'tiny' });
    expect(json.cells).to.have.length(20);
    expect(json.cells[0]).to.include({ verdict: 'pass', by: 'bits', paper: 84.8 });
    expect(await readdir(out)).to.include.members(['check.json', 'check.junit.xml', 'check.md']);
  });

  it('ends with 1 if a cell is not', async () => {
    const { code, said, json } = await checked(worse);
    expect(code).to.equal(1);
    expect(json.passed).to.equal(false);
    expect(said).to.match(/tiny: FAILED: 12 pass, 8 regressed, 8 of these defects\n$/);
    expect(said).to.match(/SAM, 20 %: regressed \(defect\): a defect: .*; seed 2: accuracy/);
  });

  it('ends with 1 if a run fails, whose cell is missing', async () => {
    const failing: Engine = {
      ...fakeEngine,
      train: async (job, ...rest) => {
        if (job.spec.gradient?.kind === 'sam' && job.spec.seed === 2)
          throw new Error('the loss is not finite');
        return fakeTrain(job, ...rest);
      },
    };
    const { code, json } = await checked(failing);
    expect(code).to.equal(1);
    const missing = json.cells.filter((cell: { verdict: string }) => cell.verdict === 'missing');
    expect(missing.map((cell: { method: string }) => cell.method)).to.have.members([
      ...Array(4).fill('sam'),
      ...Array(4).fill('bootstrap-sam'),
    ]);
    expect(missing[0].reason).to.equal('seed 2 failed');
  });

  it('takes a slice', async () => {
    const selection = { method: ['sam', 'sgd'], noise: ['40'], seeds: 1 };
    const { code, json } = await checked(worse, { selection });
    expect(code).to.equal(1);
    expect(
      json.cells.map(({ method, noise, verdict }: Record<string, string>) => [method, noise, verdict]),
    ).to.deep.equal([
      ['sgd', '40', 'pass'],
      ['sam', '40', 'regressed'],
    ]);
  });

  it('says what is wrong with the input before it trains', async () => {
    let trained = false;
    const engine: Engine = {
      ...fakeEngine,
      train: (...job) => {
        trained = true;
        return fakeTrain(...job);
      },
    };
    const out = path.join(folder, 'out');
    const attempt = (file: string, options: object) =>
      refused(check(file, { baseline, out, ...options }, engine, progress, quietly));
    const other = await suiteFile({ seeds: [1, 2], threads: 2 });
    expect(await attempt(other, {})).to.include('threads is 1 in the baseline and 2 in the suite');
    expect(await attempt(suite, { selection: { method: ['adam'], noise: [] } })).to.include('method=adam');
    expect(await attempt(suite, { baseline: 'no/such.json' })).to.include('there is no such baseline');
    await mkdir(out);
    await writeFile(path.join(out, 'precious'), '');
    expect(await attempt(suite, {}))
      .to.include('is not empty')
      .and.to.include('--resume');
    expect(await readdir(out)).to.deep.equal(['precious']);
    expect(trained).to.equal(false);
  });

  it('goes on with what is there if told', async () => {
    const { out } = await checked(fakeEngine);
    const engine: Engine = {
      ...fakeEngine,
      train: () => {
        throw new Error('nothing is to be trained');
      },
    };
    expect((await checked(engine, { out, resume: true })).code).to.equal(0);
  });

  it('annotates and adds to the summary on GitHub Actions, and only there', async () => {
    const summary = path.join(folder, 'summary.md');
    await writeFile(summary, 'before\n');
    const { out, said } = await checked(worse);
    expect(said).not.to.include('::error');
    const restore = keptEnvironment();
    try {
      Object.assign(process.env, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
      let there = '';
      expect(
        await compareFolder(out, baseline, { selection: EVERYTHING }, (text) => {
          there += text;
        }),
      ).to.equal(1);
      expect(there.match(/^::error title=[^\n]+::a defect: [^\n]+$/gm)).to.have.length(8);
    } finally {
      restore();
    }
    const markdown = await readFile(path.join(out, 'check.md'), 'utf8');
    expect(await readFile(summary, 'utf8')).to.equal(`before\n${markdown}`);
  });

  it('shows published numbers, which never fail', async () => {
    let said = '';
    const published = path.join(PROJECT_ROOT, 'baselines', 'published.json');
    expect(
      await compareFolder(made, published, {}, (text) => {
        said += text;
      }),
    ).to.equal(0);
    expect(said).to.match(/SGD, 20 %\s+│\s+2 │\s+\S+ │\s+84\.8 │\s+-\S+/);
    expect(said).to.include('published numbers decide nothing');
  });
});

describe('labelnoise baseline update', () => {
  it('shows the difference, and writes only with consent', async () => {
    const folder = await temporaryFolder();
    const [baseline, one, two] = ['b.json', 'one', 'two'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    const suite = await suiteFile({});
    await run(suite, { out: one }, fakeEngine, progress, quietly);
    await run(suite, { out: two }, worse, progress, quietly);
    let said = '';
    const update = (out: string, yes: boolean, ask: ((question: string) => Promise<boolean>) | null) => {
      said = '';
      return updateBaseline(
        out,
        { baseline, yes },
        fakeEngine,
        (text) => {
          said += text;
        },
        ask,
      );
    };
    const text = () => readFile(baseline, 'utf8').catch(() => 'none');

    const error = await update(one, false, null).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.include('--yes writes it');
    expect(said).to.include('a new baseline, 20 cells with seeds 1');
    expect(await text()).to.equal('none');
    await update(one, false, async () => false);
    expect(await text()).to.equal('none');
    await update(one, false, async (question) => question.includes(baseline));
    const first = await text();
    expect(JSON.parse(first).cells).to.have.length(20);

    expect(await update(one, false, null)).to.equal(0);
    expect(said).to.include('No cell differs.');
    await update(two, true, null);
    expect(said).to.match(/sam\s+│ 20\s+│\s+\S+ │\s+\S+ │\s+-1\.00 │/);
    expect(said).not.to.match(/sgd\s+│/);
    expect(await text()).not.to.equal(first);
  });

  it('names settings, seeds and machine that are not the same any more', async () => {
    const folder = await temporaryFolder();
    const baseline = path.join(folder, 'b.json');
    const update = async (changes: object, engine: Engine, name: string) => {
      const out = path.join(folder, name);
      await run(await suiteFile(changes), { out }, engine, progress, quietly);
      let said = '';
      await updateBaseline(
        out,
        { baseline, yes: true },
        engine,
        (text) => {
          said += text;
        },
        null,
      );
      return said;
    };
    await update({}, fakeEngine, 'one');
    const newer = {
      ...fakeEngine,
      versions: async () => ({ tensorflow: '1', tfjs: '0', kernels: 'tensorflow' as const }),
    };
    const said = await update({ seeds: [1, 2], threads: 2 }, newer, 'two');
    expect(said).to.include('Other settings: threads was 1, is 2');
    expect(said).to.include('Other seeds: 1; now 1, 2');
    expect(said).to.include('Other threads: 1; now 2');
  });

  it('is refused for a folder that holds nothing, or a part', async () => {
    const folder = await temporaryFolder();
    const baseline = path.join(folder, 'b.json');
    const refused = async (out: string) => {
      const error = await updateBaseline(out, { baseline, yes: true }, fakeEngine, quietly, null).catch(
        (e) => e,
      );
      expect(error).to.be.instanceOf(InputError);
      return error.message;
    };
    expect(await refused(folder)).to.include('is no results folder');
    const out = path.join(folder, 'part');
    const selection = { method: ['sgd'], noise: [] };
    await run(await suiteFile({}), { out, selection }, fakeEngine, progress, quietly);
    expect(await refused(out)).to.include('has no result for mixup at noise 20, seed 1');
  });
});
