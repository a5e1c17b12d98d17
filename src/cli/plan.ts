// `labelnoise plan`: writes the scripts that have a Slurm cluster make a suite.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { commissionText, readCommission } from '../execution/commission.js';
import { checkStored, stateOf } from '../execution/execute.js';
import type { Executor } from '../execution/executor.js';
import { makeOneRun } from '../execution/one_run.js';
import { type Resources, writeScripts } from '../execution/slurm.js';
import { makeResultsFolder } from '../io/files.js';
import { checkUnlocked } from '../io/lock.js';
import { runTitle } from '../report/wording.js';
import { finalAccuracy } from '../results/aggregate.js';
import { checkManifest, claim } from '../results/manifest.js';
import { InputError } from '../spec/errors.js';
import type { RunNode } from '../suite/expand.js';
import { planOf } from '../suite/plan.js';
import { secondsOf } from './dry_run.js';
import { createEngine, type Engine } from './engine.js';
import { wholeNumber } from './queue_options.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { abortOnSignals } from './signals.js';
import { tell } from './tell.js';

export interface PlanOptions extends SelectionOptions, Resources {
  slurm: string;
  out?: string;
}

const HELP = `
Writes to the folder of --slurm a script "submit" and those that it hands to sbatch: arrays of which each task is one run, students after
their teachers. Start it where sbatch works; --out and the folder must be on a file system that all nodes share. The same again
plans what is then missing: runs that failed, or whose time was up, which go on from their checkpoints. Time and memory are
measured on this machine unless --time is given: nodes that are slower need more.

Examples:
  labelnoise plan table4 --slurm ~/table4-jobs --out ~/table4 --gres gpu:1 --partition gpu && ~/table4-jobs/submit
  labelnoise plan quick --slurm jobs --time 2:00:00 --mem 4G --at-once 20 --sbatch=--account=lab --sbatch=--constraint=icelake`;

export function register(program: Command): void {
  withSelection(program.command('plan'))
    .description('write the scripts that have a Slurm cluster make a suite')
    .argument('<suite>', 'name or file of the suite')
    .requiredOption('--slurm <dir>', 'folder for the scripts and logs')
    .option('--out <dir>', 'results folder (default: results/<suite>)')
    .option('--partition <name>', 'partition of the cluster')
    .option('--gres <list>', 'what each run is given, e.g. gpu:1')
    .option('--time <limit>', 'time of a run, as sbatch takes it')
    .option('--mem <size>', 'memory of a run, as sbatch takes it')
    .option('--at-once <n>', 'tasks of an array at once', wholeNumber(1, 100_000))
    .option(
      '--sbatch <option>',
      'another option of sbatch; can be given several times',
      (one, before: string[] = []) => [...before, one],
    )
    .addHelpText('after', HELP)
    .action(async (suite: string, options: PlanOptions) => {
      const engine = createEngine();
      try {
        process.exitCode = await plan(suite, options, engine);
      } finally {
        engine.close();
      }
    });
}

/** Has a cluster make the runs: once somebody has started the script. */
function slurmExecutor(
  out: string,
  { slurm: folder, partition, gres, time, mem, atOnce, sbatch }: PlanOptions,
  using: Engine,
  written: (files: string[], runs: number) => void,
): Executor {
  return {
    async make(plan) {
      const { whole, graph } = plan;
      await checkManifest(out, whole.suite);
      await checkUnlocked(out);
      const state = stateOf(await checkStored(out, graph), graph);
      const runs = graph.runs.filter(({ id }) => !state.records.has(id));
      const seconds = time === undefined ? await secondsOf(runs, using) : undefined;
      const longest = (some: readonly RunNode[]) =>
        Math.max(...some.map(({ id }) => seconds?.get(id)?.seconds ?? 0));
      const largest = (some: readonly RunNode[]) =>
        Math.max(...some.map(({ id }) => seconds?.get(id)?.megabytes ?? 0));
      makeResultsFolder(out);
      await claim(out, whole.suite);
      const files = await writeScripts({
        suite: whole.suite.name,
        folder,
        commission: commissionText(plan, { kinds: 'any', needs: {} }, randomBytes(16).toString('hex')),
        out,
        runs,
        threads: whole.suite.threads,
        resources: { partition, gres, time, mem, atOnce, sbatch },
        // Three times what was measured, and some minutes to begin: a node may be slower, and shared.
        ...(seconds && {
          needs: (some) => ({
            time: String(Math.ceil((3 * longest(some)) / 60) + 10),
            ...(largest(some) && { mem: `${Math.ceil(1.5 * largest(some)) + 1024}M` }),
          }),
        }),
      });
      written(files, runs.length);
      return state;
    },
  };
}

/** Writes the scripts. @returns the exit code @throws InputError */
export async function plan(
  nameOrPath: string,
  options: PlanOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const planned = await planOf(nameOrPath, selectionOf(options), using);
  const out = options.out ?? path.join('results', planned.whole.suite.name);
  const executor = slurmExecutor(out, options, using, ([submit, ...scripts], runs) =>
    print(
      runs
        ? `${runs} runs in ${scripts.length - 1} arrays; start ${submit}\n`
        : `all runs are finished in ${out}; ${submit} only draws their tables again\n`,
    ),
  );
  await executor.make(planned);
  return 0;
}

export interface TaskOptions {
  plan: string;
  out?: string;
  run?: string;
  dataDir?: string;
}

/** Makes one run of a plan, as a task of a cluster. @returns the exit code @throws InputError */
export async function task({ plan, out, run, dataDir }: TaskOptions, engine: Engine): Promise<number> {
  if (out === undefined || run === undefined) throw new InputError('--plan: needs --out and --run besides');
  const text = await readFile(plan, 'utf8').catch((error: Error) => {
    throw new InputError(`--plan ${plan}: cannot be read: ${error.message}`);
  });
  // Whoever wrote the plan wrote it for himself.
  const commission = await readCommission(text, plan, 'loaded');
  const title = runTitle(commission.byId.get(run) ?? commission.graph.runs[0]!);
  const stop = abortOnSignals();
  try {
    const { record, wasThere } = await makeOneRun({
      commission,
      id: run,
      out,
      engine,
      dataDir,
      onProgress({ resumed, epoch }) {
        if (resumed) tell(`${title}: goes on from its checkpoint, in epoch ${epoch}`);
      },
      signal: stop.signal,
    });
    tell(`${title}: ${finalAccuracy(record).toFixed(2)} %${wasThere ? ', finished before' : ''}`);
    return 0;
  } catch (error) {
    if (!stop.exitCode) throw error;
    tell(`${title}: stopped; its state is saved, and the same plan goes on from there`);
    return stop.exitCode;
  } finally {
    stop.release();
  }
}
