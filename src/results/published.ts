// The published numbers that results are put beside: baselines/published.json.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { parseJson } from '../io/json.js';
import { PROJECT_ROOT } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { describeProblem } from '../spec/problem.js';
import type { NoiseSetting } from '../suite/noise_setting.js';

const text = z.string({ error: 'a text' }).min(1, 'a text');
const accuracy = z.record(
  z.string(),
  z.number({ error: 'percent, or null' }).min(0, 'percent').max(100, 'percent').nullable(),
);
const row = z.strictObject({
  /** `paper`: trained by the SAM paper's authors; `literature`: quoted by them. */
  block: z.enum(['paper', 'literature'], { error: 'paper or literature' }),
  /** The method of the catalogue it is the number of, if any; of another code and network where it is literature. */
  method: text.nullable(),
  title: text,
  /** Where the number is from. */
  source: text,
  /** Clean-test accuracy in percent by noise rate in percent; null where none was published. */
  accuracy,
  /** What the method's authors themselves say elsewhere, where it differs. */
  own: z.array(z.strictObject({ source: text, accuracy })).optional(),
});
const schema = z.strictObject({
  source: text,
  metric: text,
  /** How the paper's block was made. */
  protocol: z.record(z.string(), z.union([z.string(), z.number()])),
  rows: z.array(row, { error: 'a list of rows' }).min(1, 'a list of rows'),
});

export type Published = z.infer<typeof schema>;
/** One row of the published table. */
export type PublishedRow = Published['rows'][number];

const FILE = path.join(PROJECT_ROOT, 'baselines', 'published.json');

/** Reads the published table. */
export function readPublished(): Published {
  return parsePublished(readFileSync(FILE, 'utf8'), FILE);
}

/** Checks a published table's text. @param file what to call it in errors @throws InputError */
export function parsePublished(content: string, file: string): Published {
  const input = parseJson(content, file);
  const { data, error } = schema.safeParse(input);
  if (error) throw new InputError(`${file}: ${describeProblem(error, input)}`);
  return data;
}

/** A published row's accuracy under a noise setting, percent; null if it gives none. */
export function accuracyAt(
  { accuracy }: Pick<PublishedRow, 'accuracy'>,
  { published }: NoiseSetting,
): number | null {
  return published === undefined ? null : (accuracy[published] ?? null);
}

/** What Table 4 quotes of a method; none of those that its authors trained themselves, which have a column. */
export function literatureOf(published: Published, method: string): PublishedRow[] {
  const isPapers = published.rows.some((r) => r.block === 'paper' && r.method === method);
  return isPapers ? [] : published.rows.filter((r) => r.block === 'literature' && r.method === method);
}

/** The paper's own accuracy of a method under a noise setting, percent; null if it gives none. */
export function paperAccuracy(
  published: Published,
  method: string,
  noiseSetting: NoiseSetting,
): number | null {
  const row = published.rows.find((r) => r.block === 'paper' && r.method === method);
  return row ? accuracyAt(row, noiseSetting) : null;
}
