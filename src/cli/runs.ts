// `labelnoise runs`: lists the runs of a results folder, removes what its suite does not name, and readies what is archived to be gone on from.
import { rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { table } from 'table';
import { explained } from '../io/files.js';
import { lock } from '../io/lock.js';
import { plain } from '../report/escape.js';
import { finalAccuracy } from '../results/aggregate.js';
import { inventory } from '../results/inventory.js';
import { readOwnGraph } from '../results/manifest.js';
import { foreignText, readStored, refuseForeign, writeRecord } from '../results/store.js';
import { InputError } from '../spec/errors.js';

const HELP = `
Lists every run that the folder's suite names: finished, archived (its record is in records.jsonl alone, as in
published results), checkpointed (begun), failed, damaged, or to do; then the
files that are of no use to the suite: of other runs, damaged, or half written. --prune removes these.
"labelnoise run" trains what is archived anew, as who reproduces it wants. --restore lets it go on from published results instead.

Examples:
  labelnoise runs results/quick
  labelnoise runs results/quick --prune
  labelnoise runs results/field-long --restore && labelnoise run field-long --out results/field-long`;

export function register(program: Command): void {
  program
    .command('runs')
    .description('list the runs of a results folder')
    .argument('<out>', 'results folder of a run')
    .option('--prune', 'remove what the suite does not name')
    .addOption(
      new Option('--restore', 'copy archived records into runs/, as finished runs').conflicts('prune'),
    )
    .addHelpText('after', HELP)
    .action(async (out: string, { prune, restore }: { prune?: boolean; restore?: boolean }) => {
      const print = (text: string) => process.stdout.write(text);
      await (prune ? pruneRuns : restore ? restoreRuns : listRuns)(out, print);
    });
}

/** Prints the runs of a folder and its superfluous files, which it returns. @throws InputError if it is no results folder */
export async function listRuns(out: string, print: (text: string) => void): Promise<string[]> {
  const graph = await readOwnGraph(out);
  const { runs, superfluous, faults } = await inventory(out, graph.runs);
  const rows = runs.map(({ run, state, record }) => [
    run.id,
    run.method,
    run.noiseSetting.label,
    String(run.spec.seed),
    record ? finalAccuracy(record).toFixed(2) : '',
    state,
  ]);
  print(
    table([['id', 'method', 'noise', 'seed', 'accuracy', 'state'], ...rows], {
      drawHorizontalLine: (i, rows) => i < 2 || i === rows,
    }),
  );
  for (const fault of faults) print(`${plain(fault)}\n`);
  if (superfluous.length) print(`Of no use to the suite ${graph.suite.name}:\n`);
  for (const file of superfluous) print(`${plain(file)}\n`);
  return superfluous;
}

/** Lists, then removes what is superfluous. @throws InputError if the folder is in use, or a file cannot be removed */
export async function pruneRuns(out: string, print: (text: string) => void): Promise<void> {
  const { runs } = await readOwnGraph(out);
  // By a suite.json that is not that of the records, all of them would be of no use.
  const { foreign } = (await readStored(out, runs)).archive;
  if (foreign.length) throw new InputError(foreignText(foreign, runs));
  const unlock = await lock(out, (line) => print(`${line}\n`));
  try {
    const superfluous = await listRuns(out, print);
    for (const file of superfluous)
      await rm(file).catch((error) => {
        throw explained(error, `cannot remove ${file}`);
      });
    print(`${superfluous.length} file${superfluous.length === 1 ? '' : 's'} removed\n`);
  } finally {
    await unlock();
  }
}

/** Writes the archived records of runs that runs/ lacks into it. @throws InputError if the folder is in use, or a record is of another suite */
export async function restoreRuns(out: string, print: (text: string) => void): Promise<void> {
  const graph = await readOwnGraph(out);
  const unlock = await lock(out, (line) => print(`${line}\n`));
  try {
    const stored = await readStored(out, graph.runs);
    refuseForeign(stored, graph.runs);
    const archived = [...stored.archive.placed].filter(([id]) => !stored.runs.placed.has(id));
    for (const [, { record }] of archived) await writeRecord(out, record);
    print(`${archived.length} archived record${archived.length === 1 ? '' : 's'} restored\n`);
  } finally {
    await unlock();
  }
}
