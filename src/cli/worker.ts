// `labelnoise worker`: trains runs of a queue on this machine.
import path from 'node:path';
import type { Command } from 'commander';
import { cacheFolder } from '../io/cache.js';
import { architectureName } from '../models/catalogue.js';
import { duration, runTitle } from '../report/wording.js';
import { finalAccuracy } from '../results/aggregate.js';
import { createEngine, type Engine } from './engine.js';
import { task } from './plan.js';
import {
  addressOf,
  labelled,
  QUEUE_HELP,
  type QueueOptions,
  wholeNumber,
  withQueue,
} from './queue_options.js';
import { abortOnSignals } from './signals.js';
import { tell } from './tell.js';

export interface WorkerOptions extends QueueOptions {
  slots?: number;
  perDevice?: number;
  lease?: number;
  checkpoints?: string;
  dataDir?: string;
  label?: Record<string, string>;
  allowCode?: boolean;
  once?: boolean;
  plan?: string;
  out?: string;
  run?: string;
}

const HELP = `${QUEUE_HELP}

Ctrl-C (or SIGTERM) saves the runs under way and gives them back; a second one ends the worker at once, as does losing the machine:
then others take its runs over after --lease seconds. Checkpoints go on elsewhere if --checkpoints names a folder that all workers share.

Examples:
  labelnoise worker --queue redis://10.0.0.5:6379
  labelnoise worker --once                       from LABELNOISE_QUEUE, until its suite is finished
  LABELNOISE_DEVICE=gpu labelnoise worker --per-device 4 --checkpoints /shared/checkpoints`;

export function register(program: Command): void {
  withQueue(program.command('worker'))
    .description("train a queue's runs on this machine")
    .option(
      '--slots <n>',
      'runs at once (default: as many as the cores hold, or one on each GPU)',
      wholeNumber(1, 1024),
    )
    .option('--per-device <n>', 'runs at once on each GPU', wholeNumber(1, 64))
    .option(
      '--lease <seconds>',
      'without a sign of life for so long, others take its runs over',
      wholeNumber(2, 3600),
    )
    .option('--checkpoints <dir>', 'where runs save their state (default: in the cache of this machine)')
    .option('--data-dir <dir>', 'folder with the official CIFAR-10 binary files')
    .option('--label <name=value...>', 'what "labelnoise submit --need" can ask for', labelled)
    .option('--allow-code', 'run the methods and other files of users that a suite brings')
    .option('--once', 'end when all runs of the suite are over')
    .option(
      '--plan <file>',
      'make one run of a plan of "labelnoise plan" instead, as a task of a cluster does',
    )
    .option('--out <dir>', 'results folder of the plan')
    .option('--run <id>', 'the run')
    .addHelpText('after', HELP)
    .action(async (options: WorkerOptions) => {
      const engine = createEngine(options.perDevice);
      try {
        const { plan } = options;
        process.exitCode =
          plan === undefined ? await worker(options, engine) : await task({ ...options, plan }, engine);
      } finally {
        engine.close();
      }
    });
}

/** Works until a signal comes. @returns the exit code @throws InputError */
export async function worker(options: WorkerOptions, engine: Engine): Promise<number> {
  const {
    slots,
    lease = 30,
    checkpoints = cacheFolder('checkpoints'),
    dataDir,
    label = {},
    once = false,
  } = options;
  const address = addressOf(options);
  const { work } = await import('../execution/queue/worker.js');
  const stop = abortOnSignals();
  stop.signal.addEventListener('abort', () =>
    tell('stopping: runs under way save their state and are given back'),
  );
  let failures = 0;
  try {
    await work({
      address,
      engine,
      slots,
      lease,
      checkpoints: path.resolve(checkpoints),
      dataDir,
      labels: label,
      allowCode: options.allowCode,
      once,
      signal: stop.signal,
      observer: {
        noted: tell,
        began: ({ graph: { suite } }, slots) =>
          tell(
            `${address.shown}: works on ${suite.name} (${architectureName(suite.model)}), ${slots} at once`,
          ),
        started: (run) => tell(`${runTitle(run)}: begun`),
        progressed(run, { resumed, quarantined, step, steps }) {
          if (resumed)
            tell(`${runTitle(run)}: goes on from its checkpoint, ${Math.floor((100 * step) / steps)} % done`);
          if (quarantined)
            tell(`damaged file (${quarantined.damage}) moved to ${quarantined.file}; its run is done again`);
        },
        finished: (run, record) =>
          tell(`${runTitle(run)}: ${finalAccuracy(record).toFixed(2)} % in ${duration(record.wallSeconds)}`),
        failed(run, reason) {
          failures++;
          tell(`${runTitle(run)}: failed: ${reason}`);
        },
      },
    });
    return stop.exitCode ?? (failures ? 1 : 0);
  } finally {
    stop.release();
  }
}
