// Wrong input of all sorts, made from good input: bytes of any file changed, and values of JSON.
import fc from 'fast-check';

/** A change of a file's content. */
export type Mutation = (content: Buffer) => Buffer;

/** Values that no field expects, and some that one does. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 53,
  -1e308,
  '',
  '\u0000',
  '\u001b[31mred',
  'a\nb',
  '=1+1',
  '<script>alert(1)</script>',
  '../../x',
  '__proto__',
  'x'.repeat(100_000),
  [],
  {},
  [[[[]]]],
  { '0.2': 1 },
];
/** As text, since JSON.stringify does not write them. */
const HOSTILE_TEXTS = ['1e400', '-0', 'NaN', '"\\ud800"', '[[[', '{"a":1,"a":2}', '['.repeat(20_000)];

/** Places are shares of the content's length, so that one mutation fits all contents. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const byteMutation: fc.Arbitrary<Mutation> = fc
  .record({
    kind: fc.constantFrom('flip', 'cut', 'remove', 'insert', 'repeat'),
    at: place,
    length: fc.integer({ min: 1, max: 64 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  })
  .map(({ kind, at, length, bytes }) => (content) => {
    const start = Math.floor(at * content.length);
    const [before, after] = [content.subarray(0, start), content.subarray(start)];
    switch (kind) {
      case 'flip': {
        const changed = Buffer.from(content);
        if (changed.length) changed[start]! ^= (bytes[0]! % 255) + 1;
        return changed;
      }
      case 'cut':
        return Buffer.from(before);
      case 'remove':
        return Buffer.concat([before, after.subarray(length)]);
      case 'insert':
        return Buffer.concat([before, bytes, after]);
      default:
        return Buffer.concat([before, after.subarray(0, length), after]);
    }
  });

/** All places in a JSON value: the keys that lead to them. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))];
}

/** A copy in which the value at a place is what `change` makes of it; undefined removes it. */
function changedAt(value: unknown, [key, ...rest]: string[], change: (value: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const entries = Object.entries(value as object)
    .map(([k, inner]) => [k, k === key ? changedAt(inner, rest, change) : inner] as const)
    .filter(([, inner]) => inner !== undefined);
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function valueAt(value: unknown, path: string[]): unknown {
  return path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value);
}

const MARK = '@@mark@@';

const jsonMutation: fc.Arbitrary<(text: string) => string> = fc
  .record({
    at: place,
    how: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...HOSTILE).map((value) => ({ text: JSON.stringify(value) })) },
      { weight: 2, arbitrary: fc.constantFrom(...HOSTILE_TEXTS).map((text) => ({ text })) },
      { weight: 1, arbitrary: fc.constant('remove' as const) },
      { weight: 1, arbitrary: fc.constant('twice' as const) },
      { weight: 1, arbitrary: fc.double({ min: 0.5, max: 2, noNaN: true }) },
    ),
  })
  .map(({ at, how }) => (text) => {
    const value: unknown = JSON.parse(text);
    const places = placesOf(value);
    const path = places[Math.floor(at * places.length)]!;
    if (how === 'remove' && path.length) return JSON.stringify(changedAt(value, path, () => undefined));
    if (typeof how === 'number')
      return JSON.stringify(changedAt(value, path, (old) => (typeof old === 'number' ? old * how : how)));
    const old = JSON.stringify(valueAt(value, path));
    const twice = `${old},${JSON.stringify(path.at(-1))}:${old}`;
    const replacement = typeof how === 'object' ? how.text : how === 'twice' && path.length ? twice : 'null';
    return JSON.stringify(changedAt(value, path, () => MARK)).replace(`"${MARK}"`, () => replacement);
  });

/** Changes a JSON file, in its values or its bytes. */
export const jsonFileMutation: fc.Arbitrary<Mutation> = fc.oneof(
  jsonMutation.map(
    (change): Mutation =>
      (content) =>
        Buffer.from(change(content.toString())),
  ),
  fc.array(byteMutation, { minLength: 1, maxLength: 3 }).map(inTurn),
);

/** Changes a file of one JSON value a line: a line's values, lines as a whole, or bytes. */
export const linesMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ at: place, change: jsonMutation }).map(
    ({ at, change }): Mutation =>
      (content) =>
        onLines(content, (lines) => {
          const i = Math.floor(at * lines.length);
          return lines.with(i, change(lines[i]!));
        }),
  ),
  fc.record({ from: place, to: place, copies: fc.boolean() }).map(
    ({ from, to, copies }): Mutation =>
      (content) =>
        onLines(content, (lines) => {
          const [a, b] = [from, to].map((at) => Math.floor(at * lines.length)) as [number, number];
          const rest = copies ? lines : lines.toSpliced(a, 1);
          return rest.toSpliced(b, 0, lines[a]!);
        }),
  ),
  fc.array(byteMutation, { minLength: 1, maxLength: 3 }).map(inTurn),
);

/** Changes any file. */
export const bytesMutation: fc.Arbitrary<Mutation> = fc
  .array(byteMutation, { minLength: 1, maxLength: 4 })
  .map(inTurn);

function inTurn(mutations: Mutation[]): Mutation {
  return (content) => mutations.reduce((changed, mutate) => mutate(changed), content);
}

function onLines(content: Buffer, change: (lines: string[]) => string[]): Buffer {
  const lines = content.toString().split('\n').filter(Boolean);
  return Buffer.from(`${change(lines).join('\n')}\n`);
}
