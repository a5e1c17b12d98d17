// What a network takes images for beside what they are: the most likely other class, and how near it comes.
import type { EncodedGuesses } from '../spec/record.js';

/** Of images in a run's order. */
export interface Guesses {
  /** The most likely class that is not the image's own. */
  classes: Uint8Array;
  /** The probability of the image's own class less that of the guess. */
  margins: Float32Array;
}

/**
 * The guesses of a network.
 *
 * @param logProbabilities images x classes
 * @param labels the images' own classes
 */
export function guessesOf(logProbabilities: Float32Array, labels: Uint8Array, classes: number): Guesses {
  const guesses = { classes: new Uint8Array(labels.length), margins: new Float32Array(labels.length) };
  for (const [i, label] of labels.entries()) {
    const own = logProbabilities.subarray(i * classes, (i + 1) * classes);
    let guess = label === 0 ? 1 : 0;
    for (const [c, value] of own.entries()) if (c !== label && value > own[guess]!) guess = c;
    guesses.classes[i] = guess;
    guesses.margins[i] = Math.exp(own[label]!) - Math.exp(own[guess]!);
  }
  return guesses;
}

export function encodeGuesses({ classes, margins }: Guesses): EncodedGuesses {
  const bytes = Buffer.alloc(margins.length * 4);
  for (const [i, margin] of margins.entries()) bytes.writeFloatLE(margin, i * 4);
  return { classes: Buffer.from(classes).toString('hex'), margins: bytes.toString('base64') };
}

export function decodeGuesses({ classes, margins }: EncodedGuesses): Guesses {
  const bytes = Buffer.from(margins, 'base64');
  return {
    classes: Uint8Array.from(Buffer.from(classes, 'hex')),
    margins: Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4)),
  };
}
