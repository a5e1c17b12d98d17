// A check's failures as annotations of GitHub Actions: lines that its runner understands.
import { isFailure } from '../../regression/verdict.js';
import { plain } from '../escape.js';
import { type CheckReport, cellTitle, headline, verdicts, verdictText } from './content.js';

/**
 * An `::error` line for each cell that fails the check, a `::warning` line for each that improved, a `::notice` if all is well.
 *
 * See GitHub's "Workflow commands for GitHub Actions" for the format and what must be escaped.
 */
export function annotations(report: CheckReport): string {
  const { comparison, graph } = report;
  const lines = verdicts(report).flatMap((cell) => {
    const level = isFailure(cell) ? 'error' : cell.verdict === 'improved' ? 'warning' : undefined;
    const title = `${comparison.suite}: ${cellTitle(cell, graph)}: ${verdictText(cell)}`;
    return level ? [`::${level} title=${property(title)}::${data(cell.reason)}\n`] : [];
  });
  return lines.length ? lines.join('') : `::notice title=labelnoise check::${data(headline(report))}\n`;
}

function data(text: string): string {
  return plain(text).replaceAll('%', '%25');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
