// `labelnoise report`: writes the page, the tables and the LaTeX of a results folder, or one page that compares several.
import path from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { plain } from '../report/escape.js';
import { htmlPage } from '../report/html.js';
import { pageDataOf } from '../report/page_data_of.js';
import { type ReadReport, readReport } from '../report/read.js';
import { writeTables } from '../report/write.js';
import { writeWhole } from '../results/files.js';
import { EVENT_FILE, eventsOf, TENSORBOARD, tensorBoardName } from '../results/tensorboard.js';

const HELP = `
Of one results folder, finished or not: writes report.html, table4.md, table4.tex and the CSV files into it. Of several:
writes one page that holds them side by side, the first being what the others are compared with. The page is one file
that needs no network.

Examples:
  labelnoise report results/quick
  labelnoise report results/quick /elsewhere/quick --out compared.html
  labelnoise report results/quick --tensorboard && tensorboard --logdir results/quick/tensorboard`;

export function register(program: Command): void {
  program
    .command('report')
    .description('write the page of a results folder, or one that compares several')
    .argument('<out...>', 'results folders of runs')
    .option(
      '--out <file>',
      'where to write the page (default: report.html in the folder; needed for several)',
    )
    .option('--tensorboard', "also write each run's curves into tensorboard/ in its folder, for TensorBoard")
    .addHelpText('after', HELP)
    .action(async (folders: string[], { out, tensorboard }: { out?: string; tensorboard?: boolean }) => {
      process.stdout.write(await writeReport(folders, out));
      if (tensorboard)
        for (const folder of folders) process.stdout.write(`Written: ${await writeTensorBoard(folder)}\n`);
    });
}

/** Writes the page, and returns what to tell. @throws InputError if a folder is no results folder, or it cannot be written */
export async function writeReport(folders: readonly string[], file?: string): Promise<string> {
  const read: ReadReport[] = [];
  for (const folder of folders) read.push(await readReport(folder));
  const leftOut = read.flatMap(({ damaged }) =>
    damaged.map(({ file, damage }) => `${plain(`Left out, damaged: ${file} (${damage})`)}\n`),
  );
  let written: string[];
  if (folders.length === 1 && file === undefined) written = await writeTables(folders[0]!, read[0]!.report);
  else {
    if (file === undefined) throw new InputError('--out is missing: name the page that compares the folders');
    const names = distinctNames(folders);
    await writeWhole(file, htmlPage(pageDataOf(read.map(({ report }, i) => ({ name: names[i]!, report })))));
    written = [file];
  }
  return `Written: ${written.join(', ')}\n${leftOut.join('')}`;
}

/** Writes the curves of a folder's finished runs for TensorBoard, and returns where. @throws InputError if it cannot */
export async function writeTensorBoard(out: string): Promise<string> {
  const { graph, records } = (await readReport(out)).report;
  for (const run of graph.runs) {
    const record = records.get(run.id);
    if (record)
      await writeWhole(path.join(out, TENSORBOARD, tensorBoardName(run), EVENT_FILE), eventsOf(record));
  }
  return path.join(out, TENSORBOARD);
}

/** The shortest ends of the folders' paths that tell them apart. */
export function distinctNames(folders: readonly string[]): string[] {
  const parts = folders.map((folder) => path.resolve(folder).split(path.sep).filter(Boolean));
  const longest = Math.max(...parts.map(({ length }) => length));
  for (let length = 1; length <= longest; length++) {
    const names = parts.map((all) => all.slice(-length).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  throw new InputError(`${folders.join(' ')}: a folder is given twice; compare different ones`);
}
