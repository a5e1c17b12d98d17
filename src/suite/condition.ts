// The noise conditions of a suite: the columns of its table.
import type { Suite } from './schema.js';
import type { NoiseSpec } from './spec.js';

/** One column of the table. */
export interface Condition {
  /** How a suite's per-rate settings call it: `0.2`, or a label file's name. */
  key: string;
  /** The column's name: the rate in percent, `20`, or the label file's name. */
  label: string;
  noise: NoiseSpec;
}

/** The keys a suite's per-rate settings are to have. */
export function conditionKeys(noise: Suite['noise']): string[] {
  return noise.kind === 'symmetric' ? noise.rates.map(String) : Object.keys(noise.files);
}

/** A rate as the percentage that columns are named by: 0.07 -> `7`. */
export function percentLabel(rate: number): string {
  return String(Number((rate * 100).toFixed(6)));
}

/** The columns of a suite, in its order. Its label files are given by the SHA-256 of their labels. */
export function conditions(noise: Suite['noise']): Condition[] {
  if (noise.kind === 'file')
    return Object.entries(noise.files).map(([name, sha256]) => ({
      key: name,
      label: name,
      noise: { kind: 'file', sha256 },
    }));
  return noise.rates.map((rate) => ({
    key: String(rate),
    label: percentLabel(rate),
    noise: { kind: 'symmetric', rate, redraw: noise.redraw },
  }));
}

/** A column as prose: `20 %`, or the label file's name. */
export function conditionTitle(condition: Condition): string {
  return condition.noise.kind === 'symmetric' ? `${condition.label} %` : condition.label;
}
