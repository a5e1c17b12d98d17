// `labelnoise table`: draws the tables of a results folder anew from its records.
import type { Command } from 'commander';
import { lock } from '../io/lock.js';
import { BEGIN, END, insertInto } from '../report/insert.js';
import { kindsForTerminal, kindsInMarkdown } from '../report/kinds.js';
import { announceDamage, type ReadReport, readReport } from '../report/report.js';
import { markdownTable, terminalTable } from '../report/table.js';
import { writeTables } from '../report/write.js';
import { readOwnGraph } from '../results/manifest.js';
import { tell } from './tell.js';

const HELP = `
Prints the table of a results folder, finished or not, and writes its CSV and Markdown files again. A cell whose record is
damaged says so, records.jsonl is then left as it is, and the exit code is 1.

Of several folders, prints one table that compares their kinds of noise, and writes nothing into them.

Examples:
  labelnoise table results/quick
  labelnoise table results/quick results/asymmetric results/pair results/instance results/human
  labelnoise table results/quick --into README.md`;

export function register(program: Command): void {
  program
    .command('table')
    .description('print the table of a results folder and write its files again')
    .argument('<out...>', 'results folder of a run, or several')
    .option('--into <file>', `also put the Markdown table into a file, between ${BEGIN} and ${END}`)
    .option('--brief', 'with --into: with no more notes than the table must have')
    .addHelpText('after', HELP)
    .action(
      async (
        [out, ...others]: [string, ...string[]],
        { into, brief }: { into?: string; brief?: boolean },
      ) => {
        process.exitCode = others.length
          ? await compareKinds([out, ...others], into)
          : await redraw(out, into, undefined, undefined, brief);
      },
    );
}

/** Prints the table that compares the noises of folders. @returns the exit code @throws InputError */
async function compareKinds(
  folders: readonly string[],
  into?: string,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
): Promise<number> {
  const read: ReadReport[] = [];
  for (const folder of folders) read.push(await readReport(folder));
  const damage = read.map((one, i) => announceDamage(folders[i]!, one, say));
  const reports = read.map(({ report }) => report);
  if (into) await insertInto(into, kindsInMarkdown(reports));
  print(kindsForTerminal(reports));
  return damage.includes(true) ? 1 : 0;
}

/**
 * Writes the tables of a folder again and prints the terminal's.
 *
 * @returns the exit code
 * @throws InputError if it is no results folder, or holds records of other runs than its suite's
 */
export async function redraw(
  out: string,
  into?: string,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
  isBrief = false,
): Promise<number> {
  await readOwnGraph(out);
  const unlock = await lock(out, say, 'see the page of "labelnoise watch"');
  try {
    const read = await readReport(out);
    const damage = announceDamage(out, read, say);
    if (into) await insertInto(into, markdownTable(read.report, isBrief));
    await writeTables(out, read.report, !read.stored.archive.damaged.length);
    print(terminalTable(read.report));
    return damage ? 1 : 0;
  } finally {
    await unlock();
  }
}
