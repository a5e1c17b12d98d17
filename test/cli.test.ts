// The command as people type it: wrong input ends in one line, exit code 2, and nothing written.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/project.js';
import { claim } from '../src/results/ownership.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE, temporaryFolder } from './fakes.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');

function labelnoise(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('wrong input on the command line', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  /** Runs the command and checks that it refuses in one line that includes `said`. */
  async function refused(said: string, ...args: string[]) {
    const before = await readdir(folder, { recursive: true });
    const { status, stdout, stderr } = labelnoise(folder, ...args);
    expect(stderr).to.match(/^labelnoise: [^\n]+\n$/);
    expect(stderr)
      .to.include(said)
      .and.not.to.match(/\.js:\d/);
    expect([status, stdout]).to.deep.equal([2, '']);
    expect(await readdir(folder, { recursive: true })).to.deep.equal(before);
  }

  async function suiteFile(changes: object): Promise<string> {
    await writeFile(path.join(folder, 'mine.json'), JSON.stringify({ ...SUITE, ...changes }));
    return 'mine.json';
  }

  it('an unknown suite', () => refused('suite "nosuch" is not known; allowed:', 'run', 'nosuch'));

  it('an axis that cannot be chosen by', () =>
    refused("argument 'model=x' is invalid. Allowed: method=<name> or noise=", 'run', '--only', 'model=x'));

  it('no seeds', () => refused("argument '0' is invalid. Allowed: a whole number", 'check', '--seeds', '0'));

  it('a folder without results to compare', () =>
    refused('nosuch: is no results folder', 'compare', 'nosuch'));

  it('a folder without results to make a baseline of', () =>
    refused('nosuch: is no results folder', 'baseline', 'update', 'nosuch'));

  it('an unknown method', async () =>
    refused(
      'mine.json: methods.adam is not known; allowed: one of sgd',
      'run',
      await suiteFile({ methods: { adam: {} } }),
    ));

  it('an unknown field', async () =>
    refused('mine.json: colour is not known', 'run', await suiteFile({ colour: 'red' })));

  it('a noise rate of 1.2', async () =>
    refused(
      'mine.json: noise.rates[0] is 1.2; allowed: a fraction from 0 up to 1',
      'run',
      await suiteFile({ noise: { kind: 'symmetric', rates: [1.2], redraw: 'other' }, methods: { sgd: {} } }),
    ));

  it('a depth of 15', async () =>
    refused(
      'mine.json: model.depth is 15; allowed: 6n+4',
      'run',
      await suiteFile({ model: { ...SUITE.model, depth: 15 } }),
    ));

  it('a label file that is not there', async () =>
    refused(
      'zeros.npy',
      'run',
      await suiteFile({ noise: { kind: 'file', files: { zeros: 'zeros.npy' } }, methods: { sgd: {} } }),
    ));

  it("a folder with another suite's results", async () => {
    const out = path.join(folder, 'out');
    await mkdir(path.join(out, 'runs'), { recursive: true });
    await writeFile(path.join(out, 'runs', 'record.json'), '');
    await claim(out, SUITE as ResolvedSuite);
    const before = await readFile(path.join(out, 'suite.json'), 'utf8');
    const other = await suiteFile({ name: 'other' });
    await refused('holds results of the suite "tiny", not of "other"', 'run', other, '--out', 'out');
    const changed = await suiteFile({ seeds: [7] });
    await refused('with seeds.0 = 1, now it is 7', 'run', changed, '--out', 'out');
    expect(await readFile(path.join(out, 'suite.json'), 'utf8')).to.equal(before);
  });

  it('a results folder that is a file', async () => {
    const file = await suiteFile({});
    await refused('cannot write results to mine.json', 'run', file, '--out', 'mine.json');
  });

  it('an unreadable data folder', async () =>
    refused('nowhere', 'run', await suiteFile({}), '--data-dir', 'nowhere'));

  it('a folder without results', () => refused('is no results folder', 'table', '.'));

  it('an unknown command, option, or one argument too many', async () => {
    await refused("unknown command 'rum'", 'rum');
    await refused("unknown option '--sed'", 'run', '--sed');
    await refused('too many arguments', 'run', 'smoke', 'quick');
  });
});

describe('help', () => {
  it('teaches by examples', () => {
    for (const args of [['--help'], ['run', '--help'], ['table', '--help']]) {
      const { status, stdout, stderr } = labelnoise('.', ...args);
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(stdout).to.match(/Examples?:\n {2}labelnoise /);
    }
  });

  it('lists the suites', () => {
    const { status, stdout } = labelnoise('.', 'suites');
    expect(status).to.equal(0);
    for (const name of ['smoke', 'quick', 'table4', 'table4-resnet32'])
      expect(stdout).to.match(new RegExp(`^${name} +\\S.*\\.$`, 'm'));
  });
});

describe('a reader who stops reading', () => {
  it('is no error', () => {
    const command = `"${process.execPath}" "${MAIN}" suites | true`;
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stderr).to.equal('');
  });
});
