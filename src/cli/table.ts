// `labelnoise table`: draws the tables of a results folder anew from its records.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { reportOf } from '../report/report.js';
import { terminalTable } from '../report/terminal.js';
import { writeTables } from '../report/write.js';
import { readOwner } from '../results/ownership.js';
import { readRecords } from '../results/store.js';
import { expand } from '../suite/expand.js';

const HELP = `
Prints the table of a results folder, finished or not, and writes its CSV and Markdown files again.

Example:
  labelnoise table results/quick`;

export function register(program: Command): void {
  program
    .command('table')
    .description('print the table of a results folder and write its files again')
    .argument('<out>', 'results folder of a run')
    .addHelpText('after', HELP)
    .action(async (out: string) => {
      process.stdout.write(await redraw(out));
    });
}

/** Writes the tables of a folder again and returns the terminal's. @throws InputError if it is no results folder */
export async function redraw(out: string): Promise<string> {
  const suite = (await stat(out).catch(() => undefined))?.isDirectory() ? await readOwner(out) : undefined;
  if (!suite) throw new InputError(`${out}: is no results folder: it has no suite.json`);
  const graph = expand(suite);
  const { records, damaged } = await readRecords(out, graph.runs);
  const report = reportOf(graph, records);
  await writeTables(out, report);
  const notes = damaged.map(({ file, damage }) => `Left out, damaged: ${file} (${damage})\n`);
  return terminalTable(report) + notes.join('');
}
