// The command as people type it: wrong input ends in one line, exit code 2, and nothing written.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { PROJECT_ROOT, VERSION } from '../src/io/project.js';
import { claim } from '../src/results/manifest.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE } from './fakes.js';
import { labelnoise } from './support/commands.js';
import { temporaryFolder } from './support/temporary_folder.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');

/** Runs a program of the project; whatever is wrong must be said long before it is stopped here. */
function nodeIn(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]) {
  const options = { cwd, env, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
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
    const { status, stdout, stderr } = await labelnoise(folder, args);
    expect(stderr).to.match(/^(labelnoise: verifying [^\n]+\n)?labelnoise: [^\n]+\n$/);
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

  it('a suite that never ends, or is too long', async () => {
    await refused('is not known; allowed:', 'run', '/dev/zero');
    await refused(
      'mine.json: it has more than 1,000,000 bytes; allowed: a suite file of at most 1 MB',
      'run',
      await suiteFile({ description: 'x'.repeat(20e6) }),
    );
  });

  it('a label file that never ends', async () =>
    refused(
      'label file /dev/zero cannot be read: it is no regular file',
      'run',
      await suiteFile({ noise: { kind: 'file', files: { zeros: '/dev/zero' } }, methods: { sgd: {} } }),
    ));

  it('a baseline, or a text to put a table into, that never ends', async () => {
    const results = path.join(PROJECT_ROOT, 'results', 'quick');
    await refused('cannot read /dev/zero: it is no regular file', 'compare', results, '/dev/zero');
    await refused('cannot read /dev/zero: it is no regular file', 'table', results, '--into', '/dev/zero');
  });

  it('files of a results folder that never end, or are larger than the memory', async function () {
    this.timeout(60_000);
    const out = path.join(folder, 'endless');
    const of = (name: string) => path.join(out, name);
    for (const [name, command] of [
      ['suite.json', 'table'],
      ['records.jsonl', 'table'],
      ['runs/0123456789abcdef.json', 'runs'],
      ['table4.csv', 'verify'],
    ] as const) {
      await cp(path.join(PROJECT_ROOT, 'results', 'quick-float32'), out, { recursive: true });
      await mkdir(of('runs'));
      await rm(of(name), { force: true });
      await symlink('/dev/zero', of(name));
      await refused(`cannot read ${of(name)}: it is no regular file`, command, out);
      await rm(of(name));
      expect(spawnSync('mkfifo', [of(name)]).status).to.equal(0);
      await refused(`cannot read ${of(name)}: it is no regular file`, command, out);
      await rm(of(name));
      await writeFile(of(name), '');
      await truncate(of(name), 3e9);
      await refused(`cannot read ${of(name)}: it has more than`, command, out);
      await rm(out, { recursive: true });
    }
  });

  it('speeds and baselines to verify that never end', async () => {
    await symlink('/dev/zero', path.join(folder, 'perf-avx2.json'));
    const said = 'perf-avx2.json: it is no regular file';
    await refused(said, 'verify', 'perf-avx2.json');
    await refused(said, 'perf', '--out', '.', '--into', 'README.md');
  });

  it('what is in a name, without its control characters', async () => {
    const { stderr } = await labelnoise(folder, ['run', '\u001b[31mred\u202e\nline']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
    expect(stderr).not.to.match(/[\u0000-\u0009\u000b-\u001f\u202e]|\n./);
  });

  it('numbers that are not written in decimal', async () => {
    for (const rate of ['0x0', '1e-1', '', '-0', '1'])
      await refused(`--rate ${rate}: must be a fraction`, 'noise', `--rate=${rate}`, '--seed=1', '--out=x');
    for (const seed of ['0x1', '1.5', '9007199254740993'])
      await refused(`--seed ${seed}: must be`, 'noise', '--rate=0.4', `--seed=${seed}`, '--out=x');
  });

  it('files of labels without a name', async () => {
    await mkdir(path.join(folder, 'dir'));
    for (const [out, instead] of [
      ['dir/', 'dir/labels'],
      ['dir', 'dir/labels'],
      ['', 'labels'],
      ['..', '../labels'],
      ['dir/.npy', 'dir/labels'],
    ] as const)
      await refused(
        `--out ${out}: is no name of a file; allowed: e.g. ${instead}\n`,
        'noise',
        '--rate=0.4',
        '--seed=1',
        `--out=${out}`,
      );
  });

  it('a file of labels in the way that never ends', async () => {
    await symlink('/dev/zero', path.join(folder, 'z.npy'));
    const { status, stderr } = await labelnoise(folder, ['noise', '--rate=0.4', '--seed=1', '--out=z']);
    expect(stderr).to.match(
      /^(CIFAR-10: .*\n)+labelnoise: drawing labels, and writing them\nlabelnoise: --out z: z\.npy cannot be read: it is no regular file\n$/,
    );
    expect(status).to.equal(2);
  });

  it('folders where none can be made (needs /proc)', async function () {
    this.timeout(60_000);
    if (process.platform !== 'linux') this.skip();
    const said = 'no folder can be made there';
    const results = path.join(PROJECT_ROOT, 'results', 'quick');
    for (const command of ['run', 'check'])
      await refused(`cannot write results to /proc/x: ${said}`, command, 'smoke', '--out', '/proc/x');
    await refused(`cannot write results to /proc/x: ${said}`, 'perf', '--out', '/proc/x');
    const cell = ['--noise', '0.4', '--seed', '1', '--out', '/proc/x'];
    await refused(`cannot write results to /proc/x: ${said}`, 'export', 'quick', ...cell);
    await refused(`cannot write /proc/x/y.html: ${said}`, 'report', results, '--out', '/proc/x/y.html');
    await refused(
      `cannot write results to /proc/x: ${said}`,
      'noise',
      '--rate=0.4',
      '--seed=1',
      '--out=/proc/x/y',
    );
    const env = { ...process.env, LABELNOISE_CACHE: '/proc/x' };
    const install = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'install.js');
    for (const args of [[MAIN, 'data'], [MAIN, 'run', await suiteFile({})], [install]]) {
      const { status, stderr } = nodeIn(folder, env, ...args);
      expect(stderr).to.match(/^[^\n]*\/proc\/x[^\n]* cannot be (made|written)[^\n]*\n$/);
      expect(status).to.equal(2);
    }
    expect(await readdir(folder)).to.deep.equal(['mine.json']);
  });

  it('predictions without a name, or that never end', async () => {
    const cell = ['--suite', 'quick', '--noise', '0.4', '--seed', '1', '--out', 'out'];
    await refused("required option '--as <name>' not specified", 'score', '--predictions', 'p.npy', ...cell);
    await refused(
      '--as "\\u001b[31mred": allowed: letters',
      'score',
      '--predictions',
      'p.npy',
      '--as',
      '\u001b[31mred',
      ...cell,
    );
    await refused(
      '--noise 0.5: is not in the suite quick; allowed: one of 0.2',
      'export',
      'quick',
      '--noise',
      '0.5',
      '--seed',
      '1',
      '--out',
      'out',
    );
    const args = ['score', '--predictions', '/dev/zero', '--as', 'x', ...cell];
    const { status, stderr } = await labelnoise(folder, args);
    expect(stderr).to.match(
      /^CIFAR-10: reading .*\nlabelnoise: predictions \/dev\/zero cannot be read: .*no regular file\n$/,
    );
    expect([status, await readdir(folder)]).to.deep.equal([2, []]);
  });

  it('an unknown command, option, or one argument too many', async () => {
    await refused("unknown command 'rum'", 'rum');
    await refused("unknown option '--sed'", 'run', '--sed');
    await refused('too many arguments', 'run', 'smoke', 'quick');
  });
});

