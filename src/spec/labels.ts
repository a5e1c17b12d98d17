// Predicted labels: as text, a digit an image, or for more than ten classes two hexadecimal ones; and what they say of what was learned.
import type { Evaluation } from './record.js';

/** Whether a text is of labels 0 to classes - 1, in words if it is not. */
export function labelTextFault(text: string, classes: number): string | undefined {
  const [label, digits] =
    labelWidth(classes) === 2 ? [/^(?:[0-9a-f]{2})+$/, 'two hexadecimal digits'] : [/^[0-9]+$/, 'a digit'];
  const isText = label.test(text) && decodeLabels(text, classes).every((value) => value < classes);
  return isText ? undefined : `${digits} for each image`;
}

/** Characters of a label's text. */
export function labelWidth(classes: number): number {
  return classes > 10 ? 2 : 1;
}

const ZERO = '0'.charCodeAt(0);

/** Labels 0 to classes - 1 as text. */
export function encodeLabels(labels: Uint8Array, classes: number): string {
  const none = labels.find((label) => label >= classes);
  if (none !== undefined) throw new RangeError(`label ${none} is no class`);
  return labelWidth(classes) === 2 ? Buffer.from(labels).toString('hex') : labels.join('');
}

/** The labels of a text. */
export function decodeLabels(text: string, classes: number): Uint8Array {
  if (labelWidth(classes) === 2) return Uint8Array.from(Buffer.from(text, 'hex'));
  const labels = Uint8Array.from(Buffer.from(text, 'latin1'));
  for (let i = 0; i < labels.length; i++) labels[i]! -= ZERO;
  return labels;
}

/** Share in percent of the images that `counts` accepts among those that `among` accepts; null if there are none. */
export function percentage(
  n: number,
  among: (i: number) => boolean,
  counts: (i: number) => boolean,
): number | null {
  let all = 0;
  let hits = 0;
  for (let i = 0; i < n; i++)
    if (among(i)) {
      all++;
      if (counts(i)) hits++;
    }
  return all === 0 ? null : (100 * hits) / all;
}

/** What predictions for the training images say of what was learned, by their true and their noisy labels. */
export function memorisation(
  predictions: Uint8Array,
  truth: Uint8Array,
  noisy: Uint8Array,
): Pick<Evaluation, 'wrongLabelsFitted' | 'trueLabelsRecovered' | 'trainAccuracyTrue'> {
  const wrong = (i: number) => noisy[i] !== truth[i];
  const isTrue = (i: number) => predictions[i] === truth[i];
  return {
    wrongLabelsFitted: percentage(truth.length, wrong, (i) => predictions[i] === noisy[i]),
    trueLabelsRecovered: percentage(truth.length, wrong, isTrue),
    trainAccuracyTrue: percentage(truth.length, () => true, isTrue),
  };
}
