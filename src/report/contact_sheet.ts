// Pictures with two lines of text under each, as one PNG.
import { encode } from 'fast-png';

/** One picture: size x size pixels of 1 or 3 bytes, and what is written under it. */
export interface Captioned {
  bytes: Uint8Array;
  lines: readonly [string, string];
}

/** Pixels of a picture's side on the sheet, at least, and of a dot of the letters. */
const PICTURE = 96;
const DOT = 2;
const GAP = 8;
const LINE = 6 * DOT;
const COLUMNS = 10;

/** Letters of 3 x 5 dots, row by row, each row's bits from the left. */
const GLYPHS: Record<string, string> = {
  a: '25755',
  b: '65656',
  c: '34443',
  d: '65556',
  e: '74647',
  f: '74644',
  g: '34553',
  h: '55755',
  i: '72227',
  j: '11152',
  k: '55655',
  l: '44447',
  m: '57755',
  n: '65555',
  o: '25552',
  p: '65644',
  q: '25573',
  r: '65655',
  s: '34216',
  t: '72222',
  u: '55557',
  v: '55552',
  w: '55775',
  x: '55255',
  y: '55222',
  z: '71247',
  0: '75557',
  1: '26227',
  2: '61247',
  3: '61216',
  4: '55711',
  5: '74616',
  6: '34757',
  7: '71222',
  8: '75757',
  9: '75716',
  '-': '00700',
  _: '00007',
  '.': '00002',
  '?': '61202',
};

/** A sheet of ten pictures a row. @param size pixels of their sides @param channels 1 or 3 */
export function contactSheet(pictures: readonly Captioned[], size: number, channels: number): Uint8Array {
  const scale = Math.max(1, Math.round(PICTURE / size));
  const side = size * scale;
  const cell = { width: side + GAP, height: side + 2 * LINE + GAP };
  const columns = Math.min(COLUMNS, pictures.length);
  const width = columns * cell.width + GAP;
  const height = Math.ceil(pictures.length / columns) * cell.height + GAP;
  const data = new Uint8Array(width * height * 3).fill(255);
  const dot = (x: number, y: number, colour: readonly number[]) => data.set(colour, (y * width + x) * 3);
  for (const [i, { bytes, lines }] of pictures.entries()) {
    const left = GAP + (i % columns) * cell.width;
    const top = GAP + Math.floor(i / columns) * cell.height;
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const from = (Math.floor(y / scale) * size + Math.floor(x / scale)) * channels;
        dot(
          left + x,
          top + y,
          [0, 1, 2].map((c) => bytes[from + (c % channels)]!),
        );
      }
    for (const [line, text] of lines.entries())
      write(text, Math.floor((side + DOT) / (4 * DOT)), (x, y) =>
        dot(left + x, top + side + DOT + line * LINE + y, line === 0 ? [176, 0, 32] : [0, 96, 48]),
      );
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}

/** Writes a text of at most so many letters, dot by dot. */
function write(text: string, most: number, dot: (x: number, y: number) => void): void {
  for (const [i, letter] of [...text.toLowerCase()].slice(0, most).entries()) {
    const rows = letter === ' ' ? '00000' : (GLYPHS[letter] ?? GLYPHS['?']!);
    for (let y = 0; y < 5 * DOT; y++)
      for (let x = 0; x < 3 * DOT; x++) {
        const bits = Number(rows[Math.floor(y / DOT)]);
        if (bits & (4 >> Math.floor(x / DOT))) dot(i * 4 * DOT + x, y);
      }
  }
}
