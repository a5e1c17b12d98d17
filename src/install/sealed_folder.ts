// Folders that are either complete or not there: filled aside, sealed with a manifest, put in place by a rename.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../io/paths.js';

const MANIFEST = 'manifest.json';

interface Manifest {
  /** What the folder holds, with every version that matters. */
  content: string;
  /** Size in bytes of each file, by its path in the folder. */
  files: Record<string, number>;
}

/** All files of a folder and of its subfolders, with their sizes in bytes. */
export async function fileSizes(folder: string): Promise<Record<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return Object.fromEntries(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), statSync(file).size];
    }),
  );
}

/** Bytes of all regular files of a folder; links count for nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

/** Whether a folder was sealed as this content and still has every file in its full size. */
export function isSealed(folder: string, content: string): boolean {
  try {
    const manifest: Manifest = JSON.parse(readFileSync(path.join(folder, MANIFEST), 'utf8'));
    return (
      manifest.content === content &&
      Object.entries(manifest.files).every(([file, size]) => statSync(path.join(folder, file)).size === size)
    );
  } catch {
    return false;
  }
}

/**
 * Seals a filled folder and puts it in place. Where another process was faster, its folder stays and this one goes;
 * an incomplete folder that is in the way goes too.
 */
export async function publish(filled: string, target: string, content: string): Promise<void> {
  const { [MANIFEST]: _, ...files } = await fileSizes(filled);
  const manifest: Manifest = { content, files };
  writeFileSync(path.join(filled, MANIFEST), JSON.stringify(manifest, null, 1));
  makeFolder(path.dirname(target));
  for (;;) {
    try {
      await rename(filled, target);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    if (isSealed(target, content)) break;
    await moveAside(target, `${filled}.replaced`);
  }
  await rm(filled, { recursive: true });
}

/** Puts a link to a sealed folder in place of whatever is there. */
export async function publishLink(folder: string, target: string, work: string): Promise<void> {
  const link = path.join(work, 'link');
  await symlink(folder, link);
  if (!(await lstat(target).catch(() => undefined))?.isSymbolicLink()) {
    await moveAside(target, path.join(work, 'replaced'));
  }
  await rename(link, target);
}

/** Removes a folder or link by first renaming it, so that no one meets it half-removed. */
async function moveAside(target: string, aside: string): Promise<void> {
  try {
    await rename(target, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/**
 * Gives work a folder of its own inside `parent` and removes it afterwards, whatever happens. Folders that processes
 * of this machine left behind when they were killed are removed too.
 */
export async function withWorkFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  const prefix = `partial-${hostname()}-`;
  makeFolder(parent);
  for (const name of await readdir(parent)) {
    const pid = Number(name.slice(prefix.length));
    if (name.startsWith(prefix) && (pid === process.pid || !isRunning(pid))) {
      await rm(path.join(parent, name), { recursive: true, force: true });
    }
  }
  const folder = path.join(parent, `${prefix}${process.pid}`);
  await mkdir(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
