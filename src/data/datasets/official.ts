// The CIFAR data sets in their official binary files: found or fetched, verified against the official hashes, read into memory.
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import prettyBytes from 'pretty-bytes';
import { onExit } from 'signal-exit';
import { cacheFolder } from '../../io/cache.js';
import { isOffline } from '../../io/download.js';
import { makeFolder, PATH_ERRORS, readBounded } from '../../io/paths.js';
import { InputError } from '../../spec/errors.js';
import type { Source } from '../fetch_source.js';
import type { DataOptions, ImageSet, LoadedDataset } from './dataset.js';

export const IMAGE_SIZE = 32;
export const CHANNELS = 3;
/** Bytes of one channel of an image, and of all of them. */
const PLANE_BYTES = IMAGE_SIZE ** 2;
const IMAGE_BYTES = PLANE_BYTES * CHANNELS;

/** The largest official file, CIFAR-100's training images, has 153.7 MB. */
const FILE_BYTES = 160e6;

export type FileState = 'ok' | 'missing' | 'corrupt';

export interface OfficialOptions extends DataOptions {
  /** Where to fetch from what the cache lacks, in this order. */
  sources?: readonly Source[];
}

export interface OfficialFile {
  name: string;
  sha256: string;
}

/** How a data set lies in its official files. */
export interface OfficialData {
  title: string;
  /** Folder of the cache. */
  folder: string;
  /** The folder that the official archive unpacks to. */
  archiveFolder: string;
  train: readonly OfficialFile[];
  test: readonly OfficialFile[];
  /** Bytes of labels before each image, and which of them is the label. */
  labelBytes: number;
  label: number;
  sources: readonly Source[];
  /** What a user's folder must hold, in words. */
  files: string;
}

/**
 * Reads a data set into memory, fetching it first if need be, in official order.
 *
 * @throws InputError as `prepareOfficial` does
 */
export async function loadOfficial(data: OfficialData, options: OfficialOptions): Promise<LoadedDataset> {
  const { records } = await verified(data, options);
  return setsOf(data, records);
}

function setsOf(data: OfficialData, records: Records): LoadedDataset {
  const setOf = (files: readonly OfficialFile[]) =>
    imageSet(
      data,
      files.map(({ name }) => records.get(name)!),
    );
  return { train: setOf(data.train), test: setOf(data.test) };
}

/** The data set, if the cache has all of it whole; fetches nothing. */
export async function cachedOfficial(data: OfficialData): Promise<LoadedDataset | undefined> {
  const records: Records = new Map();
  for (const file of filesOf(data))
    if ((await fileState(cacheFolder(data.folder), file, records).catch(() => undefined)) !== 'ok')
      return undefined;
  return setsOf(data, records);
}

/**
 * Makes sure that a data set is there: from `dataDir` if given, else from the cache, which is completed from the first
 * source that works. Every file is verified against its official SHA-256, each time. A damaged file in the cache is
 * quarantined and fetched again; `dataDir` is never altered.
 *
 * @returns the folder with the verified official binary files
 * @throws InputError if `dataDir` lacks a file or has a damaged one, if the cache cannot be written, if no source works
 */
export async function prepareOfficial(data: OfficialData, options: OfficialOptions): Promise<string> {
  return (await verified(data, options)).folder;
}

/** What the cache holds of a data set; changes and fetches nothing. */
export async function officialStatus(
  data: OfficialData,
): Promise<{ folder: string; files: { name: string; state: FileState }[] }> {
  const folder = cacheFolder(data.folder);
  const files: { name: string; state: FileState }[] = [];
  for (const file of filesOf(data)) files.push({ name: file.name, state: await fileState(folder, file) });
  return { folder, files };
}

const filesOf = ({ train, test }: OfficialData) => [...train, ...test];

/** What was read where it was verified: the files' contents by their names. */
type Records = Map<string, Buffer>;

async function verified(
  data: OfficialData,
  options: OfficialOptions,
): Promise<{ folder: string; records: Records }> {
  const say = saying(options);
  const records: Records = new Map();
  if (options.dataDir !== undefined) {
    if (existsSync(options.dataDir)) say(`${data.title}: reading and verifying ${options.dataDir}`);
    return { folder: await verifiedDataDir(data, options.dataDir, records), records };
  }
  const folder = cacheFolder(data.folder);
  if (existsSync(folder)) say(`${data.title}: reading and verifying ${folder}`);
  const wanted: OfficialFile[] = [];
  for (const file of filesOf(data)) {
    const state = await fileState(folder, file, records);
    if (state === 'corrupt') await quarantine(data, path.join(folder, file.name), say);
    if (state !== 'ok') wanted.push(file);
  }
  if (wanted.length > 0) await complete(data, folder, wanted, options.sources ?? data.sources, say, records);
  return { folder, records };
}

function saying({ say = (line) => process.stderr.write(`${line}\n`) }: DataOptions) {
  return say;
}

async function verifiedDataDir(data: OfficialData, dataDir: string, records: Records): Promise<string> {
  const files = filesOf(data);
  const inner = path.join(dataDir, data.archiveFolder);
  const folder =
    !files.some(({ name }) => existsSync(path.join(dataDir, name))) && existsSync(inner) ? inner : dataDir;
  for (const file of files) {
    const state = await fileState(folder, file, records);
    if (state !== 'ok') {
      throw new InputError(
        `--data-dir ${dataDir}: ${path.join(folder, file.name)} is ${state}` +
          `${state === 'corrupt' ? ` (its SHA-256 is not ${file.sha256})` : ''}; the folder must hold ${data.files}, ` +
          `or a folder ${data.archiveFolder} with them`,
      );
    }
  }
  return folder;
}

