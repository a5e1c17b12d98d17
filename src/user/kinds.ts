// The kinds of entries that a user's file can have, and what each must consist of.
import { inspect } from 'node:util';
import type { Augmentation } from '../data/augmentation.js';
import type { Method } from '../methods/method.js';
import type { Contracts } from './guard.js';

/** The entry of each kind. */
export interface Entries {
  method: Method;
  augmentation: Augmentation;
}

export type Kind = keyof Entries;

/** A part of an entry: what it must be in words, and whether a value is. */
interface Part {
  is: string;
  ok(value: unknown): boolean;
  optional?: true;
}

interface KindOf {
  title: string;
  /** What a file of it exports, in short. */
  example: string;
  parts: Record<string, Part>;
  contracts: Contracts;
}

const isNumber = (v: unknown) => typeof v === 'number' && Number.isFinite(v);
const part = (is: string, ok: (value: unknown) => boolean): Part => ({ is, ok });
const call = (is: string) => part(`a function ${is}`, (v) => typeof v === 'function');
const optional = (given: Part): Part => ({ ...given, optional: true });
const text = part(
  'a text of 1 to 200 characters in one line',
  (v) => typeof v === 'string' && /^\P{Cc}{1,200}$/u.test(v),
);
const name = part(
  'a name of small letters, digits and dashes, beginning with a letter, at most 64 characters',
  (v) => typeof v === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(v),
);
const settings = part(
  "a z.object of the settings, with z from 'labelnoise'",
  (v) => !!v && typeof v === 'object' && '_zod' in v && 'shape' in v,
);
const described = { name, title: text, cite: optional(text) };

const positive = (result: unknown) => {
  if (!(isNumber(result) && (result as number) > 0))
    throw new Error(`gives ${shown(result)}; expected: a number above 0`);
};

/** What each kind's entries consist of. */
export const KINDS: Record<Kind, KindOf> = {
  method: {
    title: 'method',
    example: 'defineMethod({ name, title, settings, cost, recipe })',
    parts: {
      ...described,
      settings,
      cost: call('(settings) => cost, that of SGD being 1'),
      recipe: call('(settings, dims) => recipe'),
      teacher: optional(text),
      networks: optional(part('1 or 2', (v) => v === 1 || v === 2)),
      check: optional(call('(settings, dims) => problem')),
    },
    contracts: { cost: positive },
  },
  augmentation: {
    title: 'augmentation',
    example: 'defineAugmentation({ name, title, inputs, draw, apply })',
    parts: {
      ...described,
      inputs: call('(batch, size) => what a step is given'),
      draw: call('(next, batch, size) => values of these inputs'),
      apply: call('(images, inputs) => images'),
    },
    contracts: {},
  },
};

/** What keeps a value from being an entry of a kind, as the end of a sentence; undefined if nothing does. */
export function shapeProblem(kind: Kind, entry: unknown): string | undefined {
  const { example, parts } = KINDS[kind];
  if (!entry || typeof entry !== 'object') return `it is ${shown(entry)}; expected: ${example}`;
  for (const [name, { is, ok, optional }] of Object.entries(parts)) {
    const value: unknown = Reflect.get(entry, name);
    if (value === undefined && optional) continue;
    if (value === undefined) return `it has no "${name}"; expected: ${is}`;
    if (!ok(value)) return `its "${name}" is ${shown(value)}; expected: ${is}`;
  }
  return undefined;
}

/** A value in a few words. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = inspect(value, { depth: 1, maxArrayLength: 5, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
