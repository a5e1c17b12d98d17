// Analyses on disk: one file for each run and kind, with a checksum; and what is done of one that was interrupted.
import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { textIfThere, writeWhole } from '../io/files.js';
import { sealed, unseal } from '../results/record_schema.js';
import { InputError } from '../spec/errors.js';
import { describeProblem } from '../spec/problem.js';
import type { RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import type { Analysis, Common } from './analysis.js';
import { ANALYSIS_FORMAT, analysisFile, analysisOf } from './schema.js';

/** Whose kernels computed. */
export interface AnalysisEngine {
  tensorflow: string;
  kernels: string;
  isa: string;
}

/** What an analysis found: its settings, and `of`. */
export type Result = Common & { of: unknown[] } & Record<string, unknown>;

/** A run and the hash of its weights. */
export type Hashed = Pick<RunRecord, 'id' | 'weightsSha256'>;

const hashesOf = (runs: readonly Hashed[]) =>
  Object.fromEntries(runs.map(({ id, weightsSha256 }) => [id, weightsSha256]));

/**
 * Writes what was found of a run, whole or not at all; what was kept of its pieces goes.
 *
 * @param others runs whose weights it needed too
 * @throws InputError if it cannot be written
 */
export async function writeAnalysis(
  out: string,
  analysis: Analysis,
  { id, weightsSha256 }: Hashed,
  others: readonly Hashed[],
  engine: AnalysisEngine,
  result: Result,
): Promise<void> {
  const content = {
    ...{ format: ANALYSIS_FORMAT, kind: analysis.name, run: id, weightsSha256 },
    ...(others.length > 0 && { others: hashesOf(others) }),
    ...{ engine, result },
  };
  await writeWhole(analysisFile(out, id, analysis.name), sealed(content));
  await rm(partialFile(out, id, analysis.name), { force: true });
}

/**
 * What was found of a run; undefined if it was not asked.
 *
 * @param others where known, the other runs that it needs: what was found with other weights of theirs was not asked
 * @throws InputError if the file is damaged, or of other weights than the record's
 */
export async function readAnalysis(
  out: string,
  analysis: Analysis,
  { id, weightsSha256 }: Hashed,
  others?: readonly Hashed[],
): Promise<Result | undefined> {
  const file = analysisFile(out, id, analysis.name);
  const text = await textIfThere(file);
  if (text === undefined) return undefined;
  const unsealed = unseal(text);
  const refused = (problem: string) =>
    new InputError(`${file}: ${problem}; remove it, and "labelnoise analyse ${out}" makes it again`);
  if ('damage' in unsealed) throw refused(unsealed.damage);
  const { data, error } = analysisOf(analysis.name, analysis.result).safeParse(unsealed.content);
  if (!data) throw refused(describeProblem(error, unsealed.content));
  if (data.run !== id) throw refused(`run is ${data.run}; by its name it is ${id}`);
  if (data.weightsSha256 !== weightsSha256)
    throw refused(`weightsSha256 is ${data.weightsSha256}; that of the run's record is ${weightsSha256}`);
  if (others && !isDeepStrictEqual(data.others ?? {}, hashesOf(others))) return undefined;
  // The analysis's own schema has said so.
  return data.result as Result;
}

/** All that was found by analyses of a kind, by run, in the order of the runs. @throws InputError as `readAnalysis` */
export async function readAnalyses(
  out: string,
  analysis: Analysis,
  runs: readonly RunNode[],
  records: ReadonlyMap<string, RunRecord>,
): Promise<Map<RunNode, Result>> {
  const found = new Map<RunNode, Result>();
  for (const run of runs) {
    const record = records.get(run.id);
    const result = record && (await readAnalysis(out, analysis, record));
    if (result) found.set(run, result);
  }
  return found;
}

const partialFile = (out: string, id: string, kind: string) => analysisFile(out, id, `${kind}.partial`);

/** Parts of an analysis under way, by their pieces. */
export interface Partial {
  /** What all parts are of, as canonical JSON. */
  of: string;
  parts: Record<string, unknown>;
}

/** Keeps what is done of an analysis. @throws InputError if it cannot be written */
export async function writePartial(
  out: string,
  id: string,
  kind: string,
  { of, parts }: Partial,
): Promise<void> {
  await writeWhole(partialFile(out, id, kind), sealed({ of, parts }));
}

/** What is done of an analysis; of one that asked other things, or is damaged, there is nothing. */
export async function readPartial(
  out: string,
  id: string,
  kind: string,
  of: string,
): Promise<Record<string, unknown>> {
  const text = await textIfThere(partialFile(out, id, kind));
  const unsealed = text === undefined ? undefined : unseal(text);
  const content = unsealed && 'content' in unsealed ? (unsealed.content as unknown as Partial) : undefined;
  return content?.of === of ? content.parts : {};
}
