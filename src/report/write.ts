// Writes every table of a results folder.
import path from 'node:path';
import { ARCHIVE, archiveOf } from '../results/archive.js';
import { writeWhole } from '../results/files.js';
import { comparisonCsv, runsCsv, shapeCsv, tableCsv } from './csv.js';
import { htmlPage } from './html.js';
import { latexTable } from './latex.js';
import { markdownTable } from './markdown.js';
import { pageDataOf } from './page_data_of.js';
import type { Report } from './report.js';

/**
 * Writes every table of a results folder: runs.csv, table4.csv, comparison.csv, shape.csv, table4.md, records.jsonl,
 * table4.tex and report.html.
 *
 * @returns their paths @throws InputError if one cannot be written
 */
export async function writeTables(out: string, report: Report): Promise<string[]> {
  const page = pageDataOf([{ name: report.graph.suite.name, report }]);
  return [
    ...(await writeNumbers(out, report)),
    ...(await writeAll(out, { 'table4.tex': latexTable(report), 'report.html': htmlPage(page) })),
  ];
}

/** Writes those that are quickly made, as after every run. @returns their paths @throws InputError if one cannot be written */
export function writeNumbers(out: string, report: Report): Promise<string[]> {
  return writeAll(out, {
    'runs.csv': runsCsv(report),
    'table4.csv': tableCsv(report),
    'comparison.csv': comparisonCsv(report),
    'shape.csv': shapeCsv(report),
    'table4.md': markdownTable(report),
    [ARCHIVE]: archiveOf(report.graph.runs, report.records),
  });
}

async function writeAll(out: string, contents: Record<string, string>): Promise<string[]> {
  const files: string[] = [];
  for (const [name, text] of Object.entries(contents)) {
    const file = path.join(out, name);
    await writeWhole(file, text);
    files.push(file);
  }
  return files;
}
