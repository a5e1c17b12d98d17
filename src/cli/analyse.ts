// `labelnoise analyse`: kept weights are asked how flat the loss is around them.
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { type Command, Option as CommandOption, InvalidArgumentError } from 'commander';
import { table } from 'table';
import type { Analysis, Common, Option } from '../analysis/analysis.js';
import { ANALYSES } from '../analysis/kinds.js';
import { COMMON } from '../analysis/options.js';
import { ANALYSIS_FOLDER } from '../analysis/schema.js';
import { type Result, readAnalyses } from '../analysis/store.js';
import { percentLabel } from '../data/noises/symmetric.js';
import { analyseRuns } from '../execution/analyse.js';
import { readExaminable, targetOf } from '../execution/examine.js';
import { writeWhole } from '../io/files.js';
import { csvOf } from '../report/csv.js';
import { plain } from '../report/escape.js';
import { InputError } from '../spec/errors.js';
import type { RunNode } from '../suite/expand.js';
import { EVERYTHING, type Selection } from '../suite/select.js';
import { createEngine, type Engine } from './engine.js';
import { filesOf, withExamination } from './estimate.js';
import { type SelectionOptions, selectionOf } from './selection.js';
import { abortOnSignals } from './signals.js';

const NAMES = ANALYSES.map(({ name }) => name);

const HELP = `
Of runs whose suite has "keepWeights": true. What is there is kept; the same command goes on where it was stopped, and other settings
replace what was found by earlier ones. Written to OUT/analysis: a file of JSON for each run and kind, and of each kind CSV for all
runs. docs/flatness.md says what is measured, and what the columns are.

Kinds:
${ANALYSES.map(({ name, says }) => `  ${name.padEnd(10)} ${says}`).join('\n')}

Examples:
  labelnoise analyse results/mine
  labelnoise analyse results/mine/0123456789abcdef --what spectrum --steps 100 --images 0
  labelnoise analyse results/mine --what sharpness --m 0,16 --only method=sgd method=sam noise=40`;

export type AnalyseOptions = Partial<Common> & {
  [setting: string]: unknown;
  what?: string[];
  again?: boolean;
  dataDir?: string;
  suite?: string;
  selection?: Selection;
};

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** All settings that there are, by name. */
const SETTINGS: Record<string, Option<unknown>> = Object.assign(
  { ...COMMON },
  ...ANALYSES.map(({ options }) => options),
);

export function register(program: Command): void {
  const command = withExamination(program.command('analyse'))
    .description('measure how flat the loss is around kept weights')
    .argument('<out>', 'results folder, or one of its runs: OUT/ID')
    .option('--what <list>', `kinds of analysis, between commas: ${NAMES.join(', ')}`, (text) =>
      text.split(','),
    )
    .option('--again', 'make anew what is there already')
    .addHelpText('after', HELP);
  for (const [name, { takes, says, initial, read, allowed }] of Object.entries(SETTINGS))
    command.addOption(
      new CommandOption(`--${dashed(name)} ${takes}`, says)
        .default(initial, String(initial))
        .argParser((text) => {
          const value = read(text);
          if (value === undefined) throw new InvalidArgumentError(`allowed: ${allowed}`);
          return value;
        }),
    );
  command.action(async (target: string, options: AnalyseOptions & SelectionOptions) => {
    const engine = createEngine();
    try {
      await analyse(target, { ...options, selection: selectionOf(options) }, engine);
    } finally {
      engine.close();
    }
  });
}

