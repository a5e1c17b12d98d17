// `labelnoise verify`: whether results and baselines are whole, of their specs, and say what their records say.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { ANALYSES } from '../analysis/kinds.js';
import { readAnalysis } from '../analysis/store.js';
import { cachedCifar10 } from '../data/datasets/cifar10.js';
import { cacheFolder } from '../io/cache.js';
import { copyAside, explained, quarantine, textIfThere, writeWhole } from '../io/files.js';
import { checkUnlocked, lock } from '../io/lock.js';
import { readMethods, readPerf } from '../perf/file.js';
import { parseBaseline } from '../regression/baseline_schema.js';
import { plain } from '../report/escape.js';
import { reportOn } from '../report/report.js';
import { tableTexts } from '../report/write.js';
import { isDrawnHere, LabelCheck, pairingFaults, recordFaults } from '../results/consistency.js';
import { firstDifference } from '../results/difference.js';
import { manifestFile, readOwnGraph } from '../results/manifest.js';
import { parsePublished } from '../results/published.js';
import {
  archiveFile,
  archiveOf,
  damagedFiles,
  faultText,
  foreignText,
  readStored,
  type Stored,
  writeRecord,
} from '../results/store.js';
import { readReruns, readSubmission, WHO } from '../results/submission.js';
import { hasWeights, readWeights, weightsFile } from '../results/weights.js';
import { InputError } from '../spec/errors.js';
import { ARCHIVE_BYTES, CELLS } from '../spec/limits.js';
import type { RunGraph } from '../suite/expand.js';
import type { Engine } from './engine.js';
import { wholeNumber } from './queue_options.js';
import { tell } from './tell.js';
import { externalFindings } from './verify_external.js';
import { type RerunOptions, rerun as rerunOf } from './verify_rerun.js';

export interface VerifyOptions {
  repair?: boolean;
  yes?: boolean;
  rerun?: number;
  seed?: number;
  by?: string;
}

const HELP = `
Of a results folder: that every record is whole, by its checksum, and of its spec, by its id; that its figures, predictions and
noise agree, with CIFAR-10's labels too where they are in the cache; that runs/ and records.jsonl agree; that external rows are whole,
of the suite, and what their predictions come to; that kept weights and analyses are whole and of their records; that every table is what the records and rows give. Of a baseline: its schema, and the
ids of its runs. A line for every fault: file, line or field, value, and what would be right. --repair also says what it would
do, and does it with --yes: records are taken from where they are whole, what is damaged is moved aside, records.jsonl of an
earlier version gets checksums, tables are drawn again. submission.json and reruns.jsonl, for a leaderboard, are checked too.

--rerun N trains N runs again, drawn by --seed, from their specs (and, of a bootstrap's student, from its teacher's record), if
nothing else is wrong. On a machine, with libraries, like the record's the bits must be the same; elsewhere the accuracy must be
within three standard deviations of a difference between two seeds. With --by the outcome is kept in OUT/reruns.jsonl.

Exit codes: 0 all holds, 1 something does not, 2 wrong input.

Examples:
  labelnoise verify results/* baselines/*
  labelnoise verify results/quick --repair
  labelnoise verify results/quick --repair --yes
  labelnoise verify submitted --rerun 3 --seed 7 --by "A. Name"`;

export function register(program: Command): void {
  program
    .command('verify')
    .description('check results and baselines against their checksums, specs and tables')
    .argument('<out...>', 'results folders, baseline files')
    .option('--repair', 'say what would be done about the faults')
    .option('--yes', 'with --repair: do it')
    .option('--rerun <n>', 'train so many runs of each folder again and compare them', wholeNumber(1, CELLS))
    .option('--seed <n>', 'with --rerun: what the runs are drawn by (default: 1)', wholeNumber(0, 2 ** 31))
    .option('--by <who>', 'with --rerun: who trains them; keeps the outcome in the folder')
    .addHelpText('after', HELP)
    .action(async (places: string[], options: VerifyOptions) => {
      const engine = options.rerun ? (await import('./engine.js')).createEngine() : undefined;
      try {
        process.exitCode = await verify(places, options, undefined, undefined, engine);
      } finally {
        engine?.close();
      }
    });
}

/** Something that can be done about faults. */
interface Repair {
  /** In the words of "would: " and "done: ". */
  what: string;
  act(): Promise<unknown>;
}

export interface Findings {
  /** A line each. */
  faults: string[];
  repairs: Repair[];
  /** What was looked at. */
  seen: string;
}

