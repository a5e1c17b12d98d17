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
 * Writes runs.csv, table4.csv, comparison.csv, shape.csv, table4.md, table4.tex, report.html and records.jsonl; returns
 * their paths. @throws InputError if it cannot
 */
export async function writeTables(out: string, report: Report): Promise<string[]> {
  const contents = {
    'runs.csv': runsCsv(report),
    'table4.csv': tableCsv(report),
    'comparison.csv': comparisonCsv(report),
    'shape.csv': shapeCsv(report),
    'table4.md': markdownTable(report),
    'table4.tex': latexTable(report),
    'report.html': htmlPage(pageDataOf([{ name: report.graph.suite.name, report }])),
    [ARCHIVE]: archiveOf(report.graph.runs, report.records),
  };
  const files: string[] = [];
  for (const [name, text] of Object.entries(contents)) {
    const file = path.join(out, name);
    await writeWhole(file, text);
    files.push(file);
  }
  return files;
}
