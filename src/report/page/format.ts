// Numbers as the page prints them, and rows as CSV.
import { csvText } from '../escape.js';

/** The sign that is as wide as a plus. */
const MINUS = '−';

/** An accuracy, percent. */
export const accuracy = (percent: number) => percent.toFixed(2);

/** A difference in percentage points, with its sign. */
export function points(difference: number): string {
  const text = Math.abs(difference).toFixed(2);
  if (Number(text) === 0) return `±${text}`;
  return `${difference < 0 ? MINUS : '+'}${text}`;
}

/** `84.21 ± 0.30`. */
export function withHalf(text: string, half: number | null, digits = 2): string {
  return half === null ? text : `${text} ± ${half.toFixed(digits)}`;
}

/** A count with its noun. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** Rows as CSV; fields that hold a comma, a quote or a line break are quoted (RFC 4180). */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const field = (value: string | number | null) => {
    const text = value === null ? '' : csvText(String(value));
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(field).join(',')}\n`).join('');
}
