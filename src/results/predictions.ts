// Predicted labels as text: a digit an image, or for more than ten classes two hexadecimal ones.

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

/** Labels 0 to classes - 1 as text. */
export function encodeLabels(labels: Uint8Array, classes: number): string {
  const none = labels.find((label) => label >= classes);
  if (none !== undefined) throw new RangeError(`label ${none} is no class`);
  return labelWidth(classes) === 2 ? Buffer.from(labels).toString('hex') : labels.join('');
}

/** The labels of a text. */
export function decodeLabels(text: string, classes: number): Uint8Array {
  return labelWidth(classes) === 2
    ? Uint8Array.from(Buffer.from(text, 'hex'))
    : Uint8Array.from(text, Number);
}
