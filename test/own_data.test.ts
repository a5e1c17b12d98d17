// Data sets of users in .npz, CIFAR-100 in its official layout, and what is refused of both.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { zipSync } from 'fflate';
import { CIFAR100_FILES, cifar100 } from '../src/data/datasets/cifar100.js';
import { DATASETS, datasetNamed } from '../src/data/datasets/dataset.js';
import { readNpzDataset } from '../src/data/datasets/npz.js';
import { loadOfficial } from '../src/data/datasets/official.js';
import { execute } from '../src/execution/execute.js';
import { captionOf } from '../src/report/caption.js';
import { reportOf } from '../src/report/report.js';
import { expand } from '../src/suite/expand.js';
import { loadSuite } from '../src/suite/load.js';
import { resolveSuite } from '../src/suite/resolve.js';
import { evaluationOf } from '../src/training/evaluation.js';
import type { TrainingJob } from '../src/training/job.js';
import { fakeEngine, SUITE } from './fakes.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('CIFAR-100', () => {
  /** Records of two label bytes, coarse and fine, and the planes of R, G and B, each filled with a number of its own. */
  const records = (count: number, first: number) =>
    Buffer.concat(
      Array.from({ length: count }, (_, i) =>
        Buffer.concat([
          Buffer.of((first + i) % 20, (first + i) % 100),
          ...[0, 1, 2].map((plane) => Buffer.alloc(1024, first + i + 50 * plane)),
        ]),
      ),
    );
  const files = (train: Buffer, test: Buffer) => ({
    ...CIFAR100_FILES,
    train: [{ name: 'train.bin', sha256: sha256(train) }],
    test: [{ name: 'test.bin', sha256: sha256(test) }],
  });
  const written = (within: string) => {
    const [train, test] = [records(100, 0), records(20, 7)];
    mkdirSync(within, { recursive: true });
    writeFileSync(path.join(within, 'train.bin'), train);
    writeFileSync(path.join(within, 'test.bin'), test);
    return files(train, test);
  };

  it('is read by its fine labels from a folder, or the one in it that the archive unpacks to', async () => {
    for (const inner of ['', 'cifar-100-binary']) {
      const official = written(path.join(folder, inner));
      const { train, test } = await loadOfficial(official, { dataDir: folder, say: () => {} });
      expect([train.count, test.count]).to.deep.equal([100, 20]);
      expect([...train.labels]).to.deep.equal([...Array(100).keys()]);
      expect(test.labels[0]).to.equal(7);
      expect([...train.images.subarray(3072 * 5, 3072 * 5 + 6)]).to.deep.equal([5, 55, 105, 5, 55, 105]);
      expect([...test.take!(Int32Array.of(1)).subarray(0, 3)]).to.deep.equal([8, 58, 108]);
    }
  });

  it('is refused if a file is not the official one', async () => {
    written(folder);
    const error = await cifar100.load({ dataDir: folder, say: () => {} }).catch((e: Error) => e);
    expect((error as Error).message).to.match(
      /train\.bin is corrupt \(its SHA-256 is not f31298fc.*CIFAR-100's binary version, train\.bin and test\.bin/,
    );
  });

  it('has a hundred classes of twenty superclasses', () => {
    expect(new Set(cifar100.classNames).size).to.equal(100);
    expect(
      ['apple', 'baby', 'cattle', 'whale', 'worm'].map((name) => cifar100.classNames.indexOf(name)),
    ).to.deep.equal([0, 2, 19, 95, 99]);
  });
});

/** An array as NumPy writes it. */
function npy(descr: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = Buffer.alloc(start + data.length);
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(start - 10, 8);
  bytes.write(`${header.padEnd(start - 11)}\n`, 10, 'latin1');
  bytes.set(data, start);
  return bytes;
}

const images = (count: number, size = 8) =>
  npy(
    '|u1',
    [count, size, size, 3],
    Uint8Array.from({ length: count * size * size * 3 }, (_, i) => (i * 37) % 251),
  );
