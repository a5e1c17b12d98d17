// The CIFAR data sets in their official binary files: found or fetched, verified against the official hashes; their images are read when they are asked for.
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync, type Stats } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import prettyBytes from 'pretty-bytes';
import { onExit } from 'signal-exit';
import { cacheFolder } from '../../io/cache.js';
import { isOffline } from '../../io/download.js';
import { makeFolder, PATH_ERRORS, readPieces } from '../../io/paths.js';
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
 * Verifies a data set and reads its labels, in official order, fetching it first if need be; images are read when they are asked for.
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
    if ((await fileState(data, cacheFolder(data.folder), file, records).catch(() => undefined)) !== 'ok')
      return undefined;
  return setsOf(data, records);
}

/**
 * Makes sure that a data set is there: from `dataDir` if given, else from the cache, which is completed from the first
 * source that works. Every file is verified against its official SHA-256, once for a command and its workers, and again where
 * it has changed. A damaged file in the cache is quarantined and fetched again; `dataDir` is never altered.
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
  for (const file of filesOf(data))
    files.push({ name: file.name, state: await fileState(data, folder, file) });
  return { folder, files };
}

const filesOf = ({ train, test }: OfficialData) => [...train, ...test];

/** A file as it was verified. Its images are read when they are asked for: of most runs that is a small part, and of tables none. */
interface VerifiedFile {
  path: string;
  size: number;
  mtimeMs: number;
  /** Of its records, in order. */
  labels: Uint8Array;
}

/** What was verified, by the files' names. */
type Records = Map<string, VerifiedFile>;

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
    const state = await fileState(data, folder, file, records);
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
    const state = await fileState(data, folder, file, records);
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

/** A file that was found to be whole, and what it was then: anything else must be verified again. */
export interface WholeFile extends VerifiedFile {
  version: string;
}

const knownWhole = new Map<string, WholeFile>();
const versionOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats) =>
  [dev, ino, size, mtimeMs, ctimeMs].join(' ');

/** Files that this process knows to be whole, by what was asked of them. */
export function wholeFiles(): ReadonlyMap<string, WholeFile> {
  return knownWhole;
}

/** Takes another process's word for these files: they are verified here only where they have changed since. */
export function trustWholeFiles(files: ReadonlyMap<string, WholeFile>): void {
  for (const [asked, file] of files) knownWhole.set(asked, file);
}

/** @param records is given the file if it is what it must be */
async function fileState(
  { labelBytes, label }: OfficialData,
  folder: string,
  file: OfficialFile,
  records?: Records,
): Promise<FileState> {
  const name = path.join(folder, file.name);
  const asked = `${file.sha256} ${labelBytes} ${label} ${path.resolve(name)}`;
  const known = knownWhole.get(asked);
  if (known) {
    const now = await stat(name).then(versionOf, () => undefined);
    if (now === known.version) {
      records?.set(file.name, { ...known });
      return 'ok';
    }
  }
  const recordBytes = labelBytes + IMAGE_BYTES;
  const labels: number[] = [];
  try {
    const hash = createHash('sha256');
    const found = await readPieces(name, FILE_BYTES, (piece, offset) => {
      hash.update(piece);
      // The first label from here on.
      let at = label + recordBytes * Math.ceil((offset - label) / recordBytes) - offset;
      for (; at < piece.length; at += recordBytes) labels.push(piece[at]!);
    });
    if (hash.digest('hex') !== file.sha256) return 'corrupt';
    const { size, mtimeMs } = found;
    const whole = { path: name, size, mtimeMs, labels: Uint8Array.from(labels) };
    knownWhole.set(asked, { ...whole, version: versionOf(found) });
    records?.set(file.name, whole);
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
          const state = await fileState(data, work, file, records);
          if (state !== 'ok') throw new Error(`${file.name} is ${state} there`);
        }
        for (const { name } of wanted) {
          await rename(path.join(work, name), path.join(folder, name));
          records.get(name)!.path = path.join(folder, name);
        }
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

/** Records that are read at a time. */
const WINDOW = 64;

/** The set of official records: label bytes, then the planes of R, G and B. Pixels are read and laid anew only where they are asked for. */
function imageSet({ labelBytes }: OfficialData, files: readonly VerifiedFile[]): ImageSet {
  const labels = Uint8Array.from(files.flatMap((file) => [...file.labels]));
  let whole: Uint8Array | undefined;
  return {
    count: labels.length,
    labels,
    get images() {
      whole ??= pixelsAt(files, labelBytes, Int32Array.from(labels.keys()));
      return whole;
    },
    take: (places) => pixelsAt(files, labelBytes, places),
  };
}

/** Pixels of the records at these places, their channels together. @throws InputError if a file is not as it was verified */
function pixelsAt(files: readonly VerifiedFile[], labelBytes: number, places: Int32Array): Uint8Array {
  const recordBytes = labelBytes + IMAGE_BYTES;
  const images = new Uint8Array(places.length * IMAGE_BYTES);
  const window = Buffer.allocUnsafe(WINDOW * recordBytes);
  const open = new Map<number, number>();
  let held = { file: -1, from: 0 };
  const recordAt = (place: number): Uint8Array => {
    let file = 0;
    for (; place >= files[file]!.labels.length; file++) place -= files[file]!.labels.length;
    if (file !== held.file || place < held.from || place >= held.from + WINDOW) {
      const descriptor = open.get(file) ?? openVerified(files[file]!);
      open.set(file, descriptor);
      readWindow(files[file]!, descriptor, window, place * recordBytes);
      held = { file, from: place };
    }
    return window.subarray((place - held.from) * recordBytes, (place - held.from + 1) * recordBytes);
  };
  try {
    for (const [i, place] of places.entries()) {
      const record = recordAt(place);
      let to = i * IMAGE_BYTES;
      for (let red = labelBytes; red < labelBytes + PLANE_BYTES; red++) {
        images[to++] = record[red]!;
        images[to++] = record[red + PLANE_BYTES]!;
        images[to++] = record[red + 2 * PLANE_BYTES]!;
      }
    }
    return images;
  } finally {
    for (const descriptor of open.values()) closeSync(descriptor);
  }
}

/** Reads from an offset on, at least a record. @throws InputError if it cannot */
function readWindow({ path: file }: VerifiedFile, descriptor: number, window: Buffer, offset: number): void {
  try {
    if (readSync(descriptor, window, 0, window.length, offset) < IMAGE_BYTES)
      throw new Error('it was cut short');
  } catch (error) {
    throw new InputError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** @throws InputError if it cannot be opened, or has changed */
function openVerified({ path: file, size, mtimeMs }: VerifiedFile): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw new InputError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const now = fstatSync(descriptor);
  if (now.size === size && now.mtimeMs === mtimeMs) return descriptor;
  closeSync(descriptor);
  throw new InputError(`${file} has changed since it was verified; the same command verifies it again`);
}
