// Methods from elsewhere: what they are given is what runs see, what they hand in is checked, and their rows are apart from ours.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { type ExportOptions, exportCell } from '../src/cli/export.js';
import { run } from '../src/cli/run.js';
import { type ScoreOptions, score } from '../src/cli/score.js';
import { redraw } from '../src/cli/table.js';
import { type VerifyOptions, verify } from '../src/cli/verify.js';
import { loadCifar10, prepareCifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages, DATASETS, type Dataset } from '../src/data/datasets/dataset.js';
import { npyOf, parseNpy } from '../src/data/npy.js';
import { Preparer } from '../src/execution/prepare.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { externalText, isLink, isName, readExternal } from '../src/results/external.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { readStored } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { CIFAR, fakeEngine, SUITE, suiteFile } from './fakes.js';
import { labelnoise as typed } from './support/commands.js';
import { temporaryFolder } from './support/temporary_folder.js';

const HELD_OUT = { data: { ...SUITE.data, heldOut: 30 }, seeds: [1, 2, 3] };

const silent = { print: () => {}, say: () => {} };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).not.to.match(/\n/);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

async function contents(folder: string): Promise<[string, string][]> {
  const names = (await readdir(folder, { withFileTypes: true, recursive: true })).filter((e) => e.isFile());
  const files = names.map(({ parentPath, name }) => path.join(parentPath, name)).sort();
  return Promise.all(files.map(async (file) => [file, sha256(await readFile(file))]));
}

describe('an export', () => {
  const options = { noise: '0.4', seed: '2' };

  async function exported(suite: string, more: Partial<ExportOptions> = {}) {
    const out = path.join(await temporaryFolder(), 'exported');
    await exportCell(suite, { ...options, out, ...more }, fakeEngine, silent.print);
    return out;
  }

  it('has the images and labels that the runs are given', async () => {
    const suite = await suiteFile(HELD_OUT);
    const out = await exported(suite);
    const graph = expand({ ...SUITE, ...HELD_OUT } as ResolvedSuite);
    const node = graph.runs.find(({ spec, noiseSetting }) => spec.seed === 2 && noiseSetting.label === '40')!;
    const preparer = new Preparer(CIFAR, new Map());
    const { job } = preparer.prepare(node);
    const { train, indices, testIndices, heldOut } = preparer.images.of(node.spec);
    const numbers = async (name: string) => parseNpy(await readFile(path.join(out, `${name}.npy`)));
    expect(await numbers('train_indices'))
      .to.deep.equal([...indices])
      .and.to.have.length(50);
    expect(await numbers('train_labels_given')).to.deep.equal([...job.noisyLabels]);
    expect(await numbers('train_labels_true')).to.deep.equal([...train.labels]);
    expect(await numbers('test_indices'))
      .to.deep.equal([...testIndices])
      .and.to.have.length(20);
    const validation = await numbers('validation_indices');
    expect(validation)
      .to.deep.equal([...heldOut!.indices])
      .and.to.have.length(30);
    expect(validation.some((i) => indices.includes(i))).to.equal(false);
    const wrong = [...job.noisyLabels].filter((label, i) => label !== train.labels[i]);
    expect(wrong).to.have.length(20);

    const manifest = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
    expect(manifest).to.deep.include({ format: 1, suite: 'tiny', seed: 2 });
    expect(manifest.givenLabelsSha256).to.equal(sha256(job.noisyLabels));
    expect(manifest.splits.train.imagesSha256).to.equal(sha256(train.images));
    expect(Object.keys(manifest.files).concat('manifest.json')).to.have.members(await readdir(out));
    for (const [name, hash] of Object.entries(manifest.files))
      expect(sha256(await readFile(path.join(out, name)))).to.equal(hash);
  });

  it('has the settings of each method at that noise', async () => {
    const sam = { rho: { '0.2': 0.1, '0.4': 0.3, '0.6': 0.1, '0.8': 0.05 }, training: { learningRate: 0.7 } };
    const out = await exported(await suiteFile({ ...HELD_OUT, methods: { ...SUITE.methods, sam } }));
    const { methods, training } = JSON.parse(await readFile(path.join(out, 'settings.json'), 'utf8'));
    expect(training).to.deep.equal(SUITE.training);
    const named = (name: string) => methods.find((m: { name: string }) => m.name === name);
    expect(named('sam')).to.deep.include({ gradient: { kind: 'sam', rho: 0.3, m: 0 } });
    expect(named('sam').training.learningRate).to.equal(0.7);
    expect(named('bootstrap-mixup').labels).to.deep.equal({ from: 'predictions', teacher: 'mixup' });
    expect(methods).to.have.length(5);
  });

  it('is what published runs say they saw', async () => {
    const folder = path.join(PROJECT_ROOT, 'results', 'quick');
    const graph = await readOwnGraph(folder);
    const { records } = await readStored(folder, graph.runs);
    const { id } = graph.runs.find(({ noiseSetting }) => noiseSetting.label === '60')!;
    const out = path.join(await temporaryFolder(), 'exported');
    const using = { ...fakeEngine, loadData: () => loadCifar10({ say() {} }) };
    await exportCell('quick', { noise: '0.6', seed: '1', out }, using, silent.print);
    const [truth, given] = await Promise.all(
      ['true', 'given'].map(async (of) => parseNpy(await readFile(path.join(out, `train_labels_${of}.npy`)))),
    );
    const transitions = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
    for (const [i, label] of truth!.entries()) transitions[label]![given![i]!]!++;
    expect(transitions).to.deep.equal(records.get(id)!.noise.transitions);
    // What it predicts after training agrees with the true labels of these images, in this order, as often as it says.
    const { predictions, curve } = records.get(id)!;
    const right = truth!.filter((label, i) => String(label) === predictions[i]).length;
    expect((100 * right) / truth!.length).to.equal(curve.at(-1)!.trainAccuracyTrue);
  }).timeout(60_000);

  it('evaluated on validation images has their places in the training set', async () => {
    const data = { ...SUITE.data, heldOut: 30, testOn: 'held-out' };
    const out = await exported(await suiteFile({ ...HELD_OUT, data }));
    const numbers = async (name: string) => parseNpy(await readFile(path.join(out, `${name}.npy`)));
    expect(await numbers('validation_indices')).to.include.members(await numbers('test_indices'));
    const { splits } = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8'));
    expect([splits.test.from, splits.test.count]).to.deep.equal(['train', 20]);
  });

  it('takes noise in percent, and seeds after the largest, as --seeds does', async () => {
    const suite = await suiteFile(HELD_OUT);
    const [fraction, percent] = [await exported(suite), await exported(suite, { noise: '40' })];
    const files = async (out: string) => (await contents(out)).map(([, hash]) => hash);
    expect(await files(percent)).to.deep.equal(await files(fraction));
    expect(await files(await exported(suite, { seed: '7' }))).not.to.deep.equal(await files(fraction));
  });

  it('is completed where it was cut short, and written over nothing else', async () => {
    const suite = await suiteFile(HELD_OUT);
    const out = await exported(suite);
    const before = await contents(out);
    await rm(path.join(out, 'manifest.json'));
    await writeFile(path.join(out, 'manifest.json.4194999-1-1.tmp'), '');
    await exportCell(suite, { ...options, out }, fakeEngine, silent.print);
    expect(await contents(out)).to.deep.equal(before);

    const again = (more: Partial<ExportOptions>) =>
      refusal(exportCell(suite, { ...options, out, ...more }, fakeEngine, silent.print));
    expect(await again({ seed: '1' })).to.match(
      /--out .*: holds another \S+, of another suite, noise or seed; allowed: /,
    );
    const occupied = await temporaryFolder();
    await writeFile(path.join(occupied, 'thesis.tex'), 'mine');
    expect(await again({ out: occupied })).to.include('holds thesis.tex, which is no file of an export');
    expect(await readdir(occupied)).to.deep.equal(['thesis.tex']);
    expect(await again({ out: suite })).to.include('a part of the path is not a folder');
    expect(await again({ noise: '0.5' })).to.include(
      '--noise 0.5: is not in the suite tiny; allowed: one of 0.2',
    );
    for (const seed of ['0', '-1', 'x', '1.5', '2000'])
      expect(await again({ seed })).to.include(
        `--seed ${seed}: is not in the suite tiny; allowed: one of 1, 2, 3`,
      );
    expect(await contents(out)).to.deep.equal(before);
  });
});