/** Something to check: a results folder, or a file that stands for itself and cannot be repaired. */
interface Place {
  check(): Promise<Findings>;
  /** The results folder to lock while it is repaired, or an outcome is kept in it. */
  folder?: string;
}

/**
 * Checks places, prints what is found, and repairs if asked to.
 *
 * @returns the exit code
 * @throws InputError for places that are neither results nor baselines, or are in use
 */
export async function verify(
  names: readonly string[],
  { repair, yes, ...again }: VerifyOptions = {},
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
  engine?: Engine,
): Promise<number> {
  const { rerun, seed = 1, by } = again;
  for (const [flag, given] of [
    ['--seed', again.seed],
    ['--by', by],
  ] as const)
    if (given !== undefined && !rerun)
      throw new InputError(`${flag}: does nothing alone; allowed: --rerun N ${flag} ${given}`);
  if (by !== undefined && !WHO.safeParse(by).success)
    throw new InputError(
      `--by ${JSON.stringify(by)}: allowed: ${WHO.safeParse(by).error!.issues[0]!.message}`,
    );
  if (yes && !repair) throw new InputError('--yes: does nothing alone; allowed: --repair --yes');
  // What cannot be checked at all is said before anything is.
  const places: Place[] = [];
  for (const name of names) places.push(await placeOf(name));
  const other = rerun ? places.findIndex(({ folder }) => folder === undefined) : -1;
  if (other >= 0)
    throw new InputError(
      `${names[other]}: has no runs to train again; allowed with --rerun: results folders`,
    );
  let exitCode = 0;
  for (const [i, place] of places.entries()) {
    say(`verifying ${names[i]}`);
    let findings = await place.check();
    for (const fault of findings.faults) print(`${plain(fault)}\n`);
    if (repair && !yes) for (const { what } of findings.repairs) print(`${plain(`would: ${what}`)}\n`);
    if (repair && yes && place.folder !== undefined) {
      const { repairs } = findings;
      // Where there is nothing to repair, what a killed process left behind goes all the same.
      findings = await repaired(place, place.folder, print);
      if (repairs.length) for (const fault of findings.faults) print(`${plain(fault)}\n`);
    }
    if (findings.faults.length) {
      // Somebody who writes there now makes faults that are none.
      if (place.folder !== undefined) await checkUnlocked(place.folder);
      exitCode = 1;
    } else {
      print(`${plain(findings.seen)}\n`);
      if (rerun && engine && place.folder !== undefined) {
        const trained = { rerun, seed, by };
        if (!(await trainedAgain(place.folder, trained, engine, print, say))) exitCode = 1;
      }
    }
  }
  return exitCode;
}

/** Trains runs of a folder that is whole again. @returns whether they came out as their records say */
async function trainedAgain(
  out: string,
  options: RerunOptions,
  engine: Engine,
  print: (text: string) => void,
  say: (line: string) => void,
): Promise<boolean> {
  const unlock = options.by === undefined ? undefined : await lock(out, say);
  try {
    const graph = await readOwnGraph(out);
    const { records } = await readStored(out, graph.runs);
    return await rerunOf(out, graph, records, options, engine, (line) => print(`${plain(line)}\n`), say);
  } finally {
    await unlock?.();
  }
}

/** Does what can be done, alone in the folder, and looks again. */
async function repaired(place: Place, folder: string, print: (text: string) => void): Promise<Findings> {
  const unlock = await lock(folder, (line) => print(`${line}\n`));
  try {
    for (const { what, act } of (await place.check()).repairs) {
      await act();
      print(`${plain(`done: ${what}`)}\n`);
    }
    return await place.check();
  } finally {
    await unlock();
  }
}

/** @throws InputError if it is nothing that can be checked */
async function placeOf(name: string): Promise<Place> {
  const found = await stat(name).catch(() => undefined);
  if (!found)
    throw new InputError(
      `${name}: there is no such file or folder; allowed: results folders, baseline files`,
    );
  if (!found.isDirectory()) return { check: () => fileFindings(name) };
  const held = await readdir(name).catch((error) => {
    throw explained(error, `cannot read ${name}`);
  });
  if (held.includes(path.basename(manifestFile(name)))) {
    await checkUnlocked(name);
    return { check: () => folderFindings(name), folder: name };
  }
  if (held.some((file) => /^perf-.*\.json$/.test(file)))
    return {
      check: () =>
        readable(`${name}: speeds, readable`, async () => [await readPerf(name), await readMethods(name)]),
    };
  throw new InputError(
    `${name}: is no results folder: it has no suite.json; allowed: results folders, baseline files`,
  );
}

