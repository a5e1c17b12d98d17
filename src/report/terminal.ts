// The table for a terminal.
import { table } from 'table';
import { captionOf } from './caption.js';
import { tableCells } from './cells.js';
import type { Report } from './report.js';

/** Caption, table and notes, ending in a line break. */
export function terminalTable(report: Report): string {
  const { title, noise, notes } = captionOf(report);
  const cells = tableCells(report);
  const columns = cells[0]!.map((_, i) => ({ alignment: i === 0 ? ('left' as const) : ('right' as const) }));
  return [title, noise, table(cells, { columns }).trimEnd(), ...notes, ''].join('\n');
}
