// What the user is told besides results.
import { plain } from '../report/escape.js';

/** Writes one line to stderr, whatever text from outside is in it. */
export function tell(line: string): void {
  process.stderr.write(`labelnoise: ${plain(line.trim())}\n`);
}