/** Analyses runs, writes what is found, and prints it. @throws InputError */
export async function analyse(
  target: string,
  options: AnalyseOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<void> {
  const { out } = targetOf(target);
  const analyses = analysesOf(options.what);
  const settings = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { initial }]) => [name, options[name] ?? initial]),
  ) as Common & Record<string, unknown>;
  const labelSets = await filesOf(options.suite, using);
  const { graph, runs: finished, records } = await readExaminable(target);
  const runs = chosenOf(
    finished.map(({ run }) => run),
    options.selection ?? EVERYTHING,
    graph.suite.seeds,
  );
  const stop = abortOnSignals();
  const bar = new SingleBar({ format: '{bar} {percentage} %  {text}', hideCursor: true, barsize: 24 });
  const isLive = process.stderr.isTTY;
  let told = -1;
  try {
    await analyseRuns({
      ...{ out, graph, runs, records, analyses, settings, labelSets, using },
      again: options.again ?? false,
      dataDir: options.dataDir,
      async engine() {
        const { tensorflow, kernels = 'tensorflow', isa = 'none' } = await using.versions();
        return { tensorflow, kernels, isa };
      },
      onProgress(done, pieces, text) {
        if (isLive) {
          if (told < 0) bar.start(pieces, done, { text });
          else bar.update(done, { text });
          told = done;
        } else if (Math.floor(done) > told) {
          told = Math.floor(done);
          using.tell(`analyse: ${told} of ${pieces} pieces${text ? `; ${text}` : ''}`);
        }
      },
      signal: stop.signal,
    });
  } finally {
    bar.stop();
    stop.release();
  }
  if (stop.exitCode) {
    using.tell('analyse: stopped; what was found is kept: the same command goes on');
    process.exitCode = stop.exitCode;
    return;
  }
  const written: string[] = [];
  for (const analysis of analyses) {
    const found = await readAnalyses(out, analysis, graph.runs, records);
    if (!found.size) continue;
    for (const [name, rows] of Object.entries(analysis.tables)) {
      await writeWhole(path.join(out, ANALYSIS_FOLDER, name), csvOf(rowsOf(found, rows), { header: true }));
      written.push(name);
    }
    const [rows] = Object.values(analysis.tables);
    print(terminalTable(rowsOf(new Map([...found].filter(([run]) => runs.includes(run))), rows!)));
  }
  print(`Written to ${path.join(out, ANALYSIS_FOLDER)}: ${written.join(', ')}\n`);
}

function analysesOf(what: readonly string[] = NAMES): Analysis[] {
  const unknown = what.find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new InputError(`--what ${unknown}: is no kind of analysis; allowed: ${NAMES.join(', ')}`);
  return ANALYSES.filter(({ name }) => what.includes(name));
}

function chosenOf(runs: RunNode[], { method, noise, seeds }: Selection, all: readonly number[]): RunNode[] {
  const among = seeds === undefined ? all : all.slice(0, seeds);
  const chosen = runs.filter(
    (run) =>
      (!method.length || method.includes(run.method)) &&
      (!noise.length ||
        [run.noiseSetting.label, run.noiseSetting.key].some((name) => noise.includes(name))) &&
      among.includes(run.spec.seed),
  );
  if (!chosen.length)
    throw new InputError(
      `--only: no finished run is chosen; there are those of ${[...new Set(runs.map(({ method }) => method))].join(', ')}`,
    );
  return chosen;
}

/** Rows of results, with the columns that say of which run they are. */
function rowsOf(
  found: ReadonlyMap<RunNode, Result>,
  rows: Analysis['tables'][string],
): Record<string, unknown>[] {
  return [...found].flatMap(([run, result]) =>
    rows(result).map((row) => ({
      run_id: run.id,
      method: run.method,
      noise: run.noiseSetting.group,
      noise_rate: run.noiseSetting.rate === undefined ? '' : percentLabel(run.noiseSetting.rate),
      seed: run.spec.seed,
      ...row,
    })),
  );
}

/** Rows that a terminal shows at most. */
const SHOWN = 60;

function terminalTable(rows: readonly Record<string, unknown>[]): string {
  const [first] = rows;
  if (!first) return '';
  const names = Object.keys(first).filter((name) => name !== 'run_id');
  const shown = (value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(4) : plain(String(value));
  const lines = rows.slice(0, SHOWN).map((row) => names.map((name) => shown(row[name])));
  const more = rows.length > SHOWN ? `${rows.length - SHOWN} more rows\n` : '';
  const drawHorizontalLine = (line: number, lines: number) => line < 2 || line === lines;
  return `${table([names, ...lines], { drawHorizontalLine })}${more}`;
}
