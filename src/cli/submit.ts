// `labelnoise submit`: puts a suite's runs into a queue, and with --out stays to fetch their results.
import type { Command } from 'commander';
import type { Terms } from '../execution/commission.js';
import { checkStored, type ExecutionState, observers, stateOf } from '../execution/execute.js';
import type { Executor } from '../execution/executor.js';
import { gather } from '../execution/queue/gather.js';
import type { RunQueue, Submission } from '../execution/queue/queue.js';
import { tableLines, terminalTable } from '../report/table.js';
import { writeNumbers, writeTables } from '../report/write.js';
import { checkManifest } from '../results/manifest.js';
import { InputError } from '../spec/errors.js';
import { type Plan, planOf } from '../suite/plan.js';
import { createEngine, type Engine } from './engine.js';
import { createEventLog } from './event_log.js';
import { createProgress, type Progress } from './progress.js';
import {
  labelled,
  QUEUE_HELP,
  type QueueOptions,
  reporting,
  withOpenQueue,
  withQueue,
} from './queue_options.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { abortOnSignals } from './signals.js';
import { createTensorBoardLog } from './tensorboard_log.js';

export interface SubmitOptions extends QueueOptions, SelectionOptions {
  out?: string;
  need?: Record<string, string>;
  anyKind?: boolean;
}

const HELP = `${QUEUE_HELP}

A queue holds one suite. Submitting it again adds what is missing: runs that failed, or whose result was refused. Runs wait for their
teachers; what OUT holds already is not made again. All workers are of one kind, since other processors and libraries may compute
other bits: the first decides, unless --any-kind is given.

Examples:
  labelnoise submit table4 --queue redis://127.0.0.1:6379 --out ~/table4   submit, wait and fetch results as they come
  labelnoise submit table4                       into LABELNOISE_QUEUE, and return; "labelnoise collect" fetches the results
  labelnoise submit table4 --need device=gpu gpu-memory=16`;

export function register(program: Command): void {
  withQueue(withSelection(program.command('submit')))
    .description("put a suite's runs into a queue, for workers on any number of machines")
    .argument('<suite>', 'name or file of the suite')
    .option(
      '--out <dir>',
      'results folder: what it holds is not made again, results are fetched until all are there',
    )
    .option(
      '--need <label=value...>',
      'only workers that have this (device, isa, gpu-memory, or a label of yours)',
      labelled,
    )
    .option('--any-kind', 'workers may be of several kinds: results may differ in their bits')
    .addHelpText('after', HELP)
    .action(async (suite: string, options: SubmitOptions) => {
      const engine = createEngine();
      try {
        process.exitCode = await submit(suite, options, engine);
      } finally {
        engine.close();
      }
    });
}

/** Has a queue's workers make the runs. @param finished is told what was added */
function queueExecutor(
  queue: RunQueue,
  terms: Terms,
  out: string | undefined,
  submitted: (submission: Submission) => void,
): Executor {
  return {
    async make(plan) {
      const state: ExecutionState = out
        ? stateOf(await checkStored(out, plan.graph), plan.graph)
        : { records: new Map(), kept: new Map(), failures: new Map() };
      const submission = await queue.submit(plan, terms, state.records);
      submitted(submission);
      return { ...state, records: submission.records };
    },
  };
}

/** Submits a suite. @returns the exit code @throws InputError */
export async function submit(
  nameOrPath: string,
  options: SubmitOptions,
  using: Engine,
  progress: Progress = createProgress(),
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const { out, need = {}, anyKind } = options;
  const plan = await planOf(nameOrPath, selectionOf(options), using);
  if (plan.whole.suite.keepWeights)
    throw new InputError(
      `${nameOrPath}: keepWeights is true, and a queue brings no weights; allowed: "labelnoise run", or scripts of "labelnoise plan", which write to one folder`,
    );
  const terms: Terms = { kinds: anyKind ? 'any' : 'one', needs: need };
  if (out) await checkManifest(out, plan.whole.suite);
  return withOpenQueue(
    options,
    async (queue) => {
      const executor = queueExecutor(queue, terms, out, ({ added, records, refused }) => {
        const again = refused.size ? `; ${refused.size} results were refused and are made again` : '';
        print(
          `${queue.shown}: ${plan.graph.runs.length} runs, ${records.size} of them finished, ${added} added${again}\n`,
        );
      });
      await executor.make(plan);
      if (out) return fetchAll(queue, plan, out, progress, print);
      return 0;
    },
    out !== undefined,
  );
}

async function fetchAll(
  queue: RunQueue,
  { whole, graph }: Plan,
  out: string,
  progress: Progress,
  print: (text: string) => void,
): Promise<number> {
  const stop = abortOnSignals();
  try {
    const report = await reporting(out, whole);
    const show = (state: ExecutionState) => progress.filled?.(() => tableLines(report(state), true));
    const state = await gather({
      queue,
      commission: await queue.theCommission(),
      graph,
      out,
      follow: true,
      async writeTables(state, isOver) {
        await (isOver ? writeTables : writeNumbers)(out, report(state));
        if (!isOver) show(state);
      },
      observer: observers(progress, createEventLog(out), createTensorBoardLog(out)),
      signal: stop.signal,
    });
    progress.stop();
    const result = report(state);
    if (stop.exitCode) {
      process.stderr.write(
        `labelnoise: stopped watching; the queue's workers go on, and "labelnoise collect --out ${out}" fetches the rest\n`,
      );
      return stop.exitCode;
    }
    print(terminalTable(result));
    print(`Written to ${out}\n`);
    return state.failures.size || state.refused.size ? 1 : 0;
  } finally {
    progress.stop();
    stop.release();
  }
}
