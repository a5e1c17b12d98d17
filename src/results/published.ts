// The published numbers that results are put beside: baselines/published.json.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from '../project.js';
import type { Condition } from '../suite/condition.js';

/** One row of the published table. */
export interface PublishedRow {
  /** `paper`: trained by the SAM paper's authors; `literature`: quoted by them. */
  block: 'paper' | 'literature';
  /** The method of the catalogue it is the number of, if any. */
  method: string | null;
  title: string;
  /** Where the number is from. */
  source: string;
  /** Clean-test accuracy in percent by noise rate in percent; null where none was published. */
  accuracy: Record<string, number | null>;
}

export interface Published {
  source: string;
  metric: string;
  /** How the paper's block was made. */
  protocol: Record<string, string | number>;
  rows: PublishedRow[];
}

/** Reads the published table. */
export function readPublished(): Published {
  return JSON.parse(readFileSync(path.join(PROJECT_ROOT, 'baselines', 'published.json'), 'utf8'));
}

/** The paper's own accuracy of a method at a symmetric noise rate, percent; null if it gives none. */
export function paperAccuracy(published: Published, method: string, condition: Condition): number | null {
  if (condition.noise.kind !== 'symmetric') return null;
  const row = published.rows.find((r) => r.block === 'paper' && r.method === method);
  return row?.accuracy[condition.label] ?? null;
}
