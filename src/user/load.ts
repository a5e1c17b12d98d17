// Entries from users' own files: bundled, tried in a process of their own, then loaded here as they are in workers.

import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isNpz, readNpzDataset } from '../data/datasets/npz.js';
import { cacheFolder } from '../io/cache.js';
import { explained } from '../io/files.js';
import { InputError } from '../spec/errors.js';
import { bundle, shownFile, type UserModule } from './bundle.js';
import { expectUserCode, explainedUser, guarded, locatedError, userSeconds, withoutChance } from './guard.js';
import { type Entries, KINDS, type Kind, shapeProblem } from './kinds.js';

/** How long loading a file may take. */
const LOADING_SECONDS = 10;

/** An entry from a user's file, guarded, and what it is known by. */
export interface UserEntry<K extends Kind> {
  entry: Entries[K];
  module: UserModule;
}

/** A bundle to be tried, and where it lies. */
export interface Tried {
  module: UserModule;
  file: string;
}

/** What a trial says: that it begins to load a file, and how that ended. */
export type Attempt = { kind: 'begun' } | { kind: 'loaded' } | { kind: 'failed'; message: string };
type Ending = Exclude<Attempt, { kind: 'begun' }> | { kind: 'overdue' } | { kind: 'ended'; by: string };

/** Bundles that came through a trial: what loaded once in this process loads again. */
const harmless = new Set<string>();

/** A process in which files are loaded, one after the other, before they are loaded here. To be ended by whoever made it. */
export class Trial {
  private child: ChildProcess | undefined;

  /** @throws InputError if its top level throws there, does not end or ends the process */
  async load(module: UserModule): Promise<void> {
    if (harmless.has(module.code)) return;
    const seconds = Math.min(LOADING_SECONDS, userSeconds());
    const tried: Tried = { module, file: await cached(module) };
    const isFirst = !this.child;
    let ending = await this.attempt(tried, seconds);
    // It may have been the doing of a file before it.
    if (ending.kind === 'ended' && !isFirst) ending = await this.attempt(tried, seconds);
    const shown = shownFile(module.file);
    if (ending.kind === 'failed') throw new InputError(ending.message);
    if (ending.kind === 'overdue')
      throw new InputError(
        `${shown}: its top level does not return; expected: a top level that is over after ${seconds} s`,
      );
    if (ending.kind === 'ended')
      throw new InputError(`${shown}: its top level ends the process (${ending.by})`);
    harmless.add(module.code);
  }

  private async attempt(tried: Tried, seconds: number): Promise<Ending> {
    this.child ??= this.start();
    const { child } = this;
    let timer: NodeJS.Timeout | undefined;
    const ending = await new Promise<Ending>((resolve, reject) => {
      child.on('message', (attempt: Attempt) => {
        if (attempt.kind === 'begun') timer = setTimeout(resolve, seconds * 1000, { kind: 'overdue' });
        else resolve(attempt);
      });
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ kind: 'ended', by: signal ?? `exit code ${code}` }));
      // One that is ending cannot be asked: the event above tells.
      child.send(tried, () => {});
    });
    clearTimeout(timer);
    for (const event of ['message', 'error', 'close']) child.removeAllListeners(event);
    if (ending.kind === 'overdue' || ending.kind === 'ended') this.end();
    return ending;
  }

  private start(): ChildProcess {
    const child = fork(fileURLToPath(new URL('./trial.js', import.meta.url)), [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Between files, too, it may end.
    child.on('exit', () => {
      if (this.child === child) this.child = undefined;
    });
    return child;
  }

  end(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }
}

/** Loads a user's file and finds an entry of this kind in it. @throws InputError with file and line if there is something wrong with it */
export async function loadUserFile<K extends Kind>(
  file: string,
  kind: K,
  trial: Trial,
): Promise<UserEntry<K>> {
  if (kind === 'dataset' && isNpz(file)) return loadNpz(path.resolve(file));
  const module = await bundle(path.resolve(file));
  await trial.load(module);
  return loadUserModule(module, kind);
}

/** Loads a bundled file that was tried before, as in a worker. @throws InputError */
export async function loadUserModule<K extends Kind>(module: UserModule, kind: K): Promise<UserEntry<K>> {
  if (kind === 'dataset' && isNpz(module.file)) return loadNpz(module.file, module.sha256);
  userSeconds();
  expectUserCode(module);
  const exported = await imported({ module, file: await cached(module) });
  const at = `${shownFile(module.file)}${exportLine(module)}`;
  if (!Reflect.has(exported, 'default'))
    throw locatedError(
      `${at}: exports nothing as its default; expected: export default ${KINDS[kind].example}`,
    );
  const entry: unknown = exported.default;
  const problem = shapeProblem(kind, entry);
  if (problem) throw locatedError(`${at}: the default export is no ${KINDS[kind].title}: ${problem}`);
  // What it is made of was just looked at.
  return { entry: guarded(entry as Entries[K], module, KINDS[kind].contracts), module };
}

/** A data set that is no code. @param wanted its hash, where it was read before @throws InputError */
async function loadNpz<K extends Kind>(file: string, wanted?: string): Promise<UserEntry<K>> {
  const { dataset, sha256 } = await readNpzDataset(file);
  if (wanted !== undefined && sha256 !== wanted)
    throw new InputError(`${shownFile(file)}: has changed since the suite was read; begin it anew`);
  // Only data sets are of this kind.
  return { entry: dataset as Entries[K], module: { file, sha256, code: '', sources: [], text: '' } };
}

/** Imports a bundle. @throws InputError with the place of what it throws */
export async function imported({ module, file }: Tried): Promise<Record<string, unknown>> {
  // What the project itself does when it is loaded is not the user's doing.
  await import('../index.js');
  try {
    return await withoutChance('top level', () => import(pathToFileURL(file).href));
  } catch (error) {
    throw explainedUser(error, module);
  }
}

/** The bundle's file in the cache, where it is put if need be. It is known by its own hash: whoever bundled it, it is what it says. */
async function cached({ code }: UserModule): Promise<string> {
  const folder = cacheFolder('users');
  const file = path.join(folder, `${createHash('sha256').update(code).digest('hex')}.mjs`);
  if ((await readFile(file, 'utf8').catch(() => undefined)) === code) return file;
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(unfinished, code, { mode: 0o600 });
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw explained(error, `cannot write ${file}`);
  }
  return file;
}

function exportLine({ text }: UserModule): string {
  const lines = text.split('\n');
  const line = lines.findIndex((line) => /\bexport\s+default\b|\bas\s+default\b/.test(line));
  return `:${line < 0 ? 1 : line + 1}`;
}
