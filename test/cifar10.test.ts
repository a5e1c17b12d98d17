// CIFAR-10: the real files, how they lie in memory, and what happens to missing and damaged ones.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  type Cifar10Options,
  cacheStatus,
  loadCifar10,
  prepareCifar10,
} from '../src/data/datasets/cifar10.js';
import { trustWholeFiles, wholeFiles } from '../src/data/datasets/official.js';
import { officialRecords } from '../src/data/fetch_npm_package.js';
import type { Source } from '../src/data/fetch_source.js';
import { InputError } from '../src/spec/errors.js';

const FILES = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat('test_batch.bin');

describe('CIFAR-10', function () {
  this.timeout(600_000);
  let real: string;
  let temporary: string;
  const outerCache = process.env.LABELNOISE_CACHE;

  before(async () => {
    real = await prepareCifar10();
  });
  beforeEach(() => {
    temporary = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  });
  afterEach(() => {
    if (outerCache === undefined) delete process.env.LABELNOISE_CACHE;
    else process.env.LABELNOISE_CACHE = outerCache;
    rmSync(temporary, { recursive: true });
  });

  /** A cache (or a folder) of links to the real files, except the named ones. */
  function linkedFolder(folder: string, except: string[] = []): string {
    mkdirSync(folder, { recursive: true });
    for (const name of FILES) {
      if (!except.includes(name)) symlinkSync(path.join(real, name), path.join(folder, name));
    }
    return folder;
  }
  function linkedCache(except: string[] = []): string {
    process.env.LABELNOISE_CACHE = temporary;
    return linkedFolder(path.join(temporary, 'cifar10'), except);
  }
  function damagedCopy(folder: string, name: string): void {
    const bytes = readFileSync(path.join(real, name));
    bytes[12_345]! ^= 1;
    writeFileSync(path.join(folder, name), bytes);
  }
  /** A source that gives the real files and remembers what it was asked for. */
  function fakeSource(asked: string[][]): Source {
    return {
      name: 'fake source',
      bytes: 1_000,
      async fetch(folder, names) {
        asked.push(names);
        for (const name of names) copyFileSync(path.join(real, name), path.join(folder, name));
      },
    };
  }
  async function problem(options: Cifar10Options): Promise<string> {
    try {
      await prepareCifar10(options);
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).not.to.include('\n');
      return (error as Error).message;
    }
    throw new Error('no problem was found');
  }

  it('reads every image and label of the official files', async () => {
    const { train, test } = await loadCifar10();
    expect([train.count, test.count]).to.deep.equal([50_000, 10_000]);
    expect([...train.labels.subarray(0, 10)]).to.deep.equal([6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    expect([...test.labels.subarray(0, 10)]).to.deep.equal([3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
    // the first training image, a frog: its first two and its last pixel
    expect([...train.images.subarray(0, 6)]).to.deep.equal([59, 62, 63, 43, 46, 45]);
    expect([...train.images.subarray(3069, 3072)]).to.deep.equal([123, 92, 72]);
    for (let label = 0; label < 10; label++) {
      expect(train.labels.filter((l) => l === label)).to.have.lengthOf(5_000);
      expect(test.labels.filter((l) => l === label)).to.have.lengthOf(1_000);
    }
    // laid out as official records again, the test set has the official hash: nothing was lost or moved
    const hash = createHash('sha256').update(officialRecords(test.images, test.labels)).digest('hex');
    expect(hash).to.equal('8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b');
  });

  it('reads images when they are asked for, in any order, and only from files that are as they were verified', async () => {
    const cache = linkedCache(['test_batch.bin']);
    copyFileSync(path.join(real, 'test_batch.bin'), path.join(cache, 'test_batch.bin'));
    const { train, test } = await loadCifar10({ say: () => {} });
    const places = [49_999, 0, 10_000, 9_999, 64, 63];
    const image = (all: Uint8Array, place: number) => [...all.subarray(place * 3072, (place + 1) * 3072)];
    const taken = train.take!(Int32Array.from(places));
    for (const [i, place] of places.entries())
      expect(image(taken, i), String(place)).to.deep.equal(image(train.images, place));
    utimesSync(path.join(cache, 'test_batch.bin'), 0, 0);
    expect(() => test.images).to.throw(InputError, 'test_batch.bin has changed since it was verified');
    // In place, and of the same size.
    damagedCopy(cache, 'test_batch.bin');
    expect((await cacheStatus()).files.at(-1)).to.deep.equal({ name: 'test_batch.bin', state: 'corrupt' });
    rmSync(path.join(cache, 'test_batch.bin'));
    expect(() => test.take!(Int32Array.of(3))).to.throw(InputError, 'test_batch.bin cannot be read: ENOENT');
  });

  it('is not verified again where another process has verified it, but for files that have changed since', async () => {
    const cache = linkedCache(['test_batch.bin']);
    const file = path.join(cache, 'test_batch.bin');
    const state = async () => (await cacheStatus()).files.at(-1)!.state;
    damagedCopy(cache, 'test_batch.bin');
    expect(await state()).to.equal('corrupt');
    // As if it had been whole when the other one read it.
    const [asked, known] = [...wholeFiles()].find(
      ([, { path: at }]) => at === path.join(real, 'test_batch.bin'),
    )!;
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    const version = [dev, ino, size, mtimeMs, ctimeMs].join(' ');
    trustWholeFiles(new Map([[asked.replace(known.path, file), { ...known, path: file, version }]]));
    expect(await state()).to.equal('ok');
    utimesSync(file, 0, 0);
    expect(await state()).to.equal('corrupt');
  });

  it('has the mean and standard deviation that the literature normalises with', async () => {
    const { images } = (await loadCifar10()).train;
    const counts = [0, 1, 2].map(() => new Float64Array(256));
    for (const [channel, count] of counts.entries())
      for (let i = channel; i < images.length; i += 3) count[images[i]!]!++;
    const momentOf = (count: Float64Array, power: number) =>
      count.reduce((sum, n, value) => sum + n * (value / 255) ** power, 0) / (images.length / 3);
    for (const [channel, mean, deviation] of [
      [0, 0.49139968, 0.24703223],
      [1, 0.48215841, 0.24348513],
      [2, 0.44653091, 0.26158784],
    ] as const) {
      const first = momentOf(counts[channel]!, 1);
      expect(first).to.be.closeTo(mean, 1e-7);
      expect(Math.sqrt(momentOf(counts[channel]!, 2) - first ** 2)).to.be.closeTo(deviation, 1e-7);
    }
  });

  it('names a damaged file in the cache, sets it aside and fetches it alone', async () => {
    const cache = linkedCache(['data_batch_3.bin']);
    damagedCopy(cache, 'data_batch_3.bin');
    writeFileSync(path.join(cache, 'data_batch_3.bin.corrupt-1'), 'an earlier one');
    const asked: string[][] = [];
    const said: string[] = [];
    await prepareCifar10({ sources: [fakeSource(asked)], say: (line) => said.push(line) });
    expect(asked).to.deep.equal([['data_batch_3.bin']]);
    expect(said[0]).to.equal(`CIFAR-10: reading and verifying ${cache}`);
    expect(said[1]).to.include(path.join(cache, 'data_batch_3.bin')).and.include('corrupt-2');
    expect(said[2]).to.include('fake source').and.include('1 kB');
    expect(readdirSync(cache).sort()).to.deep.equal(
      [...FILES, 'data_batch_3.bin.corrupt-1', 'data_batch_3.bin.corrupt-2'].sort(),
    );
    expect((await cacheStatus()).files.map(({ state }) => state)).to.deep.equal(FILES.map(() => 'ok'));
  });

  it('asks no source if the cache is whole, and reports what it holds', async () => {
    const cache = linkedCache();
    expect(await prepareCifar10({ sources: [] })).to.equal(cache);
    rmSync(path.join(cache, 'data_batch_1.bin'));
    rmSync(path.join(cache, 'data_batch_2.bin'));
    damagedCopy(cache, 'data_batch_2.bin');
    const { folder, files } = await cacheStatus();
    expect(folder).to.equal(cache);
    expect(files.slice(0, 3).map(({ state }) => state)).to.deep.equal(['missing', 'corrupt', 'ok']);
  });

  it('tries the next source if one fails or gives wrong bytes, and leaves nothing half done', async () => {
    const cache = linkedCache(['test_batch.bin']);
    const unreachable: Source = {
      name: 'first',
      bytes: 1,
      fetch: () => Promise.reject(new Error('no network')),
    };
    const wrong: Source = {
      name: 'second',
      bytes: 1,
      fetch: async (folder, names) => names.forEach((name) => void damagedCopy(folder, name)),
    };
    const message = await problem({ sources: [unreachable, wrong], say: () => {} });
    expect(message).to.include('first: no network').and.include('second: test_batch.bin is corrupt');
    expect(readdirSync(cache)).to.deep.equal(FILES.slice(0, 5));
    const asked: string[][] = [];
    await prepareCifar10({ sources: [unreachable, wrong, fakeSource(asked)], say: () => {} });
    expect(asked).to.deep.equal([['test_batch.bin']]);
    expect(readdirSync(cache).sort()).to.deep.equal(FILES);
  });

  it('says so if the cache cannot be written or its disk is full', async () => {
    writeFileSync(path.join(temporary, 'file'), '');
    process.env.LABELNOISE_CACHE = path.join(temporary, 'file');
    expect(await problem({ sources: [] })).to.match(/cache folder .*file.cifar10 cannot be written/);
    process.env.LABELNOISE_CACHE = temporary;
    const full: Source = {
      name: 'full',
      bytes: 1,
      fetch: () =>
        Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })),
    };
    expect(await problem({ sources: [full], say: () => {} })).to.match(/cannot be written \(ENOSPC/);
    expect(readdirSync(path.join(temporary, 'cifar10'))).to.deep.equal([]);
  });

  it('takes a data folder as it is, and never fetches over or alters it', async () => {
    const inner = linkedFolder(path.join(temporary, 'cifar-10-batches-bin'));
    expect(await prepareCifar10({ dataDir: inner, sources: [] })).to.equal(inner);
    expect(await prepareCifar10({ dataDir: temporary, sources: [] })).to.equal(inner);

    rmSync(path.join(inner, 'data_batch_4.bin'));
    const asked: string[][] = [];
    const sources = [fakeSource(asked)];
    expect(await problem({ dataDir: temporary, sources })).to.include('data_batch_4.bin is missing');
    damagedCopy(inner, 'data_batch_4.bin');
    expect(await problem({ dataDir: temporary, sources })).to.include('data_batch_4.bin is corrupt');
    expect(readdirSync(inner)).to.deep.equal(FILES);
    expect(await problem({ dataDir: path.join(temporary, 'nowhere'), sources })).to.include('--data-dir');
    expect(asked).to.deep.equal([]);
  });
});
