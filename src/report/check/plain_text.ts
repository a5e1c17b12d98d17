// Text of files made fit for a line of output: names and reasons may hold anything.

/** Without control characters and line breaks. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** For Markdown: nothing of it is taken for markup. */
export function markdownText(text: string): string {
  return plain(text)
    .replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!)
    .replace(/[\\`*_[\]|~#!@]/g, '\\$&');
}