describe('the name of a file of labels', () => {
  it('may have its ending already', async () => {
    const folder = await temporaryFolder();
    const args = ['noise', '--rate=0.4', '--seed=1'];
    for (const out of ['a.npy', 'b.csv', 'c'])
      expect((await labelnoise(folder, [...args, '--out', out])).status).to.equal(0);
    expect(await readdir(folder)).to.have.members(
      ['a', 'b', 'c'].flatMap((name) => [`${name}.npy`, `${name}.csv`]),
    );
  }).timeout(60_000);
});

describe('a signal', () => {
  it('ends the process, be it stuck', async () => {
    const signals = pathToFileURL(path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'signals.js'));
    const script = `import { abortOnSignals } from '${signals}'; abortOnSignals(100); setInterval(() => {}, 1000); console.log('ready')`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).to.deep.equal([143, null]);
  });
});

describe('help', () => {
  it('teaches by examples', async () => {
    for (const args of [['--help'], ['run', '--help'], ['table', '--help']]) {
      const { status, stdout, stderr } = await labelnoise('.', args);
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(stdout).to.match(/Examples?:\n {2}labelnoise /);
    }
  });

  it('lists the suites', async () => {
    const { status, stdout } = await labelnoise('.', ['suites']);
    expect(status).to.equal(0);
    for (const name of ['smoke', 'quick', 'table4', 'table4-resnet32'])
      expect(stdout).to.match(new RegExp(`^${name} +\\S.*\\.$`, 'm'));
  });
});

describe('the version', () => {
  for (const flag of ['-V', '--version'])
    it(`is what ${flag} asks for`, async () => {
      const outcome = await labelnoise(PROJECT_ROOT, [flag]);
      expect(outcome).to.deep.equal({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    });
});

describe('an event log', () => {
  it('that is a pipe nobody reads is not waited for', async () => {
    const folder = await temporaryFolder();
    expect(spawnSync('mkfifo', [path.join(folder, 'events.jsonl')]).status).to.equal(0);
    const module = pathToFileURL(path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'event_log.js')).href;
    const program = `const { createEventLog } = await import('${module}'); createEventLog('.').stopped();`;
    expect(nodeIn(folder, process.env, '--input-type=module', '-e', program).status).to.equal(0);
  });
});

describe('a reader who stops reading', () => {
  it('is no error', () => {
    const command = `"${process.execPath}" "${MAIN}" suites | true`;
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stderr).to.equal('');
  });
});
