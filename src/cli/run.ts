// `labelnoise run`: trains what a suite's table needs and prints the table.
import path from 'node:path';
import type { Command } from 'commander';
import { checkStored, type Observer, observers, stateOf } from '../execution/execute.js';
import { localExecutor } from '../execution/executor.js';
import { reportOf } from '../report/report.js';
import { tableLines, terminalTable } from '../report/table.js';
import { writeNumbers, writeTables } from '../report/write.js';
import { readExternal } from '../results/external.js';
import { checkManifest } from '../results/manifest.js';
import { originOf } from '../results/provenance.js';
import { checkpointedRuns, faultText } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import type { RunGraph } from '../suite/expand.js';
import { type Plan, planOf } from '../suite/plan.js';
import { EVERYTHING, type Selection, selectionName } from '../suite/select.js';
import { estimate, graphText } from './dry_run.js';
import { createEngine, type Engine } from './engine.js';
import { createEventLog } from './event_log.js';
import { createProgress, type Progress } from './progress.js';
import { wholeNumber } from './queue_options.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { abortOnSignals } from './signals.js';
import { createTensorBoardLog } from './tensorboard_log.js';

export interface RunOptions {
  out?: string;
  dataDir?: string;
  dryRun?: boolean;
  selection?: Selection;
  perDevice?: number;
}

const HELP = `
A suite is a name (see "labelnoise suites") or the path of a suite file. Finished runs are kept in OUT: the same
command goes on where it was stopped. OUT then holds runs/<id>.json, report.html (open it in a browser), runs.csv,
table4.csv, comparison.csv, shape.csv, table4.md, table4.tex and records.jsonl (all records, for publishing);
tensorboard/ has each run's curves for TensorBoard, weights/ its final weights if the suite has "keepWeights": true.
Records that were published in OUT are kept until their runs are made there; "labelnoise verify OUT" checks them all.

A method, noise, data set, network or augmentation may be a file of yours, named by its path from the suite file on:
see docs/your-own-method.md.

Examples:
  labelnoise run smoke                    see in about a minute that everything works
  labelnoise run quick --dry-run          what would be trained, and how long it would take
  labelnoise run table4 --out ~/table4    the paper's table at full size
  labelnoise run quick --only method=sam method=sgd noise=40 --seeds 3
                                          two cells; teachers of what is chosen are trained too
  labelnoise run ./mine.json --data-dir ~/cifar-10-batches-bin`;

export function register(program: Command): void {
  withSelection(program.command('run'))
    .description("train what a suite's table needs and print the table")
    .argument('[suite]', 'name or file of the suite', 'quick')
    .option('--out <dir>', 'results folder (default: results/<suite>, and what is chosen of it)')
    .option('--data-dir <dir>', 'folder with the official CIFAR-10 binary files')
    .option('--per-device <n>', 'runs at once on each GPU', wholeNumber(1, 64))
    .option('--dry-run', 'print the run graph and an estimate of the time, train nothing')
    .addHelpText('after', HELP)
    .action(async (suite: string, options: RunOptions & SelectionOptions) => {
      const engine = createEngine(options.perDevice);
      try {
        process.exitCode = await run(suite, { ...options, selection: selectionOf(options) }, engine);
      } finally {
        engine.close();
      }
    });
}

/** Runs a suite. @returns the exit code @throws InputError */
export async function run(
  nameOrPath: string,
  options: RunOptions,
  using: Engine,
  progress: Progress = createProgress(),
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const { selection = EVERYTHING } = options;
  const plan = await planOf(nameOrPath, selection, using);
  const folder = [plan.whole.suite.name, selectionName(selection)].filter(Boolean).join('-');
  const out = options.out ?? path.join('results', folder);
  if (options.dryRun) return dryRun(plan.graph, out, using, print);
  return train(plan, out, options, using, progress, print);
}

/** Where an execution stands, to be looked at. */
interface Standing {
  records: ReadonlyMap<string, RunRecord>;
  kept: ReadonlyMap<string, RunRecord>;
  failures: ReadonlyMap<string, string>;
}

/** Trains what is planned, into a results folder. @returns the exit code @throws InputError */
export async function train(
  plan: Plan,
  out: string,
  { dataDir }: Pick<RunOptions, 'dataDir'>,
  using: Engine,
  progress: Progress,
  print: (text: string) => void,
): Promise<number> {
  const { whole, graph } = plan;
  const stop = abortOnSignals();
  let begun = false;
  let written: string[] = [];
  stop.signal.addEventListener('abort', () => {
    // Nothing is to be saved yet.
    if (!begun) process.exit(stop.exitCode);
    progress.noted?.('stopping: runs under way save their state; the same again stops at once');
  });
  try {
    await checkManifest(out, whole.suite);
    const external = await readExternal(out, whole);
    const [fault] = external.faults;
    if (fault)
      throw new InputError(`${faultText(fault)}; mend the file, or choose another folder with --out`);
    // Tables are of the whole suite, with what the folder holds of it.
    const report = ({ kept, records, failures }: Standing) =>
      reportOf(whole, new Map([...kept, ...records]), failures, new Set(), external.rows);
    // What is shown on the way fills up: what was published of the chosen runs is not in it.
    const chosen = new Set(graph.runs.map(({ id }) => id));
    const shown = {
      records: new Map<string, RunRecord>(),
      kept: new Map<string, RunRecord>(),
      failures: new Map<string, string>(),
    };
    const show = () => progress.filled?.(() => tableLines(report(shown), true));
    const begins: Observer['begins'] = (_, records, kept = new Map()) => {
      begun = true;
      shown.records = new Map(records);
      shown.kept = new Map([...kept].filter(([id]) => !chosen.has(id)));
      show();
    };
    const fills: Observer = {
      finished(run, record) {
        shown.records.set(run.id, record);
        show();
      },
      failed(run, reason) {
        shown.failures.set(run.id, reason);
        show();
      },
    };
    const executor = localExecutor({
      out,
      train: using.train,
      parallel: using.parallelRuns(whole.suite.threads),
      loadData: () => using.loadData(graph.runs[0]!.spec.data, dataDir),
      dataDir,
      origin: async () => originOf(await using.versions()),
      writeTables: async (state, isOver) => {
        written = await (isOver ? writeTables : writeNumbers)(out, report(state));
      },
      observer: observers({ begins }, progress, createEventLog(out), createTensorBoardLog(out), fills),
      signal: stop.signal,
    });
    const state = await executor.make(plan);
    progress.stop();
    const result = report(state);
    if (stop.exitCode) {
      const done = `${state.records.size} of ${graph.runs.length} runs are finished`;
      const begun = `${(await checkpointedRuns(out, graph.runs)).size} begun`;
      process.stderr.write(
        `labelnoise: stopped; ${done}, ${begun}, all kept in ${out}: the same command goes on\n`,
      );
      return stop.exitCode;
    }
    print(terminalTable(result));
    print(`Written to ${out}: ${['runs/', ...written.map((file) => path.basename(file))].join(', ')}\n`);
    return state.failures.size ? 1 : 0;
  } finally {
    progress.stop();
    stop.release();
  }
}

async function dryRun(graph: RunGraph, out: string, using: Engine, print: (text: string) => void) {
  await checkManifest(out, graph.suite);
  const { records } = stateOf(await checkStored(out, graph), graph);
  print(graphText(graph));
  if (records.size) print(`${records.size} of them are finished in ${out}\n`);
  const missing = graph.runs.filter((run) => !records.has(run.id));
  if (missing.length) print(`${await estimate(missing, using)}\n`);
  return 0;
}
