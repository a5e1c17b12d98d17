// A check's result for a terminal.
import { table } from 'table';
import { isFailure } from '../../regression/verdict.js';
import { plain } from '../escape.js';
import {
  type CheckReport,
  COLUMNS,
  cellTitle,
  headline,
  notes,
  rows,
  verdicts,
  verdictText,
} from './content.js';

/** Table, what failed and why, notes, and the headline as the last line. */
export function checkText(report: CheckReport): string {
  const { graph } = report;
  const cells = [[...COLUMNS], ...rows(report)].map((row) => row.map(plain));
  const columns = COLUMNS.map((_, i) => ({ alignment: i < 4 ? ('left' as const) : ('right' as const) }));
  const drawHorizontalLine = (i: number, count: number) => i < 2 || i === count;
  const failures = verdicts(report)
    .filter(isFailure)
    .map((cell) => `${cellTitle(cell, graph)}: ${verdictText(cell)}: ${cell.reason}`);
  return [
    table(cells, { columns, drawHorizontalLine }).trimEnd(),
    ...[...failures, ...notes(report), headline(report)].map(plain),
    '',
  ].join('\n');
}
