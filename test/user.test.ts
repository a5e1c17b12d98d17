// Files of users' own: how they are loaded, what they are known by, and what is said when there is something wrong with them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/io/project.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import { loadSuite, parseResolvedSuite } from '../src/suite/load.js';
import { type ResolvedSuite, resolveSuite } from '../src/suite/resolve.js';
import { bundle } from '../src/user/bundle.js';
import { guarded, OVERDUE } from '../src/user/guard.js';
import type { Kind } from '../src/user/kinds.js';
import { loadUserFile, Trial } from '../src/user/load.js';
import { fakeEngine, SUITE } from './fakes.js';
import { trainingCommand, labelnoise as typed } from './support/commands.js';
import { temporaryFolder } from './support/temporary_folder.js';

const METHOD = `import { tf, z } from 'labelnoise';
export default {
  name: 'mine',
  title: 'Mine',
  settings: z.object({ strength: z.number().default(2) }),
  cost: () => 1,
  recipe: () => ({}),
};
`;

describe("files of users' own", () => {
  let folder: string;
  const trial = new Trial();
  const cache = process.env.LABELNOISE_CACHE;
  beforeEach(async () => {
    folder = await temporaryFolder();
    process.env.LABELNOISE_CACHE = path.join(folder, 'cache');
  });
  afterEach(() => {
    if (cache === undefined) delete process.env.LABELNOISE_CACHE;
    else process.env.LABELNOISE_CACHE = cache;
    delete process.env.LABELNOISE_USER_SECONDS;
  });
  after(() => trial.end());

  async function file(text: string, name = 'mine.ts'): Promise<string> {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
    return path.join(folder, name);
  }

  async function load(text: string, kind: Kind = 'method', name?: string) {
    return loadUserFile(await file(text, name), kind, trial);
  }

  /** What is said of a file, in one line. */
  async function refused(text: string, kind: Kind = 'method', name?: string): Promise<string> {
    const error = await load(text, kind, name).then(
      () => new Error('it was loaded'),
      (e: Error) => e,
    );
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).not.to.include('\n');
    return error.message.replaceAll(`${folder}/`, '');
  }

  it('are loaded with what they import, outside of the project too, and with its own zod and tfjs', async () => {
    await file("export const title: string = 'From beside';\n", 'parts/title.ts');
    await file('{"strength": 3}', 'parts/settings.json');
    await file(
      "module.exports = require('node:path').sep + require('os').EOL;",
      'node_modules/separator/index.js',
    );
    const { entry } = await load(
      `import { z, tf, permutation, type Stream } from 'labelnoise';
      import { z as other } from 'zod';
      import separator from 'separator';
      import { basename } from 'node:path';
      import given from './parts/settings.json';
      import { title } from './parts/title.js';
      enum Kind { Plain = 'plain' }
      const settings = z.object({ strength: z.number().default(given.strength) });
      const typed: (next: Stream) => Int32Array = (next) => permutation(next, 3);
      export default { name: Kind.Plain, title, settings, cost: () => 1, recipe: () => Object.assign(new (class {})(), { kind: basename('a/' + Kind.Plain),
        one: z === other, tf: typeof tf, order: typed(() => 0), separator, here: import.meta.url }) };`,
    );
    const { recipe, settings } = entry as unknown as {
      recipe(): unknown;
      settings: { parse(v: object): object };
    };
    expect(entry.title).to.equal('From beside');
    expect(settings.parse({})).to.deep.equal({ strength: 3 });
    expect(recipe()).to.deep.equal({
      kind: 'plain',
      one: true,
      tf: 'object',
      order: Int32Array.of(1, 2, 0),
      separator: '/\n',
      here: pathToFileURL(path.join(folder, 'mine.ts')).href,
    });
  });

  it('may be JavaScript', async () => {
    for (const name of ['mine.js', 'mine.mjs'])
      expect((await load(METHOD, 'method', name)).entry.name).to.equal('mine');
  });

  it('are known by their content and that of what they import, wherever they lie', async () => {
    const imports = "import { a } from './parts.js';\nimport b from 'other';\nexport default a + b;\n";
    const entry = await file(imports);
    const parts = await file('export const a: number = 1;\r\n', 'parts.ts');
    await file('export default 2;\n', 'node_modules/other/index.js');
    const before = await bundle(entry);
    const elsewhere = path.join(folder, 'quite', 'elsewhere');
    for (const one of ['mine.ts', 'parts.ts', 'node_modules'])
      await cp(path.join(folder, one), path.join(elsewhere, one), { recursive: true });
    await writeFile(
      path.join(elsewhere, 'tsconfig.json'),
      '{ "compilerOptions": { "useDefineForClassFields": false } }',
    );
    await writeFile(path.join(elsewhere, 'parts.ts'), 'export const a: number = 1;\n');
    expect((await bundle(path.join(elsewhere, 'mine.ts'))).sha256).to.equal(before.sha256);
    // Computed once and for all: another would mean that all results of users' methods are lost.
    expect(before.sha256).to.equal('36b8afcf1b592d0385b625a29dc52fa32b4322f8bd72e4c07fb62b6330ef541a');
    await writeFile(parts, 'export const a: number = 3;\n');
    expect((await bundle(entry)).sha256).not.to.equal(before.sha256);
  });

  it('are kept in the cache for nobody else to read, and used from there', async () => {
    await load(METHOD);
    const users = path.join(folder, 'cache', 'users');
    const [kept, ...others] = await readdir(users);
    expect(others).to.deep.equal([]);
    expect(kept).to.match(/^[0-9a-f]{64}\.mjs$/);
    expect((await stat(path.join(users, kept!))).mode & 0o777).to.equal(0o600);
    await writeFile(path.join(users, kept!), 'export default "something else";\n');
    expect((await load(METHOD)).entry.name).to.equal('mine');
    expect(await readdir(users)).to.deep.equal([kept]);
  });

  it('that do not parse are refused with file, line and column', async () => {
    expect(await refused('export default {\n  name: = 3,\n};\n')).to.equal('mine.ts:2:9: Unexpected "="');
  });

  it('that are not there, or no modules, are refused', async () => {
    const missing = await loadUserFile(path.join(folder, 'nosuch.ts'), 'method', trial).catch(
      (e: Error) => e,
    );
    expect((missing as Error).message).to.include(
      'nosuch.ts: there is no such file; allowed: the path of a file',
    );
    expect(await refused(METHOD, 'method', 'mine.py')).to.match(
      /^mine\.py: is no module by its name; allowed:/,
    );
    await mkdir(path.join(folder, 'folder.ts'));
    const isFolder = await loadUserFile(path.join(folder, 'folder.ts'), 'method', trial).catch(
      (e: Error) => e,
    );
    expect((isFolder as Error).message).to.include('folder.ts: there is no such file');
  });

  it('that import what is not there are refused', async () => {
    const said = (text: string) => refused(`// a line\n${text}\n${METHOD}`);
    expect(await said("import './nosuch.js';")).to.match(
      /^mine\.ts:2:8: imports "\.\/nosuch\.js", which is not there; allowed: the path/,
    );
    expect(await said("import 'nosuch';")).to.match(
      /^mine\.ts:2:8: imports "nosuch", which is not there; allowed: a package/,
    );
    expect(await said("import { nosuch } from 'labelnoise'; nosuch();")).to.match(/^mine\.ts:.*nosuch/);
    expect(await said("import * as tfjs from '@tensorflow/tfjs'; tfjs.add;")).to.equal(
      "mine.ts:2:23: @tensorflow/tfjs cannot be imported; allowed: import { tf } from 'labelnoise'",
    );
  });

  it('that export nothing, or something else, are refused with what is missing', async () => {
    expect(await refused('export const mine = 1;\n')).to.equal(
      'mine.ts:1: exports nothing as its default; expected: export default defineMethod({ name, title, settings, cost, recipe })',
    );
    const without = METHOD.replace(/ {2}recipe.*\n/, '');
    expect(await refused(without)).to.equal(
      'mine.ts:2: the default export is no method: it has no "recipe"; expected: a function (settings, dims) => recipe',
    );
    expect(await refused(METHOD.replace("'mine'", "'My method'"))).to.match(
      /its "name" is 'My method'; expected: a name of small/,
    );
    expect(await refused('export default 3;\n')).to.match(
      /^mine\.ts:1: the default export is no method: it is 3; expected: define/,
    );
    expect(await refused(METHOD, 'noise')).to.match(
      /^mine\.ts:2: the default export is no noise: it has no "cite"; expected:/,
    );
    expect(await refused(METHOD, 'dataset')).to.include('is no data set: it has no "cite"; expected: a text');
    const short = `export default { name: 'mine', title: 'Mine', cite: 'Me', classNames: ['a', 'b'], imageSize: 8, channels: 3,
      mean: [0.5], deviation: [0.2, 0.2, 0.2], trainImages: 10, testImages: 4, load() {} };\n`;
    expect(await refused(short, 'dataset')).to.include(
      'its "mean" is [ 0.5 ]; expected: a list of a number for each channel',
    );
    expect(await refused(METHOD, 'network')).to.include(
      'is no network: its "title" is \'Mine\'; expected: a function',
    );
    expect(await refused(METHOD, 'augmentation')).to.include('is no augmentation: it has no "inputs"');
  });

  it('whose top level throws, ends the process or never returns are refused', async () => {
    expect(await refused(`${METHOD}\nconst a: number = 1;\nthrow new Error('not\\ntoday' + a);\n`)).to.equal(
      'mine.ts:11:7: not today1',
    );
    expect(await refused(`throw 'a text';\n${METHOD}`)).to.equal("mine.ts: throws 'a text'");
    expect(await refused(`process.exit(3);\n${METHOD}`)).to.equal(
      'mine.ts:1:9: process.exit must not be called',
    );
    expect(await refused(`process.kill(process.pid, 'SIGKILL');\n${METHOD}`)).to.equal(
      'mine.ts: its top level ends the process (SIGKILL)',
    );
    process.env.LABELNOISE_USER_SECONDS = '0.5';
    expect(await refused(`for (;;);\n${METHOD}`)).to.equal(
      'mine.ts: its top level does not return; expected: a top level that is over after 0.5 s',
    );
    expect(await refused(`await new Promise(() => {});\n${METHOD}`)).to.include(
      'its top level does not return',
    );
    process.env.LABELNOISE_USER_SECONDS = 'soon';
    expect(await refused(METHOD)).to.equal(
      'LABELNOISE_USER_SECONDS is "soon"; allowed: a number of seconds above 0',
    );
  });

  it('are not blamed for what a file before them does', async () => {
    const inTrial = "if (process.argv[1]?.endsWith('trial.js'))";
    await load(`${METHOD}${inTrial} setTimeout(() => process.kill(process.pid), 100);\n`);
    const { entry } = await load(`${METHOD}${inTrial} await new Promise((done) => setTimeout(done, 300));\n`);
    expect(entry.name).to.equal('mine');
  });

  /** A method whose recipe has these parts. */
  async function recipe(parts: string): Promise<Record<string, (...args: unknown[]) => unknown>> {
    const { entry } = await load(METHOD.replace('({})', `Object.assign(new (class {})(), {\n${parts}\n})`));
    return (entry as unknown as { recipe(): Record<string, () => unknown> }).recipe();
  }

  const thrownBy = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      return (error as Error).message.replaceAll(`${folder}/`, '');
    }
    return 'nothing';
  };

  it('have their place named when a function of theirs throws, however deep', async () => {
    type Parts = {
      loss(logits: object): void;
      draws(): (step: number) => void;
      phases: { warm: { loss(): void } };
      later(): Promise<void>;
    };
    const { loss, draws, later, phases } = (await recipe(`
      loss(logits) { return logits.nosuch.shape; },
      draws: () => (step) => { throw new RangeError('no step ' + step); },
      phases: { warm: { loss: () => { throw null; } } },
      async later() { await null; throw new Error('in the end'); },`)) as unknown as Parts;
    const loading = (
      await load(
        METHOD.replace('recipe:', `async load() { await null; throw Error('in the end'); },\n  recipe:`),
      )
    ).entry as unknown as { load(): Promise<void> };
    expect(thrownBy(() => loss({}))).to.equal(
      "mine.ts:9:43: recipe().loss: Cannot read properties of undefined (reading 'shape')",
    );
    const next = draws();
    expect(thrownBy(() => next(7))).to.equal('mine.ts:10:38: recipe().draws(): no step 7');
    expect(thrownBy(phases.warm.loss)).to.equal('mine.ts: recipe().phases.warm.loss: throws null');
    expect(thrownBy(later)).to.equal(
      'mine.ts:12: recipe().later gives a promise; expected: the value itself, from a function that is not async',
    );
    const error = await loading.load().catch((e: Error) => e);
    expect((error as Error).message).to.match(/mine\.ts:7:\d+: load: in the end$/);
  });

  it('name the function of theirs that gives what it must not', async () => {
    const entry = (await load(METHOD.replace('() => 1', '() => -1'))).entry as unknown as { cost(): void };
    expect(thrownBy(entry.cost)).to.equal('mine.ts:6: cost gives -1; expected: a number above 0');
  });

  it('have no chance but the streams, and everything else has it as before', async () => {
    const wait = 'async load() { await new Promise((done) => setTimeout(done, 5)); return Math.random(); },';
    const loading = (await load(METHOD.replace('recipe:', `${wait}\n  recipe:`))).entry as unknown as {
      load(): Promise<number>;
    };
    const { now, aside, library } = await recipe(`
      now: () => Math.random(),
      aside: ({ random } = Math) => random(),
      library: () => tf.randomNormal([2]),`);
    expect(thrownBy(now!)).to.equal(
      'mine.ts:9:23: recipe().now: Math.random is not repeatable; allowed: draws from the streams that functions are given',
    );
    expect(thrownBy(aside!)).to.include('Math.random is not repeatable');
    expect(thrownBy(library!)).to.equal(
      'mine.ts:11:25: recipe().library: tf.randomNormal is not repeatable; allowed: draws from the streams that functions are given',
    );
    const waiting = loading.load().catch((e: Error) => e);
    expect(Math.random()).to.be.within(0, 1);
    expect(((await waiting) as Error).message)
      .to.include('mine.ts:7:')
      .and.to.include('Math.random is not repeatable');
    expect(Math.random()).to.be.within(0, 1);
    expect(await refused(`const seed = Math.random();\n${METHOD}`)).to.match(
      /^mine\.ts:1:19: Math\.random is not repeatable/,
    );
  });

  it('keep what they are: instances with private fields, schemas, tensors, arrays of numbers', async () => {
    const { entry } = await load(`import { z } from 'labelnoise';
      class Base { #strength = 2; name = 'mine'; title = 'Mine'; settings = z.object({});
        cost() { return this.#strength; } recipe() { return { __proto__: { more: () => 1 }, cost: () => this.cost(), values: Float32Array.of(1), list: [1, () => 2] }; } }
      export default new (class Derived extends Base {})();`);
    const { cost, recipe, settings } = entry as unknown as {
      cost(): number;
      recipe(): { cost(): number; values: Float32Array; list: [number, () => number] };
      settings: { parse(value: unknown): unknown };
    };
    expect([cost(), recipe().cost(), recipe().list[0], recipe().list[1]()]).to.deep.equal([2, 2, 1, 2]);
    expect(recipe().values).to.deep.equal(Float32Array.of(1));
    expect(settings.parse({})).to.deep.equal({});
    // Two instances of a class have their functions in common, and each its own fields.
    class Part {
      constructor(readonly q: number) {}
      value() {
        return this.q;
      }
    }
    const made = guarded({ give: (q: number) => new Part(q) }, await bundle(await file(METHOD)));
    expect([made.give(1), made.give(2)].map((part) => part.value())).to.deep.equal([1, 2]);
    const same = {};
    expect(
      guarded({ give: () => ({ dataId: same }) }, await bundle(await file(METHOD))).give().dataId,
    ).to.equal(same);
  });

  it('are stood in for in plans, with the network whose guesses a noise asks for', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      path.join(folder, 'guessed.ts'),
      `import { z } from 'labelnoise';
      const training = { epochs: 1, batchSize: 10, learningRate: 0.1, momentum: 0, weightDecay: 0, clipNorm: 0 };
      export default { name: 'guessed', title: 'Guessed', cite: 'us', settings: z.object({}),
        columns: () => [{ key: '0.4', label: '40', title: '40 %', setting: { rate: 0.4 }, rate: 0.4 }],
        labels: ({ trueLabels }) => trueLabels, describe: () => 'guessed', guesser: () => ({ ...training, evaluateEvery: 1 }) };`,
    );
    const file = path.join(folder, 'suite.json');
    await writeFile(
      file,
      JSON.stringify({ ...SUITE, noise: { kind: './guessed.ts' }, methods: { sgd: {} } }),
    );
    const { suite: resolved } = await resolveSuite(await loadSuite(file), fakeEngine);
    const guesserOf = (of: ResolvedSuite) => expand(of).runs.find(({ keepsGuesses }) => keepsGuesses)!;
    const elsewhere = structuredClone(resolved);
    // As where the file is another one, or not there.
    elsewhere.files!['./guessed.ts']!.sha256 = '0'.repeat(64);
    const known = guesserOf(resolved);
    expect(known.spec.training.epochs).to.equal(1);
    expect(guesserOf(parseResolvedSuite(JSON.parse(JSON.stringify(elsewhere)), 'suite.json')).id).to.equal(
      known.id,
    );
  });

  it('end the process, with a line, when a call does not return', async () => {
    const program = `import { loadUserFile, Trial } from ${JSON.stringify(pathToFileURL(path.join(PROJECT_ROOT, 'dist/src/user/load.js')))};
      import { watch } from ${JSON.stringify(pathToFileURL(path.join(PROJECT_ROOT, 'dist/src/user/guard.js')))};
      watch(1, ${JSON.stringify(OVERDUE)});
      const trial = new Trial();
      const { entry } = await loadUserFile(process.argv[2], 'method', trial);
      trial.end();
      entry.cost();
      await new Promise((done) => setTimeout(done, 2000));
      console.log('still here');
      const { draws } = entry.recipe();
      draws()();`;
    await writeFile(path.join(folder, 'program.mjs'), program);
    const mine = await file(METHOD.replace('({})', '({ draws: () => () => { for (;;); } })'));
    const child = spawn(process.execPath, [path.join(folder, 'program.mjs'), mine]);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text));
    const [code, signal] = await once(child, 'close');
    expect([code, signal]).to.deep.equal([null, OVERDUE]);
    expect(said).to.equal(
      `still here\n${mine}: recipe().draws() has not returned after 1 s; allowed: at most 1 s (LABELNOISE_USER_SECONDS)\n`,
    );
  });
});

