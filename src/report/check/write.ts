// Writes a check's reports to the results folder.
import path from 'node:path';
import { writeWhole } from '../../io/files.js';
import type { CheckReport } from './content.js';
import { checkJson } from './json.js';
import { checkJUnit } from './junit.js';
import { checkMarkdown } from './markdown.js';

/** Writes check.json, check.junit.xml and check.md; returns their names. @throws InputError if it cannot */
export async function writeCheck(out: string, report: CheckReport): Promise<string[]> {
  const contents = {
    'check.json': checkJson(report),
    'check.junit.xml': checkJUnit(report),
    'check.md': checkMarkdown(report),
  };
  for (const [name, text] of Object.entries(contents)) await writeWhole(path.join(out, name), text);
  return Object.keys(contents);
}