const labels = (values: readonly number[]) =>
  npy('<i8', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
const names = (texts: readonly string[]) =>
  npy(
    '<U8',
    [texts.length],
    new Uint8Array(
      Uint32Array.from(texts.flatMap((text) => [...text.padEnd(8, '\0')].map((c) => c.codePointAt(0)!)))
        .buffer,
    ),
  );
const TRAIN = Array.from({ length: 30 }, (_, i) => i % 3);
const TEST = Array.from({ length: 12 }, (_, i) => i % 3);
const PARTS = {
  images: images(30),
  labels: labels(TRAIN),
  test_images: images(12),
  test_labels: labels(TEST),
  class_names: names(['cat', 'dog', 'owl']),
};

function npz(name: string, parts: Record<string, Uint8Array>, level: 0 | 9 = 0): string {
  const entries = Object.entries(parts).map(([array, data]) => [`${array}.npy`, data]);
  writeFileSync(path.join(folder, name), zipSync(Object.fromEntries(entries), { level }));
  return path.join(folder, name);
}

describe("a user's .npz", () => {
  const refused = async (parts: Record<string, Uint8Array | undefined>, level: 0 | 9 = 0) => {
    const given = Object.entries({ ...PARTS, ...parts }).flatMap(([k, v]) => (v ? [[k, v]] : []));
    const error = await readNpzDataset(npz('mine.npz', Object.fromEntries(given), level)).catch(
      (e: Error) => e,
    );
    expect(error).to.be.instanceOf(Error);
    const { message } = error as Error;
    expect(message)
      .to.match(/mine\.npz: /)
      .and.match(/; allowed: arrays images/);
    expect(message).not.to.include('\n');
    return message;
  };

  it('is a data set, with the test images in it or beside it, packed or not', async () => {
    const inside = await readNpzDataset(npz('mine.npz', PARTS));
    expect(inside.dataset).to.deep.include({
      name: 'mine',
      classNames: ['cat', 'dog', 'owl'],
      imageSize: 8,
      trainImages: 30,
      testImages: 12,
      unverified: true,
    });
    const { train, test } = await inside.dataset.load({});
    expect([...train.labels]).to.deep.equal(TRAIN);
    expect(test.images).to.have.lengthOf(12 * 192);
    const bytes = Array.from({ length: 30 * 64 }, (_, i) => ((3 * i * 37) % 251) / 255);
    expect(inside.dataset.mean[0]).to.be.closeTo(bytes.reduce((a, b) => a + b) / bytes.length, 1e-9);

    const { images, labels, class_names, test_images, test_labels } = PARTS;
    npz('other-test.npz', { images: test_images, labels: test_labels });
    const beside = await readNpzDataset(npz('other.npz', { images, labels, class_names }, 9));
    expect((await beside.dataset.load({})).test.images).to.deep.equal(test.images);
    expect(beside.sha256).not.to.equal(inside.sha256);
  });

  it('is refused in a line where it is not what it must be', async () => {
    expect(await refused({ images: undefined })).to.match(/has no array images/);
    expect(await refused({ test_images: undefined, test_labels: undefined })).to.match(
      /has no test_images, and there is no mine-test\.npz/,
    );
    expect(await refused({ labels: labels(TRAIN.slice(1)) })).to.match(/30 images and 29 labels/);
    expect(await refused({ labels: labels([...TRAIN.slice(1), 300]) })).to.match(
      /labels has 300 at 29, and labels are 0 to 255/,
    );
    expect(await refused({ labels: labels([-1, ...TRAIN.slice(1)]) })).to.match(/labels has -1 at 0/);
    expect(await refused({ labels: labels([7, ...TRAIN.slice(1)]) })).to.match(
      /3 class_names; allowed: 8 to 256/,
    );
    expect(await refused({ images: images(30, 10) })).to.match(
      /shape \(30, 10, 10, 3\), which must be of squares whose size 4 divides/,
    );
    expect(await refused({ images: npy('<f4', [30, 8, 8, 3], new Uint8Array(30 * 192 * 4)) })).to.match(
      /images has dtype <f4/,
    );
    expect(await refused({ images: PARTS.images.subarray(0, -5) })).to.match(/bytes for its shape/);
    expect(await refused({ test_images: images(12, 16) })).to.match(/test images of 16 pixels; allowed: 8/);
    writeFileSync(path.join(folder, 'text.npz'), 'no zip');
    const error = await readNpzDataset(path.join(folder, 'text.npz')).catch((e: Error) => e);
    expect((error as Error).message).to.match(/text\.npz: is no \.npz file/);
  });

  it('is refused before it is unpacked where it is a bomb', async () => {
    const zeros = npy('|u1', [3000, 32, 32, 3], new Uint8Array(3000 * 3072));
    expect(await refused({ images: zeros }, 9)).to.match(
      /unpacks images to \d{3,4} times its size, as no images do/,
    );
    // Of which the archive says that it is of four gigabytes.
    const file = npz('mine.npz', PARTS, 9);
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(file);
    const central = bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    bytes.writeUInt32LE(0xfffffff0, central + 24);
    writeFileSync(file, bytes);
    const error = await readNpzDataset(file).catch((e: Error) => e);
    expect((error as Error).message).to.match(/unpacks to more than 1,000,000,000 bytes with images/);
  });

  it('is run with its labels as they are, and what would need true ones is left out', async () => {
    npz('mine.npz', PARTS);
    const file = path.join(folder, 'suite.json');
    const data = { dataset: './mine.npz', trainImages: 30, testImages: 12, augment: 'none' };
    const suite = { ...SUITE, data, noise: { kind: 'given' }, methods: { sgd: {} } };
    writeFileSync(file, JSON.stringify(suite));
    const resolved = await resolveSuite(await loadSuite(file), fakeEngine);
    const graph = expand(resolved.suite);
    const [run] = graph.runs;
    const loaded = await datasetNamed('./mine.npz').load({});
    expect(run!.spec.data.dataset).to.equal('mine');
    expect(run!.spec.data.source).to.match(/^[0-9a-f]{64}$/);
    const job = {
      spec: run!.spec,
      train: loaded.train,
      test: loaded.test,
      noisyLabels: loaded.train.labels,
      targetLabels: loaded.train.labels,
    } as TrainingJob;
    const figures = evaluationOf(job, 1, 2, {
      train: { predictions: loaded.train.labels, loss: 1 },
      test: { predictions: loaded.test.labels, loss: 1 },
    });
    expect(figures).to.include({
      testAccuracy: 100,
      wrongLabelsFitted: null,
      trueLabelsRecovered: null,
      trainAccuracyTrue: null,
    });

    const { records } = await execute({
      graph,
      labelSets: resolved.labelSets,
      out: path.join(folder, 'out'),
      train: async (job) => ({
        curve: [1, 2].map((epoch) => ({ ...figures, epoch })),
        predictions: job.targetLabels,
        parameters: 1,
        weightsSha256: '0'.repeat(64),
        wallSeconds: 1,
      }),
      parallel: 1,
      loadData: async () => loaded,
      origin: async () =>
        ({
          commit: 'unknown',
          version: '0',
          node: 'v',
          tensorflow: '2',
          tfjs: '4',
          kernels: 'tensorflow',
          platform: 'p',
          cpu: 'c',
        }) as never,
      writeTables: async () => {},
      observer: {},
      signal: new AbortController().signal,
    });
    const record = records.get(run!.id)!;
    expect(record.noise.rate).to.equal(null);
    const { noise } = captionOf(reportOf(graph, records));
    expect(noise)
      .to.match(/how many of them are wrong is not known/)
      .and.match(/measured wrong: -/);

    const refusal = async (methods: object) => {
      writeFileSync(file, JSON.stringify({ ...suite, methods }));
      return loadSuite(file).then(
        () => '',
        (e: Error) => e.message,
      );
    };
    for (const name of ['co-teaching', 'o2u-net', 'incv', 'forward']) {
      const given = { [name]: { rate: 'true' } };
      expect(await refusal(given)).to.include(
        `methods.${name}.rate is "true"; allowed: "estimated", or a number from 0 up to 1, because nobody knows`,
      );
      expect(await refusal({ [name]: { rate: 'estimated' } })).to.equal('');
    }
    expect(await refusal({ 'co-teaching': {} })).to.include(
      'methods.co-teaching.rate is missing; allowed: "estim',
    );
    DATASETS.remove('./mine.npz');
  });
});
