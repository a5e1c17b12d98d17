// `labelnoise leaderboard`: a page and a file of verified results folders.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { writeWhole } from '../io/files.js';
import { plain } from '../report/escape.js';
import {
  type LeaderboardFolder,
  leaderboardJson,
  leaderboardOf,
  leaderboardPage,
} from '../report/leaderboard.js';
import { readReport } from '../report/report.js';
import { manifestFile } from '../results/manifest.js';
import { readReruns, readSubmission } from '../results/submission.js';
import { InputError } from '../spec/errors.js';
import { distinctNames } from './report.js';
import { tell } from './tell.js';
import { folderFindings } from './verify.js';

const HELP = `
Writes OUT/index.html, one file that needs no network, and OUT/leaderboard.json. A folder is verified as by "labelnoise verify" first;
one with a fault is refused by name, and nothing is written. Rows are a method at a noise setting: accuracy after the last, the best and
the chosen epoch, seeds, cost, who submitted it, who trained runs of it again and what came of it; external rows too. Who
submits is said in FOLDER/submission.json:

  { "format": 1, "who": "A. Name", "link": "https://example.org/paper", "hardware": "two cores of an AMD EPYC 9B14" }

See docs/leaderboard.md.

Exit codes: 0 written, 1 a folder does not hold what it must, 2 wrong input.

Examples:
  labelnoise leaderboard results/small results/quick --out site
  labelnoise verify submitted/* --rerun 3 --by "A. Name" && labelnoise leaderboard submitted/* --out site`;

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('leaderboard')
    .description('make a page of verified results folders: who reached what, and who trained it again')
    .argument('<folder...>', 'results folders of runs')
    .requiredOption('--out <dir>', 'where index.html and leaderboard.json are written')
    .addHelpText('after', HELP)
    .action(async (folders: string[], { out }: { out: string }) => {
      process.exitCode = await leaderboard(folders, out);
    });
}

/**
 * Verifies folders and writes the leaderboard of them, or says what is wrong and writes nothing.
 *
 * @returns the exit code
 * @throws InputError if a folder is no results folder, or the leaderboard cannot be written
 */
export async function leaderboard(
  folders: readonly string[],
  out: string,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
): Promise<number> {
  const names = distinctNames(folders);
  // What is no results folder at all is said before anything is checked.
  for (const folder of folders)
    if (!existsSync(manifestFile(folder)))
      throw new InputError(
        `${folder}: is no results folder: it has no suite.json; allowed: results folders of runs`,
      );
  const read: LeaderboardFolder[] = [];
  let refused = 0;
  for (const [i, folder] of folders.entries()) {
    say(`verifying ${folder}`);
    const { faults } = await folderFindings(folder);
    for (const fault of faults) print(`${plain(fault)}\n`);
    if (faults.length) {
      refused++;
      print(`${plain(`${folder}: is refused: ${faults.length} fault${faults.length === 1 ? '' : 's'}`)}\n`);
      continue;
    }
    const { report } = await readReport(folder);
    const submission = await readSubmission(folder);
    const { reruns } = await readReruns(folder, report.records);
    read.push({ name: names[i]!, report, submission, reruns });
  }
  if (refused) {
    say(`nothing is written: ${refused} of ${folders.length} folders do not hold what they must`);
    return 1;
  }
  const data = leaderboardOf(read);
  const files = { 'leaderboard.json': leaderboardJson(data), 'index.html': leaderboardPage(data) };
  for (const [name, text] of Object.entries(files)) await writeWhole(path.join(out, name), text);
  print(
    `Written: ${Object.keys(files)
      .map((name) => path.join(out, name))
      .join(', ')}: ${data.rows.length} rows\n`,
  );
  return 0;
}
