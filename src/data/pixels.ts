// Operations on the pixels of an image, as Pillow has them, and the policies of augmentation that are made of them.
import { integer, type Stream } from '../io/random.js';

/** An image of three channels: size x size x 3 bytes, and the colour that takes the place of what lies outside. */
export interface Picture {
  bytes: Uint8Array;
  size: number;
  fill: readonly number[];
}

/** What an operation of a magnitude makes of a picture. */
export type Operation = (picture: Picture, magnitude: number) => Uint8Array;

const byte = (value: number) => (value <= 0 ? 0 : value >= 255 ? 255 : value);

/** Every byte by a table. */
function mapped({ bytes }: Picture, table: (value: number) => number): Uint8Array {
  const values = Uint8Array.from({ length: 256 }, (_, value) => table(value));
  return bytes.map((value) => values[value]!);
}

/** Every channel by a table of its own, made of how often it has each value. */
function mappedByChannel(
  { bytes }: Picture,
  tableOf: (histogram: Int32Array) => ((value: number) => number) | undefined,
): Uint8Array {
  const result = bytes.slice();
  for (let channel = 0; channel < 3; channel++) {
    const histogram = new Int32Array(256);
    for (let i = channel; i < bytes.length; i += 3) histogram[bytes[i]!]!++;
    const table = tableOf(histogram);
    if (!table) continue;
    const values = Uint8Array.from({ length: 256 }, (_, value) => table(value));
    for (let i = channel; i < bytes.length; i += 3) result[i] = values[bytes[i]!]!;
  }
  return result;
}

/** Between another image (at 0) and this one (at 1), or beyond; fractions are cut off. */
function blended({ bytes }: Picture, other: (i: number) => number, factor: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const from = other(i);
    result[i] = byte(from + factor * (bytes[i]! - from));
  }
  return result;
}

/** Luma by ITU-R 601 in sixteen bits, as Pillow's conversion to grey. */
const grey = (bytes: Uint8Array, i: number) =>
  (bytes[i]! * 19595 + bytes[i + 1]! * 38470 + bytes[i + 2]! * 7471 + 0x8000) >> 16;

/**
 * Each pixel at (x, y), by its centre, is the one at (ax + by + c, dx + ey + f), or the fill: Pillow's affine transformation, to the
 * nearest pixel.
 */
function moved(
  { bytes, size, fill }: Picture,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
) {
  const result = new Uint8Array(bytes.length);
  for (let y = 0, to = 0; y < size; y++)
    for (let x = 0; x < size; x++, to += 3) {
      const u = Math.floor(a * (x + 0.5) + b * (y + 0.5) + c);
      const v = Math.floor(d * (x + 0.5) + e * (y + 0.5) + f);
      const isInside = u >= 0 && u < size && v >= 0 && v < size;
      const from = (v * size + u) * 3;
      for (let channel = 0; channel < 3; channel++)
        result[to + channel] = isInside ? bytes[from + channel]! : fill[channel]!;
    }
  return result;
}

function smoothed({ bytes, size }: Picture): Uint8Array {
  const result = bytes.slice();
  for (let y = 1; y < size - 1; y++)
    for (let x = 1; x < size - 1; x++)
      for (let channel = 0; channel < 3; channel++) {
        const at = (y * size + x) * 3 + channel;
        let sum = 4 * bytes[at]!;
        for (let dy = -size * 3; dy <= size * 3; dy += size * 3)
          for (let dx = -3; dx <= 3; dx += 3) sum += bytes[at + dy + dx]!;
        result[at] = Math.floor(sum / 13 + 0.5);
      }
  return result;
}

