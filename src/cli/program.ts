// All commands of `labelnoise`, and what becomes of what goes wrong in one: a line and an exit code.
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { PROJECT_ROOT, VERSION } from '../io/project.js';
import { plain } from '../report/escape.js';
import { EXIT_BAD_INPUT, InputError } from '../spec/errors.js';
import { toldByUser } from '../user/guard.js';
import { tell } from './tell.js';

const HELP = `
Examples:
  labelnoise doctor             is everything here that a run needs?
  labelnoise run smoke          all methods at all noise rates, in about a minute
  labelnoise run quick          the table, scaled down to two CPU cores
  labelnoise table results/quick
  labelnoise report results/quick
  labelnoise watch results/quick   the page, while the suite runs
  labelnoise verify results/quick  is everything there as it was written?
  labelnoise analyse results/small-flat   how flat are the minima that its runs ended in?
  labelnoise leaderboard results/small results/quick --out site   a page of several folders, checked first
  labelnoise export quick --noise 0.4 --seed 1 --out exported
                                what its runs see, for a method in PyTorch; "labelnoise score" takes its predictions

Documentation: ${path.join(PROJECT_ROOT, 'docs')}: begin with getting-started.md. There are methods.md, noises.md, suites.md,
your-own-method.md, your-own-data.md, reading-results.md, regression-in-ci.md, reproducibility.md, glossary.md and more.

Exit codes: 0 all went well, 1 a run failed, a check did or something is damaged, 2 wrong input, 130 stopped by Ctrl-C.
LABELNOISE_DEBUG=1 shows where an unexpected error comes from.`;

/** Where the commands are, in the order of `--help`. */
const COMMANDS: Record<string, () => Promise<{ register(program: Command): void }>> = {
  run: () => import('./run.js'),
  runs: () => import('./runs.js'),
  table: () => import('./table.js'),
  report: () => import('./report.js'),
  watch: () => import('./watch.js'),
  submit: () => import('./submit.js'),
  worker: () => import('./worker.js'),
  status: () => import('./status.js'),
  collect: () => import('./collect.js'),
  plan: () => import('./plan.js'),
  check: () => import('./check.js'),
  compare: () => import('./compare.js'),
  baseline: () => import('./baseline.js'),
  verify: () => import('./verify.js'),
  leaderboard: () => import('./leaderboard.js'),
  suites: () => import('./suites.js'),
  methods: () => import('./registries.js'),
  noises: () => import('./registries.js'),
  datasets: () => import('./registries.js'),
  models: () => import('./registries.js'),
  augmentations: () => import('./registries.js'),
  schema: () => import('./schema.js'),
  install: () => import('./install.js'),
  data: () => import('./data.js'),
  noise: () => import('./noise.js'),
  export: () => import('./export.js'),
  score: () => import('./score.js'),
  estimate: () => import('./estimate.js'),
  analyse: () => import('./analyse.js'),
  suspects: () => import('./suspects.js'),
  doctor: () => import('./doctor.js'),
  perf: () => import('./perf.js'),
};

/** As commander has them. */
const VERSION_FLAGS = ['-V', '--version'];

/** The program with the one command that is named, with none for its version, or with all: most of what a quick command takes is loading code. */
export async function createProgram(named = ''): Promise<Command> {
  const program = new Command('labelnoise');
  // Subcommands take these settings over, so they come before any is registered.
  program
    .description("Label-noise robustness benchmark: the SAM paper's Table 4, re-run on CIFAR-10")
    .version(VERSION, VERSION_FLAGS.join(', '))
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`labelnoise: ${plain(text.replace(/^error: /, '').trim())}\n`),
    })
    .addHelpText('after', HELP);
  let wanted = Object.values(COMMANDS);
  if (Object.hasOwn(COMMANDS, named)) wanted = [COMMANDS[named]!];
  else if (VERSION_FLAGS.includes(named)) wanted = [];
  for (const module of new Set(await Promise.all(wanted.map((load) => load())))) module.register(program);
  return program;
}

/** Runs a command. How it ends is in `process.exitCode`, and in a line on stderr if not well. @param args what is typed after `labelnoise` */
export async function runCommand(args: readonly string[]): Promise<void> {
  try {
    const program = await createProgram(args[0]);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    explain(error);
  }
}

/** Turns an error into a line on stderr and the exit code. */
export function explain(found: unknown): void {
  const error = toldByUser(found);
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
  else if (error instanceof InputError) fail(error.message, EXIT_BAD_INPUT);
  else if (error instanceof RangeError && /allocation failed/i.test(error.message))
    fail(
      'there is not enough memory for this process; what was finished is kept: the same command goes on where there is more',
      1,
    );
  else if (process.env.LABELNOISE_DEBUG) {
    console.error(error);
    process.exitCode = 1;
  } else
    fail(
      `${(error as Error)?.message ?? error} (unexpected; LABELNOISE_DEBUG=1 shows where it comes from)`,
      1,
    );
}

function fail(message: string, exitCode: number): void {
  tell(message);
  process.exitCode = exitCode;
}
