// `node dist/src/cli/install.js`: makes the engine ready; silent when it already is. Called by make.
import { nodeVersionProblem } from '../engine/install/node_version.js';

/** Runs the installer; the result is the exit code. */
async function main(): Promise<number> {
  const problem = nodeVersionProblem(process.versions.node);
  if (problem) {
    console.error(problem);
    return 2;
  }
  // Not before the check above: on another Node even loading these may fail.
  const { installEngine } = await import('../engine/install/engine.js');
  const { InputError, EXIT_BAD_INPUT } = await import('../errors.js');
  const { CommandError } = await import('../engine/install/command.js');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  try {
    await installEngine((line) => console.log(line), stop.signal);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    if (error instanceof CommandError) console.error(error.tail);
    const isSystemError = error instanceof Error && 'syscall' in error;
    if (!(error instanceof InputError || error instanceof CommandError || isSystemError)) throw error;
    console.error(error.message);
    return EXIT_BAD_INPUT;
  }
}

process.exitCode = await main();
