// Fields of files that people write, as schemas whose errors say what is allowed.
import { z } from 'zod';
import { EPOCHS, NAME_LENGTH, SENTENCE_LENGTH } from './limits.js';

export const list = (values: readonly string[]) => `one of ${values.join(', ')}`;

/** A value that passes `ok`; the error says what is allowed. @param json what a JSON Schema, which editors read, can say of it */
export const value = <T>(
  allowed: string,
  ok: (v: unknown) => boolean,
  json: Readonly<Record<string, unknown>> = {},
) => z.custom<T>(ok, { error: allowed }).meta(json);
export const isObject = (v: unknown) =>
  !!v && typeof v === 'object' && !Array.isArray(v) && Object.keys(v).length > 0;
export const number = (allowed: string, ok: (v: number) => boolean, type = 'number') =>
  value<number>(allowed, (v) => typeof v === 'number' && Number.isFinite(v) && ok(v), { type });
export const integer = (allowed: string, ok: (v: number) => boolean) =>
  number(allowed, (v) => Number.isSafeInteger(v) && ok(v), 'integer');
/** A text of people. Line breaks are theirs to make; no other control character belongs in a text. */
export const text = (allowed: string) =>
  value<string>(
    `${allowed}, at most ${SENTENCE_LENGTH} characters, none of them a control character`,
    (v) => typeof v === 'string' && v.length <= SENTENCE_LENGTH && /^(?:\P{Cc}|[\t\r\n])+$/u.test(v),
    { type: 'string' },
  );
export const wholeNumber = (from: number, to: number) =>
  integer(
    from > to ? `at least ${from}, of which there are only ${to}` : `a whole number from ${from} to ${to}`,
    (v) => v >= from && v <= to,
  );

export const positive = () => number('a number above 0', (v) => v > 0);

/** What names are made of: they become those of files, folders and columns. */
export const NAME = `letters, digits, ".", "_" and "-", beginning with a letter or digit, at most ${NAME_LENGTH} characters`;
export const isName = (v: unknown) =>
  typeof v === 'string' && v.length <= NAME_LENGTH && /^[a-z0-9][\w.-]*$/i.test(v);
export const choice = <const T extends string>(...values: T[]) => z.enum(values, { error: list(values) });

/** An object of exactly these fields; the error for another field lists them. */
export function fields<T extends z.core.$ZodLooseShape>(shape: T) {
  const names = list(Object.keys(shape));
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? names : `an object with the fields ${names}`),
  });
}

/** A list of 1 to `most` different entries. The length is looked at first: a list that is too long is not gone through. */
export function distinct<T extends z.ZodType>(entry: T, allowed: string, most: number) {
  return value<unknown[]>(allowed, (v) => Array.isArray(v) && v.length > 0)
    .refine((v) => v.length <= most, `${allowed}, at most ${most}`)
    .pipe(z.array(entry, { error: allowed }))
    .refine((v) => new Set(v).size === v.length, `${allowed}, each once`);
}

/** How runs train: the settings that all methods have. */
export const trainingShape = {
  epochs: integer(`a whole number from 1 to ${EPOCHS}`, (v) => v >= 1 && v <= EPOCHS).describe(
    'epochs of a run',
  ),
  batchSize: integer('a whole number from 1', (v) => v >= 1).describe(
    'examples of a step; the last batch of an epoch is dropped if it is not full',
  ),
  learningRate: number('a number above 0', (v) => v > 0).describe(
    'at the first step; it falls by a cosine to zero, without a warm-up',
  ),
  momentum: number('a number from 0 up to 1', (v) => v >= 0 && v < 1).describe("Nesterov's momentum"),
  weightDecay: number('a number from 0', (v) => v >= 0).describe(
    'factor of the L2 penalty over all weights, which is inside the loss',
  ),
  clipNorm: number('a number from 0 (0: no clipping)', (v) => v >= 0).describe(
    'global norm that gradients are clipped to',
  ),
  evaluateEvery: integer('a whole number from 1', (v) => v >= 1).describe(
    'epochs between evaluations; the last epoch always is one',
  ),
};
