// Wrong input of all sorts, made from good input: recipes for changes of any file's bytes, of values of JSON, of lines.
// A recipe is plain data, so that one which has found something can be kept.
import fc from 'fast-check';

/** A share of all places there are, so that one recipe fits all contents; kept recipes may name a value by its keys, as in "noise/rates/0". */
type Place = number | string;
/** A text, so many times. */
type Text = string | { text: string; times: number };

interface BytesChange {
  kind: 'flip' | 'cut' | 'remove' | 'insert' | 'repeat';
  at: number;
  length: number;
  bytes: number[];
}

/** What is put in the place of a value: a text of JSON or of what is none, the number times a factor, its key and it twice, nothing. */
type Replacement = { json: Text } | { factor: number } | 'twice' | 'nothing';

interface ValueChange {
  at: Place;
  put: Replacement;
}

/** How a file's content is changed. */
export type Change =
  | { bytes: BytesChange[] }
  /** The file is JSON, or its line at this share of them is. */
  | { value: ValueChange; line?: number }
  | { line: number; movedTo: number; copied: boolean }
  | { content: Text };

/** Values that no field expects, and some that one does. */
const HOSTILE: readonly Text[] = [
  ...[null, true, -1, 0, 0.5, 1e-300, 2 ** 53, -1e308, '', '\u0000', '\u001b[31mred', 'a\nb', '=1+1'],
  ...['<script>alert(1)</script>', '</script><!--', '../../x', '__proto__', '\u202egnp', 'a|b`*_', '%s{0}'],
  ...[[], {}, [[[[]]]], { '0.2': 1 }],
]
  .map((value): Text => JSON.stringify(value))
  .concat(
    // As text, since JSON.stringify does not write them.
    [
      JSON.stringify('long'.repeat(25_000)),
      '"',
      '1e400',
      '-0',
      'NaN',
      '"\\ud800"',
      '[[[',
      '{"a":1,"a":2}',
      '{"__proto__":{"a":1}}',
    ],
    [
      { text: '[', times: 20_000 },
      { text: '9', times: 400 },
      { text: ' ', times: 100_000 },
    ],
  );

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const bytesChange: fc.Arbitrary<BytesChange> = fc.record({
  kind: fc.constantFrom('flip', 'cut', 'remove', 'insert', 'repeat'),
  at: place,
  length: fc.integer({ min: 1, max: 64 }),
  bytes: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 16 }),
});

const valueChange: fc.Arbitrary<ValueChange> = fc.record({
  at: place,
  put: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...HOSTILE).map((json) => ({ json })) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => ({ json: JSON.stringify(text) })) },
    { weight: 1, arbitrary: fc.constantFrom('twice' as const, 'nothing' as const) },
    { weight: 1, arbitrary: fc.record({ factor: fc.double({ min: 0.5, max: 2, noNaN: true }) }) },
  ),
});

/** Changes any file. */
export const bytesChanges: fc.Arbitrary<Change> = fc
  .array(bytesChange, { minLength: 1, maxLength: 4 })
  .map((bytes) => ({ bytes }));

/** Changes a JSON file, in its values or its bytes. */
export const jsonChanges: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: valueChange.map((value) => ({ value })) },
  { weight: 1, arbitrary: bytesChanges },
);

/** Changes a file of one JSON value a line: a line's values, lines as a whole, or bytes. */
export const linesChanges: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ value: valueChange, line: place }) },
  { weight: 1, arbitrary: fc.record({ line: place, movedTo: place, copied: fc.boolean() }) },
  { weight: 1, arbitrary: bytesChanges },
);

/** A content as a recipe has it. */
export function changed(content: Buffer, change: Change): Buffer {
  if ('content' in change) return Buffer.from(textOf(change.content));
  if ('bytes' in change) return change.bytes.reduce(changedBytes, content);
  if (!('line' in change)) return Buffer.from(changedValue(content.toString(), change.value));
  const lines = content.toString().split('\n').filter(Boolean);
  const at = (share: number) => Math.floor(share * lines.length);
  const line = at(change.line!);
  const result =
    'value' in change
      ? lines.with(line, changedValue(lines[line]!, change.value))
      : (change.copied ? lines : lines.toSpliced(line, 1)).toSpliced(at(change.movedTo), 0, lines[line]!);
  return Buffer.from(`${result.join('\n')}\n`);
}

function textOf(text: Text): string {
  return typeof text === 'string' ? text : text.text.repeat(text.times);
}

function changedBytes(content: Buffer, { kind, at, length, bytes }: BytesChange): Buffer {
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
      return Buffer.concat([before, Buffer.from(bytes), after]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, length), after]);
  }
}

const MARK = '@@mark@@';

function changedValue(text: string, { at, put }: ValueChange): string {
  const value: unknown = JSON.parse(text);
  const places = placesOf(value);
  const path = typeof at === 'string' ? at.split('/') : places[Math.floor(at * places.length)]!;
  if (put === 'nothing' && path.length) return JSON.stringify(changedAt(value, path, () => undefined));
  if (typeof put === 'object' && 'factor' in put) {
    const scaled = (old: unknown) => (typeof old === 'number' ? old * put.factor : put.factor);
    return JSON.stringify(changedAt(value, path, scaled));
  }
  const old = JSON.stringify(valueAt(value, path));
  const twice = `${old},${JSON.stringify(path.at(-1))}:${old}`;
  const replacement =
    typeof put === 'object' ? textOf(put.json) : put === 'twice' && path.length ? twice : 'null';
  return JSON.stringify(changedAt(value, path, () => MARK)).replace(`"${MARK}"`, () => replacement);
}

/** All places in a JSON value: the keys that lead to them. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))];
}

/** A copy in which the value at a place is what `change` makes of it; undefined removes it. A key that is not there is added. */
function changedAt(value: unknown, [key, ...rest]: string[], change: (value: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const old = typeof value === 'object' && value !== null ? value : {};
  const keys = Object.keys(old).includes(key) ? Object.keys(old) : [...Object.keys(old), key];
  const entries = keys
    .map((k) => [k, (old as Record<string, unknown>)[k]] as const)
    .map(([k, inner]) => [k, k === key ? changedAt(inner, rest, change) : inner] as const)
    .filter(([, inner]) => inner !== undefined);
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function valueAt(value: unknown, path: string[]): unknown {
  return path.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}
