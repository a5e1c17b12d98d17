// Runs the command in this process, again and again, as its parent asks: a process for each would take most of the time.
import path from 'node:path';
import { graphText } from '../../src/cli/dry_run.js';
import { run } from '../../src/cli/run.js';
import { readLabelFile } from '../../src/data/label_file.js';
import { plain } from '../../src/report/escape.js';
import { htmlPage } from '../../src/report/html.js';
import { serveLive } from '../../src/report/live_server.js';
import { pageDataOf } from '../../src/report/page_data_of.js';
import { reportOf } from '../../src/report/report.js';
import { terminalTable } from '../../src/report/table.js';
import { tableTexts } from '../../src/report/write.js';
import { InputError } from '../../src/spec/errors.js';
import { planOf } from '../../src/suite/plan.js';
import { EVERYTHING } from '../../src/suite/select.js';
import { readCheckpoint } from '../../src/training/checkpoint.js';
import { fakeEngine } from '../fakes.js';
import { commandLine } from './command_line.js';

/** What the parent asks for: a command line, or what else reads files. */
export type FuzzCall =
  | { argv: string[]; env?: Record<string, string> }
  | { labelFile: string }
  | { checkpoint: string }
  /** Served, and looked at once. */
  | { watched: string }
  /** A suite: all that is drawn of it. */
  | { drawn: string }
  /** A suite: run by fakes, into OUT. */
  | { run: string; out: string };

/** How it ended: the exit code, what was said on stderr and printed; the code is null after an error that is not the user's. */
export interface FuzzAnswer {
  code: number | null;
  said: string;
  printed: string;
}

/** Of what is printed, so much is handed back. */
const PRINTED = 100_000;
/** Epochs of all runs of a suite that fakes are given. */
const EPOCHS = 2000;

async function typed(argv: string[], env?: Record<string, string>): Promise<FuzzAnswer> {
  const { status, stdout, stderr } = await commandLine(argv, env);
  return { code: status, said: stderr, printed: stdout.slice(0, PRINTED) };
}

/** What comes of work that is no command of its own. */
async function outcome(work: () => Promise<string>): Promise<FuzzAnswer> {
  try {
    return { code: 0, said: '', printed: await work() };
  } catch (error) {
    // As the command would say it.
    if (error instanceof InputError) return { code: 2, said: plain(error.message), printed: '' };
    return { code: null, said: String((error as Error).stack), printed: '' };
  }
}

async function labels(file: string): Promise<string> {
  const { labels } = await readLabelFile(file);
  if (labels.length !== 50_000 || labels.some((label) => label > 9)) throw new Error('labels that are none');
  return '';
}

async function checkpoint(file: string): Promise<string> {
  await readCheckpoint(file, 'a run');
  return '';
}

async function watched(out: string): Promise<string> {
  const server = await serveLive(out, 0);
  try {
    for (const page of ['', 'data.json']) {
      const response = await fetch(server.url + page);
      const text = await response.text();
      if (!response.ok) throw new Error(`/${page} is answered ${response.status}: ${text.slice(0, 500)}`);
    }
    return '';
  } finally {
    await server.close();
  }
}

async function drawn(suite: string): Promise<string> {
  const { whole } = await planOf(suite, EVERYTHING, fakeEngine);
  const report = reportOf(whole, new Map());
  const page = htmlPage(pageDataOf([{ name: whole.suite.name, report }]));
  // What the page holds may have any text in it, but ends no element.
  if (page.split('<script').length !== 4) throw new Error('the page has other scripts than its own');
  return [graphText(whole), terminalTable(report), ...Object.values(tableTexts(report))].join('');
}

async function ranByFakes(suite: string, out: string): Promise<string> {
  const { graph } = await planOf(suite, EVERYTHING, fakeEngine);
  if (graph.runs.length * graph.suite.training.epochs > EPOCHS) return '';
  const printed: string[] = [];
  const options = { out };
  const code = await run(suite, options, fakeEngine, { stop() {} }, (text) => printed.push(text));
  if (code !== 0) throw new Error(`ended with ${code}: ${printed.join('')}`);
  return printed.join('').replaceAll(path.resolve(out), 'OUT');
}

function answer(call: FuzzCall): Promise<FuzzAnswer> {
  if ('argv' in call) return typed(call.argv, call.env);
  if ('checkpoint' in call) return outcome(() => checkpoint(call.checkpoint));
  if ('labelFile' in call) return outcome(() => labels(call.labelFile));
  if ('watched' in call) return outcome(() => watched(call.watched));
  if ('drawn' in call) return outcome(() => drawn(call.drawn));
  return outcome(() => ranByFakes(call.run, call.out));
}

process.on('message', async (call: FuzzCall) => {
  process.send!(await answer(call));
});
