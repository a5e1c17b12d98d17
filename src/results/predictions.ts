// Predicted labels as text: one digit an image.
import { CLASSES } from '../data/dataset.js';

/** Labels 0 to 9 as a string of digits. */
export function encodeLabels(labels: Uint8Array): string {
  return Array.from(labels, (label) => {
    if (label >= CLASSES) throw new RangeError(`label ${label} is no class`);
    return label;
  }).join('');
}

/** The labels of a string of digits. */
export function decodeLabels(digits: string): Uint8Array {
  return Uint8Array.from(digits, Number);
}
