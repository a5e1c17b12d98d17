// One execution in a results folder at a time: OUT/lock says who has it, and is known for stale when that process is gone.
import { readFileSync, rmSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onExit } from 'signal-exit';
import { z } from 'zod';
import { InputError } from '../spec/errors.js';
import { explained, makeResultsFolder, removeUnfinished } from './files.js';
import { birthTicks, isRunning } from './processes.js';

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
/** What it takes to write tables: who is at it for longer is not waited for. */
const PATIENCE_MILLISECONDS = 1000;
/** How long others are given who look at a lock that may be stale. */
const LOOK_MILLISECONDS = 20 * MOMENT_MILLISECONDS;
const OTHER_FOLDER = 'choose another folder with --out';

/** Whether an execution is at work in a results folder. @throws InputError if its lock cannot be read */
export async function isLocked(out: string): Promise<boolean> {
  const text = await lockText(out);
  const holder = text === undefined ? undefined : holderIn(text);
  return !!holder && isAlive(holder);
}

/** Waits a moment for whoever holds the folder. @throws InputError saying who it is, if it still does then */
export async function checkUnlocked(out: string): Promise<void> {
  const refusal = async () => {
    const text = await lockText(out);
    const holder = text === undefined ? undefined : holderIn(text);
    return holder && isAlive(holder) ? new InputError(heldBy(out, holder)) : undefined;
  };
  const error = await patiently(refusal);
  if (error) throw error;
}

/**
 * Takes a results folder for this process, after a moment if need be, and makes it if it is not there. What killed processes
 * were writing to it is removed, now and when it is given back.
 *
 * @param tell is told if a lock had been left behind
 * @param instead what who is refused can do instead
 * @returns gives the folder back
 * @throws InputError saying who holds it, or that it cannot be written
 */
export async function lock(
  out: string,
  tell: (line: string) => void,
  instead = OTHER_FOLDER,
): Promise<() => Promise<void>> {
  const file = lockFile(out);
  const birth = birthOf(process.pid) ?? null;
  const mine: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), birth };
  const text = `${JSON.stringify(mine)}\n`;
  makeResultsFolder(out);
  let took = '';
  const held = await patiently(async () => {
    while (!(await created(file, text))) {
      const found = await removeIfStale(out);
      if ('holder' in found) return found.holder;
      took ||= found.took;
    }
  }).catch((error) => {
    throw explained(error, `cannot write ${file}`);
  });
  if (held) throw new InputError(heldBy(out, held, instead));
  if (took) tell(took);
  const forget = onExit(() => {
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file);
    } catch {
      // It is known for stale when this process is gone.
    }
  });
  const clear = async () => {
    for (const folder of ['.', 'runs', 'checkpoints']) await removeUnfinished(path.join(out, folder));
  };
  await clear();
  return async () => {
    // Of workers that were killed meanwhile.
    await clear();
    // A folder that cannot be given back is when this process ends.
    if ((await lockText(out).catch(() => undefined)) !== text) return;
    await rm(file, { force: true }).then(forget, () => {});
  };
}

/** Asks again for a moment, until there is nothing that is in the way. */
async function patiently<T>(obstacle: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const begun = performance.now(); ; await setTimeout(MOMENT_MILLISECONDS / 10)) {
    const found = await obstacle();
    if (found === undefined || performance.now() - begun > PATIENCE_MILLISECONDS) return found;
  }
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

/**
 * Removes a lock that was left behind. One at a time looks and removes, or somebody's new lock could be taken for the stale
 * one that was there before.
 *
 * @returns who holds the folder, or what was done
 */
async function removeIfStale(out: string): Promise<{ holder: Holder } | { took: string }> {
  const file = lockFile(out);
  const guard = `${file}.takeover`;
  if (!(await created(guard, ''))) {
    await outlast(guard);
    return { took: '' };
  }
  try {
    let text = await lockText(out);
    if (text !== undefined && !holderIn(text)) {
      await setTimeout(MOMENT_MILLISECONDS);
      text = await lockText(out);
    }
    if (text === undefined) return { took: '' };
    const holder = holderIn(text);
    if (holder && isAlive(holder)) return { holder };
    await rm(file);
    const why = holder ? ` from process ${holder.pid}, which is gone` : ': its lock was damaged';
    return { took: `took over ${out}${why}` };
  } finally {
    await rm(guard, { force: true });
  }
}

/** Waits until a guard is gone, and removes one that was left behind. Watched here, because the system's clock may be set meanwhile. */
async function outlast(guard: string): Promise<void> {
  const version = () =>
    stat(guard).then(
      ({ ino, ctimeMs }) => `${ino} ${ctimeMs}`,
      () => undefined,
    );
  const [first, begun] = [await version(), performance.now()];
  while (first !== undefined && (await version()) === first) {
    if (performance.now() - begun > LOOK_MILLISECONDS) return rm(guard, { force: true });
    await setTimeout(MOMENT_MILLISECONDS / 10);
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

function heldBy(out: string, { pid, host, since }: Holder, instead = OTHER_FOLDER): string {
  const where = host === hostname() ? '' : ` on ${host} (if it is gone, remove ${lockFile(out)})`;
  return `${out}: is in use by process ${pid}${where} since ${since}: wait for it, or ${instead}`;
}

/** Whether a process still runs; one of another machine is believed to. */
function isAlive({ pid, host, birth }: Holder): boolean {
  if (host !== hostname()) return true;
  return isRunning(pid) && (birth === null || birthOf(pid) === birth);
}

/** When a process began, as this boot of the system and its clock ticks since; undefined where the system does not say. */
function birthOf(pid: number): string | undefined {
  const ticks = birthTicks(pid);
  try {
    return ticks && `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return undefined;
  }
}
