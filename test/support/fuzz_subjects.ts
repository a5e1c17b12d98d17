// What is fuzzed, and what must hold whatever is in the files: an answer in words or right tables, and nothing lost.
import { type ChildProcess, fork } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { labelFiles } from '../../src/data/label_file.js';
import { PROJECT_ROOT } from '../../src/project.js';
import { bytesMutation, jsonFileMutation, linesMutation, type Mutation } from './fuzz.js';
import type { FuzzAnswer, FuzzCall } from './fuzz_child.js';

/** Longer than any of these may take, in milliseconds. */
const TOO_LONG = 5000;
/** Inputs that one process is given: what a module leaves behind adds up. */
const CALLS_OF_A_CHILD = 400;

/** The process that runs commands, replaced when it hangs or has done enough. */
export class FuzzChild {
  private child: ChildProcess | undefined;
  private calls = 0;

  /** @throws Error if there is no answer in time, or the process ends */
  async ask(call: FuzzCall): Promise<FuzzAnswer> {
    if (this.calls++ % CALLS_OF_A_CHILD === 0) this.close();
    this.child ??= fork(fileURLToPath(new URL('./fuzz_child.js', import.meta.url)), {
      env: { ...process.env, LABELNOISE_DEBUG: '' },
    });
    const { child } = this;
    return new Promise((resolve, reject) => {
      const fail = (why: string) => () => {
        this.close();
        reject(new Error(why));
      };
      const timer = setTimeout(fail(`no answer in ${TOO_LONG} ms`), TOO_LONG);
      const onExit = fail('the process ended');
      child.once('exit', onExit).once('message', (answer) => {
        clearTimeout(timer);
        child.off('exit', onExit);
        resolve(answer as FuzzAnswer);
      });
      child.send(call);
    });
  }

  close(): void {
    this.child?.removeAllListeners().kill('SIGKILL');
    this.child = undefined;
  }
}

/** Files of one kind, and a way to try each mutation of one. */
export interface Subject {
  name: string;
  mutations: fc.Arbitrary<unknown>;
  /** @throws Error saying what does not hold */
  attempt(input: never, child: FuzzChild, folder: string): Promise<void>;
}

function subject<Input>(
  name: string,
  mutations: fc.Arbitrary<Input>,
  attempt: (input: Input, child: FuzzChild, folder: string) => Promise<void>,
): Subject {
  return { name, mutations, attempt };
}

/** That all inputs of a subject are answered as they must be. */
export function propertyOf({ mutations, attempt }: Subject, child: FuzzChild, folder: string) {
  return fc.asyncProperty(mutations, (input) => attempt(input as never, child, folder));
}

