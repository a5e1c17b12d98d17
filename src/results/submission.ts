// What a results folder tells a leaderboard besides its records: who submitted it (OUT/submission.json), and how runs of it
// came out when others trained them again (OUT/reruns.jsonl).
import path from 'node:path';
import { z } from 'zod';
import { textIfThere, writeWhole } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { InputError } from '../spec/errors.js';
import { choice, fields, text } from '../spec/fields.js';
import { describeProblem } from '../spec/problem.js';
import type { RunRecord } from '../spec/record.js';
import { finalAccuracy } from './aggregate.js';
import { isLink, LINK_ALLOWED } from './external.js';
import { sealed, unseal } from './record_schema.js';
import { type Fault, totalDamage, totalOf } from './store.js';

const SUBMISSION_FORMAT = 1;
const RERUN_FORMAT = 1;

export const SUBMISSION = 'submission.json';
export const RERUNS = 'reruns.jsonl';
const submissionFile = (out: string) => path.join(out, SUBMISSION);
export const rerunsFile = (out: string) => path.join(out, RERUNS);

/** Who submits, or trains again. */
export const WHO = text('a name, of people or a group');

const submissionSchema = fields({
  format: z.literal(SUBMISSION_FORMAT, { error: String(SUBMISSION_FORMAT) }),
  who: WHO,
  link: z.string({ error: LINK_ALLOWED }).refine(isLink, LINK_ALLOWED).nullable(),
  hardware: text('what the runs were trained on, in words'),
});

/** Who submits a folder, and what its runs were trained on. */
export type Submission = Omit<z.infer<typeof submissionSchema>, 'format'>;

/** What a folder says of who submits it; undefined if it says nothing. @throws InputError naming the field that is wrong */
export async function readSubmission(out: string): Promise<Submission | undefined> {
  const file = submissionFile(out);
  const content = await textIfThere(file);
  if (content === undefined) return undefined;
  const given = parseJson(content, file);
  const { data, error } = submissionSchema.safeParse(given);
  if (error) throw new InputError(`${file}: ${describeProblem(error, given)}`);
  const { format: _, ...submission } = data;
  return submission;
}

/**
 * How a run that was trained again came out: with the same bits, within what seeds differ by, outside of that, or so that it
 * cannot be said (another machine, and nothing that tells the spread of seeds).
 */
export const VERDICTS = ['same', 'agrees', 'differs', 'unjudged'] as const;
export type RerunVerdict = (typeof VERDICTS)[number];

const result = z.strictObject({
  accuracy: z.number().min(0).max(100),
  weightsSha256: z.hash('sha256').nullable(),
});

const rerunSchema = z.strictObject({
  format: z.literal(RERUN_FORMAT, { error: String(RERUN_FORMAT) }),
  /** Id of the run. */
  run: z.string(),
  by: WHO,
  /** ISO 8601, UTC. */
  finished: z.iso.datetime(),
  cpu: z.string(),
  commit: z.string(),
  version: z.string(),
  before: result,
  after: result,
  /** In what the machines or libraries differ, so that bits need not be the same; null if in nothing. */
  differs: z.strictObject({ field: z.string(), before: z.string(), after: z.string() }).nullable(),
  verdict: choice(...VERDICTS),
});

/** A run that was trained again by somebody. */
export type Rerun = Omit<z.infer<typeof rerunSchema>, 'format'>;

/** What of a record a re-run is compared with. */
export function resultOf(record: RunRecord): Rerun['before'] {
  return { accuracy: finalAccuracy(record), weightsSha256: record.weightsSha256 ?? null };
}

const keyOf = ({ run, by }: Rerun) => JSON.stringify([run, by]);

/**
 * Reads what came of re-runs.
 *
 * @param records the folder's, which re-runs must be of
 * @returns none where anything is at fault
 * @throws InputError if the file cannot be read
 */
export async function readReruns(
  out: string,
  records: ReadonlyMap<string, RunRecord>,
): Promise<{ reruns: Rerun[]; faults: Fault[] }> {
  const file = rerunsFile(out);
  const content = (await textIfThere(file)) ?? '';
  if (content === '') return { reruns: [], faults: [] };
  const faults: Fault[] = [];
  const fault = (line: number, damage: string) => faults.push({ file, line, damage, run: undefined });
  const lines = content.split('\n');
  const unended = lines.pop();
  const total = unended || lines.at(-1)?.includes('"verdict":') ? undefined : lines.pop();
  const reruns = lines.flatMap((line, i): Rerun[] => {
    const unsealed = unseal(line);
    if ('damage' in unsealed) {
      fault(i + 1, unsealed.damage);
      return [];
    }
    const { data, error } = rerunSchema.safeParse(unsealed.content);
    if (error) {
      fault(i + 1, describeProblem(error, unsealed.content));
      return [];
    }
    const { format: _, ...rerun } = data;
    const wrong = misfit(rerun, records);
    if (wrong) fault(i + 1, wrong);
    return [rerun];
  });
  if (unended) fault(lines.length + 1, 'has no end: the file was cut short');
  else if (total === undefined)
    fault(lines.length + 1, 'is missing: the last line tells the number of re-runs and their checksum');
  else {
    const wrong = totalDamage(total, lines);
    if (wrong && !faults.length) fault(lines.length + 1, wrong.damage);
  }
  return { reruns: faults.length ? [] : reruns, faults };
}

/** In what a re-run cannot be of these records. */
function misfit({ run, before, after, verdict }: Rerun, records: ReadonlyMap<string, RunRecord>) {
  const record = records.get(run);
  if (!record) return `run is ${run}; allowed: the run of a record of this folder`;
  const right = resultOf(record);
  for (const field of ['accuracy', 'weightsSha256'] as const)
    if (before[field] !== right[field])
      return `before.${field} is ${JSON.stringify(before[field])}; in the record of ${run}: ${JSON.stringify(right[field])}`;
  const same = before.accuracy === after.accuracy && before.weightsSha256 === after.weightsSha256;
  return same === (verdict === 'same')
    ? undefined
    : `verdict is ${JSON.stringify(verdict)}; by before and after, ${same ? '"same"' : 'another'}`;
}

/** Keeps what came of re-runs, beside those of others and of other runs. @throws InputError if it cannot be written */
export async function addReruns(
  out: string,
  before: readonly Rerun[],
  added: readonly Rerun[],
): Promise<void> {
  const known = new Map([...before, ...added].map((rerun) => [keyOf(rerun), rerun]));
  const sorted = [...known.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const lines = sorted.map((rerun) => sealed({ ...rerun, format: RERUN_FORMAT })).join('');
  await writeWhole(rerunsFile(out), lines + totalOf(lines, sorted.length));
}
