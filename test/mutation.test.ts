// Checks notice a broken product: the fast part, bitwise and with tiny runs; `make mutation-test` has the rest.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/io/project.js';
import { baselineOf } from '../src/regression/baseline.js';
import { compare } from '../src/regression/compare.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { readStored } from '../src/results/store.js';
import { select } from '../src/suite/select.js';
import { copyProduct, MUTATIONS, mutate, runCopy } from './support/mutations.js';
import { temporaryFolder } from './support/temporary_folder.js';

/** Each trains for seconds. */
const FAST = ['rho ignored', "teacher's labels not used", 'noise seeded by method'];

describe('a product broken on purpose', () => {
  it('can be broken in ten ways, each at its place', async () => {
    expect(MUTATIONS).to.have.length(10);
    const root = await temporaryFolder();
    for (const mutation of MUTATIONS) {
      const copy = path.join(root, mutation.name);
      await copyProduct(copy);
      await mutate(copy, mutation);
    }
    const gone = { ...MUTATIONS[0]!, replace: [['no such text', '']] as [string, string][] };
    const error = await mutate(path.join(root, MUTATIONS[0]!.name), gone).catch((e) => e);
    expect(error.message).to.equal(
      'mutation "rho ignored": methods/sam.js has "no such text" 0 times, not once',
    );
  });

  it('has other bits than the baseline', async function () {
    this.timeout(600_000);
    const folder = await temporaryFolder();
    const suite = path.join(folder, 'tiny.json');
    const check = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'check.json'), 'utf8'));
    await writeFile(
      suite,
      JSON.stringify({
        ...check,
        name: 'tiny',
        seeds: [1],
        data: { ...check.data, trainImages: 100, testImages: 250 },
        training: { ...check.training, epochs: 2 },
        // The graphs of two precisions differ in nothing that is broken here.
        precision: 'float32',
      }),
    );
    const results = async (root: string, out: string, method?: string) => {
      const only = method ? ['--only', `method=${method}`] : [];
      expect(await runCopy(root, suite, '--out', out, ...only)).to.equal(undefined);
      const graph = select(await readOwnGraph(out), { method: method ? [method] : [], noise: [] });
      const { records } = await readStored(out, graph.runs);
      return { graph, records, failed: new Set<string>() };
    };
    await copyProduct(path.join(folder, 'sound'));
    const sound = await results(path.join(folder, 'sound'), path.join(folder, 'sound', 'out'));
    const baseline = baselineOf(sound.graph, sound.records, 'sound');
    expect(compare(baseline, 'sound', sound).cells.every(({ by }) => by === 'bits')).to.equal(true);
    for (const mutation of MUTATIONS.filter(({ name }) => FAST.includes(name))) {
      const copy = path.join(folder, mutation.name);
      await copyProduct(copy);
      await mutate(copy, mutation);
      const broken = await results(copy, path.join(copy, 'out'), mutation.method);
      const comparison = compare(baseline, 'sound', broken);
      expect(comparison.passed, mutation.name).to.equal(false);
      expect(comparison.cells.map(({ method, by, defect }) => ({ method, by, defect }))).to.deep.equal([
        { method: mutation.method, by: 'bits', defect: true },
      ]);
    }
  });
});
