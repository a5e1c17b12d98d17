// Text from outside made fit for what it is printed in; HTML (Preact), JUnit and LaTeX (latex.ts) have their own.

/** For a terminal: without control characters, line breaks, and what turns the direction of writing. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
}

/** For Markdown: nothing of it is taken for markup. Intervals, as in `[-1.2, 3.4]`, are none. */
export function markdownText(text: string): string {
  return plain(text)
    .replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!)
    .replace(/[\\`*_|~#!@]|\[(?![-\d])|\](?=[[(:])/g, '\\$&');
}

const NUMBER = /^-?\d+(\.\d+)?$/;

/** For a cell of CSV: what a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises. */
export function csvText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}
