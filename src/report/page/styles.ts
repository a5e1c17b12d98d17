// How methods, folders and states look: by colour and by shape, so that either is enough.
import type { RunState } from '../page_data.js';

/** Markers by a method's style. */
export const SYMBOLS = [
  'circle',
  'square',
  'triangle',
  'diamond',
  'star',
  'wye',
  'cross',
  'hexagon',
] as const;
/** Dashes by a folder's place. */
export const DASHES = ['none', '7 3', '2 3', '8 3 2 3'] as const;

/** Colours are custom properties of the page's style sheet, which has them for light and dark. */
export const methodColour = (style: number) => `var(--series-${style % SYMBOLS.length})`;
/** Folders take the colours from the second on: the first one is a grey. */
export const folderColour = (place: number) => `var(--series-${(place % (SYMBOLS.length - 1)) + 1})`;
/** With more methods than colours, the markers of one colour differ. */
export const methodSymbol = (style: number) =>
  SYMBOLS[(style + Math.floor(style / SYMBOLS.length)) % SYMBOLS.length]!;
export const folderDash = (place: number) => DASHES[place % DASHES.length]!;

/** A shade for a share from 0 to 1, on which the page's ink can still be read where a table has it. */
export const shadeOf = (share: number) =>
  `color-mix(in oklab, var(--accent) ${(6 + 84 * share).toFixed(1)}%, var(--surface))`;

/** A sign and a name for each state of a run. */
export const STATES: Record<RunState, { sign: string; colour: string }> = {
  finished: { sign: '✓', colour: 'var(--good)' },
  running: { sign: '▶', colour: 'var(--accent)' },
  begun: { sign: '◐', colour: 'var(--accent)' },
  'to do': { sign: '○', colour: 'var(--muted)' },
  failed: { sign: '✗', colour: 'var(--bad)' },
  damaged: { sign: '⚠', colour: 'var(--bad)' },
  'teacher failed': { sign: '⊘', colour: 'var(--bad)' },
};

/** The three fates of a wrong label, from the axis upwards. */
export const FATES = [
  { title: 'memorised', colour: 'var(--below)' },
  { title: 'another class', colour: 'var(--neutral)' },
  { title: 'true class', colour: 'var(--above)' },
] as const;

/** Right labels and wrong ones. */
export const LABELS = [
  { title: 'right labels', colour: 'var(--above)' },
  { title: 'wrong labels', colour: 'var(--below)' },
] as const;
