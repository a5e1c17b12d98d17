// What is fuzzed, and what must hold whatever is in the files: an answer in words or right tables, and nothing lost.
import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { serialize } from 'node:v8';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { labelFiles } from '../../src/data/label_file.js';
import { cacheFolder } from '../../src/io/cache.js';
import { PROJECT_ROOT } from '../../src/io/project.js';
import { RECORD_FORMAT, sealed, sha256 } from '../../src/results/record_schema.js';
import { type RunSpec, runId } from '../../src/spec/run_spec.js';
import { SUITE } from '../fakes.js';
import { bytesChanges, type Change, changed, jsonChanges, linesChanges } from './fuzz.js';
import type { FuzzAnswer, FuzzCall } from './fuzz_child.js';
import { KeptProcess } from './kept_process.js';

/** Longer than any of these may take on a machine that has nothing else to do, in milliseconds. */
const TOO_LONG = 5000;

/** The process that runs commands. */
export class FuzzChild extends KeptProcess<FuzzCall, FuzzAnswer> {
  constructor() {
    super(new URL('./fuzz_child.js', import.meta.url), {
      ...process.env,
      LABELNOISE_DEBUG: '',
      NO_COLOR: '1',
    });
  }

  override ask(call: FuzzCall, milliseconds = TOO_LONG): Promise<FuzzAnswer> {
    return super.ask(call, milliseconds);
  }
}

/** Files of one kind, and a way to try each change of them. */
export interface Subject {
  name: string;
  /** How many of all inputs are its: more where more can go wrong, fewer where each takes long. */
  weight: number;
  /** Plain data, so that they can be kept. */
  inputs: fc.Arbitrary<unknown>;
  /** @throws Error saying what does not hold */
  attempt(input: never, child: FuzzChild, folder: string): Promise<void>;
}

function subject<Input>(
  name: string,
  weight: number,
  inputs: fc.Arbitrary<Input>,
  attempt: (input: Input, child: FuzzChild, out: string) => Promise<void>,
): Subject {
  return {
    name,
    weight,
    inputs,
    attempt: (input: Input, child, folder) => inFolder(folder, (out) => attempt(input, child, out)),
  };
}

/** That all inputs of a subject are answered as they must be. */
export function propertyOf({ inputs, attempt }: Subject, child: FuzzChild, folder: string) {
  return fc.asyncProperty(inputs, (input) => attempt(input as never, child, folder));
}

/** A share of so many inputs. */
export function runsOf({ weight }: Subject, inputs: number): number {
  return Math.ceil((inputs * weight) / SUBJECTS.reduce((sum, { weight }) => sum + weight, 0));
}

/** An input that has found something once: `why` says what, `input` is the subject's. */
export interface Kept {
  subject: string;
  why: string;
  input: unknown;
}

