// What all figures have in common: size, margins, axes, and the reading of a figure along x.
import * as Plot from '@observablehq/plot';
import type { Drawing, Reading, ReadingRow } from '../drawing.js';

/** Narrower figures get fewer ticks. */
export const NARROW = 420;

/** A plot in the page's own font and colours. */
export function plotted(options: Plot.PlotOptions): (SVGSVGElement | HTMLElement) & Plot.Plot {
  return Plot.plot({
    className: 'plot',
    marginTop: 12,
    marginRight: 12,
    marginLeft: 34,
    marginBottom: 34,
    ...options,
  });
}

/** An accuracy axis with faint lines across. */
export function percentAxis(): Plot.Markish[] {
  return [
    Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 5 }),
    Plot.axisY({ ticks: 5, tickSize: 0, label: null }),
  ];
}

/** A drawing whose values can be read at each of `xs`. */
export function readable(
  figure: (SVGSVGElement | HTMLElement) & Plot.Plot,
  xs: readonly number[],
  title: (x: number) => string,
  rows: (x: number) => (ReadingRow & { value: number })[],
): Drawing {
  const scale = figure.scale('x')!;
  const reading: Reading = {
    xs,
    pixel: (x) => scale.apply(x),
    title,
    rows: (x) => rows(x).sort((a, b) => b.value - a.value),
  };
  return { figure, reading };
}