/** The examples of the documentation, in a folder of their own, and suites of them. */
async function examples(): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of ['your-own-method.md', 'your-own-data.md']) {
    const text = await readFile(path.join(PROJECT_ROOT, 'docs', name), 'utf8');
    for (const [, file, code] of text.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms))
      await writeFile(path.join(folder, file!), code!);
  }
  return folder;
}

describe('the examples of the documentation', function () {
  // Several trainings, each in processes of their own.
  this.timeout(600_000);

  const own = {
    name: 'own',
    description: 'Everything is of files.',
    scaledDown: 'Everything.',
    seeds: [1],
    noise: { kind: './next_class.ts', rates: [0.2, 0.4] },
    model: { kind: './small.ts', channels: 4 },
    data: { dataset: './stripes.ts', trainImages: 200, testImages: 120, augment: './shift.mjs' },
    training: { ...SUITE.training, epochs: 4, batchSize: 20, learningRate: 0.05 },
    precision: 'float32',
    threads: 1,
    checkpoint: { epochs: 1 },
    methods: {
      './gce.ts': { q: { '0.2': 0.7, '0.4': 0.8 } },
      './elr.ts': {},
      './co_teaching.ts': { rate: 0.2 },
      './taught.ts': { q: 0.5 },
    },
  };
  const TAUGHT = `import { bootstrap } from 'labelnoise';
import gce from './gce.ts';
export default { ...bootstrap(gce), name: 'taught', teacher: './gce.ts' };
`;
  let folder: string;
  let elr: string;
  before(async () => {
    folder = await examples();
    elr = await readFile(path.join(folder, 'elr.ts'), 'utf8');
    await writeFile(path.join(folder, 'taught.ts'), TAUGHT);
    await writeFile(path.join(folder, 'own.json'), JSON.stringify(own));
  });

  const LIMITED = { LABELNOISE_USER_SECONDS: '4' };
  const labelnoise = (...args: string[]) => trainingCommand(folder, args, LIMITED);

  /** In a process of its own, which may end it. */
  const start = (...args: string[]) =>
    spawn(process.execPath, [path.join(PROJECT_ROOT, 'dist/src/cli/main.js'), ...args], {
      cwd: folder,
      env: { ...process.env, ...LIMITED },
      stdio: ['ignore', 'ignore', 'pipe'],
    });

  async function alone(...args: string[]) {
    const child = start(...args);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stderr };
  }

  /** Of each run what must not change. */
  async function bits(out: string): Promise<Record<string, string>> {
    // Who is killed leaves parts of files.
    const files = (await readdir(path.join(out, 'runs'))).filter((name) => name.endsWith('.json'));
    const records = files.map(async (file) =>
      JSON.parse(await readFile(path.join(out, 'runs', file), 'utf8')),
    );
    return Object.fromEntries(
      (await Promise.all(records)).map(({ id, weightsSha256 }) => [id, weightsSha256]),
    );
  }

  it('train, from files alone, killed or not, the same bits, and a changed file is noticed', async () => {
    const [whole, killed] = [path.join(folder, 'whole'), path.join(folder, 'killed')];
    const run = (out: string) => labelnoise('run', 'own.json', '--out', out);
    const first = await run(whole);
    expect(first.status, first.stderr).to.equal(0);
    for (const said of [
      'GCE',
      'ELR',
      'Co-teaching',
      'Bootstrap + GCE',
      '20 % next class',
      'Stripes',
      'Small-4',
      'shifts',
    ])
      expect(first.stdout).to.include(said);
    const child = start('run', 'own.json', '--out', killed);
    const held = async (part: string) =>
      (await readdir(path.join(killed, part)).catch(() => [])).some((name) => !name.endsWith('.tmp'));
    // One is finished, and of another there is a part.
    while (!((await held('runs')) && (await held('checkpoints'))) && child.exitCode === null)
      await new Promise((done) => setTimeout(done, 20));
    child.kill('SIGKILL');
    await once(child, 'close');
    const made = await bits(whole);
    expect(Object.keys(await bits(killed)).length).to.be.below(Object.keys(made).length);
    expect((await run(killed)).status).to.equal(0);
    expect(Object.keys(made)).to.have.length(8);
    expect(await bits(killed)).to.deep.equal(made);

    await writeFile(
      path.join(folder, 'elr.ts'),
      `${await readFile(path.join(folder, 'elr.ts'), 'utf8')}\n// Changed.\n`,
    );
    const changed = await run(killed);
    expect(changed.status).to.equal(2);
    expect(changed.stderr).to.match(
      /holds results of the suite "own" with \.\/elr\.ts as it was \(SHA-256 [0-9a-f]{16}\), which has changed since/,
    );
    expect(await bits(killed)).to.deep.equal(made);
  });

  it('have the types that the documentation promises', async () => {
    const text = await readFile(path.join(PROJECT_ROOT, 'docs', 'your-own-method.md'), 'utf8');
    const [, config] = /^```json\n(\{ "compilerOptions".*?)^```$/ms.exec(text)!;
    await writeFile(path.join(folder, 'tsconfig.json'), config!.replace('/path/to/labelnoise', PROJECT_ROOT));
    const check = () =>
      spawnSync(
        process.execPath,
        [path.join(PROJECT_ROOT, 'node_modules/.bin/tsc'), '--noEmit', '-p', folder],
        {
          encoding: 'utf8',
        },
      );
    const { status, stdout, stderr } = check();
    expect(status, stdout + stderr).to.equal(0);
    await writeFile(
      path.join(folder, 'wrong.ts'),
      "import { defineMethod } from 'labelnoise';\ndefineMethod({ name: 3 });\n",
    );
    expect(check().stdout).to.include('wrong.ts(2,16)');
  });

  it('are checked against a baseline', async () => {
    await writeFile(path.join(folder, 'elr.ts'), elr);
    const [suite, baseline] = [path.join(folder, 'own.json'), path.join(folder, 'baseline.json')];
    const given = ['--baseline', baseline];
    // In a process that has seen none of the files.
    const without = await alone('baseline', 'update', 'whole', ...given, '--yes');
    expect(without.stderr).to.match(
      /^labelnoise: the [a-z ]+ of a file is needed, of which only results are at hand; allowed:.*--suite/m,
    );
    expect(without.status).to.equal(2);
    const update = await labelnoise('baseline', 'update', 'whole', ...given, '--yes', '--suite', suite);
    expect(update.status, update.stderr).to.equal(0);
    const check = await labelnoise(
      'check',
      suite,
      ...given,
      '--only',
      'method=./co_teaching.ts',
      'noise=0.4',
      '--out',
      'check',
    );
    expect(check.status, check.stdout + check.stderr).to.equal(0);
  });

  it('need not be at hand to look at their results', async () => {
    const elsewhere = await temporaryFolder();
    await cp(path.join(folder, 'whole'), path.join(elsewhere, 'whole'), { recursive: true });
    for (const command of ['table', 'verify', 'report', 'runs']) {
      const { status, stdout, stderr } = await typed(elsewhere, [command, 'whole']);
      expect(status, `${command}: ${stdout}${stderr}`).to.equal(0);
      if (command === 'table')
        expect(stdout)
          .to.include('Co-teaching')
          .and.to.include('20 % next class, 40 % next class: labels replaced');
    }
  });

  /** What the command says, and its exit code, when a method's loss or a noise's labels do this; nothing else is printed of it. */
  async function failing(
    kind: 'loss' | 'labels',
    body: string,
  ): Promise<{ status: number | null; said: string }> {
    const method = METHOD.replace('({})', `({ loss(logits, batch) { ${body} } })`);
    const noise = (await readFile(path.join(folder, 'next_class.ts'), 'utf8')).replace(
      'const labels =',
      `${body}\n    const labels =`,
    );
    await writeFile(path.join(folder, 'bad.ts'), kind === 'loss' ? method : noise);
    const suite = {
      ...own,
      name: 'bad',
      noise:
        kind === 'loss' ? { ...own.noise, rates: [0.2] } : { ...own.noise, kind: './bad.ts', rates: [0.2] },
      methods: kind === 'loss' ? { './bad.ts': {} } : { sgd: {} },
    };
    await writeFile(path.join(folder, 'bad.json'), JSON.stringify(suite));
    const out = await temporaryFolder();
    const args = ['run', 'bad.json', '--out', path.join(out, 'out')];
    // A loss is called by a worker, labels are drawn by the command.
    const { status, stderr } = await (kind === 'loss' ? labelnoise(...args) : alone(...args));
    expect(stderr).not.to.match(/^ +at /m);
    return {
      status,
      said: stderr
        .split('\n')
        .filter((line) => line.includes('bad.ts'))
        .join('\n'),
    };
  }

  it('fail in one line when a step looks at values, throws later, or does not return', async () => {
    expect(await failing('loss', 'return { losses: [logits[0].dataSync()] };')).to.deep.include({
      status: 2,
    });
    const looks = await failing('loss', 'logits[0].data(); return { losses: [tf.sum(logits[0], 1)] };');
    expect(looks.said).to.match(
      /^labelnoise: bad\.ts:7:\d+: a traced step must not look at the values of tensors; allowed:/,
    );
    const late = await failing(
      'loss',
      "setTimeout(() => { throw Error('late'); }); return { losses: [tf.sum(logits[0], 1)] };",
    );
    expect(late).to.deep.equal({ status: 2, said: late.said });
    expect(late.said).to.match(/^labelnoise: bad\.ts:7:\d+: late$/);
    // As endless as a loop, and leaves the processor to others.
    const forever = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
    const endless = await failing('loss', forever);
    expect(endless.status).to.equal(1);
    expect(endless.said).to.include(
      'failed: bad.ts: recipe().loss has not returned after 4 s; allowed: at most 4 s',
    );
    const lateNoise = await failing('labels', "setTimeout(() => { throw Error('late'); });");
    expect(lateNoise).to.deep.equal({ status: 2, said: lateNoise.said });
    expect(lateNoise.said).to.match(/^labelnoise: bad\.ts:18:\d+: late$/);
    const noise = await failing('labels', forever);
    expect(noise.status).to.equal(null);
    expect(noise.said).to.equal(
      'labelnoise: bad.ts: labels has not returned after 4 s; allowed: at most 4 s (LABELNOISE_USER_SECONDS)',
    );
  });
});
