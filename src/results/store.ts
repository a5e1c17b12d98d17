// What a results folder holds of each run. Its record is kept twice: OUT/runs/<run id>.json is worked with, OUT/records.jsonl
// (the archive, all of them) is published. Beside it: runs/<run id>.failed.json saying why there is none, and
// OUT/checkpoints/<run id>.ckpt while it is under way. All reading and writing of records is here.
import { access, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explained, textIfThere, writeWhole } from '../io/files.js';
import { InputError } from '../spec/errors.js';
import { ARCHIVE_BYTES } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import type { RunRecord } from '../spec/record.js';
import { canonicalJson } from '../spec/run_spec.js';
import type { RunNode } from '../suite/expand.js';
import { firstDifference } from './difference.js';
import { misfit, parseRecord, RECORD_FORMAT, recordText, sealed, sha256, unseal } from './record_schema.js';
import { hasWeights } from './weights.js';

export const ARCHIVE = 'records.jsonl';

export const archiveFile = (out: string) => path.join(out, ARCHIVE);
const recordFile = (out: string, id: string) => path.join(out, 'runs', `${id}.json`);
const failureFile = (out: string, id: string) => path.join(out, 'runs', `${id}.failed.json`);

/** Where a run's state is saved while it is under way. */
export const checkpointFile = (out: string, id: string) => path.join(out, 'checkpoints', `${id}.ckpt`);

/** A place in a file that cannot be used. */
export interface Fault {
  file: string;
  /** Counted from 1; undefined where the file is one record. */
  line?: number | undefined;
  /** What is wrong, and what would be right. */
  damage: string;
  /** Id of the run whose record it was, where that can be told. */
  run: string | undefined;
}

/** A fault as one line. */
export function faultText({ file, line, damage, run }: Fault): string {
  // A file of runs/ has the run's id in its name.
  const of = run === undefined ? '' : ` (run ${run})`;
  return `${file}${line === undefined ? '' : `, line ${line}${of}`}: ${damage}`;
}

/** A record and where it lies. */
export interface Placed {
  record: RunRecord;
  file: string;
  line?: number | undefined;
}

/** One of the two views, as it was found. */
export interface View {
  /** By run id. */
  placed: Map<string, Placed>;
  /** Records that are whole, but of no run of these. */
  foreign: Placed[];
  damaged: Fault[];
}

export interface Archive extends View {
  /** Whether it is of before there were checksums. */
  unversioned: boolean;
}

/** What a folder holds of the runs asked for: everything that was found is in one of these. */
export interface Stored {
  /** Finished runs by id: the record in runs/, or else the archive's. */
  records: Map<string, RunRecord>;
  runs: View;
  archive: Archive;
  /** Ids of runs that have a record, but not the weights that their suite keeps. */
  unweighted: Set<string>;
  /** Ids of runs that have no record although one was there, or may have been. */
  lost: Set<string>;
}

/**
 * Reads all there is of these runs, and reports what cannot be used.
 *
 * @param runs all those of the folder's suite, so that what is foreign is told from what is not asked for
 * @throws InputError if a file cannot be read
 */
export async function readStored(out: string, runs: readonly RunNode[]): Promise<Stored> {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const inRuns = await readRunFiles(out, byId);
  const archive = archiveIn(
    (await textIfThere(archiveFile(out), ARCHIVE_BYTES)) ?? '',
    archiveFile(out),
    byId,
  );
  const records = new Map<string, RunRecord>();
  for (const { id } of runs) {
    const found = inRuns.placed.get(id) ?? archive.placed.get(id);
    if (found) records.set(id, found.record);
  }
  const damaged = [...inRuns.damaged, ...archive.damaged];
  // A damaged line that does not tell its run may be that of any that is missing.
  const untold = archive.damaged.some(({ run }) => run === undefined || !byId.has(run));
  const lost = new Set(
    runs
      .map(({ id }) => id)
      .filter((id) => !records.has(id) && (untold || damaged.some(({ run }) => run === id))),
  );
  const unweighted = new Set(
    runs
      .filter(({ id, keepsWeights }) => keepsWeights && records.has(id) && !hasWeights(out, id))
      .map(({ id }) => id),
  );
  return { records, runs: inRuns, archive, unweighted, lost };
}

