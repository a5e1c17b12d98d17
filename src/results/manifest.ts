// Which suite a results folder belongs to: OUT/suite.json, and the refusal to write over another's results.
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { explained, textIfThere, writeWhole } from '../io/files.js';
import { InputError } from '../spec/errors.js';
import { ALGORITHM_VERSION } from '../spec/run_spec.js';
import { expand, type RunGraph } from '../suite/expand.js';
import { parseResolvedSuite } from '../suite/load.js';
import type { ResolvedSuite } from '../suite/resolve.js';
import { firstDifference } from './difference.js';
import { EXTERNAL, EXTERNAL_TABLE } from './external.js';
import { ARCHIVE } from './store.js';
import { TENSORBOARD } from './tensorboard.js';
import { WEIGHTS_FOLDER } from './weights.js';

/** What OUT/suite.json holds. */
interface Owner {
  algorithm: number;
  suite: ResolvedSuite;
}

/** Names that a results folder's own files have. */
const OWN = [
  'runs',
  'checkpoints',
  WEIGHTS_FOLDER,
  'analysis',
  'runs.csv',
  'table4.csv',
  'comparison.csv',
  'shape.csv',
  'table4.md',
  'table4.tex',
  'report.html',
  TENSORBOARD,
  ARCHIVE,
  EXTERNAL,
  EXTERNAL_TABLE,
];
export const manifestFile = (out: string) => path.join(out, 'suite.json');

/**
 * The graph of the runs that a results folder is of, with the ids that the code had which made them.
 *
 * @throws InputError if it is no results folder, or its suite.json is damaged
 */
export async function readOwnGraph(out: string): Promise<RunGraph> {
  const isFolder = (await stat(out).catch(() => undefined))?.isDirectory();
  const owner = isFolder ? await readOwnerFile(out) : undefined;
  if (!owner) throw new InputError(`${out}: is no results folder: it has no suite.json`);
  return expand(owner.suite, owner.algorithm);
}

async function readOwnerFile(out: string): Promise<Owner | undefined> {
  const text = await textIfThere(manifestFile(out));
  if (text === undefined) return undefined;
  try {
    const { algorithm, suite } = JSON.parse(text) as Owner;
    if (!Number.isSafeInteger(algorithm))
      throw new Error(`algorithm is ${shown(algorithm)}; allowed: a whole number`);
    return { algorithm, suite: parseResolvedSuite(suite, 'suite') };
  } catch (error) {
    throw new InputError(
      `${manifestFile(out)}: is damaged (${(error as Error).message.replace(/\s+/g, ' ')}): restore it, or choose another folder with --out`,
    );
  }
}

/**
 * Makes sure that a suite may write to a folder, and writes nothing.
 *
 * @throws InputError if the folder holds another suite's results, or this suite's with other settings, or cannot be written
 */
export async function checkManifest(out: string, suite: ResolvedSuite): Promise<void> {
  await checkWritable(out);
  const owner = await readOwnerFile(out);
  const goOn = 'choose another folder with --out';
  if (!owner) {
    const held = (await readdir(out).catch(() => [])).filter((name) => OWN.includes(name));
    if (held.length)
      throw new InputError(
        `${out}: holds ${held.join(', ')} but no suite.json to say of which suite: ${goOn}`,
      );
    return;
  }
  if (owner.suite.name !== suite.name)
    throw new InputError(
      `${out}: holds results of the suite ${JSON.stringify(owner.suite.name)}, not of ${JSON.stringify(suite.name)}: ${goOn}`,
    );
  // Published tables of the suite, as the project's own repository has them, are there to be made again.
  const runs = await readdir(path.join(out, 'runs')).catch(() => []);
  if (!runs.length) return;
  for (const [file, { sha256 }] of Object.entries(suite.files ?? {})) {
    const before = owner.suite.files?.[file]?.sha256;
    if (before !== undefined && before !== sha256)
      throw new InputError(
        `${out}: holds results of the suite ${JSON.stringify(suite.name)} with ${file} as it was (SHA-256 ${before.slice(0, 16)}), which has changed since (${sha256.slice(0, 16)}): change it back, or ${goOn}`,
      );
  }
  const found = firstDifference(essence(owner), essence({ algorithm: ALGORITHM_VERSION, suite }));
  if (found)
    throw new InputError(
      `${out}: holds results of the suite ${JSON.stringify(suite.name)} with ${found.path} = ${shown(found.before)}, now it is ${shown(found.after)}: ${goOn}`,
    );
}

/** Marks a folder as the suite's own. @throws InputError if it cannot be written */
export async function claim(out: string, suite: ResolvedSuite): Promise<void> {
  const owner: Owner = { algorithm: ALGORITHM_VERSION, suite };
  await writeWhole(manifestFile(out), `${JSON.stringify(owner, null, 2)}\n`);
}

/** What results depend on: all but the prose, how often runs are saved, and whether their weights are kept. */
function essence({ algorithm, suite }: Owner): unknown {
  const {
    description: _,
    scaledDown: __,
    checkpoint: ___,
    keepWeights: ____,
    files = {},
    ...settings
  } = suite;
  const contents = Object.entries(files).map(([file, { sha256 }]) => [file, sha256]);
  return { algorithm, ...settings, files: Object.fromEntries(contents) };
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** Fails early where a folder could not be made or written to. */
async function checkWritable(out: string): Promise<void> {
  let folder = path.resolve(out);
  for (;;) {
    try {
      if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      return await access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw explained(error, `cannot write results to ${out}`);
      folder = path.dirname(folder);
    }
  }
}