/** The classes that a suite like HELD_OUT tests on, or trains on, at a seed. */
function labelsOf(seed: number, of: 'test' | 'train' | 'given'): Uint8Array {
  const graph = expand({ ...SUITE, ...HELD_OUT, seeds: [seed] } as ResolvedSuite);
  const node = graph.runs.find(({ noiseSetting }) => noiseSetting.label === '40')!;
  const preparer = new Preparer(CIFAR, new Map());
  const { test, train } = preparer.images.of(node.spec);
  const { noisyLabels } = preparer.prepare(node).job;
  return { test: test.labels, train: train.labels, given: noisyLabels }[of];
}

/** Labels of which the first so many are made wrong. */
const spoilt = (labels: Uint8Array, wrong: number) =>
  Uint8Array.from(labels, (label, i) => (i < wrong ? (label + 1) % 10 : label));

/** An array of scores as NumPy saves it. */
function scoresNpy(
  rows: readonly (readonly number[])[],
  dtype: '<f4' | '<f8' = '<f4',
  fortran = false,
): Buffer {
  const columns = rows[0]!.length;
  const header = `{'descr': '${dtype}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${rows.length}, ${columns}), }`;
  const start = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${header.padEnd(117)}\n`, 'latin1');
  start.writeUInt16LE(118, 8);
  const values = fortran ? rows[0]!.flatMap((_, c) => rows.map((row) => row[c]!)) : rows.flat();
  const array = dtype === '<f4' ? Float32Array.from(values) : Float64Array.from(values);
  return Buffer.concat([start, Buffer.from(array.buffer)]);
}
const oneHot = (labels: Uint8Array, classes = 10) =>
  Array.from(labels, (label) => Array.from({ length: classes }, (_, c) => (c === label ? 2.5 : -c)));

describe('a score', () => {
  let folder: string;
  let suite: string;
  let out: string;
  let said: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    suite = await suiteFile(HELD_OUT);
    out = path.join(folder, 'out');
    said = '';
  });

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  }

  async function given(predictions: string | Uint8Array, more: Partial<ScoreOptions> = {}) {
    const name = predictions instanceof Uint8Array ? await file('p.npy', predictions) : predictions;
    const options = { predictions: name, as: 'My method', suite, noise: '0.4', seed: '1', out, ...more };
    return score(
      options,
      fakeEngine,
      (text) => {
        said += text;
      },
      silent.say,
    );
  }
  const wrongly = (wrong: number, seed = 1) => npyOf(spoilt(labelsOf(seed, 'test'), wrong));
  const text = (name: string) => readFile(path.join(out, name), 'utf8');
  const csv = async (): Promise<Record<string, string>[]> =>
    parse(await text('external.csv'), { columns: true });
  const trained = () => run(suite, { out }, fakeEngine, silentProgress, silent.print);
  const silentProgress = { stop() {} } as Parameters<typeof run>[3];
  async function verified(options: VerifyOptions = {}) {
    let found = '';
    // These images are none of CIFAR-10's.
    const { LABELNOISE_CACHE: cache } = process.env;
    process.env.LABELNOISE_CACHE = folder;
    try {
      const code = await verify([out], options, (text) => {
        found += text;
      });
      return { code, found };
    } finally {
      if (cache === undefined) delete process.env.LABELNOISE_CACHE;
      else process.env.LABELNOISE_CACHE = cache;
    }
  }

  it('makes a marked row in every table of a new folder', async () => {
    expect(await given(wrongly(5), { by: 'A. Name', link: 'https://example.org/my_paper' })).to.equal(0);
    expect(said).to.match(/My method \(external\) .* 75\.00 \[1 of 3 seeds\]/);
    expect(said).to.include('My method: 75.00 % of 20 test images at noise 0.4, seed 1');
    const markdown = await text('table4.md');
    expect(markdown).to.match(
      /^\| My method \(external\) \| - \| 75\.00 \\?\[1 of 3 seeds\\?\] \| - \| - \|$/m,
    );
    expect(markdown).to.include('My method (external), by A. Name, <https://example.org/my_paper>');
    expect(await text('table4.tex')).to.match(
      /External predictions, not run here.*My method \(external\) & -- & \$75\.00\$ &/s,
    );
    expect(await text('report.html')).to.include('<span class="mark">external</span>');
    expect(await csv()).to.deep.include({
      measure: 'test_accuracy',
      method: 'My method',
      minus: '',
      noise_rate: '40',
      seed: '1',
      value: '75.00',
      low: '',
      high: '',
      by: 'A. Name',
      link: 'https://example.org/my_paper',
      external: 'yes',
    });
    expect(await verified()).to.deep.equal({
      code: 0,
      found: `${out}: 0 of 60 records, 1 external row (their figures are not checked: the data set is not in the cache) and their tables, as they were written\n`,
    });
  });

  it('reads classes and scores of either order, as .npy and CSV', async () => {
    const labels = spoilt(labelsOf(1, 'test'), 4);
    const scores = oneHot(labels);
    const indices = new Preparer(CIFAR, new Map()).images.of(
      expand({ ...SUITE, ...HELD_OUT } as ResolvedSuite).runs[0]!.spec,
    ).testIndices;
    const lines = (row: (i: number) => unknown[]) =>
      [...labels.keys()].map((i) => `${row(i).join(',')}\n`).join('');
    const header = `${[...Array(10).keys()].join(',')}\n`;
    const files = [
      await file('a.npy', npyOf(labels)),
      await file('b.npy', scoresNpy(scores)),
      await file('c.npy', scoresNpy(scores, '<f8', true)),
      await file(
        'd.npy',
        scoresNpy(scores.map((row) => row.map((s) => (s < 0 ? Number.NEGATIVE_INFINITY : s)))),
      ),
      await file('e.csv', `\ufeffprediction\r\n${lines((i) => [labels[i]]).replaceAll('\n', '\r\n')}`),
      await file('f.csv', `index,prediction\n${lines((i) => [indices[i], labels[i]])}`),
      await file('g.csv', header + lines((i) => scores[i]!.map((s) => s.toExponential()))),
    ];
    for (const name of files) await given(name, { as: path.basename(name) });
    const rows = (await csv()).filter(({ measure }) => measure === 'test_accuracy');
    expect(rows.map(({ value }) => value)).to.deep.equal(files.map(() => '80.00'));
    expect((await verified()).code).to.equal(0);
  });

  it('collects seeds to a mean with its interval, and is paired with the runs of the same seeds', async () => {
    await trained();
    const [before, archive] = [await text('table4.csv'), await text('records.jsonl')];
    const unchanged = ['runs.csv', 'comparison.csv', 'shape.csv'];
    const csvs = await Promise.all(unchanged.map(text));
    for (const [seed, wrong] of [
      [1, 4],
      [2, 5],
      [3, 8],
    ] as const)
      expect(await given(wrongly(wrong, seed), { seed: String(seed) })).to.equal(0);
    // 80, 75 and 60 %: mean 71.67, standard deviation 10.41, t(2) = 4.3027.
    expect(await text('table4.md')).to.match(
      /\| My method \(external\) \| - \| 71\.67 ± 25\.86 \| - \| - \|/,
    );
    const rows = await csv();
    const of = (measure: string) => rows.find((row) => row.measure === measure)!;
    expect(of('mean')).to.include({ noise_rate: '40', value: '71.67', low: '45.81', high: '97.52' });
    expect(of('standard_deviation').value).to.equal('10.41');
    const accuracies = (parse(await text('runs.csv'), { columns: true }) as Record<string, string>[])
      .filter((row) => row.method === 'sgd' && row.noise_rate === '40')
      .map((row) => Number(row.test_accuracy));
    const steps = [80, 75, 60].map((ours, i) => ours - accuracies[i]!);
    const mean = steps.reduce((a, b) => a + b) / 3;
    const half = 4.30265 * Math.sqrt(steps.reduce((sum, s) => sum + (s - mean) ** 2, 0) / 2 / 3);
    const difference = rows.find((row) => row.measure === 'difference' && row.minus === 'sgd')!;
    expect(Number(difference.value)).to.be.closeTo(mean, 0.01);
    expect(Number(difference.low)).to.be.closeTo(mean - half, 0.02);
    expect(rows.filter((row) => row.measure === 'difference').map(({ minus }) => minus)).to.deep.equal(
      Object.keys(SUITE.methods),
    );
    expect(await text('table4.md')).to.include(`  - My method (external) - SGD: 40 % `);
    // What our runs prove is as it was.
    expect(await text('table4.csv')).to.equal(before);
    expect(await text('records.jsonl')).to.equal(archive);
    expect(await Promise.all(unchanged.map(text))).to.deep.equal(csvs);
    expect((await verified()).found).to.not.include('external');
  });

  it('is refused a second time, unless it replaces the first', async () => {
    await given(wrongly(4));
    const before = await contents(out);
    expect(await refusal(given(wrongly(2)))).to.match(
      /external\.jsonl: has "My method" at 40 %, seed 1 already; another --as, or --replace /,
    );
    expect(await contents(out)).to.deep.equal(before);
    await given(wrongly(2), { replace: true });
    expect((await csv()).map(({ measure, value }) => [measure, value])).to.deep.equal([
      ['test_accuracy', '90.00'],
      ['mean', '90.00'],
    ]);
    await given(wrongly(4), { replace: true });
    expect(await contents(out)).to.deep.equal(before);
  });

  it('has the same author for all rows of a name', async () => {
    await given(wrongly(4), { by: 'A' });
    expect(await refusal(given(wrongly(4, 2), { seed: '2', by: 'B' }))).to.include(
      `--by B: ${path.join(out, 'external.jsonl')} has "A" for "My method" at another noise or seed`,
    );
    await given(wrongly(4, 2), { seed: '2' });
    expect(new Set((await csv()).map(({ by }) => by))).to.deep.equal(new Set(['A']));
  });

  it('measures memorisation where training images are predicted too', async () => {
    // 20 of 50 labels are wrong: all are fitted.
    const fitted = await file('t.npy', npyOf(labelsOf(1, 'given')));
    await given(wrongly(4), { trainPredictions: fitted });
    const right = await file('r.npy', npyOf(labelsOf(2, 'train')));
    await given(wrongly(4, 2), { seed: '2', trainPredictions: right });
    const figures = (await csv()).filter(({ seed }) => seed !== '');
    expect(figures.map(({ seed, measure, value }) => `${seed} ${measure} ${value}`)).to.deep.equal([
      '1 test_accuracy 80.00',
      '1 wrong_labels_fitted 100.00',
      '1 true_labels_recovered 0.00',
      '1 train_accuracy_true 60.00',
      '2 test_accuracy 80.00',
      '2 wrong_labels_fitted 0.00',
      '2 true_labels_recovered 100.00',
      '2 train_accuracy_true 100.00',
    ]);
    expect(await text('table4.md')).to.include('memorised wrong labels, percent of them: 40 % 50.0');
    expect((await verified()).code).to.equal(0);
  });

  it('refuses what cannot be used in a line, and writes nothing', async () => {
    const labels = labelsOf(1, 'test');
    const nan = oneHot(labels);
    nan[2]![7] = Number.NaN;
    const cases: [string, string | Uint8Array, Partial<ScoreOptions>?][] = [
      ['are of 19 images, not the 20 test images; there must be one for each', npyOf(labels.subarray(1))],
      ['are of more than the 20 test images', await file('l.csv', `prediction\n${'1\n'.repeat(21)}`)],
      ['are of more than the 20 test images', npyOf(labelsOf(1, 'given'))],
      ['have class 10 in row 3; classes are 0 to 9', npyOf(labels.map((label, i) => (i === 2 ? 10 : label)))],
      [
        'have class "cat" in row 1; classes are 0 to 9',
        await file('w.csv', `prediction\n${'cat\n'.repeat(20)}`),
      ],
      ['have class "1.5" in row 1', await file('h.csv', `prediction\n${'1.5\n'.repeat(20)}`)],
      ['have the score NaN in row 3, class 7; scores are finite numbers, or -inf', scoresNpy(nan)],
      ['have scores of 9 classes; there must be 10', scoresNpy(oneHot(labels).map((row) => row.slice(1)))],
      [
        'have no column prediction, nor one 0; its first line must name',
        await file('n.csv', `label\n${'1\n'.repeat(20)}`),
      ],
      [
        'have index "7" in row 1; the test images have ',
        await file('i.csv', `index,prediction\n${'7,1\n'.repeat(20)}`),
      ],
      ['are of 0 images, not the 20 test images', await file('e.csv', 'prediction\n')],
      ['is not a .npy file', await file('x.npy', 'hello')],
      [
        'has dtype <f8; it must be int64',
        Buffer.from(npyOf(labels).toString('latin1').replace('<i8', '<f8'), 'latin1'),
      ],
      ['of no known kind: the name must end in .npy or .csv', await file('p.txt', '1')],
      ['cannot be read: ENOENT', path.join(folder, 'none.npy')],
      ['predictions /dev/zero cannot be read', '/dev/zero'],
      ['--as "": allowed: letters', npyOf(labels), { as: '' }],
      ['--as "<script>"', npyOf(labels), { as: '<script>' }],
      ['--as "=cmd"', npyOf(labels), { as: '=cmd' }],
      ['--by "a|b"', npyOf(labels), { by: 'a|b' }],
      [
        '--link "javascript:alert(1)": allowed: an address that begins with',
        npyOf(labels),
        { link: 'javascript:alert(1)' },
      ],
      ['--noise 0.5: is not in the suite tiny', npyOf(labels), { noise: '0.5' }],
      ['--seed x: is not in the suite tiny; allowed: one of 1, 2, 3', npyOf(labels), { seed: 'x' }],
      ['suite "nosuch" is not known', npyOf(labels), { suite: 'nosuch' }],
      ['a file is in the way|not a folder', npyOf(labels), { out: suite }],
    ];
    for (const [wanted, predictions, more] of cases) {
      const message = await refusal(given(predictions, more));
      if (wanted.includes('|')) expect(message).to.match(new RegExp(wanted));
      else expect(message).to.include(wanted);
      expect(await readdir(folder)).not.to.include('out');
    }
    const tooFew = await file('s.npy', npyOf(labels));
    expect(await refusal(given(wrongly(4), { trainPredictions: tooFew }))).to.include(
      'are of 20 images, not the 50 training images',
    );
  });

  it('refuses labels of another split, where their number does not tell', async () => {
    const data = { ...SUITE.data, trainImages: 40, testImages: 40, heldOut: 40 };
    const even = await suiteFile({ ...HELD_OUT, data });
    const [node] = expand({ ...SUITE, ...HELD_OUT, data } as ResolvedSuite).runs;
    const preparer = new Preparer(CIFAR, new Map());
    const { train } = preparer.images.of(node!.spec);
    expect(await refusal(given(npyOf(train.labels), { suite: even, noise: '20' }))).to.match(
      /p\.npy agree with 40 labels of the 40 training images, and with \d of the test images; they must be of the test images/,
    );
    await given(npyOf(preparer.images.of(node!.spec).test.labels), { suite: even, noise: '20' });
  });

  it('goes to no folder of another suite, noise or data', async () => {
    await given(wrongly(4));
    const before = await contents(out);
    for (const [changes, wanted] of [
      [{ name: 'other' }, 'its suite has name = "tiny", the suite '],
      [{ data: { ...HELD_OUT.data, heldOut: 20 } }, 'its suite has data.heldOut = 30, the suite '],
      [{ noise: { ...SUITE.noise, redraw: 'any' } }, 'its suite has noise.redraw = "other", the suite '],
    ] as const)
      expect(
        await refusal(given(wrongly(4), { suite: await suiteFile({ ...HELD_OUT, ...changes }), as: 'x' })),
      ).to.include(wanted);
    // How the project's own methods are trained is not its business.
    const other = await suiteFile({ ...HELD_OUT, training: { ...SUITE.training, epochs: 3 } });
    await given(wrongly(4), { suite: other, as: 'x', replace: true });
    expect(await contents(out)).not.to.deep.equal(before);
    const occupied = await temporaryFolder();
    await mkdir(path.join(occupied, 'runs'));
    expect(await refusal(given(wrongly(4), { out: occupied }))).to.include('holds runs but no suite.json');
  });

  it('may be of seeds after the largest while the folder has no runs', async () => {
    await given(wrongly(4, 5), { seed: '5' });
    expect((await readOwnGraph(out)).suite.seeds).to.deep.equal([1, 2, 3, 4, 5]);
    await given(wrongly(4, 1), { seed: '1' });
    await given(wrongly(4, 6), { seed: '6' });
    expect(await text('table4.md')).to.include('[3 of 6 seeds]');
  });

  it('stays when the suite is run in its folder, and drawn again', async () => {
    await given(wrongly(4));
    const rows = await text('external.jsonl');
    await trained();
    expect(await text('external.jsonl')).to.equal(rows);
    expect(await text('table4.md')).to.match(/My method \(external\) - SAM: 40 % [-+]/);
    const before = await contents(out);
    expect(await redraw(out, undefined, silent.print, silent.say)).to.equal(0);
    expect(await contents(out)).to.deep.equal(before);
    const seeds = await suiteFile({ ...HELD_OUT, seeds: [2, 3] });
    await rm(path.join(out, 'runs'), { recursive: true });
    expect(await refusal(run(seeds, { out }, fakeEngine, silentProgress, silent.print))).to.match(
      /external\.jsonl, line 1: seed is 1; allowed: 2, 3, as in suite\.json; mend the file, or choose another/,
    );
  });

  it('is named by verify where it was changed, and left out of the tables until it is mended', async () => {
    await given(wrongly(4));
    await given(wrongly(6), { as: 'Other' });
    const whole = await text('external.jsonl');
    const name = path.join(out, 'external.jsonl');
    for (const [how, wanted] of [
      [(t: string) => t.replace('"testAccuracy":80', '"testAccuracy":90'), 'line 1: sha256 is'],
      [(t: string) => t.slice(0, -10), 'line 3: has no end'],
      [(t: string) => t.split('\n').slice(1).join('\n'), 'line 2: records is 2; there are 1 lines above'],
      [(t: string) => t.slice(0, t.lastIndexOf('{')), 'line 3: is missing: the last line tells'],
    ] as const) {
      await writeFile(name, how(whole));
      const { code, found } = await verified();
      expect(code).to.equal(1);
      expect(found).to.include(`external.jsonl, ${wanted}`).and.to.include('tables are not compared');
      expect(await refusal(given(wrongly(6), { as: 'Third' }))).to.include(`external.jsonl, ${wanted}`);
    }
    await writeFile(name, whole.replace('"testAccuracy":80', '"testAccuracy":90'));
    let warned = '';
    const say = (line: string) => {
      warned += line;
    };
    expect(await redraw(out, undefined, silent.print, say)).to.equal(1);
    expect(warned).to.match(/line 1: sha256 .*tables are without external rows until that is mended/);
    expect(await text('table4.md')).not.to.include('external');

    expect((await verified({ repair: true, yes: true })).code).to.equal(0);
    expect(await text('external.jsonl'))
      .to.include('"Other"')
      .and.not.to.include('"My method"');
    expect(await readdir(out)).to.include('external.jsonl.damaged');
    await rm(name);
    expect((await verified()).found).to.include('external.csv: is there, but there are no external rows');
  });

  it('is named by verify where it cannot be true, whoever sealed it', async () => {
    await given(wrongly(4));
    const graph = await readOwnGraph(out);
    const { rows } = await readExternal(out, graph);
    const [row] = rows as [(typeof rows)[0]];
    for (const [change, wanted] of [
      [{ testAccuracy: 81 }, 'testAccuracy is 81; right: a whole number of 20 images, such as 80'],
      [{ testAccuracy: 100 }, 'testAccuracy is 100; by the predictions, at most '],
      [{ predictions: '1' }, 'predictions has 1 classes; right: one for each of 20 images'],
      [{ wrongLabels: 19 }, 'wrongLabels is 19; right: 20'],
      [{ seed: 9 }, 'seed is 9; allowed: 1, 2, 3'],
      [{ name: '<b>' }, 'name is "<b>"; allowed: letters'],
      [{ link: 'file:///etc' }, 'link is "file:///etc"; allowed: an address'],
    ] as const) {
      await writeFile(path.join(out, 'external.jsonl'), externalText([{ ...row, ...change }]));
      const { code, found } = await verified();
      expect([code, found]).to.satisfy(([c, f]: [number, string]) => c === 1 && f.includes(wanted), found);
    }
    await writeFile(path.join(out, 'external.jsonl'), externalText([row, row]));
    expect((await verified()).found).to.include(
      'line 2: is of "My method" at 40 %, seed 1, as a line above is',
    );
  });
});

describe('a data set that is not CIFAR-10', () => {
  const months: Dataset = {
    name: 'months',
    title: 'Months',
    cite: 'nobody',
    classNames: Array.from({ length: 12 }, (_, i) => `month ${i + 1}`),
    imageSize: 4,
    channels: 1,
    mean: [0.5],
    deviation: [0.2],
    trainImages: 240,
    testImages: 120,
    load: async () => ({ train: blankImages(months, 240), test: blankImages(months, 120) }),
  };
  const engine = { ...fakeEngine, loadData: () => months.load({}) };
  before(() => DATASETS.add(months));
  after(() => DATASETS.remove('months'));

  it('has its images in the export, and as many classes as it has', async () => {
    const data = { dataset: 'months', trainImages: 120, testImages: 60, heldOut: 24, augment: 'none' };
    const suite = await suiteFile({ data });
    const folder = await temporaryFolder();
    const [exported, out] = [path.join(folder, 'exported'), path.join(folder, 'out')];
    const cell = { noise: '0.4', seed: '1' };
    await exportCell(suite, { ...cell, out: exported }, engine, silent.print);
    const { imagesFrom, splits } = JSON.parse(await readFile(path.join(exported, 'manifest.json'), 'utf8'));
    expect(imagesFrom).to.equal('export');
    for (const [split, images] of [
      ['train', 120],
      ['validation', 24],
      ['test', 60],
    ] as const) {
      const npy = await readFile(path.join(exported, `${split}_images.npy`));
      expect(npy.toString('latin1', 0, 128)).to.include(
        `'|u1', 'fortran_order': False, 'shape': (${images}, 4, 4, 1)`,
      );
      expect(sha256(npy.subarray(-16 * images))).to.equal(splits[split].imagesSha256);
    }
    const labels = Uint8Array.from(parseNpy(await readFile(path.join(exported, 'test_labels.npy'))));
    const predictions = path.join(folder, 'p.npy');
    const given = (content: Uint8Array) =>
      writeFile(predictions, content).then(() =>
        score({ predictions, as: 'Mine', suite, ...cell, out }, engine, silent.print, silent.say),
      );
    expect(await refusal(given(npyOf(labels.map((label) => label + 1))))).to.match(
      /have class 12 in row \d+; classes are 0 to 11/,
    );
    await given(scoresNpy(oneHot(spoilt(labels, 3), 12)));
    const rows: Record<string, string>[] = parse(await readFile(path.join(out, 'external.csv')), {
      columns: true,
    });
    expect(rows[0]).to.include({ measure: 'test_accuracy', value: '95.00' });
    let found = '';
    const code = await verify([out], {}, (text) => {
      found += text;
    });
    expect([code, found]).to.deep.equal([
      0,
      `${out}: 0 of 20 records, 1 external row (their figures are not checked: the data set is not in the cache) and their tables, as they were written\n`,
    ]);
  });
});

describe('names and addresses from outside', () => {
  it('are what every table can print', () => {
    for (const name of ['SAM', 'Größe 2', 'DivideMix (Li et al., 2020)', 'C++', '方法', "O'Neill & Co."])
      expect(isName(name), name).to.equal(true);
    for (const name of [
      '',
      ' a',
      'a ',
      '=1+1',
      '-a',
      '@a',
      'a\nb',
      'a\u202eb',
      '<a>',
      'a|b',
      'a`b',
      '\\a',
      'a'.repeat(65),
    ])
      expect(isName(name), name).to.equal(false);
    for (const link of [
      'https://example.org',
      'http://127.0.0.1:80/a_b~c?d=e&f=%20#g',
      'https://arxiv.org/abs/2010.01412',
    ])
      expect(isLink(link), link).to.equal(true);
    for (const link of [
      '',
      'javascript:1',
      'https://',
      'https://a b',
      'https://a/">',
      'https://a/<b>',
      'data:x',
      'https://a\n',
      'https://a/(b)',
    ])
      expect(isLink(link), link).to.equal(false);
  });
});

