// `labelnoise report`: the page of one folder, or of several beside each other.
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { distinctNames, writeReport, writeTensorBoard } from '../src/cli/report.js';
import { redraw } from '../src/cli/table.js';
import { lock } from '../src/io/lock.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { differences } from '../src/report/differences.js';
import { type Report, readReport } from '../src/report/report.js';
import { claim } from '../src/results/manifest.js';
import { writeRecord } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { ALGORITHM_VERSION } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import { fakeRecord } from './fakes.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const QUICK = path.join(PROJECT_ROOT, 'results', 'quick');

describe('labelnoise report', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    for (const name of ['before', 'after'])
      await cp(QUICK, path.join(folder, name, 'quick'), { recursive: true });
  });
  const place = (name: string) => path.join(folder, name, 'quick');
  let said: string;
  let told: string[];
  const write = (folders: string[], file?: string) => {
    said = '';
    told = [];
    const print = (text: string) => {
      said += text;
    };
    return writeReport(folders, file, print, (line) => told.push(line));
  };
  const refusal = async (folders: string[], file?: string): Promise<string> => {
    const error = await write(folders, file).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).not.to.include('\n');
    return error.message;
  };

  it('writes the tables of a folder again, from its archive too', async () => {
    expect(await write([place('before')])).to.equal(0);
    for (const name of ['report.html', 'table4.tex', 'table4.md', 'comparison.csv']) {
      expect(said).to.include(path.join(place('before'), name));
      expect(await readdir(place('before'))).to.include(name);
    }
    expect(await readFile(path.join(place('before'), 'comparison.csv'), 'utf8')).to.equal(
      await readFile(path.join(QUICK, 'comparison.csv'), 'utf8'),
    );
    expect(await readFile(path.join(place('before'), 'report.html'), 'utf8')).to.include('20 of 20 finished');
  });

  it('writes one page of several folders, and nothing into them', async () => {
    const held = await readdir(place('after'));
    const file = path.join(folder, 'compared.html');
    expect(await write([place('before'), place('after')], file)).to.equal(0);
    expect(said).to.equal(`Written: ${file}\n`);
    expect(await readFile(file, 'utf8')).to.include('Comparison: before/quick and after/quick');
    expect(await readdir(place('after'))).to.deep.equal(held);
  });

  it('refuses what it cannot do, in one line, and writes nothing', async () => {
    expect(await refusal([place('before'), place('after')])).to.include('--out is missing');
    expect(await refusal([place('before'), place('before')], 'x.html')).to.include('given twice');
    await mkdir(path.join(folder, 'empty'));
    expect(await refusal([path.join(folder, 'empty')])).to.include('is no results folder');
    expect(await refusal([place('before'), folder], 'x.html')).to.include('is no results folder');
    expect(await readdir(folder)).to.have.members(['before', 'after', 'empty']);
  });

  it('leaves a folder alone that another command writes to, and says what can be done', async function () {
    this.timeout(20_000);
    const out = place('before');
    const unlock = await lock(out, () => {});
    const held = (await readdir(out)).sort();
    for (const attempt of [
      () => write([out]),
      () => writeTensorBoard(out),
      () => redraw(out, undefined, () => {}),
    ]) {
      const error = await attempt().catch((e: Error) => e);
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).to.include(`is in use by process ${process.pid} since `);
    }
    expect((await readdir(out)).sort()).to.deep.equal(held);
    expect(await write([out], path.join(folder, 'elsewhere.html'))).to.equal(0);
    await unlock();
    expect(await write([out])).to.equal(0);
  });

  it('reads the results of code that made others', async () => {
    const out = path.join(folder, 'earlier');
    const { suite } = synthetic().graph;
    await claim(out, suite);
    await writeFile(
      path.join(out, 'suite.json'),
      JSON.stringify({ algorithm: ALGORITHM_VERSION - 1, suite }),
    );
    const [run] = expand(suite, ALGORITHM_VERSION - 1).runs;
    expect(run!.id).not.to.equal(expand(suite).runs[0]!.id);
    await writeRecord(out, fakeRecord(run!, 42));
    const { report } = await readReport(out);
    expect(report.cells[0]).to.include({ method: 'sgd', noiseSetting: '20', mean: 42 });
  });

  it('calls folders by the shortest names that differ', () => {
    expect(distinctNames(['/a/quick', '/b/small/'])).to.deep.equal(['quick', 'small']);
    expect(distinctNames(['/a/b/quick', '/c/b/quick'])).to.deep.equal(['a/b/quick', 'c/b/quick']);
  });
});

describe('the differences between folders', () => {
  const between = (before: Report, after: Report) =>
    differences([
      { name: 'before', report: before },
      { name: 'after', report: after },
    ]);

  it('are paired by seed where both have the same, which takes out what the seeds do', () => {
    const [paired] = between(synthetic({ seeds: [1, 2, 3] }), synthetic({ seeds: [3, 1, 2] }, 4, 2));
    expect(paired).to.include({
      from: 'before',
      to: 'after',
      method: 'sgd',
      noiseSetting: '20',
      paired: true,
    });
    expect(paired!.difference).to.be.closeTo(2, 1e-9);
    expect(paired!.half ?? 0).to.be.closeTo(0, 1e-9);
    const [unpaired] = between(synthetic({ seeds: [1, 2, 3] }), synthetic({ seeds: [4, 5, 6] }, 4, 2));
    expect(unpaired).to.include({ paired: false });
    expect(unpaired!.half).to.be.above(0.5);
  });

  it('are of the cells that both have', () => {
    const noise = { kind: 'symmetric' as const, rates: [0.4, 0.8], redraw: 'other' as const };
    const few = synthetic({ noise, methods: { sgd: {}, mixup: { alpha: 8 } } });
    const found = between(synthetic(), few).map(({ method, noiseSetting }) => `${method} ${noiseSetting}`);
    expect(found).to.deep.equal(['sgd 40', 'sgd 80', 'mixup 40', 'mixup 80']);
    expect(between(synthetic(), few)[0]!.half).to.equal(null);
  });
});
