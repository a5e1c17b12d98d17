// Writes every table of a results folder.
import path from 'node:path';
import { writeWhole } from '../io/files.js';
import { EXTERNAL_TABLE } from '../results/external.js';
import { archiveFile, writeArchive } from '../results/store.js';
import { readAnalysesOf } from './analyses.js';
import { comparisonCsv, externalCsv, rhoCsv, runsCsv, shapeCsv, tableCsv, threeWaysCsv } from './csv.js';
import { latexTable } from './latex.js';
import { pageDataOf } from './page_data_of.js';
import type { Report } from './report.js';
import { markdownTable } from './table.js';

/**
 * Writes every table of a results folder: runs.csv, table4.csv, comparison.csv, shape.csv, three_ways.csv where epochs
 * could be chosen, rho.csv where rows differ in rho or m, table4.md, table4.tex, external.csv if there are external rows, and report.html, and all records into
 * records.jsonl.
 *
 * @param archive false: leaves records.jsonl as it is
 * @returns their paths
 * @throws InputError if one cannot be written, or records.jsonl would lose a record: nothing is written then
 */
export async function writeTables(out: string, report: Report, archive = true): Promise<string[]> {
  const analyses = await readAnalysesOf(out, report);
  // Many commands load this file and write no page.
  const { htmlPage } = await import('./html.js');
  const page = pageDataOf([{ name: report.graph.suite.name, report, analyses }]);
  return [
    ...(await writeNumbers(out, report, archive)),
    ...(await writeAll(out, { 'report.html': htmlPage(page) })),
  ];
}

/** Writes all but the page, as after every run. See `writeTables`. */
export async function writeNumbers(out: string, report: Report, archive = true): Promise<string[]> {
  if (archive) await writeArchive(out, report.graph.runs, report.records);
  return [...(await writeAll(out, tableTexts(report))), ...(archive ? [archiveFile(out)] : [])];
}

/** The contents of all tables but the page, by their files' names. */
export function tableTexts(report: Report): Record<string, string> {
  const ways = threeWaysCsv(report);
  const rho = rhoCsv(report);
  return {
    'runs.csv': runsCsv(report),
    'table4.csv': tableCsv(report),
    'comparison.csv': comparisonCsv(report),
    'shape.csv': shapeCsv(report),
    ...(ways !== undefined && { 'three_ways.csv': ways }),
    ...(rho !== undefined && { 'rho.csv': rho }),
    'table4.md': markdownTable(report),
    'table4.tex': latexTable(report),
    // Rows of others are in a file of their own, so that who reads the files of ours gets what they had.
    ...(report.external.length ? { [EXTERNAL_TABLE]: externalCsv(report) } : {}),
  };
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