/** A Python that has NumPy and PyTorch: LABELNOISE_PYTORCH, or python3 where it has them. */
function pytorch(): string | undefined {
  return [process.env.LABELNOISE_PYTORCH ?? [], 'python3']
    .flat()
    .find((python) => spawnSync(python, ['-c', 'import numpy, torch']).status === 0);
}

/** A program of docs/from-outside.md, by the first words of it. */
async function documented(begins: string): Promise<string> {
  const text = await readFile(path.join(PROJECT_ROOT, 'docs', 'from-outside.md'), 'utf8');
  const [, program] = text.split('```python\n').map((part) => part.split('```', 1)[0]!);
  expect(program).to.match(new RegExp(`^# ${begins}`));
  return program!;
}

/** CIFAR-10's python version of its binary one, pickled as Python 2 did: all text and bytes are strings of bytes. */
const PYTHON_VERSION = `
import io, pickle, pathlib, struct, sys, numpy
class Python2(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)
    def save_string(self, value):
        data = value.encode() if isinstance(value, str) else value
        self.write(b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(value)
    dispatch[bytes] = dispatch[str] = save_string
source, target = map(pathlib.Path, sys.argv[1:])
for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
    rows = numpy.fromfile(source / f"{name}.bin", numpy.uint8).reshape(-1, 3073)
    content = {"data": numpy.ascontiguousarray(rows[:, 1:]), "labels": rows[:, 0].tolist(), "batch_label": name}
    file = io.BytesIO()
    Python2(file, 2).dump(content)
    (target / name).write_bytes(file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
`;

