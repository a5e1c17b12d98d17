// What all figures have in common: size, margins, axes, and the reading of a figure along x.
import * as Plot from '@observablehq/plot';
import type { Drawing, Reading, ReadingRow } from '../drawing.js';

/** Narrower figures get fewer ticks. */
export const NARROW = 420;

/** A plot in the page's own font and colours. */
export function plotted(options: Plot.PlotOptions): (SVGSVGElement | HTMLElement) & Plot.Plot {
  return Plot.plot({
    className: 'plot',
    marginTop: 28,
    marginRight: 12,
    marginLeft: 34,
    marginBottom: 36,
    ...options,
  });
}

/** An axis of percentages with faint lines across. */
export function percentAxis(label: string | null = null): Plot.Markish[] {
  return [
    Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 5 }),
    Plot.axisY({ ticks: 5, tickSize: 0, label, labelArrow: 'none', labelAnchor: 'top' }),
  ];
}

/** A range of round numbers, in percent, around these; not from zero where that would squeeze them. */
export function percentRange(values: readonly number[]): [number, number] {
  if (!values.length) return [0, 100];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = high - low > 25 ? 10 : 5;
  const from = Math.max(0, Math.floor((low - 1) / step) * step);
  return [from, Math.min(100, Math.max(from + step, Math.ceil((high + 0.5) / step) * step))];
}

/** The x axis of epochs. */
export function epochAxis(epochs: number, width: number): Plot.PlotOptions['x'] {
  return {
    domain: [0, epochs],
    ticks: Math.min(epochs, width < NARROW ? 4 : 6),
    tickFormat: 'd',
    tickSize: 0,
    label: 'Epoch',
    labelAnchor: 'center',
    labelArrow: 'none',
  };
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
