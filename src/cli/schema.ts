// `labelnoise schema`: what a suite file can say, for editors and for the documentation.
import type { Command } from 'commander';
import { insertInto, marksOf } from '../report/insert.js';
import { suiteJsonSchema, suiteReference } from '../suite/reference.js';

const { begin, end } = marksOf('schema');

const HELP = `
Prints a JSON Schema of suite files. An editor that knows it completes fields, methods, noises and settings, and marks what is not
one: name it in a suite as "$schema", as a path from the suite file on, or tell the editor. It lies in docs/suite.schema.json too.

Examples:
  labelnoise schema > suite.schema.json
  labelnoise schema --into docs/suites.md`;

export function register(program: Command): void {
  program
    .command('schema')
    .description('print a JSON Schema of suite files, which editors complete by')
    .option(
      '--into <file>',
      `put a reference of the fields, in Markdown, between ${begin} and ${end} of a file`,
    )
    .addHelpText('after', HELP)
    .action(async ({ into }: { into?: string }) => {
      if (into) await insertInto(into, suiteReference(), { begin, end });
      else process.stdout.write(schemaText());
    });
}

/** The JSON Schema, as its file holds it. */
export function schemaText(): string {
  return `${JSON.stringify(suiteJsonSchema(), null, 2)}\n`;
}
