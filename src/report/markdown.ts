// The table in Markdown.
import { captionOf } from './caption.js';
import { tableCells } from './cells.js';
import { markdownText } from './escape.js';
import type { Report } from './report.js';

/** table4.md: caption, table and notes, ending in a line break. */
export function markdownTable(report: Report): string {
  const { title, noise, notes } = captionOf(report);
  const [header, ...rows] = tableCells(report);
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const links = report.external.flatMap(({ link }) => link ?? []);
  /** Addresses are links, whatever is in them: what they may be made of needs no escape there. */
  const text = (note: string) =>
    links.reduce(
      (escaped, link) => escaped.replace(`, ${markdownText(link)}`, () => `, <${link}>`),
      markdownText(note),
    );
  const rule = header!.map((_, i) => (i === 0 ? '---' : '---:'));
  return [
    `**${markdownText(title)}**`,
    '',
    markdownText(noise),
    '',
    ...[header!, rule, ...rows].map(line),
    '',
    ...notes.map(text).map((note) => (note.startsWith('  ') ? `  - ${note.trim()}` : `- ${note}`)),
    '',
  ].join('\n');
}
