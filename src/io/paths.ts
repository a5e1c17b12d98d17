// Paths that users give: folders made and files read in bounded time, wherever they lead.
import { mkdirSync, rmdirSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';

/** The codes of the errors that this file adds to the system's, and what they mean. */
export const PATH_ERRORS = {
  ENOFOLDERS: 'no folder can be made there',
  ENOTREGULAR: 'it is no regular file',
  ETOOLARGE: 'it is too large',
} as const;

const pathError = (code: keyof typeof PATH_ERRORS, message: string) =>
  Object.assign(new Error(message), { code });

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` tries for ever where the system denies that the folder
 * above is there, as it does in /proc, and no signal ends a process in that state.
 *
 * @returns the folders that it made, outermost first
 * @throws an error of the file system, or one of PATH_ERRORS
 */
export function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  let above = path.resolve(folder);
  for (; !isFolder(above); above = path.dirname(above)) missing.unshift(above);
  for (const made of missing)
    try {
      mkdirSync(made);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT')
        throw pathError('ENOFOLDERS', `${made} cannot be made: ${path.dirname(made)} takes no folders`);
      // Another process may have been faster.
      if (code !== 'EEXIST' || !isFolder(made)) throw error;
    }
  return missing;
}

/** Removes folders that `makeFolder` made, those that are empty still. */
export function unmakeFolders(made: readonly string[]): void {
  try {
    for (const folder of made.toReversed()) rmdirSync(folder);
  } catch {
    // Somebody has put something into it.
  }
}

/** @throws an error of the file system if it is there and is no folder */
function isFolder(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found && !found.isDirectory())
    throw Object.assign(new Error(`${folder} is no folder`), { code: 'ENOTDIR' });
  return !!found;
}

/** Opens a file of at most `limit` bytes for reading. @throws an error of the file system, or one of PATH_ERRORS */
async function openBounded(file: string, limit: number): Promise<{ handle: FileHandle; size: number }> {
  const found = await stat(file);
  // Devices and pipes may never end.
  if (!found.isFile()) throw pathError('ENOTREGULAR', PATH_ERRORS.ENOTREGULAR);
  if (found.size > limit) throw tooLarge(limit);
  return { handle: await open(file), size: found.size };
}

const tooLarge = (limit: number) =>
  pathError('ETOOLARGE', `it has more than ${limit.toLocaleString('en')} bytes`);

/**
 * Reads a file of at most `limit` bytes. Devices and pipes, which may never end, are not read.
 *
 * @throws an error of the file system, or one of PATH_ERRORS
 */
export async function readBounded(file: string, limit: number): Promise<Buffer> {
  const { handle, size: expected } = await openBounded(file, limit);
  try {
    // Files of /proc have more in them than their size says, and others may grow.
    let bytes = Buffer.allocUnsafe(Math.min(expected, limit) + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, size);
      size += bytesRead;
      if (size > limit) throw tooLarge(limit);
      if (!bytesRead) return bytes.subarray(0, size);
      if (size === bytes.length) bytes = Buffer.concat([bytes], 2 * size);
    }
  } finally {
    await handle.close();
  }
}

/** Of what is read piece by piece: memory that is used again costs far less than new memory for all. */
const PIECE_BYTES = 2 ** 20;

/**
 * The same, piece by piece.
 *
 * @param take is given each piece, which is not to be kept, and its offset in the file
 * @returns the file's state before it was read
 * @throws an error of the file system, or one of PATH_ERRORS
 */
export async function readPieces(
  file: string,
  limit: number,
  take: (piece: Buffer, offset: number) => void,
): Promise<Stats> {
  const { handle } = await openBounded(file, limit);
  try {
    const found = await handle.stat();
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    for (let offset = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, offset);
      if (!bytesRead) return found;
      take(buffer.subarray(0, bytesRead), offset);
      offset += bytesRead;
      if (offset > limit) throw tooLarge(limit);
    }
  } finally {
    await handle.close();
  }
}
