// `labelnoise report`: writes the page, the tables and the LaTeX of a results folder, or one page that compares several.
import path from 'node:path';
import type { Command } from 'commander';
import { removeUnfinished, writeWhole } from '../io/files.js';
import { lock } from '../io/lock.js';
import { readAnalysesOf } from '../report/analyses.js';
import { htmlPage } from '../report/html.js';
import { pageDataOf } from '../report/page_data_of.js';
import { announceDamage, type ReadReport, readReport } from '../report/report.js';
import { writeTables } from '../report/write.js';
import { readOwnGraph } from '../results/manifest.js';
import { EVENT_FILE, eventsOf, TENSORBOARD, tensorBoardName } from '../results/tensorboard.js';
import { InputError } from '../spec/errors.js';
import { tell } from './tell.js';

const HELP = `
Of one results folder, finished or not: writes report.html, table4.md, table4.tex and the CSV files into it. Of several:
writes one page that holds them side by side, the first being what the others are compared with. The page is one file
that needs no network; it saves its tables as CSV, its figures as SVG and PNG, and accuracy against noise as LaTeX for
pgfplots. A cell whose record is damaged says so, records.jsonl is then left as it is, and the exit code is 1.

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
      process.exitCode = await writeReport(folders, out);
      if (tensorboard)
        for (const folder of folders) process.stdout.write(`Written: ${await writeTensorBoard(folder)}\n`);
    });
}

/**
 * Writes the page, and prints where.
 *
 * @returns the exit code
 * @throws InputError if a folder is no results folder, or holds records of other runs than its suite's, or it cannot be written
 */
export async function writeReport(
  folders: readonly string[],
  file?: string,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
): Promise<number> {
  const [folder] = folders;
  const damaged = (read: readonly ReadReport[]) =>
    read.map((one, i) => announceDamage(folders[i]!, one, say)).includes(true);
  if (folders.length === 1 && file === undefined)
    return alone(folder!, say, async () => {
      const read = await readReport(folder!);
      const written = await writeTables(folder!, read.report, !read.stored.archive.damaged.length);
      const damage = damaged([read]);
      print(`Written: ${written.join(', ')}\n`);
      return damage ? 1 : 0;
    });
  const read: ReadReport[] = [];
  for (const folder of folders) read.push(await readReport(folder));
  if (file === undefined) throw new InputError('--out is missing: name the page that compares the folders');
  const names = distinctNames(folders);
  const analyses = await Promise.all(read.map(({ report }, i) => readAnalysesOf(folders[i]!, report)));
  const named = read.map(({ report }, i) => ({ name: names[i]!, report, analyses: analyses[i]! }));
  await writeWhole(file, htmlPage(pageDataOf(named)));
  const damage = damaged(read);
  print(`Written: ${file}\n`);
  return damage ? 1 : 0;
}

/** Does what writes to a results folder while no other command does. @throws InputError if it is none, or in use */
async function alone<T>(out: string, say: (line: string) => void, act: () => Promise<T>): Promise<T> {
  await readOwnGraph(out);
  const unlock = await lock(out, say, 'have the page written to another place, with --out FILE');
  try {
    return await act();
  } finally {
    await unlock();
  }
}

/** Writes the curves of a folder's finished runs for TensorBoard, and returns where. @throws InputError if it cannot */
export async function writeTensorBoard(out: string, say: (line: string) => void = tell): Promise<string> {
  return alone(out, say, async () => {
    const { graph, records } = (await readReport(out)).report;
    for (const run of graph.runs) {
      const record = records.get(run.id);
      const folder = path.join(out, TENSORBOARD, tensorBoardName(run));
      await removeUnfinished(folder);
      if (record) await writeWhole(path.join(folder, EVENT_FILE), eventsOf(record));
    }
    return path.join(out, TENSORBOARD);
  });
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
