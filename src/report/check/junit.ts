// A check's result as JUnit XML, which CI systems show as tests: a test case for each cell.
import module = require('junit-report-builder');

import { isFailure } from '../../regression/verdict.js';
import { plain } from '../escape.js';
import { type CheckReport, cellTitle, notes, verdicts, verdictText } from './content.js';

// Its types speak of an ES module, what Node loads is a CommonJS one, whose export is the builder itself.
const junit = module as unknown as module.Builder;

/** check.junit.xml's text. */
export function checkJUnit(report: CheckReport): string {
  const { comparison, graph } = report;
  const builder = junit.newBuilder();
  const suite = builder.testSuite().name(plain(`labelnoise check ${comparison.suite}`));
  suite.property('baseline', plain(comparison.baseline));
  for (const [i, note] of notes(report).entries()) suite.property(`note ${i + 1}`, plain(note));
  for (const cell of verdicts(report)) {
    const name = plain(cellTitle(cell, graph));
    const test = suite
      .testCase()
      .className(plain(`labelnoise.${comparison.suite}`))
      .name(name);
    const text = plain(`${verdictText(cell)}: ${cell.reason}`);
    if (isFailure(cell)) test.failure(text, cell.defect ? 'defect' : cell.verdict);
    else test.standardOutput(text);
  }
  return builder.build();
}
