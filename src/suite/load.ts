// Finds suite files, reads and checks them.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseJson } from '../io/json.js';
import { readBounded } from '../io/paths.js';
import { PROJECT_ROOT } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { SUITE_BYTES } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import type { ResolvedSuite } from './resolve.js';
import { type Suite, suiteSchema } from './schema.js';
import { describedFiles, loadFilesOf, useFiles } from './user_files.js';

const SUITES = path.join(PROJECT_ROOT, 'suites');

/** A suite and the file it was read from. */
export interface SuiteFile {
  file: string;
  suite: Suite;
}

/** Names of the suites that come with the project, sorted. */
export async function knownSuites(): Promise<string[]> {
  const files = await readdir(SUITES);
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/**
 * Reads a suite by its name (suites/NAME.json) or by its file's path.
 *
 * @throws InputError if there is no such suite, the file is no JSON, or breaks the schema
 */
export async function loadSuite(nameOrPath: string): Promise<SuiteFile> {
  const named = path.join(SUITES, `${nameOrPath}.json`);
  const known = await knownSuites();
  const file = known.includes(nameOrPath) ? named : nameOrPath;
  if (file !== named && !(await stat(file).catch(() => undefined))?.isFile())
    throw new InputError(
      `suite ${JSON.stringify(nameOrPath)} is not known; allowed: ${known.join(', ')}, or the path of a suite file`,
    );
  const bytes = await readBounded(file, SUITE_BYTES).catch((error: Error) => {
    throw new InputError(
      `${file}: ${error.message}; allowed: a suite file of at most ${SUITE_BYTES / 1e6} MB`,
    );
  });
  const text = bytes.toString('utf8');
  await loadFilesOf(parseJson(text, shown(file)), path.dirname(file));
  return { file, suite: parseSuite(text, file) };
}

/** Checks a suite's text. @param file what to call it in errors @throws InputError */
export function parseSuite(text: string, file: string): Suite {
  return checkedSuite(parseJson(text, shown(file)), shown(file));
}

/**
 * Checks a suite that says everything itself, as results and baselines have it. What users' files are in it stays described.
 *
 * @param file what to call it in errors
 * @throws InputError
 */
export function parseResolvedSuite(content: unknown, file: string): ResolvedSuite {
  const { files: described, ...rest } = (content ?? {}) as { files?: unknown };
  if (described === undefined) return checkedSuite(content ?? null, file) as ResolvedSuite;
  const { data: files, error } = describedFiles.safeParse(described);
  if (!files) throw new InputError(`${file}: files: ${describeProblem(error, described)}`);
  useFiles(files);
  return { ...(checkedSuite(rest, file) as ResolvedSuite), files };
}

function checkedSuite(content: unknown, file: string): Suite {
  const result = suiteSchema.safeParse(content);
  if (!result.success) throw new InputError(`${file}: ${describeProblem(result.error, content)}`);
  return result.data as Suite;
}

function shown(file: string): string {
  return path.relative('', file).startsWith('..') ? file : path.relative('', file) || file;
}