/** An answer of one line and exit code 2, or success in silence or with warnings of a line each. */
function checkAnswer({ code, said }: FuzzAnswer): void {
  if (code === null || ![0, 1, 2].includes(code))
    throw new Error(`ended with ${code}: ${said.slice(0, 2000)}`);
  if (/\n\s+at /.test(said) || /\(unexpected;/.test(said))
    throw new Error(`an unexpected error: ${said.slice(0, 2000)}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  const strange = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.exec(said);
  if (strange) throw new Error(`said a control character: ${JSON.stringify(said.slice(0, 300))}`);
  if (code === 2 && said.trim().split('\n').length > 1)
    throw new Error(`more than one line: ${said.slice(0, 2000)}`);
  if (said.length > 5000) throw new Error(`said ${said.length} characters: ${said.slice(0, 300)}`);
}

/** The folder and what is around it: nothing may be written beside it. */
async function inFolder(folder: string, work: (out: string) => Promise<void>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const out = path.join(folder, 'out');
  await mkdir(out, { recursive: true });
  await work(out);
  const beside = (await readdir(folder)).filter((name) => name !== 'out');
  if (beside.length) throw new Error(`written beside the folder: ${beside.join(', ')}`);
}

const changed = async (file: string, mutate: Mutation) => writeFile(file, mutate(await readFile(file)));

const RESULTS = path.join(PROJECT_ROOT, 'results', 'quick-float32');
const SUITE_FILES = ['quick', 'check', 'small', 'table4', 'quick-search'];

/** The labels of people, where they are; else a small pickle of the same kind. */
async function pickleOfLabels(): Promise<Buffer> {
  const human = path.join(PROJECT_ROOT, '..', 'shared', 'data', 'CIFAR-10_human.pt');
  const file = await readFile(human).catch(() => undefined);
  const [pickle] = file
    ? Object.values(unzipSync(file, { filter: ({ name }) => name.endsWith('.pkl') }))
    : [];
  return Buffer.from(pickle ?? Buffer.from('\x80\x02}q\x00X\x01\x00\x00\x00aK\x05s.', 'latin1'));
}

/** Cells of a CSV file, row by row. */
const cellsOf = (csv: string) => csv.split('\n').map((line) => line.split(','));

/** Every cell is what it was, or is no number: shown as missing or damaged. */
function checkSameNumbers(before: string, after: string): void {
  const was = new Map(cellsOf(before).map((row) => [row[0], row]));
  for (const row of cellsOf(after))
    for (const [i, cell] of row.entries()) {
      const old = was.get(row[0])?.[i];
      if (old !== undefined && cell !== old && /^-?\d/.test(cell))
        throw new Error(`${row[0]}: ${old} became ${cell}`);
    }
}

const folderFile = fc.constantFrom('suite.json', 'records.jsonl', 'runs');
const folderInput = fc.record({
  file: folderFile,
  json: jsonFileMutation,
  lines: linesMutation,
  run: fc.nat(5),
  command: fc.constantFrom('table', 'report', 'runs', 'verify'),
});

export const SUBJECTS: readonly Subject[] = [
  subject(
    'suites',
    fc.record({ suite: fc.constantFrom(...SUITE_FILES), mutate: jsonFileMutation }),
    ({ suite, mutate }, child, folder) =>
      inFolder(folder, async (out) => {
        const file = path.join(out, 'mine.json');
        await cp(path.join(PROJECT_ROOT, 'suites', `${suite}.json`), file);
        await changed(file, mutate);
        // A method that no suite has: it ends before anything is trained.
        const argv = ['run', file, '--only', 'method=none', '--out', path.join(out, 'results')];
        const answer = await child.ask({ argv });
        checkAnswer(answer);
        if (answer.code !== 2) throw new Error(`accepted a method that is none: ${answer.said}`);
      }),
  ),
  subject('results folders', folderInput, ({ file, json, lines, run, command }, child, folder) =>
    inFolder(folder, async (out) => {
      await cp(RESULTS, out, { recursive: true });
      const archive = path.join(out, 'records.jsonl');
      const recordsOf = async () => (await readFile(archive, 'utf8')).split('\n').filter(Boolean);
      if (file === 'runs') {
        await mkdir(path.join(out, 'runs'));
        const records = (await recordsOf()).filter((line) => 'spec' in JSON.parse(line));
        for (const [i, line] of records.entries()) {
          const text = i === run % records.length ? json(Buffer.from(line)) : line;
          await writeFile(path.join(out, 'runs', `${JSON.parse(line).id}.json`), text);
        }
      } else await changed(path.join(out, file), file === 'suite.json' ? json : lines);
      const before = await recordsOf();
      checkAnswer(await child.ask({ argv: [command, out] }));
      const after = await recordsOf();
      if (after.length < before.length)
        throw new Error(`the archive went from ${before.length} lines to ${after.length}`);
      if (file !== 'suite.json')
        checkSameNumbers(
          await readFile(path.join(RESULTS, 'table4.csv'), 'utf8'),
          await readFile(path.join(out, 'table4.csv'), 'utf8'),
        );
    }),
  ),
  subject('baselines', jsonFileMutation, (mutate, child, folder) =>
    inFolder(folder, async (out) => {
      await cp(path.join(PROJECT_ROOT, 'results', 'quick'), out, { recursive: true });
      const baseline = path.join(out, 'baseline.json');
      await cp(path.join(PROJECT_ROOT, 'baselines', 'quick.json'), baseline);
      await changed(baseline, mutate);
      checkAnswer(await child.ask({ argv: ['compare', out, '--baseline', baseline] }));
    }),
  ),
  ...(['.csv', '.npy'] as const).map((ending) =>
    subject(`label files, ${ending}`, bytesMutation, (mutate, child, folder) =>
      inFolder(folder, async (out) => {
        const labels = Uint8Array.from({ length: 50_000 }, (_, i) => i % 10);
        const file = path.join(out, `labels${ending}`);
        await writeFile(file, mutate(labelFiles(labels, labels)[ending]));
        checkAnswer(await child.ask({ labelFile: file }));
      }),
    ),
  ),
  subject(
    'label files, .pt',
    fc.record({ mutate: bytesMutation, all: fc.boolean() }),
    ({ mutate, all }, child, folder) =>
      inFolder(folder, async (out) => {
        const pickle = await pickleOfLabels();
        // What tells the layout is at the start, and little beside the labels.
        const end = all ? pickle.length : 400;
        const changed = Buffer.concat([mutate(pickle.subarray(0, end)), pickle.subarray(end)]);
        const file = path.join(out, 'labels.pt');
        await writeFile(file, zipSync({ 'labels/data.pkl': changed }, { level: 0 }));
        checkAnswer(await child.ask({ labelFile: `${file}#worse_label` }));
      }),
  ),
  subject('checkpoints', bytesMutation, (mutate, child, folder) =>
    inFolder(folder, async (out) => {
      const file = path.join(out, 'checkpoint');
      await writeFile(file, mutate(Buffer.alloc(2000, 'a checkpoint')));
      checkAnswer(await child.ask({ checkpoint: file }));
    }),
  ),
];