/** @param records is given the file's content if that is what it must be */
async function fileState(folder: string, file: OfficialFile, records?: Records): Promise<FileState> {
  const name = path.join(folder, file.name);
  try {
    const content = await readBounded(name, FILE_BYTES);
    if (createHash('sha256').update(content).digest('hex') !== file.sha256) return 'corrupt';
    records?.set(file.name, content);
    return 'ok';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    if (code !== undefined && code in PATH_ERRORS) return 'corrupt';
    throw new InputError(`${name} cannot be read: ${message}`);
  }
}

async function quarantine({ title }: OfficialData, file: string, say: (line: string) => void): Promise<void> {
  let n = 1;
  while (existsSync(`${file}.corrupt-${n}`)) n++;
  try {
    await rename(file, `${file}.corrupt-${n}`);
  } catch (error) {
    throw cacheError(title, path.dirname(file), error);
  }
  say(`${title}: ${file} is corrupt (wrong SHA-256): set aside as ${path.basename(file)}.corrupt-${n}`);
}

/** Fetches the wanted files into the cache folder, each appearing there only when whole and verified. */
async function complete(
  data: OfficialData,
  folder: string,
  wanted: OfficialFile[],
  sources: readonly Source[],
  say: (line: string) => void,
  records: Records,
): Promise<void> {
  const { title } = data;
  const total = filesOf(data).length;
  const work = await workFolder(title, folder);
  const forget = onExit(() => rmSync(work, { recursive: true, force: true }));
  const failures: string[] = [];
  try {
    for (const source of sources) {
      if (!isOffline())
        say(
          `${title}: fetching ${wanted.length} of ${total} files from the ${source.name} ` +
            `(download of ${prettyBytes(source.bytes)}) into ${folder}`,
        );
      try {
        await source.fetch(
          work,
          wanted.map(({ name }) => name),
          say,
        );
        say(`${title}: verifying what was fetched`);
        for (const file of wanted) {
          const state = await fileState(work, file, records);
          if (state !== 'ok') throw new Error(`${file.name} is ${state} there`);
        }
        for (const { name } of wanted) await rename(path.join(work, name), path.join(folder, name));
        say(`${title}: all ${total} files are in ${folder}, verified against the official SHA-256s`);
        return;
      } catch (error) {
        if (isDiskError(error)) throw cacheError(title, folder, error);
        // A download that can go on is not begun anew elsewhere.
        if (error instanceof InputError) throw error;
        failures.push(`${source.name}: ${(error as Error).message.split('\n', 1)[0]}`);
      }
    }
  } finally {
    forget();
    await rm(work, { recursive: true, force: true });
  }
  throw new InputError(
    `${title} cannot be fetched (${failures.join('; ')}); ${
      isOffline() ? 'put one of the files there, or name a folder with' : 'download'
    } ${title}'s binary version ${isOffline() ? 'with' : 'yourself and name its folder with'} --data-dir`,
  );
}

/** A folder of this process inside the cache, because a file can be renamed in one step only within a file system. */
async function workFolder(title: string, folder: string): Promise<string> {
  try {
    makeFolder(folder);
    return await mkdtemp(path.join(folder, 'fetching-'));
  } catch (error) {
    throw cacheError(title, folder, error);
  }
}

/** Whether an error is about writing files, so that another source would not help. */
function isDiskError(error: unknown): boolean {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  return (
    syscall !== 'connect' && ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EACCES', 'EPERM', 'EIO'].includes(code)
  );
}

function cacheError(title: string, folder: string, error: unknown): InputError {
  return new InputError(
    `${title}: the cache folder ${folder} cannot be written (${(error as Error).message}); ` +
      'make room there or name another folder in LABELNOISE_CACHE',
  );
}

/** The set of official records: label bytes, then the planes of R, G and B. Pixels are laid anew only where they are asked for. */
function imageSet({ labelBytes, label }: OfficialData, files: readonly Buffer[]): ImageSet {
  const recordBytes = labelBytes + IMAGE_BYTES;
  const counts = files.map(({ length }) => length / recordBytes);
  const count = counts.reduce((a, b) => a + b);
  const recordAt = (place: number) => {
    let file = 0;
    for (; place >= counts[file]!; file++) place -= counts[file]!;
    return files[file]!.subarray(place * recordBytes, (place + 1) * recordBytes);
  };
  let whole: Uint8Array | undefined;
  return {
    count,
    labels: Uint8Array.from({ length: count }, (_, place) => recordAt(place)[label]!),
    get images() {
      whole ??= pixelsOf(count, labelBytes, recordAt);
      return whole;
    },
    take: (places) => pixelsOf(places.length, labelBytes, (i) => recordAt(places[i]!)),
  };
}

/** Pixels of `count` records, their channels together. */
function pixelsOf(count: number, labelBytes: number, recordOf: (i: number) => Uint8Array): Uint8Array {
  const images = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) {
    const record = recordOf(i);
    let from = labelBytes;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const to = i * IMAGE_BYTES + channel;
      for (let pixel = 0; pixel < PLANE_BYTES; pixel++) images[to + pixel * CHANNELS] = record[from++]!;
    }
  }
  return images;
}
