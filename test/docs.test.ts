// The README and docs/: links lead somewhere, commands are what they are said to be and run, what is generated is up to date.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { createProgram } from '../src/cli/program.js';
import { NOISES } from '../src/data/noises/noise.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { METHODS } from '../src/methods/catalogue.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import { knownSuites, parseSuite } from '../src/suite/load.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE } from './fakes.js';
import { labelnoise, startAfresh, trainingCommand } from './support/commands.js';
import { temporaryFolder } from './support/temporary_folder.js';

const MAIN = path.join(PROJECT_ROOT, 'dist/src/cli/main.js');
const text = (file: string) => readFileSync(path.join(PROJECT_ROOT, file), 'utf8');

const DOCS = readdirSync(path.join(PROJECT_ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...['.github/PULL_REQUEST_TEMPLATE/results.md'],
  ...DOCS,
];

/** A program, as it is typed in a folder. */
function typed(cwd: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    ...{ cwd, encoding: 'utf8', timeout: 300_000, killSignal: 'SIGKILL' },
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr, said: stdout + stderr };
}

/** What is in a page besides code. */
const prose = (page: string) => page.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(page: string): string[] {
  const headings = page.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

interface Shown {
  file: string;
  command: string;
  /** In a block of commands, and not in the middle of a sentence. */
  isBlock: boolean;
}

/** The commands that a page shows, in blocks and within its sentences; comments are cut off. */
function commandsOf(file: string): Shown[] {
  const page = text(file);
  const blocks = [...page.matchAll(/^```(?:bash)?\n(.*?)^```$/gms)].map(([, block]) =>
    block!.replaceAll('\\\n', ' '),
  );
  const inline = [...page.replace(/^```.*?^```$/gms, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  const isOurs = (line: string) => /^(?:npx labelnoise|labelnoise|make) \S/.test(line);
  const clean = (line: string) =>
    line
      .replace(/\s+#\s.*$/, '')
      .replace(/\s+/g, ' ')
      .trim();
  const of = (lines: string[], isBlock: boolean) =>
    lines
      .map(clean)
      .filter(isOurs)
      .map((command) => ({ file, command, isBlock }));
  return [
    ...of(
      blocks.flatMap((block) => block.split('\n')),
      true,
    ),
    ...of(inline, false),
  ];
}

const SHOWN = PAGES.flatMap(commandsOf);

/** The files that a page gives, by their names. */
function filesIn(file: string): [name: string, content: string][] {
  return [...text(file).matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms)].map(([, name, content]) => [
    name!,
    content!,
  ]);
}

describe('the documentation', function () {
  this.timeout(120_000);

  it('has links that lead to files, folders and headings that there are', () => {
    const broken = PAGES.flatMap((file) => {
      const links = [...prose(text(file)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
      return links
        .filter((link) => !/^https?:/.test(link))
        .filter((link) => {
          const [to, anchor] = link.split('#') as [string, string?];
          const target = to ? path.join(path.dirname(file), to) : file;
          if (!existsSync(path.join(PROJECT_ROOT, target))) return true;
          return anchor !== undefined && !anchorsOf(text(target)).includes(anchor);
        })
        .map((link) => `${file}: ${link}`);
    });
    expect(broken).to.deep.equal([]);
  });

  it('is all in the map of the README, and named in --help as it is there', async () => {
    expect(DOCS.filter((file) => !text('README.md').includes(`](${file}`))).to.deep.equal([]);
    const help = (await labelnoise(PROJECT_ROOT, ['--help'])).stdout;
    const named = [...help.matchAll(/[\w-]+\.md/g)].map(([name]) => `docs/${name}`);
    expect(named).to.include('docs/getting-started.md');
    expect(named.filter((file) => !DOCS.includes(file))).to.deep.equal([]);
  });

  it('shows commands, options, targets, suites and files that there are', async () => {
    const program = await createProgram();
    // What it prints, in the order of the words after `labelnoise`.
    const helpOf = (...names: string[]) =>
      names
        .reduce((command, name) => command.commands.find((one) => one.name() === name)!, program)
        .helpInformation();
    const known = [...helpOf().matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
    const targets = text('Makefile')
      .match(/^\.PHONY: (.*)$/m)![1]!
      .split(' ');
    const variables = text('Makefile')
      .match(/^export (.*)$/m)![1]!
      .split(' ');
    const suites = readdirSync(path.join(PROJECT_ROOT, 'suites')).map((name) => name.replace('.json', ''));
    // What a command writes need not be there, nor what is in capitals, which stands for something of the reader's.
    const isMissing = (word: string) =>
      /^(?:results|baselines|suites|docs)\/[\w./-]+$/.test(word) &&
      !/[A-Z]{2}/.test(word) &&
      !existsSync(path.join(PROJECT_ROOT, word));
    const problemOf = (command: string): string | undefined => {
      const words = command
        .split(/ (?:&&|;|\|)/)[0]!
        .replace(/(["']).*?\1/g, 'quoted')
        .split(' ');
      if (words[0] === 'make') {
        const [goals, given] = [
          words.slice(1).filter((w) => !w.includes('=')),
          words.filter((w) => w.includes('=')),
        ];
        const wrong = goals.find((goal) => !targets.includes(goal));
        if (wrong) return `no target ${wrong}`;
        for (const [variable, value] of given.map((word) => word.split('=') as [string, string])) {
          if (!variables.includes(variable)) return `no variable ${variable}`;
          if (variable === 'SUITE' && !suites.includes(value) && !/^[A-Z]+$|^name$/.test(value))
            return `no suite ${value}`;
          if (variable === 'BASELINE' && isMissing(value)) return `no file ${value}`;
        }
        return undefined;
      }
      const [name, ...rest] = words.slice(words[0] === 'npx' ? 2 : 1);
      if (name!.startsWith('-')) return helpOf().includes(name!) ? undefined : `no option ${name}`;
      if (!known.includes(name!)) return `no command ${name}`;
      const help = name === 'baseline' && rest[0] ? helpOf(name, rest[0]) : helpOf(name!);
      const wrong = rest.find((word) => word.startsWith('--') && !help.includes(word));
      if (wrong) return `no option ${wrong}`;
      const takesSuite = ['run', 'check', 'export', 'plan', 'submit'].includes(name!);
      const [suite] = rest;
      if (takesSuite && suite && /^[a-z][^.]*$/.test(suite) && !suites.includes(suite))
        return `no suite ${suite}`;
      const read = rest.filter((_, i) => !/^--(?:out|into|repair)$/.test(rest[i - 1] ?? ''));
      const missing = read.find(isMissing);
      return missing && `no file ${missing}`;
    };
    const wrong = SHOWN.flatMap(({ file, command }) => {
      const problem = problemOf(command);
      return problem ? [`${file}: ${command}: ${problem}`] : [];
    });
    expect(wrong).to.deep.equal([]);
    expect(SHOWN.length).to.be.above(100);
    expect(
      ['make nothing', 'npx labelnoise run nosuch', 'npx labelnoise table --nosuch', 'labelnoise nosuch'].map(
        problemOf,
      ),
    ).to.deep.equal(['no target nothing', 'no suite nosuch', 'no option --nosuch', 'no command nosuch']);
    expect(problemOf('npx labelnoise verify results/nosuch')).to.equal('no file results/nosuch');
  });

  it('has, where it is generated, what would be generated now', async () => {
    const folder = await temporaryFolder();
    for (const name of ['README.md', 'docs', 'results'])
      await cp(path.join(PROJECT_ROOT, name), path.join(folder, name), { recursive: true });
    // The recipes of `make readme` and `make docs`.
    const recipes = [...text('Makefile').matchAll(/^\t@\$\(LABELNOISE\) (.*--into .*|schema > .*)$/gm)].map(
      ([, recipe]) => recipe!,
    );
    expect(recipes).to.have.length(6);
    startAfresh();
    for (const recipe of recipes) {
      const [command, file] = recipe.split(' > ') as [string, string?];
      const { status, stdout, stderr } = await labelnoise(folder, command.split(' '));
      expect(status, stderr).to.equal(0);
      if (file) await writeFile(path.join(folder, file), stdout);
    }
    for (const file of [
      'README.md',
      'docs/methods.md',
      'docs/noises.md',
      'docs/suites.md',
      'docs/suite.schema.json',
      'docs/speed.md',
    ])
      expect(
        await readFile(path.join(folder, file), 'utf8'),
        `${file}; make docs brings it up to date`,
      ).to.equal(text(file));
  });

  it('says of every method and noise what it computes, with a formula and a source', () => {
    for (const { name, about, cite } of METHODS.entries.filter((entry) => !METHODS.sourceOf(entry).source)) {
      expect(about, name).to.match(/`[^`]+`/);
      if (name !== 'sgd') expect(cite, name).to.match(/20\d\d|Composer/);
    }
    for (const entry of NOISES.entries.filter((one) => !NOISES.sourceOf(one).source))
      expect(entry.about, entry.name).to.be.a('string');
  });

  it('goes with the package: version, licence', () => {
    const { version, license } = JSON.parse(text('package.json'));
    expect(text('CITATION.cff'))
      .to.match(/^cff-version: 1\.2\.0$/m)
      .and.include(`\nversion: ${version}\n`)
      .and.include(`\nlicense: ${license}\n`);
    expect(text('LICENSE')).to.match(new RegExp(`^${license} License\n`));
  });
});

describe('the README', function () {
  this.timeout(1_800_000);
  const readme = text('README.md');

  it('is one page with one table, and counts what there is', () => {
    expect(readme.split(/\s+/).length).to.be.at.most(1200);
    expect(readme.match(/^\| ?---/gm)).to.have.length(1);
    const own = METHODS.entries.filter(
      (entry) => entry.teacher === undefined && !METHODS.sourceOf(entry).source,
    );
    expect(readme).to.include(`${own.length - 3} more methods`);
    const noises = NOISES.entries.filter((entry) => !NOISES.sourceOf(entry).source);
    expect([noises.length, readme.includes('ten kinds of noise')]).to.deep.equal([10, true]);
  });

  it('is typed as it stands: npx labelnoise, in a checkout', async () => {
    const cache = await temporaryFolder();
    const { status, said } = typed(PROJECT_ROOT, 'npx', ['labelnoise', '--version'], {
      npm_config_cache: cache,
    });
    expect([status, said.trim()]).to.deep.equal([0, JSON.parse(text('package.json')).version]);
  });

  it('has commands that run, on the files that it gives', async () => {
    const folder = await temporaryFolder();
    const files = new Map(filesIn('README.md'));
    expect([...files.keys()]).to.deep.equal(['mine.json', 'labels.json', 'mae.ts']);
    for (const [name, content] of files) await writeFile(path.join(folder, name), content);
    /** What is typed after a command is seen here, so that a command that is new in the README must come here too. */
    const run = (said: RegExp) => async (command: string) => {
      const { status, stdout, stderr } = await trainingCommand(folder, command.split(' ').slice(2));
      expect(status, `${command}\n${stdout}${stderr}`).to.equal(0);
      expect(stdout + stderr, command).to.match(said);
    };
    /** Too long for a test: that make knows what to do, and what its last step would be. */
    const plan = (last: RegExp) => async (command: string) => {
      const { status, stdout } = typed(PROJECT_ROOT, 'make', [
        '-n',
        '--no-print-directory',
        ...command.split(' ').slice(1),
      ]);
      expect(status, command).to.equal(0);
      expect(stdout.trim(), command).to.match(last);
    };
    const withMethod = async () => {
      const suite = JSON.parse(files.get('mine.json')!);
      await writeFile(
        path.join(folder, 'mine.json'),
        JSON.stringify({ ...suite, methods: { ...suite.methods, './mae.ts': {} } }),
      );
    };
    const bench = plan(/node dist\/src\/cli\/main\.js run "\$SUITE" .*$/);
    const checks: Record<string, (command: string) => Promise<void>> = {
      'make bench': bench,
      'make bench SUITE=smoke': bench,
      'make bench SUITE=small': bench,
      'make test': plan(/mocha .* dist\/test\/docs\.test\.js .*\.test\.js$/),
      'make check SUITE=check OUT=check': plan(/main\.js check "\$SUITE"/),
      'npx labelnoise run ./mine.json': run(/SAM .*\d+\.\d\d/),
      'npx labelnoise noise --rate 0.4 --seed 1 --out given': run(/given\.npy/),
      'npx labelnoise run ./labels.json': run(/given/),
      'npx labelnoise run quick --dry-run': run(/on this machine/),
      'npx labelnoise methods ./mae.ts': run(/^mae: MAE\. Ghosh et al\., 2017/m),
      'npx labelnoise run ./mine.json --out results/mine-with-mae': run(/MAE .*\d+\.\d\d/),
      'npx labelnoise export quick --noise 0.4 --seed 1 --out exported': run(/exported/),
    };
    const inCi = [...readme.matchAll(/^- run: (.*)$/gm)].map(([, command]) => command!);
    const shown = [
      ...SHOWN.filter(({ file }) => file === 'README.md').map(({ command }) => command),
      ...inCi,
    ];
    expect([...new Set(shown)].sort()).to.deep.equal(Object.keys(checks).sort());
    for (const [command, check] of Object.entries(checks)) {
      if (command.endsWith('with-mae')) await withMethod();
      await check(command);
    }
  });
});

describe('commands of the documentation that are quick', function () {
  this.timeout(600_000);
  const QUICK = [
    'suites',
    'methods',
    'noises',
    'datasets',
    'models',
    'augmentations',
    'schema',
    'table',
    'report',
    'verify',
    'compare',
    'runs',
    'noise',
  ];

  it('run as they stand, on copies of the committed results', async () => {
    const folder = await temporaryFolder();
    for (const name of ['results', 'baselines', 'docs', 'README.md'])
      await cp(path.join(PROJECT_ROOT, name), path.join(folder, name), { recursive: true });
    // `npx labelnoise` of a checkout.
    const bin = path.join(folder, 'bin');
    await mkdir(bin);
    await writeFile(path.join(bin, 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    await chmod(path.join(bin, 'npx'), 0o755);
    const isQuick = (command: string) =>
      QUICK.includes(command.split(' ')[2]!) &&
      !/[A-Z]{2,}|\.\/|~|https?:/.test(command.replace(/[A-Z]+[.-]/g, ''));
    const commands = new Set(
      SHOWN.filter(({ isBlock, command }) => isBlock && command.startsWith('npx '))
        .map(({ command }) => command)
        .filter(isQuick),
    );
    expect(commands.size).to.be.above(8);
    // Tables of results are drawn first, so that what is verified is of this version's words.
    for (const results of ['small', 'quick'])
      expect((await labelnoise(folder, ['table', `results/${results}`])).status).to.equal(0);
    for (const command of commands) {
      const words = command.split(' ').slice(2);
      const { status, stdout, stderr } = words.every((word) => /^[\w./@=-]+$/.test(word))
        ? await labelnoise(folder, words)
        : typed(folder, 'bash', ['-c', command], { PATH: `${bin}:${process.env.PATH}` });
      expect(status, `${command}\n${stdout}${stderr}`).to.equal(0);
    }
  });
});

describe('the JSON Schema of suites', () => {
  const accepts = new Ajv({ allowUnionTypes: true }).compile(JSON.parse(text('docs/suite.schema.json')));
  const suiteText = (changes: object) => JSON.stringify({ ...SUITE, ...changes });

  it('accepts the committed suites, the README’s and those with files of users’', async () => {
    for (const name of await knownSuites()) {
      expect(
        accepts(JSON.parse(text(`suites/${name}.json`))),
        `${name}: ${JSON.stringify(accepts.errors)}`,
      ).to.equal(true);
    }
    for (const [name, content] of filesIn('README.md'))
      if (name.endsWith('.json')) expect(accepts(JSON.parse(content)), name).to.equal(true);
    const own = {
      ...SUITE,
      $schema: '../docs/suite.schema.json',
      noise: [
        { kind: './mine.ts', rates: [0.1] },
        { kind: 'blend', name: 'both', layers: [{ kind: 'given' }, { kind: 'pair', rates: [0.2] }] },
      ],
      model: { kind: '../net.mjs' },
      data: { ...SUITE.data, dataset: './mine.npz', augment: './shift.mjs' },
      methods: {
        './a.ts': { anything: 1 },
        './a.ts@x': {},
        'sam@rho 0.2': { rho: 0.2 },
        elr: { training: { learningRate: { '0.2': 0.1 } } },
      },
    };
    expect(accepts(own), JSON.stringify(accepts.errors)).to.equal(true);
  });

  for (const [what, changes] of Object.entries<object>({
    'a field that is none': { nosuch: 1 },
    'a method that is none': { methods: { nosuch: {} } },
    'a setting that is none': { methods: { sam: { rho: 0.1, nosuch: 1 } } },
    'a setting that is missing': { methods: { sam: {} } },
    'a text for a number': { methods: { sam: { rho: '0.1' } } },
    'a noise that is none': { noise: { kind: 'nosuch' } },
    'a setting of another noise': { noise: { kind: 'pair', rates: [0.2], redraw: 'other' } },
    'a choice that is none': { precision: 'float64' },
    'a number with a fraction for a whole one': { threads: 1.5 },
    'a data set that is none': { data: { ...SUITE.data, dataset: 'nosuch' } },
  }))
    it(`refuses ${what}, as labelnoise does`, () => {
      const content = suiteText(changes);
      expect(accepts(JSON.parse(content))).to.equal(false);
      expect(() => parseSuite(content, 'tiny.json')).to.throw(InputError);
    });

  it('may be named in a suite, whose runs are the same', () => {
    const [plain, named] = [{}, { $schema: '../docs/suite.schema.json' }].map((more) =>
      parseSuite(suiteText(more), 'tiny.json'),
    );
    expect(named).to.deep.equal(plain);
    const ids = (suite: typeof plain) => expand(suite as ResolvedSuite).runs.map(({ id }) => id);
    expect(ids(named)).to.deep.equal(ids(SUITE));
    expect(() => parseSuite(suiteText({ $schema: 3 }), 'tiny.json')).to.throw(InputError, '["$schema"] is 3');
  });
});
