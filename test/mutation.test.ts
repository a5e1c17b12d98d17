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
    const copy = path.join(await temporaryFolder(), 'copy');
    await copyProduct(copy);
    for (const mutation of MUTATIONS) {
      const own = path.join(PROJECT_ROOT, 'dist', 'src', mutation.file);
      const before = await readFile(own, 'utf8');
      const mend = await mutate(copy, mutation);
      expect(await readFile(own, 'utf8'), 'the product itself').to.equal(before);
      await mend();
    }
    const gone = { ...MUTATIONS[0]!, replace: [['no such text', '']] as [string, string][] };
    const error = await mutate(copy, gone).catch((e) => e);
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
        data: { ...check.data, trainImages: 100, testImages: 100 },
        training: { ...check.training, epochs: 1, evaluateEvery: 1 },
        methods: { sam: check.methods.sam, 'bootstrap-sam': check.methods['bootstrap-sam'] },
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
    const copy = path.join(folder, 'copy');
    await copyProduct(copy);
    const sound = await results(copy, path.join(folder, 'sound'));
    const baseline = baselineOf(sound.graph, sound.records, 'sound');
    expect(compare(baseline, 'sound', sound).cells.every(({ by }) => by === 'bits')).to.equal(true);
    for (const mutation of MUTATIONS.filter(({ name }) => FAST.includes(name))) {
      const mend = await mutate(copy, mutation);
      const broken = await results(copy, path.join(folder, mutation.name), mutation.method);
      await mend();
      const comparison = compare(baseline, 'sound', broken);
      expect(comparison.passed, mutation.name).to.equal(false);
      expect(comparison.cells.map(({ method, by, defect }) => ({ method, by, defect }))).to.deep.equal([
        { method: mutation.method, by: 'bits', defect: true },
      ]);
    }
  });
});
