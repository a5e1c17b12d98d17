// `labelnoise install`, and `node dist/src/cli/install.js` as make calls it: makes the engine ready; silent when it already is.
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { nodeVersionProblem } from '../install/node_version.js';
import { abortOnSignals } from './signals.js';

const HELP = `
Fetches TensorFlow's library (0.27 GB, the wheel of PyPI or of the index that pip is set up for; 1 GB unpacked, in the cache),
builds the addon that joins it with Node, and the native kernels. A download that breaks off is gone on from by the same
command. The first command that trains does all this too.

With --offline, or LABELNOISE_OFFLINE=1, nothing is fetched, by other commands either: what is missing is named with its size, its
SHA-256 and the folder to put it into (see docs/installing.md).`;

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('install')
    .description('make TensorFlow and the native kernels ready')
    .option('--offline', 'fetch nothing; say what is missing and where to put it')
    .addHelpText('after', HELP)
    .action(async ({ offline }: { offline?: boolean }) => {
      if (offline) process.env.LABELNOISE_OFFLINE = '1';
      process.exitCode = await install();
    });
}

/** Runs the installer; the result is the exit code. */
async function install(): Promise<number> {
  const problem = nodeVersionProblem(process.versions.node);
  if (problem) {
    console.error(problem);
    return 2;
  }
  // Not before the check above: on another Node even loading these may fail.
  const { installEngine } = await import('../install/engine.js');
  const { InputError, EXIT_BAD_INPUT } = await import('../spec/errors.js');
  const { CommandError } = await import('../install/command.js');
  const stop = abortOnSignals();
  try {
    await installEngine((line) => console.log(line), stop.signal);
    return 0;
  } catch (error) {
    if (stop.exitCode) return stop.exitCode;
    if (error instanceof CommandError) console.error(error.tail);
    const isSystemError = error instanceof Error && 'code' in error;
    if (!(error instanceof InputError || error instanceof CommandError || isSystemError)) throw error;
    console.error(error.message);
    return EXIT_BAD_INPUT;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await install();
