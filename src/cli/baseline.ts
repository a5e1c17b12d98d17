// `labelnoise baseline update`: makes a results folder the baseline of its suite, after showing what changes.

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { removeUnfinished, writeWhole } from '../io/files.js';
import { type Baseline, baselineFile, baselineOf, baselineText } from '../regression/baseline.js';
import { readBaseline } from '../regression/baseline_schema.js';
import { changesText } from '../report/check/changes.js';
import { readOwnGraph } from '../results/manifest.js';
import { announce, readStored, refuseForeign } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import { loadSuite } from '../suite/load.js';
import { createEngine, type Engine } from './engine.js';
import { tell } from './tell.js';
import { baselineTrajectories } from './trajectories.js';

export interface UpdateOptions {
  baseline?: string;
  dataDir?: string;
  suite?: string;
  yes?: boolean;
}

const HELP = `
Shows the difference to the baseline there is, then asks; without a terminal to ask on, --yes is needed to write. The
folder must hold all runs of its suite, from one machine; the first steps of all methods (their trajectories) are taken
anew. Given a baseline in place of the folder, its cells are kept and only its trajectories are taken anew. More seeds
than a check runs make it judge accuracy better on other machines: labelnoise run smoke --seeds 3.

Examples:
  labelnoise baseline update results/quick
  labelnoise baseline update results/smoke-seeds=3 --yes
  labelnoise baseline update baselines/quick.json`;

export function register(program: Command): void {
  program
    .command('baseline')
    .description('the regression baselines that results are compared with')
    .command('update')
    .description('make the results in a folder the baseline of their suite')
    .argument('<out>', 'results folder of a run, or a baseline whose trajectories are to be renewed')
    .option('--baseline <file>', 'baseline file (default: baselines/<suite>.json)')
    .option('--data-dir <dir>', 'folder with the official CIFAR-10 binary files')
    .option(
      '--suite <file>',
      "the suite's file, if it names files of yours: they are needed for the first steps",
    )
    .option('--yes', 'write without asking')
    .addHelpText('after', HELP)
    .action(async (out: string, options: UpdateOptions) => {
      const engine = createEngine();
      try {
        process.exitCode = await updateBaseline(out, options, engine);
      } finally {
        engine.close();
      }
    });
}

/**
 * Shows the difference and writes.
 *
 * @param ask gives the user's consent; null where nobody can be asked
 * @returns the exit code
 * @throws InputError
 */
export async function updateBaseline(
  out: string,
  options: UpdateOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
  ask: ((question: string) => Promise<boolean>) | null = process.stdin.isTTY ? consent : null,
): Promise<number> {
  // Loaded, its files are what the results' paths mean.
  if (options.suite !== undefined) await loadSuite(options.suite);
  const isFile = (await stat(out).catch(() => undefined))?.isFile();
  const cells = isFile ? await readBaseline(out, false) : await baselineOfFolder(out);
  const file = options.baseline ?? (isFile ? out : baselineFile(cells.suite.name));
  const before = await existing(file);
  const after = { ...cells, trajectories: await baselineTrajectories(cells, using, options.dataDir) };
  print(changesText(before, after, file));
  if (before && baselineText(before) === baselineText(after)) return 0;
  if (!options.yes) {
    if (!ask) throw new InputError(`${file}: is not written: nobody can be asked here; --yes writes it`);
    if (!(await ask(`Write ${file}? [y/N] `))) return 0;
  }
  await removeUnfinished(path.dirname(file), path.basename(file));
  await writeWhole(file, baselineText(after));
  print(`Written: ${file}\n`);
  return 0;
}

async function baselineOfFolder(out: string): Promise<Baseline> {
  const whole = await readOwnGraph(out);
  const stored = await readStored(out, whole.runs);
  refuseForeign(stored, whole.runs);
  announce(out, stored, tell);
  return baselineOf(whole, stored.records, out);
}

/** The baseline that is there; without its trajectories if they cannot be used, since new ones are made. */
async function existing(file: string): Promise<Baseline | undefined> {
  if (!(await stat(file).catch(() => undefined))) return undefined;
  return readBaseline(file).catch(() => readBaseline(file, false));
}

async function consent(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
