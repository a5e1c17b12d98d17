// `labelnoise watch`: serves the page of a results folder on this machine while a suite runs in it.
import { once } from 'node:events';
import type { Command } from 'commander';
import { serveLive } from '../report/live_server.js';
import { InputError } from '../spec/errors.js';
import { abortOnSignals } from './signals.js';

const HELP = `
Open the address that is printed in a browser of this machine: the page follows what happens in the folder until
Ctrl-C ends the serving. The suite runs, or does not, whether it is watched or not.

Examples:
  labelnoise watch results/quick
  labelnoise watch results/quick --port 8123`;

export function register(program: Command): void {
  program
    .command('watch')
    .description('serve the page of a results folder on this machine while a suite runs')
    .argument('<out>', 'results folder of a run')
    .option('--port <number>', 'port to serve on (0: any that is free)', '0')
    .addHelpText('after', HELP)
    .action(async (out: string, { port }: { port: string }) => {
      process.exitCode = await watch(out, port, (text) => process.stdout.write(text));
    });
}

/** Serves until a signal comes. @returns the exit code @throws InputError */
export async function watch(out: string, port: string, print: (text: string) => void): Promise<number> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
    throw new InputError(`--port ${port}: must be a whole number from 0 to 65535`);
  const server = await serveLive(out, Number(port));
  const stop = abortOnSignals();
  print(`${server.url}\nCtrl-C ends it.\n`);
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  stop.release();
  await server.close();
  return stop.exitCode!;
}
