// The first field in which two plain values differ.

/** A path and its two values, `undefined` where the field is absent. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** The first difference between two JSON values, fields in sorted order; undefined if they are equal. */
export function firstDifference(before: unknown, after: unknown, path = ''): Difference | undefined {
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after))
    return Object.is(before, after) ? undefined : { path, before, after };
  for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const found = firstDifference(before[key], after[key], path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
