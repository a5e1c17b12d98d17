// Run records as text, and the check when they are read back: they may be cut short, changed, or of another run.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CLASSES } from '../data/dataset.js';
import type { RunNode } from '../suite/expand.js';
import { canonicalJson, type RunSpec, runId } from '../suite/spec.js';
import type { RunRecord } from './record.js';

const percent = z.number().min(0).max(100);
const count = z.int().min(0);
/** A loss; JSON has no word for those of a run that diverged and writes null. */
const loss = z
  .number()
  .nullable()
  .transform((v) => v ?? Number.NaN);

const evaluation = z.strictObject({
  epoch: z.int().min(1),
  trainLoss: loss,
  testAccuracy: percent,
  testLoss: loss,
  wrongLabelsFitted: percent.nullable(),
  trueLabelsRecovered: percent.nullable(),
  trainAccuracyTrue: percent,
});

const record = z.strictObject({
  id: z.string(),
  // Its id says whether this is the spec wanted, so that its fields need no check of their own.
  spec: z.custom<RunSpec>((v) => typeof v === 'object' && v !== null),
  method: z.string(),
  parameters: z.int().min(1),
  noise: z.strictObject({
    rate: z.number().min(0).max(1),
    transitions: z.array(z.array(count).length(CLASSES)).length(CLASSES),
  }),
  curve: z.array(evaluation).min(1),
  predictions: z.string().regex(/^[0-9]+$/),
  weightsSha256: z.hash('sha256').optional(),
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
    isa: z.enum(['avx2', 'avx512', 'amx']).optional(),
    oneDnn: z.boolean().optional(),
    platform: z.string(),
    cpu: z.string(),
    instructions: z.string().optional(),
    threads: z.int().min(1),
    precision: z.string(),
  }),
});

/** A record as one line, with the SHA-256 of all its other content. */
export function recordText(record: RunRecord): string {
  return `${JSON.stringify({ ...record, sha256: checksum(record) })}\n`;
}

function checksum(content: object): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** The record in a file's text if it is the whole and valid record of that run, else what is wrong with it. */
export function parseRecord(text: string, run: RunNode): { record: RunRecord } | { damage: string } {
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(text);
  } catch {
    return { damage: 'is not JSON' };
  }
  const { sha256, ...rest } = content ?? {};
  // Published records have none: they are under version control.
  if (sha256 !== undefined && sha256 !== checksum(rest)) return { damage: 'its checksum is wrong' };
  const { data, error } = record.safeParse(rest);
  if (error) return { damage: `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}` };
  if (data.id !== run.id || runId(data.spec) !== run.id)
    return { damage: 'its spec is not that of its name' };
  const { trainImages } = run.spec.data;
  if (data.predictions.length !== trainImages)
    return { damage: `predictions: ${data.predictions.length} labels for ${trainImages} images` };
  const last = data.curve.at(-1)?.epoch;
  if (last !== run.spec.training.epochs) return { damage: `curve: ends at epoch ${last}` };
  return { record: data };
}