/** Nothing wrong, or the one thing that its reader says. */
async function readable(seen: string, read: () => unknown): Promise<Findings> {
  try {
    await read();
    return { faults: [], repairs: [], seen };
  } catch (error) {
    if (error instanceof InputError) return { faults: [error.message], repairs: [], seen };
    throw error;
  }
}

/** A baseline, or the published table. */
async function fileFindings(file: string): Promise<Findings> {
  const text = (await textIfThere(file)) ?? '';
  if (/"rows"\s*:/.test(text))
    return readable(`${file}: the published table, as its schema has it`, () => parsePublished(text, file));
  return readable(`${file}: a baseline of its suite's runs`, () => {
    const { suite, cells } = parseBaseline(text, file);
    const { testImages } = suite.data;
    for (const [i, { results }] of cells.entries())
      for (const [j, { accuracy }] of results.entries()) {
        const right = (100 * Math.round((accuracy * testImages) / 100)) / testImages;
        if (accuracy !== right)
          throw new InputError(
            `${file}: cells[${i}].results[${j}].accuracy is ${accuracy}; allowed: a whole number of ${testImages} images, such as ${right}`,
          );
      }
  });
}

/** What is wrong with what a folder tells a leaderboard. */
async function submissionFaults(out: string, { records, lost }: Stored): Promise<string[]> {
  const wrong = await readSubmission(out).then(
    () => [],
    (error: unknown) => {
      if (error instanceof InputError) return [error.message];
      throw error;
    },
  );
  return lost.size ? wrong : [...wrong, ...(await readReruns(out, records)).faults.map(faultText)];
}

/** Checks a results folder. */
export async function folderFindings(out: string): Promise<Findings> {
  let graph: RunGraph;
  try {
    graph = await readOwnGraph(out);
  } catch (error) {
    if (error instanceof InputError) return { faults: [error.message], repairs: [], seen: out };
    throw error;
  }
  const stored = await readStored(out, graph.runs);
  const external = await externalFindings(out, graph);
  const { runs, archive, records, lost } = stored;
  const foreign = [...archive.foreign, ...runs.foreign];
  const damage = [...runs.damaged, ...archive.damaged].map(faultText);
  const views = viewFaults(out, stored);
  const labelled = await checkByLabels();
  const contents = contentFaults(graph, stored, labelled);
  const weights = await weightsFound(out, graph, stored);
  const analyses = await analysisFaults(out, graph, stored);
  const archived =
    views.length || damage.length || foreign.length ? [] : await archiveFaults(out, graph, stored);
  const tables = foreign.length || external.isDamaged ? [] : await tableFaults(out, graph, stored);
  const faults = [
    ...damage,
    ...foreign.map((placed) => foreignText([placed], graph.runs)),
    ...views.map(({ fault }) => fault),
    ...contents,
    ...weights.faults.map(({ fault }) => fault),
    ...analyses,
    ...archived,
    ...external.faults,
    ...(await submissionFaults(out, stored)),
    ...(lost.size
      ? [`${out}: tables are not compared: the records of ${[...lost].join(', ')} are lost`]
      : tables.map(({ fault }) => fault)),
    ...(archive.unversioned
      ? [
          `${archiveFile(out)}: format is missing, and with it all checksums; right: 2, by --repair when nothing else is wrong`,
        ]
      : []),
  ];
  const repairs = [
    ...fileRepairs(out, stored),
    ...weights.faults.flatMap(({ file }) =>
      file === undefined
        ? []
        : [{ what: `${file}: moved aside; the suite's run makes it again`, act: () => quarantine(file) }],
    ),
    ...(foreign.length ? [] : external.repairs),
  ];
  // Without checksums nothing tells which of two is right: tables that are not of the records may be all there is of them.
  const isDoubtful = archive.unversioned && contents.length + tables.length + damage.length > 0;
  if (!isDoubtful && !foreign.length && !views.some(({ isContrary }) => isContrary)) {
    const ofArchive = archiveRepairs(out, graph, stored, views.length + archived.length > 0);
    repairs.push(...ofArchive);
    const staysDamaged = archive.damaged.length > 0 && !ofArchive.length;
    // Where records cannot be true, or are not there, the tables may be.
    if ((records.size || external.seen) && !contents.length && !staysDamaged)
      for (const [name, text] of new Map(tables.map(({ name, right }) => [name, right])))
        repairs.push({
          what: `${path.join(out, name)}: drawn again`,
          act: () => writeWhole(path.join(out, name), text),
        });
  }
  const by = graph.runs.some(isDrawnHere)
    ? labelled
      ? "by CIFAR-10's labels too"
      : "CIFAR-10's labels are not in the cache to check them by"
    : 'their noise is not one that is drawn again to check them by';
  const seen = `${out}: ${records.size} of ${graph.runs.length} records${external.seen} and their tables${weights.kept ? ` and ${weights.kept} files of weights` : ''}, as they were written${records.size ? `; ${by}` : ''}`;
  return { faults, repairs, seen };
}

