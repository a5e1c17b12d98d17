// What npm packs: all that runs and nothing else, from declared dependencies, each of which is there for a reason that is written down.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { PROJECT_ROOT } from '../src/io/project.js';

const read = (file: string) => readFileSync(path.join(PROJECT_ROOT, file), 'utf8');
const description = JSON.parse(read('package.json'));
const dependencies = Object.keys(description.dependencies);

describe('the package', function () {
  this.timeout(30_000);
  let files: string[];
  before(() => {
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const listed = execFileSync('npm', args, { cwd: PROJECT_ROOT, encoding: 'utf8', stdio: 'pipe' });
    files = (JSON.parse(listed) as [{ files: { path: string }[] }])[0].files.map((file) => file.path);
  });

  it('holds what is run, its declarations, and what that reads', () => {
    const { bin, exports } = description;
    expect(files).to.include.members([
      bin.labelnoise,
      ...Object.values<string>(exports['.']).map((file) => file.replace('./', '')),
      ...['dist/src/cli/install.js', 'dist/src/execution/local/worker.js', 'dist/src/user/watchdog.js'],
      ...['dist/page/first.js', 'dist/page/browser.js', 'dist/page/page.css'],
      ...['dist/page/leaderboard_browser.js', 'dist/page/leaderboard.css'],
      ...['native/operations.cpp', 'native/vectors.h', 'suites/quick.json', 'baselines/published.json'],
      ...['src/data/load.py', 'perf/pytorch/bench.py', 'docs/methods.md', 'README.md', 'package.json'],
    ]);
    const suites = execFileSync('git', ['ls-files', 'suites'], { cwd: PROJECT_ROOT, encoding: 'utf8' });
    expect(files).to.include.members(suites.trim().split('\n'));
  });

  it('holds nothing else: no tests, no sources of TypeScript, no results, no maps', () => {
    const strange = files.filter(
      (file) =>
        !/^(dist\/(src|page)|native|suites|baselines|docs|perf\/pytorch)\/|^[^/]+$|^src\/data\/load\.py$/.test(
          file,
        ),
    );
    expect(strange).to.deep.equal([]);
    expect(files.filter((file) => /\.map$|(?<!\.d)\.tsx?$|test/.test(file))).to.deep.equal([]);
    const top = files.filter((file) => !file.includes('/'));
    expect(top.filter((file) => !/^([A-Z]+(\.\w+)?|package\.json)$/.test(file))).to.deep.equal([]);
  });

  it('imports what it holds and what it declares, all of it, and no development dependency', async () => {
    const { metafile } = await build({
      absWorkingDir: PROJECT_ROOT,
      entryPoints: files.filter((file) => file.startsWith('dist/src/') && file.endsWith('.js')),
      bundle: true,
      splitting: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outdir: 'unused',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    const missing = Object.keys(metafile.inputs).filter((input) => !files.includes(input));
    expect(missing).to.deep.equal([]);
    const asked = Object.values(metafile.inputs).flatMap(({ imports }) =>
      imports.flatMap(({ path, external }) => (external ? [path] : [])),
    );
    const required = Object.keys(metafile.inputs).flatMap((input) =>
      [...read(input).matchAll(/(?:__require|import\.meta\.url\))\(['"]([^'"]+)['"]\)/g)].map(
        ([, name]) => name!,
      ),
    );
    const packages = new Set(
      [...asked, ...required]
        .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
        .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]),
    );
    expect([...packages].sort()).to.deep.equal([...dependencies].sort());
  });

  it('has a purpose written down for every dependency, and for no other', () => {
    const text = read('docs/dependencies.md');
    const rows = (title: string) => {
      const section = text.split(/^## /m).find((part) => part.startsWith(title))!;
      return [...section.matchAll(/^\| `([^`]+)` \| (.{10,}) \|$/gm)].map(([, name]) => name);
    };
    expect(rows('To run')).to.deep.equal(dependencies);
    expect(rows('To develop')).to.deep.equal(Object.keys(description.devDependencies));
  });

  it('is described with the files that are looked for offline, as they are', () => {
    const text = read('docs/installing.md');
    const sources = [
      'src/install/wheel.ts',
      'src/data/fetch_npm_package.ts',
      'src/data/fetch_archive.ts',
    ].map(read);
    const rows = [
      ...text.matchAll(/^\| .*`([\w.-]+\.(?:whl|tgz|tar\.gz))`.* \| (\d+) \| `([0-9a-f]{64})` \|$/gm),
    ];
    expect(rows).to.have.length(3);
    for (const [, name, bytes, sha256] of rows) {
      const source = sources.find((one) => one.includes(sha256!));
      expect(source?.replaceAll('_', ''), name).to.include(bytes!);
      expect(source?.replace(/\$\{VERSION\}/g, '2.21.0'), name).to.include(name!);
    }
  });
});
