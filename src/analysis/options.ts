// Settings of analyses, read from the command line.
import type { Common, Option } from './analysis.js';
import { BATCH_NORMS, EXAMPLES, type ExampleSet } from './schema.js';

/** A whole number. */
export function whole(from: number, to: number, initial: number, says: string): Option<number> {
  return {
    ...{ takes: '<n>', says, initial, allowed: `a whole number from ${from} to ${to}` },
    read(text) {
      const value = Number(text);
      return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
    },
  };
}

/** A list between commas. */
export function listOf<T>(
  initial: T[],
  says: string,
  allowed: string,
  read: (entry: string) => T | undefined,
): Option<T[]> {
  return {
    ...{ takes: '<list>', says, initial, allowed },
    read(text) {
      const entries = text.split(',').map(read);
      const known = entries.filter((entry) => entry !== undefined);
      return known.length === entries.length && new Set(known).size === known.length ? known : undefined;
    },
  };
}

/** One of some words. */
export function oneOf<const T extends string>(values: readonly T[], initial: T, says: string): Option<T> {
  return {
    ...{ takes: `<${values.join('|')}>`, says, initial, allowed: `one of ${values.join(', ')}` },
    read: (text) => values.find((value) => value === text),
  };
}

export const COMMON: { [Name in keyof Common]: Option<Common[Name]> } = {
  examples: listOf<ExampleSet>(
    [...EXAMPLES],
    'images that losses are of: train (labels as learned), clean (rightly labelled), noisy (mislabelled), test',
    `some of ${EXAMPLES.join(', ')}, between commas`,
    (text) => EXAMPLES.find((set) => set === text),
  ),
  images: whole(0, 10_000_000, 1000, 'the most images of each of these; 0: all'),
  batch: whole(1, 100_000, 250, 'images of one call; halved where memory does not do'),
  batchNorm: oneOf(
    BATCH_NORMS,
    'running',
    'what batch norm normalises by: running statistics, as in evaluation, or those of each batch, as in training',
  ),
};