/** Kept weights: how many are right, what is wrong with others, and their files if there are any. */
async function weightsFound(
  out: string,
  { runs: nodes }: RunGraph,
  { records, runs, unweighted }: Stored,
): Promise<{ kept: number; faults: { fault: string; file?: string }[] }> {
  const found = { kept: 0, faults: [] as { fault: string; file?: string }[] };
  for (const { id } of nodes) {
    const record = records.get(id);
    const file = weightsFile(out, id);
    const isThere = hasWeights(out, id);
    // Of published results, records alone are there.
    if (!record || !(isThere || (unweighted.has(id) && runs.placed.has(id)))) continue;
    try {
      await readWeights(file, record);
      found.kept++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      found.faults.push({ fault: error.message, ...(isThere && { file }) });
    }
  }
  return found;
}

/** Analyses that are damaged, or of other weights than the records'. */
async function analysisFaults(
  out: string,
  { runs }: RunGraph,
  { records }: Pick<Stored, 'records'>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const analysis of ANALYSES)
    for (const { id } of runs) {
      const record = records.get(id);
      if (!record) continue;
      await readAnalysis(out, analysis, record).catch((error) => {
        if (!(error instanceof InputError)) throw error;
        faults.push(error.message);
      });
    }
  return faults;
}

interface ViewFault {
  fault: string;
  /** The two have another record of one run; else the archive lacks one. */
  isContrary: boolean;
}

/** Where runs/ and the archive do not say the same. */
function viewFaults(out: string, { runs, archive }: Stored): ViewFault[] {
  return [...runs.placed].flatMap(([id, { record, file }]): ViewFault[] => {
    const other = archive.placed.get(id);
    if (!other) {
      const known = archive.damaged.some(({ run }) => run === id || run === undefined);
      return known
        ? []
        : [
            {
              fault: `${archiveFile(out)}: lacks the run ${id}; right: a line with the record in ${file}`,
              isContrary: false,
            },
          ];
    }
    const found = firstDifference(record, other.record);
    if (!found) return [];
    const [here, there] = [found.before, found.after].map((value) => JSON.stringify(value) ?? 'nothing');
    return [
      {
        fault: `${file}: ${found.path} is ${here} and does not agree with ${other.file}, line ${other.line}; there: ${there}; the right one is to stay, the other to be removed`,
        isContrary: true,
      },
    ];
  });
}

const labelChecks = new Map<string, Promise<LabelCheck | undefined>>();
/** By CIFAR-10 in the cache, which is read once by each process; undefined if they are not there. */
function checkByLabels(): Promise<LabelCheck | undefined> {
  const cache = cacheFolder('cifar10');
  const known = labelChecks.get(cache) ?? cachedCifar10().then((cifar) => cifar && new LabelCheck(cifar));
  labelChecks.set(cache, known);
  return known;
}

/** Where records cannot be true. */
function contentFaults(
  { runs: nodes }: RunGraph,
  { records, runs, archive }: Stored,
  labelled: LabelCheck | undefined,
): string[] {
  const said = (id: string, fault: string) => {
    const { file, line } = runs.placed.get(id) ?? archive.placed.get(id)!;
    return faultText({ file, line, damage: fault, run: id });
  };
  // Drawn again, labels tell which of two is wrong; else all that can be said is that they differ.
  const drawn = new Set(labelled ? nodes.filter(isDrawnHere) : []);
  return [
    ...nodes.flatMap((run) => {
      const record = records.get(run.id);
      if (!record) return [];
      const byLabels = drawn.has(run) ? labelled!.faults(record, run) : [];
      return [...recordFaults(record, run), ...byLabels].map((fault) => said(run.id, fault));
    }),
    ...pairingFaults(
      nodes.filter((run) => !drawn.has(run)),
      records,
    ).map(({ run, fault }) => said(run, fault)),
  ];
}