/** All that has ever been found, to be tried first. */
export async function corpus(): Promise<Kept[]> {
  const file = path.join(PROJECT_ROOT, 'test', 'fixtures', 'fuzz.json');
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Tries a kept input. @throws Error saying what does not hold */
export async function replay(kept: Kept, child: FuzzChild, folder: string): Promise<void> {
  const of = SUBJECTS.find(({ name }) => name === kept.subject);
  if (!of) throw new Error(`no subject is called ${kept.subject}`);
  await of.attempt(kept.input as never, child, folder);
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

/** Asks, and looks at the answer: wrong input in one line, success and damage in lines without control characters, never a stack. */
async function asked(child: FuzzChild, call: FuzzCall, milliseconds?: number): Promise<FuzzAnswer> {
  const answer = await child.ask(call, milliseconds);
  const { code, said, printed } = answer;
  const shown = said.slice(0, 2000);
  if (code === null || ![0, 1, 2].includes(code)) throw new Error(`ended with ${code}: ${shown}`);
  if (/\n\s+at /.test(said) || said.includes('(unexpected;'))
    throw new Error(`an unexpected error: ${shown}`);
  for (const text of [said, printed]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    const strange = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.exec(text);
    if (!strange) continue;
    const around = text.slice(Math.max(0, strange.index - 100), strange.index + 100);
    throw new Error(`said a control character: ${JSON.stringify(around)}`);
  }
  const told = said.replace(/^labelnoise: (verifying|starting) .*\n/gm, '');
  if (code === 2 && told.trim().split('\n').length !== 1) throw new Error(`not in one line: ${shown}`);
  if (code === 1 && !(said + printed).trim()) throw new Error('ended with 1 and said nothing');
  if (said.length > 5000) throw new Error(`said ${said.length} characters: ${said.slice(0, 300)}`);
  return answer;
}

const change = async (file: string, how: Change) => writeFile(file, changed(await readFile(file), how));
const inProject = (...parts: string[]) => path.join(PROJECT_ROOT, ...parts);
const textOf = (file: string) => readFile(file, 'utf8').catch(() => '');
const linesOf = async (file: string) => (await textOf(file)).split('\n').filter(Boolean);

const RESULTS = inProject('results', 'quick-float32');
const TABLES = ['runs.csv', 'table4.csv', 'comparison.csv', 'shape.csv', 'table4.md', 'table4.tex'];
const SUITE_FILES = ['quick', 'check', 'small', 'table4', 'quick-search'];

/** Every cell of a CSV file is what it was, or is no number: shown as missing or damaged. */
function checkSameNumbers(before: string, after: string): void {
  const rowsOf = (csv: string) => csv.split('\n').map((line) => line.split(','));
  const was = new Map(rowsOf(before).map((row) => [row[0], row]));
  for (const row of rowsOf(after))
    for (const [i, cell] of row.entries()) {
      const old = was.get(row[0])?.[i];
      if (old !== undefined && cell !== old && /^-?\d/.test(cell))
        throw new Error(`${row[0]}: ${old} became ${cell}`);
    }
}

/** How records are changed: the file, and whether checksums and ids are made to fit again, as a forger would. */
const recordsInput = fc.record({
  file: fc.constantFrom('records.jsonl', 'runs'),
  json: jsonChanges,
  lines: linesChanges,
  run: fc.nat(5),
  forged: fc.boolean(),
});
type RecordsInput = typeof recordsInput extends fc.Arbitrary<infer Input> ? Input : never;

/** Copies results into a folder, the records changed. */
async function changedRecords(out: string, { file, json, lines, run, forged }: RecordsInput): Promise<void> {
  await cp(RESULTS, out, { recursive: true });
  const archive = path.join(out, 'records.jsonl');
  const finish = (content: Buffer) => (forged ? forgedLines(content.toString()) : content);
  if (file === 'records.jsonl') return writeFile(archive, finish(changed(await readFile(archive), lines)));
  await mkdir(path.join(out, 'runs'));
  const records = (await linesOf(archive)).filter((line) => 'spec' in JSON.parse(line));
  for (const [i, line] of records.entries()) {
    const text = i === run % records.length ? finish(changed(Buffer.from(line), json)) : line;
    await writeFile(path.join(out, 'runs', `${JSON.parse(line).id}.json`), text);
  }
}

/** Lines with their checksums, ids and total made to fit, where they are JSON still. */
function forgedLines(text: string): string {
  const records = text
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      try {
        const { sha256: _, ...content } = JSON.parse(line);
        if (!('spec' in content) && 'lines' in content) return [];
        if (content.spec && typeof content.spec === 'object') content.id = runId(content.spec as RunSpec);
        return [sealed(content)];
      } catch {
        return [`${line}\n`];
      }
    });
  const lines = records.join('');
  if (!/"lines":/.test(text)) return lines;
  return lines + sealed({ format: RECORD_FORMAT, lines: sha256(lines), records: records.length });
}

/** Words that a user may type where a value is wanted. */
const word = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '-1',
      '--',
      '-',
      '0',
      '1',
      '0.4',
      '1e3',
      '0x10',
      'NaN',
      'Infinity',
      '9'.repeat(400),
      '1,2',
      '.',
    ],
    ...[
      '__proto__',
      'constructor',
      'method=',
      'noise=',
      '=',
      'method=sam',
      'noise=40',
      'noise=0.4',
      'WRN-16-1',
    ],
    ...[
      'WRN-999999999994-1',
      'WRN-16-0',
      'WRN-16-1,',
      '\u001b[31mred',
      'a\nb',
      '\u202e',
      '~',
      '/dev/null',
      '/proc/self/mem',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
);