/** Names of the files of records. */
const RECORD_NAME = /^([0-9a-f]{16})\.json$/;

async function readRunFiles(out: string, byId: ReadonlyMap<string, RunNode>): Promise<View> {
  const view: View = { placed: new Map(), foreign: [], damaged: [] };
  const folder = path.join(out, 'runs');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw explained(error, `cannot read ${folder}`);
  });
  for (const name of names.sort()) {
    const [, run] = RECORD_NAME.exec(name) ?? [];
    const file = path.join(folder, name);
    const text = run === undefined ? undefined : await textIfThere(file);
    if (run !== undefined && text !== undefined) add(view, { file }, text, byId, { run, checked: true });
  }
  return view;
}

/** The records in an archive's text. @param file what to call it */
function archiveIn(text: string, file: string, byId: ReadonlyMap<string, RunNode>): Archive {
  // No other field of a record is called so, and one damaged byte does not take it from all lines.
  const unversioned = text !== '' && !text.includes('"format":');
  const archive: Archive = { placed: new Map(), foreign: [], damaged: [], unversioned };
  if (text === '') return archive;
  const lines = text.split('\n');
  const unended = lines.pop();
  const total = unversioned || unended || lines.at(-1)?.includes('"spec":') ? undefined : lines.pop();
  for (const [i, line] of lines.entries())
    add(archive, { file, line: i + 1 }, line, byId, { checked: !unversioned });
  const fault = (damage: string) =>
    archive.damaged.push({ file, line: lines.length + 1, damage, run: undefined });
  if (unended) fault('has no end: the file was cut short');
  else if (unversioned) return archive;
  else if (total === undefined)
    fault('is missing: the last line tells the number of records and their checksum');
  else {
    const wrong = totalDamage(total, lines);
    // Where a line is damaged, that all of them are others says nothing more. Else one was put there with a checksum of
    // its own, and nothing tells which.
    if (wrong?.isOfOthers && !archive.damaged.length) archive.placed.clear();
    if (wrong && !(wrong.isOfOthers && archive.damaged.length)) fault(wrong.damage);
  }
  return archive;
}

/** Puts what a text holds where it belongs. */
function add(
  view: View,
  place: { file: string; line?: number },
  text: string,
  byId: ReadonlyMap<string, RunNode>,
  { run, checked }: { run?: string; checked: boolean },
): void {
  const parsed = parseRecord(text, checked);
  const fault = (damage: string, of = run) => view.damaged.push({ ...place, damage, run: of });
  if ('damage' in parsed) return void fault(parsed.damage, run ?? parsed.run);
  const { record } = parsed;
  if (run !== undefined && record.id !== run)
    return void fault(`id is ${record.id}; by its name it is ${run}`);
  const node = byId.get(record.id);
  if (!node) return void view.foreign.push({ record, ...place });
  const damage = misfit(record, node);
  if (damage) return void fault(damage, record.id);
  const before = view.placed.get(record.id);
  if (before)
    return void fault(`is of the run ${record.id}, as line ${before.line} is; allowed: once`, record.id);
  view.placed.set(record.id, { record, ...place });
}

const totalSchema = z.strictObject({
  format: z.literal(RECORD_FORMAT, { error: String(RECORD_FORMAT) }),
  lines: z.hash('sha256', { error: 'the SHA-256 of all lines above' }),
  records: z.int({ error: 'the number of records' }).min(0),
});

/** An archive's last line: how many records there are, and the SHA-256 of their lines. */
export function totalOf(lines: string, records: number): string {
  return sealed({ format: RECORD_FORMAT, lines: sha256(lines), records });
}

