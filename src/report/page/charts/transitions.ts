// A transition matrix as shaded cells.
import * as Plot from '@observablehq/plot';
import type { Drawings } from '../drawing.js';
import { plotted } from './frame.js';

export const transitionsFigure: Drawings['transitions'] = (counts, classNames, width) => {
  const cells = counts.flatMap((row, truth) => {
    const all = row.reduce((sum, n) => sum + n, 0);
    return row.map((images, given) => ({ truth, given, images, share: all ? images / all : 0 }));
  });
  type Cell = (typeof cells)[number];
  // Roots, because off the diagonal the shares are small; never so dark that the numbers cannot be read.
  const shade = ({ share }: Cell) =>
    `color-mix(in srgb, var(--accent) ${(50 * Math.sqrt(share)).toFixed(1)}%, var(--surface))`;
  const figure = plotted({
    width,
    height: Math.round(Math.max(230, width * 0.62)),
    marginLeft: 18,
    marginTop: 18,
    marginRight: 0,
    marginBottom: 0,
    x: { axis: 'top', tickSize: 0, label: null },
    y: { tickSize: 0, label: null },
    marks: [
      Plot.cell(cells, {
        x: 'given',
        y: 'truth',
        fill: shade,
        inset: 0.5,
        title: ({ truth, given, images }: Cell) =>
          `${images} images of class ${truth} (${classNames[truth]}) were labelled ${given} (${classNames[given]})`,
      }),
      // Of many classes the numbers would not be readable.
      Plot.text(counts.length > 20 ? [] : cells, {
        x: 'given',
        y: 'truth',
        text: ({ share }: Cell) => percent(share),
        fill: 'var(--ink)',
        fontSize: width < 300 ? 8.5 : 10,
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