/** Command lines with a word in them, which all end before anything is trained or measured. */
const COMMAND_LINES: readonly ((word: string, out: string) => string[])[] = [
  (word, out) => ['noise', '--rate', word, '--seed', 'x', '--out', path.join(out, 'labels')],
  (word, out) => ['noise', '--rate', '2', '--seed', word, '--out', path.join(out, 'labels')],
  (word) => ['noise', '--rate', '2', '--seed', '1', '--redraw', word, '--out', word],
  (word) => ['compare', RESULTS, '--baseline', '/dev/null', '--only', word],
  (word) => ['compare', RESULTS, '--baseline', '/dev/null', '--seeds', word],
  (word) => ['compare', RESULTS, word],
  (word, out) => ['run', word, '--only', 'method=none', '--out', path.join(out, 'results')],
  (word, out) => ['run', 'smoke', '--only', 'method=none', word, '--out', path.join(out, 'results')],
  (word, out) => [
    'run',
    'smoke',
    '--only',
    'method=none',
    '--seeds',
    word,
    '--out',
    path.join(out, 'results'),
  ],
  (word) => ['watch', RESULTS, '--port', `${word}x`],
  (word) => ['perf', '--pytorch', '/dev/null', '--models', word],
  (word) => ['perf', '--pytorch', '/dev/null', '--batch', word],
  (word) => ['perf', '--pytorch', '/dev/null', '--rounds', word],
  (word) => ['perf', '--out', word, '--into', '/dev/null'],
  (word) => ['table', path.join('nowhere', word)],
  (word) => ['report', path.join('nowhere', word), word],
  (word) => ['runs', '--', path.join('nowhere', word)],
  (word) => ['verify', '--', word],
  (word) => ['table', path.join('nowhere', word), '--into', word],
  (word) => ['suites', word],
  (word) => ['table', `--${word}`],
];

const CACHE_FILES = ['data_batch_1.bin', 'data_batch_5.bin', 'test_batch.bin'];

const pickle = async () => {
  const human = inProject('..', 'shared', 'data', 'CIFAR-10_human.pt');
  const file = await readFile(human).catch(() => undefined);
  const [pickle] = file
    ? Object.values(unzipSync(file, { filter: ({ name }) => name.endsWith('.pkl') }))
    : [];
  return Buffer.from(pickle ?? Buffer.from('\x80\x02}q\x00X\x01\x00\x00\x00aK\x05s.', 'latin1'));
};
let labelsOfPeople: Promise<Buffer> | undefined;
let labelsAsFiles: ReturnType<typeof labelFiles> | undefined;

