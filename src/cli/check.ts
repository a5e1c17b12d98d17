// `labelnoise check`: trains a suite anew and compares it with its baseline. What `make check` runs.
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { explained, makeResultsFolder } from '../io/files.js';
import { lock } from '../io/lock.js';
import { unmakeFolders } from '../io/paths.js';
import { baselineFile } from '../regression/baseline.js';
import { readBaseline } from '../regression/baseline_schema.js';
import { checkComparable } from '../regression/compare.js';
import { originOf } from '../results/provenance.js';
import { InputError } from '../spec/errors.js';
import { planOf } from '../suite/plan.js';
import { EVERYTHING } from '../suite/select.js';
import { type CompareOptions, compareFolder, EXIT_CODES } from './compare.js';
import { createEngine, type Engine } from './engine.js';
import { createProgress, type Progress } from './progress.js';
import { type RunOptions, train } from './run.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { tell } from './tell.js';
import { trajectoriesBeside } from './trajectories.js';

export interface CheckOptions extends Pick<RunOptions, 'out' | 'dataDir'>, CompareOptions {
  baseline?: string;
  resume?: boolean;
}

const HELP = `
Everything is trained anew: results/check/<suite> is emptied first, and another folder must be new or empty, so that a
check never passes by results of older code. Where bits cannot be compared, because the baseline was made on another kind
of machine, each cell's trajectory still is: four steps in float32, whose draws must be the baseline's exactly, and whose
losses, momentum, weights and running statistics within rounding.
${EXIT_CODES} 130: stopped by Ctrl-C.

Examples:
  labelnoise check smoke
  labelnoise check quick --only method=sam noise=40 --seeds 3 --out check-sam`;

export function register(program: Command): void {
  withSelection(program.command('check'))
    .description('train a suite anew and compare it with its baseline')
    .argument('[suite]', 'name or file of the suite', 'smoke')
    .option('--baseline <file>', 'baseline file (default: baselines/<suite>.json)')
    .option('--out <dir>', 'results folder (default: results/check/<suite>)')
    .option('--resume', 'go on with the runs in the results folder, made by the same code')
    .option('--data-dir <dir>', 'folder with the official CIFAR-10 binary files')
    .option('--statistics', 'judge by statistics alone: no bits, no trajectories')
    .addHelpText('after', HELP)
    .action(async (suite: string, options: CheckOptions & SelectionOptions) => {
      const engine = createEngine();
      try {
        process.exitCode = await check(suite, { ...options, selection: selectionOf(options) }, engine);
      } finally {
        engine.close();
      }
    });
}

/** Runs and compares. @returns the exit code @throws InputError */
export async function check(
  nameOrPath: string,
  options: CheckOptions,
  using: Engine,
  progress: Progress = createProgress(),
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const plan = await planOf(nameOrPath, options.selection ?? EVERYTHING, using);
  const { name, precision, threads } = plan.whole.suite;
  const baseline = options.baseline ?? baselineFile(name);
  const out = options.out ?? path.join('results', 'check', name);
  // What is wrong with the input is said before anything is trained.
  unmakeFolders(makeResultsFolder(out));
  const expected = await readBaseline(baseline);
  const here = { ...(await originOf(await using.versions())), precision, threads };
  checkComparable(expected, baseline, plan.graph, here);
  if (!options.resume) await makeRoom(out, options.out === undefined);
  // They take seconds, and what is wrong with them is wrong with all that follows.
  const trajectories = options.statistics
    ? undefined
    : await trajectoriesBeside(expected, plan.graph, using, options.dataDir);
  const exitCode = await train(plan, out, options, using, progress, print);
  return exitCode > 1 ? exitCode : compareFolder(out, baseline, options, print, trajectories);
}

/** Sees to it that no earlier run is in the folder. @param own whether it is this command's own @throws InputError if one is */
async function makeRoom(out: string, own: boolean): Promise<void> {
  if (own) {
    const unlock = await lock(out, tell);
    try {
      // The lock is this command's own.
      for (const name of await readdir(out))
        if (name !== 'lock') await rm(path.join(out, name), { recursive: true, force: true });
    } catch (error) {
      throw explained(error, `cannot empty ${out}`);
    } finally {
      await unlock();
    }
    return;
  }
  const held = await readdir(out).catch(() => []);
  if (held.length)
    throw new InputError(
      `--out ${out}: is not empty, and a check trains everything anew: choose another folder, empty this one, or go on with what is there with --resume`,
    );
}