/** The operations by their names; magnitudes are of the operation's own unit. */
export const OPERATIONS = {
  /** Shifts a row by this many pixels for each row. */
  ShearX: (picture, m) => moved(picture, 1, m, 0, 0, 1, 0),
  ShearY: (picture, m) => moved(picture, 1, 0, 0, m, 1, 0),
  TranslateX: (picture, m) => moved(picture, 1, 0, m, 0, 1, 0),
  TranslateY: (picture, m) => moved(picture, 1, 0, 0, 0, 1, m),
  /** By degrees, against the clock, around the centre. */
  Rotate(picture, m) {
    const [sin, cos] = [Math.sin((m * Math.PI) / 180), Math.cos((m * Math.PI) / 180)];
    const c = picture.size / 2;
    return moved(picture, cos, -sin, c - cos * c + sin * c, sin, cos, c - sin * c - cos * c);
  },
  /** Stretches each channel to all of 0 to 255. */
  AutoContrast: (picture) =>
    mappedByChannel(picture, (histogram) => {
      const low = histogram.findIndex((n) => n > 0);
      const high = histogram.findLastIndex((n) => n > 0);
      if (high <= low) return undefined;
      const scale = 255 / (high - low);
      return (value) => byte(Math.trunc(value * scale - low * scale));
    }),
  /** Makes all values of each channel equally frequent. */
  Equalize: (picture) =>
    mappedByChannel(picture, (histogram) => {
      const counts = histogram.filter((n) => n > 0);
      const step = Math.floor((counts.reduce((a, b) => a + b) - counts.at(-1)!) / 255);
      if (counts.length <= 1 || step === 0) return undefined;
      let below = Math.floor(step / 2);
      const table = Array.from(histogram, (n) => {
        const value = Math.floor(below / step);
        below += n;
        return byte(value);
      });
      return (value) => table[value]!;
    }),
  Invert: (picture) => mapped(picture, (value) => 255 - value),
  /** Inverts values from the threshold on. */
  Solarize: (picture, m) => mapped(picture, (value) => (value < m ? value : 255 - value)),
  /** Keeps so many bits. */
  Posterize: (picture, m) => mapped(picture, (value) => value & ~(2 ** (8 - m) - 1) & 255),
  Contrast(picture, m) {
    const { bytes } = picture;
    let sum = 0;
    for (let i = 0; i < bytes.length; i += 3) sum += grey(bytes, i);
    const mean = Math.floor(sum / (bytes.length / 3) + 0.5);
    return blended(picture, () => mean, m);
  },
  Color: (picture, m) => blended(picture, (i) => grey(picture.bytes, i - (i % 3)), m),
  Brightness: (picture, m) => blended(picture, () => 0, m),
  Sharpness(picture, m) {
    const smooth = smoothed(picture);
    return blended(picture, (i) => smooth[i]!, m);
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

/** The size of images that translations by pixels were chosen for. */
const USUAL_SIZE = 32;
const SIGNED: readonly OperationName[] = ['ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate'];

/** Magnitudes of the levels 0 to 10, as in the authors' code. */
function magnitudeAt(name: OperationName, level: number, size: number): number {
  switch (name) {
    case 'ShearX':
    case 'ShearY':
      return (level / 10) * 0.3;
    case 'TranslateX':
    case 'TranslateY':
      return Math.trunc((level * size) / USUAL_SIZE);
    case 'Rotate':
      return Math.trunc((level / 10) * 30);
    case 'Solarize':
      return 256 - Math.trunc((level / 10) * 256);
    case 'Posterize':
      return 4 - Math.trunc((level / 10) * 4);
    default:
      return (level / 10) * 1.8 + 0.1;
  }
}

function applied(picture: Picture, name: OperationName, level: number, next: Stream): Picture {
  const isBack = SIGNED.includes(name) && next() < 0.5;
  const magnitude = magnitudeAt(name, level, picture.size);
  return { ...picture, bytes: OPERATIONS[name](picture, isBack ? -magnitude : magnitude) };
}

/** An operation, the probability that it takes place, and its level. */
type Choice = readonly [OperationName, number, number];

/** The 25 parts of the policy for CIFAR-10 (Cubuk et al., 2019, Table 7): two operations, one after the other. */
const CIFAR_POLICY: readonly (readonly [Choice, Choice])[] = [
  [
    ['Invert', 0.1, 7],
    ['Contrast', 0.2, 6],
  ],
  [
    ['Rotate', 0.7, 2],
    ['TranslateX', 0.3, 9],
  ],
  [
    ['Sharpness', 0.8, 1],
    ['Sharpness', 0.9, 3],
  ],
  [
    ['ShearY', 0.5, 8],
    ['TranslateY', 0.7, 9],
  ],
  [
    ['AutoContrast', 0.5, 8],
    ['Equalize', 0.9, 2],
  ],
  [
    ['ShearY', 0.2, 7],
    ['Posterize', 0.3, 7],
  ],
  [
    ['Color', 0.4, 3],
    ['Brightness', 0.6, 7],
  ],
  [
    ['Sharpness', 0.3, 9],
    ['Brightness', 0.7, 9],
  ],
  [
    ['Equalize', 0.6, 5],
    ['Equalize', 0.5, 1],
  ],
  [
    ['Contrast', 0.6, 7],
    ['Sharpness', 0.6, 5],
  ],
  [
    ['Color', 0.7, 7],
    ['TranslateX', 0.5, 8],
  ],
  [
    ['Equalize', 0.3, 7],
    ['AutoContrast', 0.4, 8],
  ],
  [
    ['TranslateY', 0.4, 3],
    ['Sharpness', 0.2, 6],
  ],
  [
    ['Brightness', 0.9, 6],
    ['Color', 0.2, 8],
  ],
  [
    ['Solarize', 0.5, 2],
    ['Invert', 0, 3],
  ],
  [
    ['Equalize', 0.2, 0],
    ['AutoContrast', 0.6, 0],
  ],
  [
    ['Equalize', 0.2, 8],
    ['Equalize', 0.6, 4],
  ],
  [
    ['Color', 0.9, 9],
    ['Equalize', 0.6, 6],
  ],
  [
    ['AutoContrast', 0.8, 4],
    ['Solarize', 0.2, 8],
  ],
  [
    ['Brightness', 0.1, 3],
    ['Color', 0.7, 0],
  ],
  [
    ['Solarize', 0.4, 5],
    ['AutoContrast', 0.9, 3],
  ],
  [
    ['TranslateY', 0.9, 9],
    ['TranslateY', 0.7, 9],
  ],
  [
    ['AutoContrast', 0.9, 2],
    ['Solarize', 0.8, 3],
  ],
  [
    ['Equalize', 0.8, 8],
    ['Invert', 0.1, 3],
  ],
  [
    ['TranslateY', 0.7, 9],
    ['AutoContrast', 0.9, 1],
  ],
];

/** One part of AutoAugment's policy for CIFAR-10, drawn at random. */
export function autoAugmented(picture: Picture, next: Stream): Picture {
  let result = picture;
  for (const [name, probability, level] of CIFAR_POLICY[integer(next, CIFAR_POLICY.length)]!)
    if (next() < probability) result = applied(result, name, level, next);
  return result;
}

/** What RandAugment draws from; undefined changes nothing. */
const RANDOM: readonly (OperationName | undefined)[] = [
  undefined,
  'AutoContrast',
  'Equalize',
  'Rotate',
  'Solarize',
  'Color',
  'Posterize',
  'Contrast',
  'Brightness',
  'Sharpness',
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
];

/** So many operations at one level, each drawn at random. */
export function randAugmented(picture: Picture, operations: number, level: number, next: Stream): Picture {
  let result = picture;
  for (let i = 0; i < operations; i++) {
    const name = RANDOM[integer(next, RANDOM.length)];
    if (name) result = applied(result, name, level, next);
  }
  return result;
}