/** What is wrong with a last line, and whether it is whole and the lines above it are others than they were. */
export function totalDamage(
  text: string,
  lines: readonly string[],
): { damage: string; isOfOthers: boolean } | undefined {
  const unsealed = unseal(text);
  if ('damage' in unsealed) return { damage: unsealed.damage, isOfOthers: false };
  const { data, error } = totalSchema.safeParse(unsealed.content);
  if (error) return { damage: describeProblem(error, unsealed.content), isOfOthers: false };
  if (data.records !== lines.length)
    return { damage: `records is ${data.records}; there are ${lines.length} lines above`, isOfOthers: false };
  const right = sha256(lines.map((line) => `${line}\n`).join(''));
  return data.lines === right
    ? undefined
    : { damage: `lines is ${data.lines}; the SHA-256 of the lines above is ${right}`, isOfOthers: true };
}

/** The archive's text: a record a line, in the order of the suite, and their total; the same bytes for the same records. */
export function archiveOf(runs: readonly RunNode[], records: ReadonlyMap<string, RunRecord>): string {
  const found = runs.flatMap(({ id }) => records.get(id) ?? []);
  const lines = found.map(recordText).join('');
  return lines + totalOf(lines, found.length);
}

/** The same as it was before there were checksums. */
function unversionedOf(runs: readonly RunNode[], records: ReadonlyMap<string, RunRecord>): string {
  return runs
    .flatMap(({ id }) => records.get(id) ?? [])
    .map((record) => `${canonicalJson(record)}\n`)
    .join('');
}

/** The damaged files of runs/: the archive's record that is used instead, if it has one, and all that in a line. */
export function damagedFiles({
  runs,
  archive,
}: Stored): { fault: Fault; instead: Placed | undefined; text: string }[] {
  return runs.damaged.map((fault) => {
    const instead = fault.run === undefined ? undefined : archive.placed.get(fault.run);
    const used = instead ? `; used instead: ${instead.file}, line ${instead.line}` : '';
    return { fault, instead, text: faultText(fault) + used };
  });
}

/**
 * Tells what the reader could not use, a line each.
 *
 * @returns whether there is damage: a record that is lost, or an archive that is not as it was written
 */
export function announce(out: string, stored: Stored, tell: (line: string) => void): boolean {
  const { archive } = stored;
  const files = damagedFiles(stored);
  for (const { text } of files) tell(text);
  for (const fault of archive.damaged) tell(faultText(fault));
  const damage = archive.damaged.length > 0 || files.some(({ instead }) => !instead);
  if (damage) tell(`${out}: is damaged; "labelnoise verify ${out} --repair" says what can be done`);
  if (archive.unversioned)
    tell(
      `${archiveFile(out)}: has no checksums, so that changes go unnoticed; "labelnoise verify ${out} --repair --yes" gives it some`,
    );
  return damage;
}

/** @throws InputError naming the first record that is of no run of the suite, and how it differs from the nearest that is */
export function refuseForeign(
  { runs: inRuns, archive }: Pick<Stored, 'runs' | 'archive'>,
  runs: readonly RunNode[],
): void {
  const foreign = [...archive.foreign, ...inRuns.foreign];
  if (foreign.length) throw new InputError(foreignText(foreign, runs));
}

