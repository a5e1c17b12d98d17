// A matrix of counts as shaded cells: true classes and given labels, or given and predicted ones.
import * as Plot from '@observablehq/plot';
import type { Drawings } from '../drawing.js';
import { plotted } from './frame.js';

/** With more classes numbers and names could not be read. */
const MOST_NAMES = 20;
/** About what a letter of a name takes, in pixels. */
const LETTER = 6.2;

export const matrixFigure: Drawings['matrix'] = (counts, classNames, [rowTitle, columnTitle], width) => {
  const cells = counts.flatMap((row, r) => {
    const all = row.reduce((sum, n) => sum + n, 0);
    return row.map((images, c) => ({ row: r, column: c, images, share: all ? images / all : 0 }));
  });
  type Cell = (typeof cells)[number];
  // Roots, because off the diagonal the shares are small; never so dark that the numbers cannot be read.
  const shade = ({ share }: Cell) =>
    `color-mix(in srgb, var(--accent) ${(50 * Math.sqrt(share)).toFixed(1)}%, var(--surface))`;
  const isNamed = classNames.length <= MOST_NAMES;
  const longest = isNamed ? LETTER * Math.max(...classNames.map(({ length }) => length)) : 0;
  const [marginLeft, marginTop] = [longest + 30, longest * 0.72 + 40];
  const side = width - marginLeft - 30;
  const names = isNamed ? (i: number) => classNames[i]! : () => '';
  const axis = { tickSize: 0, tickFormat: names, labelAnchor: 'center', labelArrow: 'none' } as const;
  const figure = plotted({
    width,
    height: Math.round(marginTop + Math.max(200, side * 0.72)),
    marginLeft,
    marginTop,
    marginRight: 30,
    marginBottom: 0,
    x: { type: 'band', domain: classNames.map((_, i) => i) },
    y: { type: 'band', domain: classNames.map((_, i) => i) },
    marks: [
      Plot.axisX({ ...axis, anchor: 'top', tickRotate: -45, label: columnTitle, labelOffset: marginTop - 8 }),
      Plot.axisY({ ...axis, label: rowTitle, labelOffset: marginLeft - 8 }),
      Plot.cell(cells, {
        x: 'column',
        y: 'row',
        fill: shade,
        inset: 0.5,
        title: ({ row, column, images }: Cell) =>
          `${images} images: ${rowTitle.toLowerCase()} ${classNames[row]}, ${columnTitle.toLowerCase()} ${classNames[column]}`,
      }),
      Plot.text(isNamed ? cells : [], {
        x: 'column',
        y: 'row',
        text: ({ share }: Cell) => percent(share),
        fill: 'var(--ink)',
        fontSize: side < 300 ? 8.5 : 11,
        pointerEvents: 'none',
      }),
    ],
  });
  return { figure };
};

/** As many digits as fit. */
function percent(share: number): string {
  const value = 100 * share;
  return value === 0 ? '0' : value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}
