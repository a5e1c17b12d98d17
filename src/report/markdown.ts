// The table in Markdown.
import { captionOf } from './caption.js';
import { tableCells } from './cells.js';
import type { Report } from './report.js';

/** table4.md: caption, table and notes, ending in a line break. */
export function markdownTable(report: Report): string {
  const { title, noise, notes } = captionOf(report);
  const [header, ...rows] = tableCells(report);
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = header!.map((_, i) => (i === 0 ? '---' : '---:'));
  return [
    `**${title}**`,
    '',
    noise,
    '',
    ...[header!, rule, ...rows].map(line),
    '',
    ...notes.map((note) => (note.startsWith('  ') ? `  - ${note.trim()}` : `- ${note}`)),
    '',
  ].join('\n');
}
