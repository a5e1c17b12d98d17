#!/usr/bin/env node
// The `labelnoise` command: registers the commands and turns errors into one line and an exit code.
import { Command, CommanderError } from 'commander';
import { VERSION } from '../io/project.js';
import { plain } from '../report/escape.js';
import { EXIT_BAD_INPUT, InputError } from '../spec/errors.js';
import { endProcess, toldByUser } from '../user/guard.js';
import * as baseline from './baseline.js';
import * as check from './check.js';
import * as collect from './collect.js';
import * as compare from './compare.js';
import * as data from './data.js';
import * as doctor from './doctor.js';
import * as estimate from './estimate.js';
import * as exporting from './export.js';
import * as noise from './noise.js';
import * as perf from './perf.js';
import * as plan from './plan.js';
import * as registries from './registries.js';
import * as report from './report.js';
import * as run from './run.js';
import * as runs from './runs.js';
import * as score from './score.js';
import * as status from './status.js';
import * as submit from './submit.js';
import * as suites from './suites.js';
import * as suspects from './suspects.js';
import * as table from './table.js';
import { tell } from './tell.js';
import * as verify from './verify.js';
import * as watch from './watch.js';
import * as worker from './worker.js';

const HELP = `
Examples:
  labelnoise doctor             is everything here that a run needs?
  labelnoise run smoke          all methods at all noise rates, in about a minute
  labelnoise run quick          the table, scaled down to two CPU cores
  labelnoise table results/quick
  labelnoise report results/quick
  labelnoise watch results/quick   the page, while the suite runs
  labelnoise verify results/quick  is everything there as it was written?
  labelnoise export quick --noise 0.4 --seed 1 --out exported
                                what its runs see, for a method in PyTorch; "labelnoise score" takes its predictions

Exit codes: 0 all went well, 1 a run failed, a check did or something is damaged, 2 wrong input, 130 stopped by Ctrl-C.
LABELNOISE_DEBUG=1 shows where an unexpected error comes from.`;

function fail(message: string, exitCode: number): void {
  tell(message);
  process.exitCode = exitCode;
}

// Who reads the output may stop reading, as `head` does: what is being done goes on.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

// Subcommands take these settings over, so they come before any is registered.
const program = new Command('labelnoise')
  .description("Label-noise robustness benchmark: the SAM paper's Table 4, re-run on CIFAR-10")
  .version(VERSION)
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(`labelnoise: ${plain(text.replace(/^error: /, '').trim())}\n`),
  })
  .addHelpText('after', HELP);
for (const command of [
  run,
  runs,
  table,
  report,
  watch,
  submit,
  worker,
  status,
  collect,
  plan,
  check,
  compare,
  baseline,
  verify,
  suites,
  registries,
  data,
  noise,
  exporting,
  score,
  estimate,
  suspects,
  doctor,
  perf,
])
  command.register(program);

function explain(found: unknown): void {
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

// From code of users, which may do something after it has returned, or from nobody.
process.on('uncaughtException', (error) => {
  explain(error);
  endProcess(Number(process.exitCode));
});

try {
  await program.parseAsync();
} catch (error) {
  explain(error);
}