export const SUBJECTS: readonly Subject[] = [
  subject(
    'suites',
    14,
    fc.record({ suite: fc.constantFrom(...SUITE_FILES), change: jsonChanges, isDrawn: fc.boolean() }),
    async (input, child, out) => {
      const file = path.join(out, 'mine.json');
      await cp(inProject('suites', `${input.suite}.json`), file);
      await change(file, input.change);
      if (input.isDrawn) return void (await asked(child, { drawn: file }));
      // A method that no suite has: it ends before anything is trained.
      const argv = ['run', file, '--only', 'method=none', '--out', path.join(out, 'results')];
      const { code, said } = await asked(child, { argv });
      if (code !== 2) throw new Error(`accepted a method that is none: ${said}`);
    },
  ),
  subject('suites that are run', 8, fc.record({ change: jsonChanges }), async (input, child, out) => {
    const [file, results] = [path.join(out, 'mine.json'), path.join(out, 'results')];
    await writeFile(file, JSON.stringify(SUITE));
    await change(file, input.change);
    const { code } = await asked(child, { run: file, out: results });
    const made = await readdir(results).catch(() => []);
    if (code === 2 && made.length) throw new Error(`refused, and left ${made.join(', ')}`);
    if (!made.length) return;
    const before = await Promise.all(TABLES.map((name) => textOf(path.join(results, name))));
    for (const command of ['table', 'runs', 'report']) {
      const again = await asked(child, { argv: [command, results] });
      if (again.code !== 0) throw new Error(`${command} ended with ${again.code}: ${again.said}`);
    }
    for (const [i, name] of TABLES.entries())
      if ((await textOf(path.join(results, name))) !== before[i])
        throw new Error(`${name} was drawn otherwise`);
  }),
  subject(
    'results folders',
    24,
    fc.record({
      records: recordsInput,
      suite: fc.option(jsonChanges, { freq: 3, nil: undefined }),
      command: fc.constantFrom('table', 'report', 'runs', 'verify', 'compare', 'watch', 'tensorboard'),
    }),
    async ({ records, suite, command }, child, out) => {
      await changedRecords(out, records);
      if (suite) await change(path.join(out, 'suite.json'), suite);
      const archive = path.join(out, 'records.jsonl');
      const before = await linesOf(archive);
      const baseline = inProject('baselines', 'quick.json');
      const argv = {
        compare: ['compare', out, '--baseline', baseline],
        tensorboard: ['report', out, '--tensorboard'],
      };
      if (command === 'watch') return void (await asked(child, { watched: out }));
      await asked(child, { argv: command in argv ? argv[command as keyof typeof argv] : [command, out] });
      const after = await linesOf(archive);
      if (after.length < before.length)
        throw new Error(`the archive went from ${before.length} lines to ${after.length}`);
      if (!records.forged && !suite)
        checkSameNumbers(
          await textOf(path.join(RESULTS, 'table4.csv')),
          await textOf(path.join(out, 'table4.csv')),
        );
    },
  ),
  subject('repairs', 10, recordsInput, async (input, child, out) => {
    await changedRecords(out, input);
    const archive = path.join(out, 'records.jsonl');
    const good = new Set(
      (await linesOf(path.join(RESULTS, 'records.jsonl'))).filter((l) => l.includes('"spec":')),
    );
    const kept = (await linesOf(archive)).filter((line) => good.has(line));
    await asked(child, { argv: ['verify', out, '--repair', '--yes'] });
    const again = await asked(child, { argv: ['verify', out, '--repair'] });
    const todo = again.printed.split('\n').filter((line) => line.startsWith('would: '));
    if (todo.length) throw new Error(`repaired, and yet ${todo.join('; ')}`);
    const files = (await readdir(out)).filter((name) => name.startsWith('records.jsonl'));
    const lines = new Set((await Promise.all(files.map((name) => linesOf(path.join(out, name))))).flat());
    const gone = kept.filter((line) => !lines.has(line));
    if (gone.length) throw new Error(`${gone.length} whole lines are gone: ${gone[0]!.slice(0, 200)}`);
    // Means are of the seeds that are left.
    const left = (await linesOf(archive)).filter((line) => good.has(line)).length;
    if (!input.forged && left === good.size)
      for (const name of TABLES)
        if ((await textOf(path.join(out, name))) !== (await textOf(path.join(RESULTS, name))))
          throw new Error(`all records are there, and ${name} is another`);
  }),
  subject(
    'tables',
    6,
    fc.record({ name: fc.constantFrom(...TABLES), change: bytesChanges }),
    async (input, child, out) => {
      await cp(RESULTS, out, { recursive: true });
      const file = path.join(out, input.name);
      const right = await textOf(file);
      await change(file, input.change);
      const { code } = await asked(child, { argv: ['verify', out] });
      const isRight = (await textOf(file)) === right;
      if (isRight !== (code === 0))
        throw new Error(`${input.name} is ${isRight ? '' : 'not '}right: ${code}`);
      const mended = await asked(child, { argv: ['verify', out, '--repair', '--yes'] });
      if (mended.code !== 0 || (await textOf(file)) !== right)
        throw new Error(`not mended: ${mended.printed}`);
    },
  ),
  subject(
    'baselines',
    8,
    fc.record({ change: jsonChanges, verified: fc.boolean() }),
    async (input, child, out) => {
      await cp(inProject('results', 'quick'), out, { recursive: true });
      const baseline = path.join(out, 'baseline.json');
      await cp(inProject('baselines', 'quick.json'), baseline);
      await change(baseline, input.change);
      await asked(child, {
        argv: input.verified ? ['verify', baseline] : ['compare', out, '--baseline', baseline],
      });
    },
  ),
  subject('published tables', 3, fc.record({ change: jsonChanges }), async (input, child, out) => {
    await cp(RESULTS, out, { recursive: true });
    const file = path.join(out, 'published.json');
    await cp(inProject('baselines', 'published.json'), file);
    await change(file, input.change);
    await asked(child, { argv: ['verify', file] });
    await asked(child, { argv: ['compare', out, file] });
  }),
  subject(
    'speeds',
    6,
    fc.record({ kind: fc.constantFrom('avx2', 'avx512', 'amx', 'other'), change: jsonChanges }),
    async (input, child, out) => {
      const [file, text] = [path.join(out, `perf-${input.kind}.json`), path.join(out, 'TEXT.md')];
      await cp(inProject('results', 'perf', 'perf-avx2.json'), file);
      await change(file, input.change);
      const parts = ['before\n<!-- labelnoise perf -->\n', '<!-- labelnoise perf end -->\nafter\n'] as const;
      await writeFile(text, parts.join(''));
      const { code } = await asked(child, { argv: ['perf', '--out', out, '--into', text] });
      const after = await textOf(text);
      if (!after.startsWith(parts[0]) || !after.endsWith(parts[1]))
        throw new Error(`text around it: ${after}`);
      const lines = after.slice(parts[0].length, -parts[1].length).split('\n').filter(Boolean);
      const columns = lines[0]?.split('|').length;
      const isTable = lines.every(
        (line) => line.startsWith('- ') || line.split(/(?<!\\)\|/).length === columns,
      );
      if (code === 0 && (!isTable || /(?<!\\)</.test(lines.join('\n'))))
        throw new Error(`no table: ${lines.join('\n')}`);
      await asked(child, { argv: ['verify', out] });
    },
  ),
  subject(
    'event logs',
    5,
    fc.record({ change: linesChanges, locked: fc.boolean() }),
    async (input, child, out) => {
      await cp(RESULTS, out, { recursive: true });
      const { id: run } = JSON.parse((await linesOf(path.join(out, 'records.jsonl')))[0]!);
      const evaluation = {
        epoch: 1,
        trainLoss: 1,
        testAccuracy: 1,
        testLoss: 1,
        wrongLabelsFitted: 1,
        trueLabelsRecovered: null,
        trainAccuracyTrue: 1,
      };
      const events = [
        { event: 'begin' },
        { event: 'started', run },
        { event: 'progress', run, epoch: 1, epochs: 20, step: 5, steps: 100, loss: 1.5, evaluation },
        { event: 'retried', run, reason: 'the worker ended' },
        { event: 'failed', run, reason: 'the loss is not finite' },
      ];
      const log = path.join(out, 'events.jsonl');
      await writeFile(log, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      await change(log, input.change);
      // Somebody elsewhere is believed to be at work.
      const holder = { pid: 1, host: 'elsewhere', since: '', birth: null };
      if (input.locked) await writeFile(path.join(out, 'lock'), JSON.stringify(holder));
      const { code, said } = await asked(child, { watched: out });
      if (code !== 0) throw new Error(`is not served: ${said}`);
    },
  ),
  subject(
    'locks',
    2,
    fc.record({ change: jsonChanges, command: fc.constantFrom('verify', 'watch', 'table') }),
    async (input, child, out) => {
      await cp(RESULTS, out, { recursive: true });
      const holder = { pid: 1, host: 'elsewhere', since: '2026-01-31T12:00:00Z', birth: null };
      await writeFile(path.join(out, 'lock'), JSON.stringify(holder));
      await change(path.join(out, 'lock'), input.change);
      await asked(child, input.command === 'watch' ? { watched: out } : { argv: [input.command, out] });
    },
  ),
  subject(
    'command lines',
    8,
    fc.record({ line: fc.nat(COMMAND_LINES.length - 1), word }),
    async (input, child, out) => {
      const argv = COMMAND_LINES[input.line]!(input.word, out);
      await asked(child, { argv });
      const held = await readdir(out);
      if (held.length) throw new Error(`left ${held.join(', ')}`);
    },
  ),
  ...(['.csv', '.npy'] as const).map((ending) =>
    subject(`label files, ${ending}`, 4, fc.record({ change: bytesChanges }), async (input, child, out) => {
      const labels = Uint8Array.from({ length: 50_000 }, (_, i) => i % 10);
      labelsAsFiles ??= labelFiles(labels, labels);
      const file = path.join(out, `labels${ending}`);
      await writeFile(file, changed(labelsAsFiles[ending], input.change));
      await asked(child, { labelFile: file });
    }),
  ),
  subject(
    'label files, .pt',
    5,
    fc.record({ change: bytesChanges, part: fc.constantFrom('start', 'all', 'zip') }),
    async ({ change, part }, child, out) => {
      labelsOfPeople ??= pickle();
      const whole = await labelsOfPeople;
      // What tells the layout is at the start, and little beside the labels.
      const end = part === 'start' ? 400 : whole.length;
      const inner =
        part === 'zip'
          ? whole
          : Buffer.concat([changed(whole.subarray(0, end), change), whole.subarray(end)]);
      const zip = Buffer.from(zipSync({ 'labels/data.pkl': inner }, { level: 0 }));
      const ends = Buffer.concat([zip.subarray(0, 60), zip.subarray(-100)]);
      const file = path.join(out, 'labels.pt');
      await writeFile(file, part === 'zip' ? changed(whole.length > 1e6 ? ends : zip, change) : zip);
      await asked(child, { labelFile: `${file}#worse_label` });
    },
  ),
  subject(
    'checkpoints',
    5,
    fc.record({ change: bytesChanges, forged: fc.boolean() }),
    async (input, child, out) => {
      const state = {
        of: 'a run',
        epoch: 2,
        stepsDone: 3,
        epochLoss: 0.5,
        recent: [1],
        curve: [],
        wallSeconds: 1,
        model: { weights: new Float32Array(9) },
      };
      const seal = (content: Buffer) =>
        Buffer.concat([createHash('sha256').update(content).digest(), content]);
      const file = path.join(out, 'checkpoint');
      const content = serialize(state);
      await writeFile(
        file,
        input.forged ? seal(changed(content, input.change)) : changed(seal(content), input.change),
      );
      await asked(child, { checkpoint: file });
    },
  ),
  subject(
    'caches',
    0.1,
    fc.record({
      files: fc.array(fc.constantFrom('whole', 'missing', 'folder', 'cut', 'circle', 'device'), {
        minLength: 3,
        maxLength: 3,
      }),
      cache: fc.constantFrom('folder', 'file', 'circle', 'missing', 'proc'),
      libraries: fc.constantFrom('missing', 'file', 'folder', 'circle'),
    }),
    async ({ files, cache, libraries }, child, out) => {
      const folder = cache === 'proc' ? '/proc/labelnoise' : path.join(out, 'cache');
      const put = async (state: string, place: string, whole?: string) => {
        if (state === 'folder') await mkdir(place, { recursive: true });
        if (state === 'file' || state === 'cut') await appendFile(place, 'damaged');
        if (state === 'circle') await symlink(place, place);
        if (state === 'device') await symlink('/dev/zero', place);
        if (state === 'whole') await symlink(whole!, place);
      };
      await put(cache, folder);
      if (cache === 'folder') {
        await mkdir(path.join(folder, 'cifar10'));
        for (const [i, name] of CACHE_FILES.entries())
          await put(files[i]!, path.join(folder, 'cifar10', name), cacheFolder('cifar10', name));
        await put(libraries, path.join(folder, 'tensorflow'));
      }
      const { code } = await asked(child, { argv: ['doctor'], env: { LABELNOISE_CACHE: folder } }, 60_000);
      if (code !== 1) throw new Error(`ended with ${code}, and images are missing`);
    },
  ),
];
