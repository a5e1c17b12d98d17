// `labelnoise table`: draws the tables of a results folder anew from its records.
import type { Command } from 'commander';
import { plain } from '../report/escape.js';
import { BEGIN, END, insertInto } from '../report/insert.js';
import { markdownTable } from '../report/markdown.js';
import { readReport } from '../report/read.js';
import { terminalTable } from '../report/terminal.js';
import { writeTables } from '../report/write.js';

const HELP = `
Prints the table of a results folder, finished or not, and writes its CSV and Markdown files again.

Examples:
  labelnoise table results/quick
  labelnoise table results/quick --into README.md`;

export function register(program: Command): void {
  program
    .command('table')
    .description('print the table of a results folder and write its files again')
    .argument('<out>', 'results folder of a run')
    .option('--into <file>', `also put the Markdown table into a file, between ${BEGIN} and ${END}`)
    .addHelpText('after', HELP)
    .action(async (out: string, { into }: { into?: string }) => {
      process.stdout.write(await redraw(out, into));
    });
}

/** Writes the tables of a folder again and returns the terminal's. @throws InputError if it is no results folder */
export async function redraw(out: string, into?: string): Promise<string> {
  const { report, damaged } = await readReport(out);
  if (into) await insertInto(into, markdownTable(report));
  await writeTables(out, report);
  const notes = damaged.map(({ file, damage }) => `${plain(`Left out, damaged: ${file} (${damage})`)}\n`);
  return terminalTable(report) + notes.join('');
}
