// Run records as text, one form for runs/ and the archive, and the check when they are read back: they may be cut short or changed.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DATASETS, datasetOf } from '../data/datasets/dataset.js';
import { labelTextFault, labelWidth } from '../spec/labels.js';
import { EPOCHS, SENTENCE_LENGTH } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import { LOSS_BINS, type RunRecord } from '../spec/record.js';
import { canonicalJson, type RunSpec, runId } from '../spec/run_spec.js';
import type { RunNode } from '../suite/expand.js';

/** Bumped when the form of records as text changes: 1 had no checksums in the archive, and no version. */
export const RECORD_FORMAT = 2;

const percent = z.number().min(0).max(100);
const count = z.int().min(0);
/** A loss; JSON has no word for those of a run that diverged and writes null. */
const loss = z
  .number()
  .nullable()
  .transform((v) => v ?? Number.NaN);

/** What evaluations have besides, where it is watched. */
export const watchedShape = {
  sharpness: z.number().optional(),
  lambda1: z.number().optional(),
  rightGradient: z.number().optional(),
  wrongGradient: z.number().optional(),
  gradientCosine: z.number().optional(),
  rightAscended: z.number().optional(),
  wrongAscended: z.number().optional(),
  cosineAscended: z.number().optional(),
};

const evaluation = z.strictObject({
  epoch: z.int().min(1),
  trainLoss: loss,
  testAccuracy: percent,
  testLoss: loss,
  wrongLabelsFitted: percent.nullable(),
  trueLabelsRecovered: percent.nullable(),
  trainAccuracyTrue: percent.nullable(),
  noisyHeldOutAccuracy: percent.optional(),
  ...watchedShape,
});

/** Adds an issue for what is not of as many classes as the data set of the record's spec has. */
function checkClasses({ spec, noise, predictions, fit }: RunRecord, context: z.core.$RefinementCtx): void {
  const { dataset, source } = spec.data ?? {};
  // Of a data set that is not known here, no run is asked for either.
  const classes = DATASETS.foundInSpec(dataset, source)?.classNames.length;
  if (classes === undefined) return;
  const check = (ok: boolean, message: string, ...path: string[]) => {
    if (!ok) context.addIssue({ code: 'custom', message, path });
  };
  const isSquare = (counts: number[][]) =>
    counts.length === classes && counts.every((row) => row.length === classes);
  const square = `${classes} lists of ${classes} counts`;
  check(isSquare(noise.transitions), square, 'noise', 'transitions');
  check(!fit || isSquare(fit.confusion), square, 'fit', 'confusion');
  const fault = labelTextFault(predictions, classes);
  check(fault === undefined, fault ?? '', 'predictions');
}

const record = z
  .strictObject({
    id: z.string(),
    // Its id says whether this is the spec wanted, so that its fields need no check of their own.
    spec: z.custom<RunSpec>((v) => typeof v === 'object' && v !== null),
    method: z.string(),
    parameters: z.int().min(1),
    noise: z.strictObject({
      rate: z.number().min(0).max(1).nullable(),
      transitions: z.array(z.array(count)),
    }),
    curve: z.array(evaluation).min(1),
    predictions: z.string(),
    guesses: z
      .strictObject({
        classes: z.string().regex(/^([0-9a-f]{2})+$/),
        margins: z.base64(),
      })
      .optional(),
    fit: z
      .strictObject({
        losses: z
          .strictObject({
            right: z.array(count).length(LOSS_BINS),
            wrong: z.array(count).length(LOSS_BINS),
          })
          .optional(),
        confusion: z.array(z.array(count)),
      })
      .optional(),
    weightsSha256: z.hash('sha256').optional(),
    notes: z.array(z.string().max(SENTENCE_LENGTH)).max(EPOCHS).optional(),
    wallSeconds: z.number().min(0),
    provenance: z.strictObject({
      suite: z.string(),
      finished: z.iso.datetime(),
      commit: z.string(),
      version: z.string(),
      node: z.string(),
      tensorflow: z.string(),
      tfjs: z.string(),
      kernels: z.enum(['native', 'tensorflow']).optional(),
      kernelsVersion: z.int().min(1).optional(),
      isa: z.enum(['avx2', 'avx512', 'amx']).optional(),
      oneDnn: z.boolean().optional(),
      xla: z.string().optional(),
      platform: z.string(),
      cpu: z.string(),
      instructions: z.string().optional(),
      threads: z.int().min(1),
      precision: z.string(),
    }),
  })
  .superRefine(checkClasses);

/** A record as one line, with its format and checksum; the same bytes for the same record. */
export function recordText(record: RunRecord): string {
  return sealed({ ...record, format: RECORD_FORMAT });
}

/** Content as a line of canonical JSON, with the SHA-256 of it. */
export function sealed(content: object): string {
  return `${canonicalJson({ ...content, sha256: sha256(canonicalJson(content)) })}\n`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The content of a line, if it is what its checksum is of. @param checked false: it may be without a checksum */
export function unseal(
  text: string,
  checked = true,
): { content: Record<string, unknown> } | { damage: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { damage: `is not JSON: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 100)}` };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return { damage: 'is no JSON object' };
  const { sha256: found, ...content } = parsed as Record<string, unknown>;
  if (found === undefined && !checked) return { content };
  const right = sha256(canonicalJson(content));
  if (found === right) return { content };
  const is = found === undefined ? 'is missing' : `is ${JSON.stringify(found)}`;
  return { damage: `sha256 ${is}; by the rest of it, it would be ${right}` };
}

/** What a line holds: a record that is whole, or what is wrong with it and, where it still tells, of which run it was. */
export type ParsedRecord = { record: RunRecord } | { damage: string; run: string | undefined };

/**
 * The record in a line, whole and of its own id.
 *
 * @param checked false: it may be without a checksum, as in archives of before there were any
 */
export function parseRecord(text: string, checked = true): ParsedRecord {
  const damaged = (damage: string) => ({ damage, run: /"id":"([0-9a-f]{16})"/.exec(text)?.[1] });
  const unsealed = unseal(text, checked);
  if ('damage' in unsealed) return damaged(unsealed.damage);
  // Files of runs/ had a checksum before they had a version.
  const { format = 1, ...fields } = unsealed.content;
  if (format !== 1 && format !== RECORD_FORMAT)
    return damaged(`format is ${JSON.stringify(format)}; allowed: 1 to ${RECORD_FORMAT}`);
  const { data, error } = record.safeParse(fields);
  if (error) return damaged(describeProblem(error, fields));
  if (runId(data.spec) !== data.id)
    return damaged(`id is ${data.id}; that of its spec is ${runId(data.spec)}`);
  return { record: data };
}

/** In what a record is not that of the run whose id it has; undefined if it is. */
export function misfit(
  { predictions, curve, guesses }: RunRecord,
  { spec, keepsGuesses }: RunNode,
): string | undefined {
  const { trainImages } = spec.data;
  const labels = predictions.length / labelWidth(datasetOf(spec.data).classNames.length);
  if (labels !== trainImages)
    return `predictions has ${labels} labels; allowed: one for each of ${trainImages} images`;
  if (keepsGuesses && guesses?.classes.length !== 2 * trainImages)
    return `guesses has ${(guesses?.classes.length ?? 0) / 2} classes; allowed: one for each of ${trainImages} images`;
  const last = curve.at(-1)?.epoch;
  if (last !== spec.training.epochs) return `curve ends at epoch ${last}; allowed: ${spec.training.epochs}`;
  return undefined;
}
