// Puts a generated text into a file that people write, between two marks.

import { explained, writeWhole } from '../io/files.js';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { TEXT_FILE_BYTES } from '../spec/limits.js';

export const BEGIN = '<!-- labelnoise table -->';
export const END = '<!-- labelnoise end -->';
/** Those of another text, by its name. */
export const marksOf = (name: string) => ({
  begin: `<!-- labelnoise ${name} -->`,
  end: `<!-- labelnoise ${name} end -->`,
});
/** Those of the table of speeds. */
export const PERF_MARKS = marksOf('perf');

/**
 * The file's text with what stands between the marks replaced.
 *
 * @param file its name, for the error
 * @param marks the lines between which it stands
 * @throws InputError if the marks are not there, one of each, in this order
 */
export function inserted(
  text: string,
  generated: string,
  file: string,
  marks = { begin: BEGIN, end: END },
): string {
  const [begin, end] = [text.indexOf(marks.begin), text.indexOf(marks.end)];
  const once = begin === text.lastIndexOf(marks.begin) && end === text.lastIndexOf(marks.end);
  if (begin < 0 || end < begin || !once)
    throw new InputError(
      `${file}: needs a line ${marks.begin} and after it a line ${marks.end}, to put the text between`,
    );
  return `${text.slice(0, begin + marks.begin.length)}\n${generated}${text.slice(end)}`;
}

/** Puts a generated text between the marks of a file. @throws InputError if it cannot be read or written, or has no marks */
export async function insertInto(file: string, generated: string, marks?: typeof PERF_MARKS): Promise<void> {
  const bytes = await readBounded(file, TEXT_FILE_BYTES).catch((error) => {
    throw explained(error, `cannot read ${file}`);
  });
  await writeWhole(file, inserted(bytes.toString('utf8'), generated, file, marks));
}
