// Entries from users' own files: bundled, tried in a process of their own, then loaded here as they are in workers.

import { fork } from 'node:child_process';
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

/** What a trial says: that it can be asked, and how loading ended. */
export type Attempt = { kind: 'ready' } | { kind: 'loaded' } | { kind: 'failed'; message: string };

/** Loads a user's file and finds an entry of this kind in it. @throws InputError with file and line if there is something wrong with it */
export async function loadUserFile<K extends Kind>(file: string, kind: K): Promise<UserEntry<K>> {
  if (kind === 'dataset' && isNpz(file)) return loadNpz(path.resolve(file));
  const module = await bundle(path.resolve(file));
  await tryLoading(module);
  return loadUserModule(module, kind);
}

/** Loads a bundled file that was tried before, as in a worker. @throws InputError */
export async function loadUserModule<K extends Kind>(module: UserModule, kind: K): Promise<UserEntry<K>> {
  if (kind === 'dataset' && isNpz(module.file)) return loadNpz(module.file, module.sha256);
  userSeconds();
  expectUserCode(module);
  const exported = await imported(module);
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

/** Imports a bundle from the cache, where it is put first. @throws InputError with the place of what it throws */
export async function imported(module: UserModule): Promise<Record<string, unknown>> {
  const file = await cached(module);
  // What the project itself does when it is loaded is not the user's doing.
  await import('../index.js');
  try {
    return await withoutChance('top level', () => import(pathToFileURL(file).href));
  } catch (error) {
    throw explainedUser(error, module);
  }
}

/** The bundle's file, known by its own hash: whoever bundled it, it is what it says. */
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

/** Loads it in another process first. @throws InputError if it throws there, does not end or ends the process */
function tryLoading(module: UserModule): Promise<void> {
  const seconds = Math.min(LOADING_SECONDS, userSeconds());
  const shown = shownFile(module.file);
  const child = fork(fileURLToPath(new URL('./trial.js', import.meta.url)), [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let timer: NodeJS.Timeout | undefined;
  return new Promise<void>((resolve, reject) => {
    child.on('message', (attempt: Attempt) => {
      if (attempt.kind === 'loaded') resolve();
      else if (attempt.kind === 'failed') reject(new InputError(attempt.message));
      else {
        child.send(module);
        timer = setTimeout(() => {
          const expected = `expected: a top level that is over after ${seconds} s`;
          reject(new InputError(`${shown}: its top level does not return; ${expected}`));
        }, seconds * 1000);
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      reject(new InputError(`${shown}: its top level ends the process (${signal ?? `exit code ${code}`})`)),
    );
  }).finally(() => {
    clearTimeout(timer);
    child.kill('SIGKILL');
  });
}

function exportLine({ text }: UserModule): string {
  const lines = text.split('\n');
  const line = lines.findIndex((line) => /\bexport\s+default\b|\bas\s+default\b/.test(line));
  return `:${line < 0 ? 1 : line + 1}`;
}
