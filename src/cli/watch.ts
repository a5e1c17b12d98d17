// `labelnoise watch`: serves the page of a results folder, or of a queue, on this machine while a suite runs.
import { once } from 'node:events';
import type { Command } from 'commander';
import { type LiveContent, serveLive } from '../report/live_server.js';
import { InputError } from '../spec/errors.js';
import { type QueueOptions, withOpenQueue, withQueue } from './queue_options.js';
import { abortOnSignals } from './signals.js';

const HELP = `
Open the address that is printed in a browser of this machine: the page follows what happens in the folder until
Ctrl-C ends the serving. The suite runs, or does not, whether it is watched or not.

Examples:
  labelnoise watch results/quick
  labelnoise watch results/quick --port 8123
  labelnoise watch --queue redis://127.0.0.1:6379`;

export function register(program: Command): void {
  withQueue(program.command('watch'))
    .description('serve the page of a results folder, or of a queue, on this machine while a suite runs')
    .argument('[out]', 'results folder of a run; without one, the queue')
    .option('--port <number>', 'port to serve on (0: any that is free)', '0')
    .addHelpText('after', HELP)
    .action(async (out: string | undefined, { port, ...options }: QueueOptions & { port: string }) => {
      const print = (text: string) => process.stdout.write(text);
      if (out !== undefined && options.queue !== undefined)
        throw new InputError(`${out} and --queue ${options.queue}: allowed: one of them`);
      process.exitCode =
        out === undefined ? await watchQueue(options, port, print) : await watch(out, port, print);
    });
}

async function watchQueue(options: QueueOptions, port: string, print: (text: string) => void) {
  const { queueContent } = await import('../report/live_queue.js');
  return withOpenQueue(
    options,
    async (queue) => watch(queueContent(queue, await queue.theCommission()), port, print),
    true,
  );
}

/** Serves until a signal comes. @returns the exit code @throws InputError */
export async function watch(
  watched: string | LiveContent,
  port: string,
  print: (text: string) => void,
): Promise<number> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
    throw new InputError(`--port ${port}: must be a whole number from 0 to 65535`);
  const server = await serveLive(watched, Number(port));
  const stop = abortOnSignals();
  print(`${server.url}\nCtrl-C ends it.\n`);
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  stop.release();
  await server.close();
  return stop.exitCode!;
}
