// Writing a file whole or not at all, with the user's part of what can go wrong as one line.
import {
  constants,
  copyFile,
  type FileHandle,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../spec/errors.js';
import { TEXT_FILE_BYTES } from '../spec/limits.js';
import { makeFolder, PATH_ERRORS, readBounded } from './paths.js';
import { birthTicks, isRunning } from './processes.js';

const REASONS: Record<string, string> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file is in the way of the folder',
  EISDIR: 'a folder of that name is in the way',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'links lead in a circle',
  EIO: 'the device reports an input/output error',
  ESTALE: 'the file system has lost it',
  ETIMEDOUT: 'the file system does not answer',
  EFBIG: 'the file would be larger than is allowed there',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOMEM: 'the system has no memory left',
  ...PATH_ERRORS,
};

/** A file system error as an InputError where the user can mend it, else as it is. */
export function explained(error: unknown, doing: string): unknown {
  const { code = '', message, syscall } = error as NodeJS.ErrnoException;
  // Its message says how large it may be. Of the system's other errors, each has words too.
  const reason = code === 'ETOOLARGE' ? message : (REASONS[code] ?? (syscall && message));
  return reason ? new InputError(`${doing}: ${reason}`) : error;
}

/** A text file of at most `limit` bytes; undefined if there is none. @throws InputError if it cannot be read */
export async function textIfThere(file: string, limit = TEXT_FILE_BYTES): Promise<string | undefined> {
  try {
    return (await readBounded(file, limit)).toString('utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw explained(error, `cannot read ${file}`);
  }
}

/** Makes a results folder. @returns the folders that were not there, outermost first @throws InputError if it cannot be made */
export function makeResultsFolder(out: string): string[] {
  try {
    return makeFolder(out);
  } catch (error) {
    throw explained(error, `cannot write results to ${out}`);
  }
}

/** Tells versions of a file apart until they are whole. */
let versions = 0;
const UNKNOWN_BIRTH = '0';
const OWN_BIRTH = birthTicks(process.pid) ?? UNKNOWN_BIRTH;
/** Names of files that are not whole: after the file's own, the writer's number and birth. */
export const UNFINISHED = /\.(\d+)-(\d+)-\d+\.tmp$/;

/**
 * Writes a file and the folders above it, and returns when it is on the disk; a reader sees the old content or the new,
 * never a part, whenever the process or the machine stops.
 *
 * @throws InputError if it cannot be written; the old content is then still there
 */
export async function writeWhole(name: string, content: string | Uint8Array): Promise<void> {
  // Where a link leads, and the permissions, are the user's choice.
  const file = await realpath(name).catch(() => name);
  const mode = (await stat(file).catch(() => undefined))?.mode;
  const folder = path.dirname(file);
  const unfinished = `${file}.${process.pid}-${OWN_BIRTH}-${versions++}.tmp`;
  try {
    const [made] = makeFolder(folder);
    try {
      await withHandle(unfinished, 'w', async (handle) => {
        // Goes on until all is written: on a nearly full disk a single write may take a part and report no error.
        await handle.writeFile(content);
        if (mode !== undefined) await handle.chmod(mode);
        await handle.sync();
      });
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    await syncFolder(folder);
    if (made) await syncFolder(path.dirname(made));
  } catch (error) {
    throw explained(error, `cannot write ${name}`);
  }
}

/** Makes names in a folder durable; where folders cannot be synced, the file system decides when they are. */
async function syncFolder(folder: string): Promise<void> {
  await withHandle(folder, 'r', (handle) => handle.sync()).catch(() => {});
}

async function withHandle(file: string, flags: string, use: (handle: FileHandle) => Promise<void>) {
  const handle = await open(file, flags);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

/** Removes what was being written to a folder when its writer was killed. @param of only what was to become a file of this name */
export async function removeUnfinished(folder: string, of?: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [end, writer, birth] = UNFINISHED.exec(name) ?? [];
    if (end === undefined || (of !== undefined && name !== of + end) || isWriting(Number(writer), birth))
      continue;
    // What cannot be removed is in nobody's way.
    await rm(path.join(folder, name), { force: true }).catch(() => {});
  }
}

/** Whether another process than this one has the number, and had it when the file was begun. */
function isWriting(pid: number, birth: string | undefined): boolean {
  return pid !== process.pid && isRunning(pid) && (birth === UNKNOWN_BIRTH || birthTicks(pid) === birth);
}

/**
 * Copies a file that is to be written anew, over no other file, and returns the copy's name. The file itself stays until
 * then: whoever is killed in between has lost nothing.
 *
 * @throws InputError if it cannot be copied
 */
export async function copyAside(file: string): Promise<string> {
  const aside = await nameAside(file, 'damaged');
  await copyFile(file, aside, constants.COPYFILE_EXCL).catch((error) => {
    throw explained(error, `cannot copy ${file} aside`);
  });
  return aside;
}

/**
 * Moves a file out of the way, over no other, and returns its new name.
 *
 * @param why what the name ends in
 * @throws InputError if it cannot be moved
 */
export async function quarantine(file: string, why: 'damaged' | 'replaced' = 'damaged'): Promise<string> {
  const aside = await nameAside(file, why);
  await rename(file, aside).catch((error) => {
    throw explained(error, `cannot move ${file} aside`);
  });
  return aside;
}

async function nameAside(file: string, why: string): Promise<string> {
  let aside = `${file}.${why}`;
  for (let n = 2; await stat(aside).catch(() => undefined); n++) aside = `${file}.${why}-${n}`;
  return aside;
}
