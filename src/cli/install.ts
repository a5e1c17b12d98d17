// `node dist/src/cli/install.js`: makes the engine ready; silent when it already is. Called by make.
import { nodeVersionProblem } from '../install/node_version.js';
import { abortOnSignals } from './signals.js';

/** Runs the installer; the result is the exit code. */
async function main(): Promise<number> {
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

process.exitCode = await main();
