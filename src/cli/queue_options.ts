// The options that all commands about a queue share, and what they print in common.
import { type Command, InvalidArgumentError } from 'commander';
import type { ExecutionState } from '../execution/execute.js';
import { type QueueAddress, queueAddress } from '../execution/queue/address.js';
import type { RunQueue } from '../execution/queue/queue.js';
import { type Report, reportOf } from '../report/report.js';
import { readExternal } from '../results/external.js';
import { faultText } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import type { RunGraph } from '../suite/expand.js';

export interface QueueOptions {
  queue?: string;
  prefix?: string;
}

export const QUEUE_HELP = `
The queue is a Redis server, redis://host:port or with TLS rediss://host:port, given by --queue or LABELNOISE_QUEUE. Its
password belongs into LABELNOISE_QUEUE_PASSWORD, or with the whole address into LABELNOISE_QUEUE, never on a command line, where
everybody on the machine can read it. Jobs and results are signed with LABELNOISE_QUEUE_KEY, or else with the password.`;

/** Adds the options to a command. */
export function withQueue(command: Command): Command {
  return command
    .option('--queue <url>', 'Redis server of the queue, e.g. redis://127.0.0.1:6379')
    .option('--prefix <name>', 'what the names of its keys begin with: one server can hold many queues');
}

export function addressOf({ queue, prefix }: QueueOptions): QueueAddress {
  return queueAddress(queue, prefix);
}

/** Opens a queue for as long as it is used. @throws InputError */
export async function withOpenQueue<T>(
  options: QueueOptions,
  use: (queue: RunQueue) => Promise<T>,
  patient = false,
): Promise<T> {
  const address = addressOf(options);
  // Other commands do not wait for what only queues need to be loaded.
  const { RunQueue } = await import('../execution/queue/queue.js');
  const queue = await RunQueue.open(address, patient);
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}

/** What draws tables of OUT: from where an execution stands, and the rows of others that OUT holds. @throws InputError if those are damaged */
export async function reporting(out: string, graph: RunGraph): Promise<(state: ExecutionState) => Report> {
  const { faults, rows } = await readExternal(out, graph);
  if (faults[0])
    throw new InputError(`${faultText(faults[0])}; mend the file, or choose another folder with --out`);
  return ({ kept, records, failures }) =>
    reportOf(graph, new Map([...kept, ...records]), failures, new Set(), rows);
}

/** An option's value as a whole number in these bounds. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to)
      throw new InvalidArgumentError(`Allowed: a whole number from ${from} to ${to}.`);
    return value;
  };
}

/** Adds `name=value` to those given before. */
export function labelled(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([a-z][\w.-]*)=(\S+)$/i.exec(text) ?? [];
  if (!name || !value) throw new InvalidArgumentError('Allowed: name=value, e.g. gpu-memory=16.');
  return { ...before, [name]: value };
}
