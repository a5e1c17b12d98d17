// A check's result as JSON: everything the other reports say, in numbers.
import { type CheckReport, headline, notes, paperOf } from './content.js';

/** Bumped when fields change their meaning. */
const CHECK_FORMAT = 1;

/** check.json's text. */
export function checkJson(report: CheckReport): string {
  const { cells, ...comparison } = report.comparison;
  const content = {
    format: CHECK_FORMAT,
    ...comparison,
    headline: headline(report),
    notes: notes(report),
    cells: cells.map((cell) => ({ ...cell, paper: paperOf(cell, report) })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
