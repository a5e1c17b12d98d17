// Puts a generated text into a file that people write, between two marks.
import { InputError } from '../errors.js';

export const BEGIN = '<!-- labelnoise table -->';
export const END = '<!-- labelnoise end -->';

/**
 * The file's text with what stands between the marks replaced.
 *
 * @param file its name, for the error
 * @throws InputError if the marks are not there, one of each, in this order
 */
export function inserted(text: string, generated: string, file: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  const once = begin === text.lastIndexOf(BEGIN) && end === text.lastIndexOf(END);
  if (begin < 0 || end < begin || !once)
    throw new InputError(
      `${file}: needs a line ${BEGIN} and after it a line ${END}, to put the table between`,
    );
  return `${text.slice(0, begin + BEGIN.length)}\n${generated}${text.slice(end)}`;
}
