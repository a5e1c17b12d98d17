// One execution in a results folder at a time: OUT/lock says who has it, and is known for stale when that process is gone.
import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { explained } from './files.js';

const holderSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  since: z.string(),
  /** Tells the process from a later one of the same number; null where the system does not say. */
  birth: z.string().nullable(),
});
type Holder = z.infer<typeof holderSchema>;

const lockFile = (out: string) => path.join(out, 'lock');

/** What it takes to write a lock: one that is unreadable for longer was left behind. */
const MOMENT_MILLISECONDS = 500;

/** Whether an execution is at work in a results folder. @throws InputError if its lock cannot be read */
export async function isLocked(out: string): Promise<boolean> {
  const text = await lockText(out);
  const holder = text === undefined ? undefined : holderIn(text);
  return !!holder && isAlive(holder);
}

/** @throws InputError saying who holds the folder, if somebody does */
export async function checkUnlocked(out: string): Promise<void> {
  const text = await lockText(out);
  if (text === undefined) return;
  const holder = holderIn(text);
  if (holder && isAlive(holder)) throw new InputError(heldBy(out, holder));
}

/**
 * Takes a results folder for this process, and makes it if it is not there.
 *
 * @param tell is told if a lock had been left behind
 * @returns gives the folder back
 * @throws InputError saying who holds it, or that it cannot be written
 */
export async function lock(out: string, tell: (line: string) => void): Promise<() => Promise<void>> {
  const file = lockFile(out);
  const birth = birthOf(process.pid) ?? null;
  const mine: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), birth };
  const text = `${JSON.stringify(mine)}\n`;
  try {
    await mkdir(out, { recursive: true });
    while (!(await created(file, text))) await removeIfStale(out, tell);
  } catch (error) {
    throw explained(error, `cannot write ${file}`);
  }
  return async () => {
    if ((await lockText(out)) === text) await rm(file, { force: true });
  };
}

/** Makes the file if there is none. */
async function created(file: string, text: string): Promise<boolean> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (!handle) return false;
  try {
    await handle.writeFile(text);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return true;
}

/** One at a time looks and removes, or somebody's new lock could be taken for the stale one that was there before. */
async function removeIfStale(out: string, tell: (line: string) => void): Promise<void> {
  const file = lockFile(out);
  const guard = `${file}.takeover`;
  if (!(await created(guard, ''))) {
    const made = await stat(guard).catch(() => undefined);
    if (made && Date.now() - made.mtimeMs > 20 * MOMENT_MILLISECONDS) await rm(guard, { force: true });
    await setTimeout(MOMENT_MILLISECONDS / 10);
    return;
  }
  try {
    let text = await lockText(out);
    if (text !== undefined && !holderIn(text)) {
      await setTimeout(MOMENT_MILLISECONDS);
      text = await lockText(out);
    }
    if (text === undefined) return;
    const holder = holderIn(text);
    if (holder && isAlive(holder)) throw new InputError(heldBy(out, holder));
    await rm(file);
    const why = holder ? ` from process ${holder.pid}, which is gone` : ': its lock was damaged';
    tell(`took over ${out}${why}`);
  } finally {
    await rm(guard, { force: true });
  }
}

async function lockText(out: string): Promise<string | undefined> {
  return readFile(lockFile(out), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw explained(error, `cannot read ${lockFile(out)}`);
  });
}

function holderIn(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function heldBy(out: string, { pid, host, since }: Holder): string {
  const where = host === hostname() ? '' : ` on ${host} (if it is gone, remove ${lockFile(out)})`;
  return `${out}: is in use by process ${pid}${where} since ${since}: wait for it, or choose another folder with --out`;
}

/** Whether a process still runs; one of another machine is believed to. */
function isAlive({ pid, host, birth }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return birth === null || birthOf(pid) === birth;
}

/**
 * When a process began, as this boot of the system and its clock ticks since (Linux: proc(5), /proc/pid/stat, field
 * 22); undefined for one that has ended but was not waited for (state Z), or where the system does not say.
 */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : `${boot}/${fields[18]}`;
  } catch {
    return undefined;
  }
}