describe('the way there and back', function () {
  this.timeout(120_000);
  const cell = ['--noise', '0.4', '--seed', '1'];

  async function labelnoise(...args: string[]) {
    const { status, stdout, stderr } = await typed('.', args);
    expect(status, stderr).to.equal(0);
    return stdout;
  }
  async function rowIn(out: string) {
    const rows: Record<string, string>[] = parse(await readFile(path.join(out, 'external.csv')), {
      columns: true,
    });
    return Object.fromEntries(
      rows.filter(({ seed }) => seed).map(({ measure, value }) => [measure, Number(value)]),
    );
  }

  it('leads through PyTorch', async function () {
    const python = pytorch();
    if (!python) {
      console.log('      no Python with PyTorch in the path or in LABELNOISE_PYTORCH: not run');
      this.skip();
    }
    const folder = await temporaryFolder();
    const [exported, out] = [path.join(folder, 'exported'), path.join(folder, 'out')];
    await labelnoise('export', 'check', ...cell, '--out', exported);
    const script = path.join(folder, 'train.py');
    await writeFile(script, await documented('train.py'));
    const { status, stderr } = spawnSync(python, [script, exported, await prepareCifar10(), folder], {
      encoding: 'utf8',
    });
    expect(status, stderr).to.equal(0);
    const predicted = [
      '--predictions',
      path.join(folder, 'test.npy'),
      '--train-predictions',
      path.join(folder, 'train.npy'),
    ];
    const said = await labelnoise(
      'score',
      ...predicted,
      '--as',
      'Adam',
      '--suite',
      'check',
      ...cell,
      '--out',
      out,
    );
    expect(said).to.match(/Adam \(external\)/);
    const row = await rowIn(out);
    // Far above chance, so images, labels and their order have arrived.
    expect(row.test_accuracy).to.be.above(15);
    expect(row.train_accuracy_true).to.be.above(15);
    expect(await readFile(path.join(out, 'table4.md'), 'utf8')).to.match(/^\| Adam \(external\) \|/m);
    await labelnoise('verify', out);
  });

  it('begins at either version of CIFAR-10, and at nothing else', async function () {
    const python = pytorch();
    if (!python) {
      console.log('      no Python with NumPy and PyTorch in the path or in LABELNOISE_PYTORCH: not run');
      this.skip();
    }
    const folder = await temporaryFolder();
    const exported = path.join(folder, 'exported');
    await labelnoise('export', 'check', ...cell, '--out', exported);
    const binary = await prepareCifar10();
    const load = (from: string) =>
      spawnSync(python, [path.join(exported, 'load.py'), from], { encoding: 'utf8' });
    const { stdout, stderr } = spawnSync(python, ['-c', PYTHON_VERSION, binary, folder], {
      encoding: 'utf8',
    });
    expect(stdout + stderr).to.equal('');
    expect(load(folder))
      .to.include({ status: 0, stderr: '' })
      .and.deep.include({ stdout: load(binary).stdout });
    expect(load(folder).stdout).to.include('train_images uint8 (640, 32, 32, 3)\n');

    const [given, batch] = [path.join(exported, 'train_labels_given.npy'), path.join(folder, 'test_batch')];
    const labels = await readFile(given);
    await writeFile(given, labels.fill(labels.at(-8)! ^ 1, labels.length - 8, labels.length - 7));
    expect(load(folder).stderr).to.match(/ValueError: train_labels_given\.npy is not as it was exported/);
    const records = await readFile(batch);
    await writeFile(batch, records.fill(0, 5e6, 30e6));
    expect(load(folder).stderr).to.match(
      /ValueError: .*: its test images or labels are not those of the export/,
    );
    // os.system, in a pickle.
    await writeFile(batch, "cos\nsystem\n(S'touch made'\ntR.");
    expect(load(folder).stderr).to.match(/ValueError: a batch of CIFAR-10 has arrays only, no os\.system/);
    expect(await readdir('.')).not.to.include('made');
  });

  it('leads past Python: by the nearest class mean', async () => {
    const folder = await temporaryFolder();
    const [exported, out] = [path.join(folder, 'exported'), path.join(folder, 'out')];
    await labelnoise('export', 'check', ...cell, '--out', exported);
    const numbers = async (name: string) => parseNpy(await readFile(path.join(exported, `${name}.npy`)));
    const cifar = await prepareCifar10();
    const read = async (names: string[]) =>
      Buffer.concat(await Promise.all(names.map((name) => readFile(path.join(cifar, name)))));
    const image = (records: Buffer, i: number) => records.subarray(i * 3073 + 1, (i + 1) * 3073);
    const train = await read([1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`));
    const test = await read(['test_batch.bin']);
    const means = Array.from({ length: 10 }, () => ({ sum: new Float64Array(3072), count: 0 }));
    const labels = await numbers('train_labels_given');
    for (const [i, place] of (await numbers('train_indices')).entries()) {
      const mean = means[labels[i]!]!;
      mean.count++;
      for (const [pixel, value] of image(train, place).entries()) mean.sum[pixel]! += value;
    }
    const scores = (await numbers('test_indices')).map((place) =>
      means.map(({ sum, count }) =>
        image(test, place).reduce((total, value, pixel) => total - (value - sum[pixel]! / count) ** 2, 0),
      ),
    );
    const predictions = path.join(folder, 'p.csv');
    await writeFile(predictions, [[...means.keys()], ...scores].map((row) => `${row.join(',')}\n`).join(''));
    await labelnoise(
      'score',
      '--predictions',
      predictions,
      '--as',
      'Means',
      '--suite',
      'check',
      ...cell,
      '--out',
      out,
    );
    expect((await rowIn(out)).test_accuracy).to.be.above(15);
    expect(await labelnoise('verify', out)).to.include(
      'records, 1 external row and their tables, as they were written',
    );

    // Somebody who seals a better figure has CIFAR-10's labels against him.
    const graph = await readOwnGraph(out);
    const [row] = (await readExternal(out, graph)).rows;
    const testAccuracy = row!.testAccuracy + 5;
    await writeFile(path.join(out, 'external.jsonl'), externalText([{ ...row!, testAccuracy }]));
    const { status, stdout } = await typed('.', ['verify', out]);
    expect(status).to.equal(1);
    expect(stdout).to.include(
      `external.jsonl, line 1: testAccuracy is ${testAccuracy}; by CIFAR-10's labels ${row!.testAccuracy}\n`,
    );
  });
});
