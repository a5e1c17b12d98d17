// A check's result in Markdown, for the summary of a CI run or a comment.
import { isFailure } from '../../regression/verdict.js';
import { markdownText } from '../escape.js';
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

/** Heading, what failed and why, the table, notes; ends in a line break. */
export function checkMarkdown(report: CheckReport): string {
  const { comparison, graph } = report;
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const rule = COLUMNS.map((_, i) => (i < 4 ? '---' : '---:')).join(' | ');
  const failures = verdicts(report)
    .filter(isFailure)
    .map(
      (cell) =>
        `- **${markdownText(cellTitle(cell, graph))}**: ${verdictText(cell)}: ${markdownText(cell.reason)}`,
    );
  return [
    `## ${comparison.passed ? '✅' : '❌'} ${markdownText(headline(report))}`,
    '',
    ...(failures.length ? [...failures, ''] : []),
    line(COLUMNS),
    `| ${rule} |`,
    ...rows(report).map(line),
    '',
    ...notes(report).map((note) => `- ${markdownText(note)}`),
    '',
  ].join('\n');
}
