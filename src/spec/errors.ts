// Errors that are the user's to mend: shown as one line, never with a stack trace.

/** Exit code for input that is wrong: a suite, a flag, a file, a folder. */
export const EXIT_BAD_INPUT = 2;

/** Input that cannot be used. The message is one line naming the file or flag, the field, the value and what would be right. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
