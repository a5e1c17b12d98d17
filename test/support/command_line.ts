// Runs a command in this process, as if it were typed anew.
import { runCommand } from '../../src/cli/program.js';
import { keptEnvironment } from './environment.js';

/** How a command ended; the status is null after an error that the command does not tell in a line of its own. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/**
 * @param args what is typed after the program's name
 * @param env variables that are added to this process's for it
 * @param program `labelnoise`, if not another
 */
export async function commandLine(
  args: readonly string[],
  env: Record<string, string> = {},
  program: (args: readonly string[]) => Promise<void> = runCommand,
): Promise<Outcome> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const streams = [process.stdout.write, process.stderr.write] as const;
  const restore = keptEnvironment();
  const into = (texts: string[]) => (text: string | Uint8Array) => Boolean(texts.push(String(text)));
  [process.stdout.write, process.stderr.write] = [into(stdout), into(stderr)];
  Object.assign(process.env, env);
  process.exitCode = 0;
  let thrown: string | undefined;
  try {
    await program(args);
  } catch (error) {
    thrown = String((error as Error).stack);
  }
  [process.stdout.write, process.stderr.write] = streams;
  restore();
  return {
    status: thrown === undefined ? Number(process.exitCode) : null,
    stdout: stdout.join(''),
    stderr: thrown ?? stderr.join(''),
  };
}
