// Records and their folder: what is read back, what is refused, what a cell's numbers are.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { explained, quarantine } from '../src/io/files.js';
import { summarise } from '../src/results/aggregate.js';
import { checkManifest, claim, readOwnGraph } from '../src/results/manifest.js';
import { originOf } from '../src/results/provenance.js';
import { parseRecord, recordText } from '../src/results/record_schema.js';
import { readStored, writeRecord } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { decodeLabels, encodeLabels } from '../src/spec/labels.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const suite = SUITE as ResolvedSuite;
const graph = expand(suite);
const first = graph.runs[0]!;

/** The message of the InputError that a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (e) => e,
  );
  expect(error).to.be.instanceOf(InputError);
  expect(error.message).not.to.include('\n');
  return error.message;
}

describe('run records', () => {
  it('come back as they were written', async () => {
    const out = await temporaryFolder();
    const record = fakeRecord(first, 42);
    await writeRecord(out, record);
    const { records, runs } = await readStored(out, graph.runs);
    expect([...records]).to.deep.equal([[first.id, record]]);
    expect(runs.damaged).to.deep.equal([]);
    expect(await readdir(path.join(out, 'runs'))).to.deep.equal([`${first.id}.json`]);
  });

  it('of a run that diverged come back too', async () => {
    const out = await temporaryFolder();
    const record = fakeRecord(first, 10);
    record.curve[1]!.trainLoss = Number.NaN;
    await writeRecord(out, record);
    const { records } = await readStored(out, graph.runs);
    expect(records.get(first.id)!.curve[1]!.trainLoss).to.be.NaN;
  });

  const whole = fakeRecord(first, 42);
  // Their checksums are right: what is wrong is found all the same.
  const damages: [string, string][] = [
    ['cut short', recordText(whole).slice(0, 500)],
    ['without a checksum', JSON.stringify(whole)],
    ['without a curve', recordText({ ...whole, curve: [] })],
    ['unfinished', recordText({ ...whole, curve: whole.curve.slice(0, 1) })],
    [
      'with an impossible accuracy',
      recordText({ ...whole, curve: [{ ...whole.curve[0]!, testAccuracy: 101 }] }),
    ],
    ['of another spec', recordText({ ...whole, spec: { ...whole.spec, seed: 2 } })],
    ['of another run', recordText(fakeRecord(graph.runs[1]!, 42))],
    ['with too few predictions', recordText({ ...whole, predictions: '12' })],
  ];
  for (const [what, text] of damages)
    it(`${what} are damaged`, async () => {
      const out = await temporaryFolder();
      const file = path.join(out, 'runs', `${first.id}.json`);
      await mkdir(path.dirname(file));
      await writeFile(file, text);
      const { records, runs, lost } = await readStored(out, graph.runs);
      expect([...lost]).to.deep.equal([first.id]);
      expect([records.size, runs.damaged[0]?.file]).to.deep.equal([0, file]);
      expect(await quarantine(file)).to.equal(`${file}.damaged`);
      expect(await readdir(path.dirname(file))).to.deep.equal([`${first.id}.json.damaged`]);
    });

  it('with any bit changed are damaged', () => {
    const text = Buffer.from(recordText(whole));
    for (let bit = 0; bit < 8 * text.length; bit += 13) {
      const changed = Buffer.from(text);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const parsed = parseRecord(changed.toString());
      expect('damage' in parsed, changed.toString().slice((bit >> 3) - 20, (bit >> 3) + 20)).to.equal(true);
    }
    expect(parseRecord(text.toString())).to.deep.equal({ record: whole });
    const { sha256, ...bare } = JSON.parse(text.toString());
    expect(parseRecord(JSON.stringify(bare)))
      .to.have.property('damage')
      .that.includes(`sha256 is missing; by the rest of it, it would be ${sha256}`);
    expect(parseRecord(JSON.stringify(bare), false)).to.deep.equal({ record: whole });
  });

  it('hold labels as digits', () => {
    expect(encodeLabels(Uint8Array.of(3, 0, 9), 10)).to.equal('309');
    expect(decodeLabels('309', 10)).to.deep.equal(Uint8Array.of(3, 0, 9));
    expect(() => encodeLabels(Uint8Array.of(10), 10)).to.throw(RangeError);
  });

  it('say where they come from', async () => {
    const origin = await originOf({ tensorflow: '2', tfjs: '4', kernels: 'native' });
    expect(origin).to.include({ node: process.version, tensorflow: '2', tfjs: '4', kernels: 'native' });
    expect(origin.commit).to.match(/^([0-9a-f]{40}(-dirty)?|unknown)$/);
    // Family, model and stepping: a name alone is not one processor.
    if (process.platform === 'linux' && process.arch === 'x64')
      expect(origin.cpu).to.match(/ \(\d+-\d+-\d+\)$/);
  });

  it('are of an unknown commit where git says so, not where it cannot work', async () => {
    const folder = await temporaryFolder();
    const module = new URL('../src/results/provenance.js', import.meta.url).href;
    const ask = `import { originOf } from '${module}';
      console.log(await originOf({}).then(({ commit }) => commit, ({ name, message }) => name + ': ' + message));`;
    const commitBy = async (git?: string) => {
      if (git) await writeFile(path.join(folder, 'git'), `#!/bin/sh\n${git}\n`, { mode: 0o755 });
      const args = ['--input-type=module', '--eval', ask];
      return spawnSync(process.execPath, args, { env: { PATH: folder }, encoding: 'utf8' }).stdout.trim();
    };
    expect(await commitBy()).to.equal('unknown');
    expect(await commitBy('echo "fatal: not a git repository" >&2; exit 128')).to.equal('unknown');
    const refusal = 'InputError: cannot ask git for the commit of the code: ';
    expect(await commitBy('kill -9 $$')).to.equal(`${refusal}it ends with SIGKILL`);
    expect(await commitBy('echo "fatal: Out of memory, malloc failed" >&2; exit 128')).to.equal(
      `${refusal}it ends with 128 (fatal: Out of memory, malloc failed)`,
    );
  });
});

describe('a results folder', () => {
  it('belongs to the suite that claimed it', async () => {
    const out = path.join(await temporaryFolder(), 'new');
    await checkManifest(out, suite);
    await claim(out, suite);
    await checkManifest(out, suite);
    await checkManifest(out, { ...suite, description: 'Other words.' });
    await checkManifest(out, { ...suite, checkpoint: { epochs: 1 } });
    expect((await readOwnGraph(out)).suite).to.deep.equal(suite);
  });

  it('is refused to another suite, and to the same one with other settings', async () => {
    const out = await temporaryFolder();
    await claim(out, suite);
    await mkdir(path.join(out, 'runs'));
    await writeFile(path.join(out, 'runs', 'record.json'), '');
    const before = await readFile(path.join(out, 'suite.json'), 'utf8');
    expect(await refusal(checkManifest(out, { ...suite, name: 'other' }))).to.include(
      'holds results of the suite "tiny", not of "other": choose another folder with --out',
    );
    const training = { ...suite.training, epochs: 3 };
    expect(await refusal(checkManifest(out, { ...suite, training }))).to.include(
      'with training.epochs = 2, now it is 3: choose another folder with --out',
    );
    expect(await refusal(checkManifest(out, { ...suite, seeds: [1, 2] }))).to.include(
      'seeds.1 = nothing, now it is 2',
    );
    expect(await readFile(path.join(out, 'suite.json'), 'utf8')).to.equal(before);
  });

  it('of published tables without records may be made again, by a suite of that name', async () => {
    const out = await temporaryFolder();
    await claim(out, suite);
    await checkManifest(out, { ...suite, seeds: [1, 2] });
    expect(await refusal(checkManifest(out, { ...suite, name: 'other' }))).to.include('suite "tiny"');
  });

  it('is refused if it holds results of nobody knows what, or is no folder', async () => {
    const out = await temporaryFolder();
    await writeFile(path.join(out, 'runs.csv'), '');
    expect(await refusal(checkManifest(out, suite))).to.include('holds runs.csv but no suite.json');
    expect(await refusal(checkManifest(path.join(out, 'runs.csv', 'x'), suite))).to.include('not a folder');
    await writeFile(path.join(out, 'suite.json'), '{}');
    expect(await refusal(checkManifest(out, suite))).to.include('suite.json: is damaged');
  });

  it('that cannot be written says so in one line', () => {
    const full = Object.assign(new Error(), { code: 'ENOSPC' });
    const error = explained(full, 'cannot write a.csv') as Error;
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.equal('cannot write a.csv: no space left on the device');
    const other = new Error('else');
    expect(explained(other, '')).to.equal(other);
  });
});

describe('aggregation over seeds', () => {
  it('takes the final accuracy, and tells what is missing', () => {
    const two = expand({ ...suite, seeds: [1, 2, 3] });
    const runs = two.runs.filter((run) => run.method === 'sgd' && run.noiseSetting.label === '20');
    const records = new Map(runs.slice(0, 2).map((run, i) => [run.id, fakeRecord(run, 40 + 2 * i)]));
    const cells = summarise(two, records, new Set([runs[2]!.id]));
    expect(cells).to.have.length(20);
    expect(cells[0]).to.deep.equal({
      method: 'sgd',
      noiseSetting: '20',
      seeds: 2,
      failed: 1,
      damaged: 0,
      mean: 41,
      std: Math.sqrt(2),
    });
    expect(cells[1]).to.include({ seeds: 0, failed: 0, mean: null, std: null });
  });

  it('takes no mean without a seed that is damaged', () => {
    const two = expand({ ...suite, seeds: [1, 2] });
    const [one, other] = two.runs.filter((run) => run.method === 'sgd' && run.noiseSetting.label === '20');
    const cells = summarise(two, new Map([[one!.id, fakeRecord(one!, 40)]]), new Set(), new Set([other!.id]));
    expect(cells[0]).to.include({ seeds: 1, damaged: 1, mean: null, std: null });
  });
});
