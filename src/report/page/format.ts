// Numbers as the page prints them.

/** The sign that is as wide as a plus. */
const MINUS = '−';

/** An accuracy, percent. */
export const accuracy = (percent: number) => percent.toFixed(2);

/** A difference in points, with its sign. */
export function points(difference: number): string {
  const text = Math.abs(difference).toFixed(2);
  if (Number(text) === 0) return `±${text}`;
  return `${difference < 0 ? MINUS : '+'}${text}`;
}

/** `84.21 ± 0.30`. */
export function withHalf(text: string, half: number | null): string {
  return half === null ? text : `${text} ± ${half.toFixed(2)}`;
}

/** A count with its noun. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}
