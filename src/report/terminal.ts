// The table for a terminal.
import { table } from 'table';
import { captionOf } from './caption.js';
import { tableCells } from './cells.js';
import type { Report } from './report.js';

/** Caption, table and notes, ending in a line break. */
export function terminalTable(report: Report): string {
  const { title, noise, notes } = captionOf(report);
  return [title, noise, ...tableLines(report), ...notes, ''].join('\n');
}

/** The table alone. @param compact without lines between the methods */
export function tableLines(report: Report, compact = false): string[] {
  const cells = tableCells(report);
  const columns = cells[0]!.map((_, i) => ({ alignment: i === 0 ? ('left' as const) : ('right' as const) }));
  const drawHorizontalLine = (i: number, count: number) => !compact || i < 2 || i === count;
  return table(cells, { columns, drawHorizontalLine }).trimEnd().split('\n');
}
