// Runs other programs for the installer: output kept in a log, shown only when they fail.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../io/cache.js';
import { makeFolder } from '../io/paths.js';
import { InputError } from '../spec/errors.js';

/** A program that failed; the message is one line with its last words and the log that has all of them. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    message: string,
    /** The end of what the program printed. */
    readonly tail: string,
  ) {
    super(message);
  }
}

export interface CommandOptions {
  /** Names the log file. */
  step: string;
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end.
 *
 * @returns what it printed
 * @throws CommandError if it fails; an AbortError if the signal stops it
 */
export async function runCommand(program: string, args: string[], options: CommandOptions): Promise<string> {
  const { step, signal, cwd, env } = options;
  let output = '';
  let failure = '';
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, killed) => {
      if (code !== 0) failure = killed ? `was ended by ${killed}` : `ended with code ${code}`;
      resolve();
    });
  });
  const log = path.join(cacheFolder('tensorflow', 'logs'), `${step.replaceAll(' ', '-')}.log`);
  makeFolder(path.dirname(log));
  writeFileSync(log, output);
  signal.throwIfAborted();
  if (failure) {
    const lines = output.trimEnd().split('\n');
    const errors = lines.filter((line) => /error:/i.test(line));
    const reason = (errors.at(-1) ?? lines.at(-1) ?? '').trim();
    throw new CommandError(`${step} ${failure}: ${reason} (log: ${log})`, lines.slice(-20).join('\n'));
  }
  return output;
}

const TOOLS = [
  { name: 'Python 3', command: ['python3', '--version'], packages: 'python3' },
  { name: 'pip', command: ['python3', '-m', 'pip', '--version'], packages: 'python3-pip' },
  { name: 'a C++ compiler', command: [process.env.CXX ?? 'g++', '--version'], packages: 'g++' },
  { name: 'make', command: ['make', '--version'], packages: 'make' },
];

/**
 * Checks that everything the installer calls is there.
 *
 * @throws InputError naming all that is missing and what to install
 */
export function requireTools(): void {
  const missing = TOOLS.filter(({ command: [program, ...args] }) => spawnSync(program!, args).status !== 0);
  if (missing.length === 0) return;
  const names = missing.map((tool) => tool.name).join(', ');
  const packages = missing.map((tool) => tool.packages).join(' ');
  const how =
    process.platform === 'darwin'
      ? '"xcode-select --install" and Python from python.org'
      : `the packages ${packages} (on Debian and Ubuntu: apt-get install ${packages})`;
  throw new InputError(`TensorFlow cannot be installed, missing: ${names}; install ${how}`);
}