/** Whether an archive without faults is written as this version writes it. */
async function archiveFaults(out: string, graph: RunGraph, { archive, records }: Stored): Promise<string[]> {
  if (archive.unversioned || !records.size) return [];
  const file = archiveFile(out);
  const text = await textIfThere(file, ARCHIVE_BYTES);
  const right = archiveOf(graph.runs, records);
  if (text === undefined) return [`${file}: is missing; right: ${records.size} records and their total`];
  const line = firstOtherLine(text, right);
  return line === undefined
    ? []
    : [
        `${file}, line ${line}: is not written as this version does; right: the record of that place in the suite, keys in order`,
      ];
}

interface TableFault {
  name: string;
  fault: string;
  /** The table's text as it would be. */
  right: string;
}

/** Where tables are not what the records that are whole give. */
async function tableFaults(out: string, graph: RunGraph, stored: Stored): Promise<TableFault[]> {
  const report = await reportOn(out, graph, { ...stored, lost: new Set() });
  const isNone = !stored.records.size && !report.external.length;
  const texts = tableTexts(report);
  const faults: TableFault[] = [];
  for (const [name, right] of Object.entries(texts)) {
    const file = path.join(out, name);
    const text = await textIfThere(file);
    if (text === right || (isNone && text === undefined)) continue;
    const found = isNone
      ? [': is of records that are not there; right: records.jsonl beside it, with them']
      : text === undefined
        ? [': is missing; right: the table of the records']
        : differences(name, text, right);
    faults.push(...found.map((fault) => ({ name, fault: `${file}${fault}`, right })));
  }
  return faults;
}

/** Each line of a table that is another, with the field of a CSV file. */
function differences(name: string, text: string, right: string): string[] {
  const [lines, wanted] = [text.split('\n'), right.split('\n')];
  const [header] = rowsOf(wanted[0]!);
  return Array.from({ length: Math.max(lines.length, wanted.length) }, (_, i) => i).flatMap((i) => {
    if (lines[i] === wanted[i]) return [];
    const place = `, line ${i + 1}`;
    if (lines[i] === undefined || wanted[i] === undefined || !name.endsWith('.csv'))
      return [`${place}: is ${shown(lines[i])}; right: ${shown(wanted[i])}`];
    const [[fields = []], [rights = []]] = [rowsOf(lines[i]), rowsOf(wanted[i])];
    const column = rights.findIndex((value, j) => value !== fields[j]);
    if (column < 0 || fields.length !== rights.length)
      return [`${place}: is ${shown(lines[i])}; right: ${shown(wanted[i])}`];
    return [`${place}: ${header?.[column]} is ${shown(fields[column])}; right: ${shown(rights[column])}`];
  });
}

function rowsOf(line: string): string[][] {
  try {
    return parse(line, { relax_column_count: true });
  } catch {
    return [];
  }
}

function shown(text: string | undefined): string {
  if (text === undefined) return 'missing';
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}...` : text);
}

function firstOtherLine(text: string, right: string): number | undefined {
  const [lines, wanted] = [text.split('\n'), right.split('\n')];
  const i = wanted.findIndex((line, i) => line !== lines[i]);
  return i < 0 ? (lines.length > wanted.length ? wanted.length : undefined) : i + 1;
}

/** Damaged files of runs/: moved aside, and written again where the archive has their record. */
function fileRepairs(out: string, stored: Stored): Repair[] {
  return damagedFiles(stored).map(({ fault: { file }, instead }) => ({
    what: instead
      ? `${file}: moved aside, and written again from ${instead.file}, line ${instead.line}`
      : `${file}: moved aside; its run is to be trained again`,
    act: async () => {
      if (!instead) return quarantine(file);
      await copyAside(file);
      return writeRecord(out, instead.record);
    },
  }));
}

/** The archive, of all records that are whole. */
function archiveRepairs(
  out: string,
  graph: RunGraph,
  { records, archive, lost }: Stored,
  isOther: boolean,
): Repair[] {
  const file = archiveFile(out);
  const write = () => writeWhole(file, archiveOf(graph.runs, records));
  const written = `written again of the ${records.size} records that are whole`;
  if (archive.damaged.length) {
    // Of lines that are whole, but not those that were written, version control has the right ones.
    if (lost.size && !archive.placed.size) return [];
    const gone = lost.size ? `; to be trained again: ${[...lost].join(', ')}` : '';
    return [
      {
        what: `${file}: moved aside, and ${written}${gone}`,
        act: async () => {
          await copyAside(file);
          await write();
        },
      },
    ];
  }
  if (archive.unversioned)
    return [
      { what: `${file}: its ${records.size} records get checksums, and the file its total`, act: write },
    ];
  return isOther ? [{ what: `${file}: ${written}`, act: write }] : [];
}
