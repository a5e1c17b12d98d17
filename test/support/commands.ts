// `labelnoise`, as it is typed in a folder: by a process that runs one command after the other.

import path from 'node:path';
import type { Outcome } from './command_line.js';
import { KeptProcess } from './kept_process.js';

/** What the process is asked for. */
export interface Typed {
  cwd: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** Longer than any command that is tested so may take on a machine that has nothing else to do, in milliseconds. */
const TOO_LONG = 60_000;

const kept = new KeptProcess<Typed, Outcome>(new URL('./command_child.js', import.meta.url));

/**
 * Runs a command, which must not train: that is what workers are for, and what they leave behind would be kept.
 *
 * @param env variables besides those of this process
 */
export async function labelnoise(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  // The process may be in a folder that is gone.
  return kept.ask({ cwd: path.resolve(cwd), args, env: { ...process.env, ...env } }, TOO_LONG);
}
