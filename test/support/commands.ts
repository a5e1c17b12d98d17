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
const TOO_LONG = { quick: 60_000, training: 180_000 };

const newProcess = () => new KeptProcess<Typed, Outcome>(new URL('./command_child.js', import.meta.url));
const quick = newProcess();
/** By the variables that their workers were started with. */
const training = new Map<string, KeptProcess<Typed, Outcome>>();

// The process may be in a folder that is gone.
const typedIn = (cwd: string, args: readonly string[], env: Record<string, string>): Typed => ({
  cwd: path.resolve(cwd),
  args,
  env: { ...process.env, ...env },
});

/**
 * Runs a command that does not train.
 *
 * @param env variables besides those of this process
 */
export async function labelnoise(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  return quick.ask(typedIn(cwd, args, env), TOO_LONG.quick);
}

/** Gives the next command that does not train a process of its own, as files of users that others have loaded stay in theirs. */
export function startAfresh(): void {
  quick.close();
}

/** Runs a command that trains, in workers that the commands before have left: starting theirs takes longer than a small training. */
export async function trainingCommand(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const key = JSON.stringify(env);
  const kept = training.get(key) ?? newProcess();
  training.set(key, kept);
  return kept.ask(typedIn(cwd, args, env), TOO_LONG.training);
}
