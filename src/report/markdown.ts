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
  const rule = header!.map((_, i) => (i === 0 ? '---' : '---:'));
  return [
    `**${markdownText(title)}**`,
    '',
    markdownText(noise),
    '',
    ...[header!, rule, ...rows].map(line),
    '',
    ...notes.map(markdownText).map((note) => (note.startsWith('  ') ? `  - ${note.trim()}` : `- ${note}`)),
    '',
  ].join('\n');
}
