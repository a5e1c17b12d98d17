// Parts of a suite: chosen cells, the teachers they need, and more or fewer seeds.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../src/cli/run.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { EVERYTHING, seedsOf, select, selectionName, withSeeds } from '../src/suite/select.js';
import { fakeEngine, SUITE, suiteFile } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const whole = expand({ ...SUITE, seeds: [1, 2, 3] } as ResolvedSuite);

describe('a part of a suite', () => {
  it('has the chosen cells, with the ids of the whole', () => {
    const { cells, runs, noiseSettings } = select(whole, { method: ['sam', 'sgd'], noise: ['40'] });
    expect(cells).to.deep.equal(
      whole.cells.filter(
        ({ method, noiseSetting }) => ['sgd', 'sam'].includes(method) && noiseSetting.label === '40',
      ),
    );
    expect(cells).to.have.length(6);
    expect(runs.map(({ id }) => id)).to.have.members(cells.map(({ run }) => run.id));
    expect(noiseSettings.map(({ label }) => label)).to.deep.equal(['40']);
    expect(select(whole, EVERYTHING)).to.deep.equal(whole);
  });

  it('takes a noise by percent or as the suite writes it', () => {
    expect(select(whole, { method: [], noise: ['0.4'] })).to.deep.equal(
      select(whole, { method: [], noise: ['40'] }),
    );
  });

  it('trains the teacher of a student, with its own settings', () => {
    const suite = { ...SUITE, methods: { ...SUITE.methods, mixup: { alpha: 1 } } } as ResolvedSuite;
    const { cells, runs } = select(expand(suite), { method: ['bootstrap-mixup'], noise: ['20'] });
    expect(cells.map(({ method }) => method)).to.deep.equal(['bootstrap-mixup']);
    expect(runs.map(({ method, spec }) => [method, spec.batch])).to.deep.equal([
      ['mixup', { kind: 'mixup', alpha: 1 }],
      ['bootstrap-mixup', { kind: 'mixup', alpha: 8 }],
    ]);
    expect(cells[0]!.run.id).to.equal(
      expand(suite).cells.find(
        ({ method, noiseSetting }) => method === 'bootstrap-mixup' && noiseSetting.label === '20',
      )!.run.id,
    );
  });

  it('has the first seeds, or goes on after the largest', () => {
    expect(seedsOf([5, 3, 9], 2)).to.deep.equal([5, 3]);
    expect(seedsOf([5, 3, 9], 5)).to.deep.equal([5, 3, 9, 10, 11]);
    expect(withSeeds({ seeds: [1] }, { ...EVERYTHING, seeds: 3 }).seeds).to.deep.equal([1, 2, 3]);
    expect(withSeeds({ seeds: [1, 2, 3] }, { ...EVERYTHING, seeds: 1 }).seeds).to.deep.equal([1, 2, 3]);
    const { cells } = select(whole, { ...EVERYTHING, seeds: 2 });
    expect([...new Set(cells.map(({ seed }) => seed))]).to.deep.equal([1, 2]);
  });

  it('is refused if the suite has no such cells', () => {
    const refused = (method: string[], noise: string[], seeds?: number) => {
      try {
        select(whole, { method, noise, ...(seeds && { seeds }) });
      } catch (error) {
        expect(error).to.be.instanceOf(InputError);
        return (error as Error).message;
      }
      throw new Error('not refused');
    };
    expect(refused(['adam'], [])).to.equal(
      '--only method=adam: is not in the suite; allowed: one of sgd, mixup, bootstrap-mixup, sam, bootstrap-sam',
    );
    expect(refused([], ['30']))
      .to.include('--only noise=30')
      .and.to.include('20, 40, 60, 80');
    expect(refused([], [], 4))
      .to.include('--seeds 4')
      .and.to.include('1 to 3');
  });

  it('has a folder of its own by default', () => {
    expect(selectionName(EVERYTHING)).to.equal('');
    expect(selectionName({ method: ['sam', 'sgd'], noise: ['../x y'], seeds: 3 })).to.equal(
      'method=sam-method=sgd-noise=.._x_y-seeds=3',
    );
  });
});

describe('running a part of a suite', () => {
  it('trains that part, and the whole goes on from it', async () => {
    const [file, out] = [await suiteFile({}), path.join(await temporaryFolder(), 'out')];
    const progress = { stop() {} };
    const trained = async () => (await readdir(path.join(out, 'runs'))).length;
    const part = { method: ['bootstrap-sam'], noise: ['40'] };
    expect(await run(file, { out, selection: part }, fakeEngine, progress, () => {})).to.equal(0);
    expect(await trained()).to.equal(2);
    const rows = (await readFile(path.join(out, 'runs.csv'), 'utf8')).trim().split('\n');
    expect(rows.map((row) => row.split(',')[2])).to.deep.equal(['method', 'sam', 'bootstrap-sam']);

    expect(await run(file, { out }, fakeEngine, progress, () => {})).to.equal(0);
    expect(await trained()).to.equal(20);
    // What was trained before stays in the tables when a part is run again.
    const table = await readFile(path.join(out, 'table4.csv'), 'utf8');
    expect(await run(file, { out, selection: part }, fakeEngine, progress, () => {})).to.equal(0);
    expect(await readFile(path.join(out, 'table4.csv'), 'utf8')).to.equal(table);
  });

  it('does not mix with other settings', async () => {
    const out = path.join(await temporaryFolder(), 'out');
    const progress = { stop() {} };
    const part = { method: ['sgd'], noise: [] };
    await run(await suiteFile({}), { out, selection: part }, fakeEngine, progress, () => {});
    const error = await run(
      await suiteFile({ seeds: [2] }),
      { out, selection: part },
      fakeEngine,
      progress,
      () => {},
    ).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.include('seeds.0');
  });
});