/** Of a record that does not belong: where it is, of what run, and in what that differs from the suite's nearest. */
export function foreignText([first, ...others]: readonly Placed[], runs: readonly RunNode[]): string {
  const { record, file, line } = first!;
  const { spec } = record;
  const like = (run: RunNode) =>
    Number(run.method === record.method) +
    Number(run.spec.seed === spec.seed) +
    Number(canonicalJson(run.spec.noise) === canonicalJson(spec.noise));
  const [nearest] = runs.toSorted((a, b) => like(b) - like(a));
  const found =
    nearest && firstDifference({ ...spec, labels: undefined }, { ...nearest.spec, labels: undefined });
  const how = found
    ? `: its ${found.path} is ${shown(found.before)}, in suite.json ${shown(found.after)}`
    : '';
  const more = others.length ? `, and ${others.length} more are not` : '';
  return `${faultText({ file, line, damage: `is of the run ${record.id} (${record.method}, seed ${spec.seed}), which is none of the suite's${how}${more}`, run: undefined })}; allowed: records of the suite's runs`;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/**
 * Writes the archive anew from these records; one that says the same already stays as it is. The archive never loses a record
 * by it: those on the disk must be whole, and among these.
 *
 * @throws InputError if there is one on the disk that is not, or it cannot be written
 */
export async function writeArchive(
  out: string,
  runs: readonly RunNode[],
  records: ReadonlyMap<string, RunRecord>,
): Promise<void> {
  const file = archiveFile(out);
  const before = (await textIfThere(file, ARCHIVE_BYTES)) ?? '';
  const text = archiveOf(runs, records);
  if (text === before) return;
  const archive = archiveIn(before, file, new Map(runs.map((run) => [run.id, run])));
  // It gets checksums when asked to, not in passing: they would vouch for what nobody has looked at.
  if (archive.unversioned && before === unversionedOf(runs, records)) return;
  if (archive.foreign.length) throw new InputError(foreignText(archive.foreign, runs));
  const [fault] = archive.damaged;
  if (fault) throw new InputError(`${faultText(fault)}; a damaged archive is not written over`);
  const missing = [...archive.placed.values()].find(({ record }) => !records.has(record.id));
  if (missing)
    throw new InputError(
      `${file}, line ${missing.line}: the record of the run ${missing.record.id} would be lost; nothing is written`,
    );
  await writeWhole(file, text);
}

/** Writes a run's record, whole or not at all; what it makes superfluous goes then. @throws InputError if it cannot be written */
export async function writeRecord(out: string, record: RunRecord): Promise<void> {
  await writeWhole(recordFile(out, record.id), recordText(record));
  await removeSuperseded(out, record.id);
}

/**
 * Removes what a run's record makes superfluous. Who wrote the record may have been killed before.
 *
 * @throws InputError if it cannot be removed
 */
export async function removeSuperseded(out: string, id: string): Promise<void> {
  for (const file of [failureFile(out, id), checkpointFile(out, id)])
    await rm(file, { force: true }).catch((error) => {
      throw explained(error, `cannot remove ${file}`);
    });
}

/** A run's record in runs/, if it is there, whole and the run's; what else is there is left to be found by `readStored`. */
export async function readRecord(out: string, run: RunNode): Promise<RunRecord | undefined> {
  const text = await textIfThere(recordFile(out, run.id));
  const parsed = text === undefined ? undefined : parseRecord(text);
  const record = parsed && 'record' in parsed ? parsed.record : undefined;
  return record?.id === run.id && !misfit(record, run) ? record : undefined;
}

/** Notes why a run failed; the note goes when the run succeeds. @throws InputError if it cannot be written */
export async function writeFailure(
  out: string,
  { id, method, spec }: RunNode,
  reason: string,
): Promise<void> {
  const failure = { id, method, spec, reason, failed: new Date().toISOString() };
  await writeWhole(failureFile(out, id), `${JSON.stringify(failure)}\n`);
}

/** Those among these runs that failed when they were last tried, by id: why. */
export async function failedRuns(out: string, runs: readonly RunNode[]): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const { id } of runs) {
    const text = await textIfThere(failureFile(out, id)).catch(() => undefined);
    if (text !== undefined) failures.set(id, reasonIn(text));
  }
  return failures;
}

function reasonIn(note: string): string {
  try {
    return String(JSON.parse(note).reason);
  } catch {
    return 'its note of why is damaged';
  }
}

/** The ids of those among these runs that have a checkpoint to go on from. */
export async function checkpointedRuns(out: string, runs: readonly RunNode[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { id } of runs)
    await access(checkpointFile(out, id)).then(
      () => found.add(id),
      () => {},
    );
  return found;
}
