// Small pieces of lines for legends.
import * as Plot from '@observablehq/plot';
import { folderColour, folderDash, methodColour, methodSymbol } from '../styles.js';
import { plotted } from './frame.js';

function key(marks: Plot.Markish[]): Element {
  const size = { width: 30, height: 14, marginTop: 0, marginRight: 0, marginBottom: 0, marginLeft: 0 };
  return plotted({ ...size, axis: null, x: { domain: [0, 1] }, y: { domain: [0, 1] }, marks });
}

const across = (options: Plot.LineOptions) =>
  Plot.line(
    [
      [0, 0.5],
      [1, 0.5],
    ],
    options,
  );
const centre: [number, number][] = [[0.5, 0.5]];

export const methodKey = (style: number, isExternal = false) =>
  key([
    across({ stroke: methodColour(style), strokeWidth: 2, strokeDasharray: isExternal ? '1.5 3' : 'none' }),
    Plot.dot(centre, { fill: methodColour(style), symbol: methodSymbol(style), r: 4 }),
  ]);

export const folderKey = (place: number, coloured: boolean) =>
  coloured
    ? key([
        across({ stroke: folderColour(place), strokeWidth: 2 }),
        Plot.dot(centre, { fill: folderColour(place), symbol: methodSymbol(place), r: 4 }),
      ])
    : key([across({ stroke: 'var(--ink)', strokeWidth: 2, strokeDasharray: folderDash(place) })]);

export const patchKey = (colour: string) =>
  key([Plot.rect([[0]], { x1: 0.25, x2: 0.75, y1: 0, y2: 1, fill: colour, fillOpacity: 0.75 })]);

export const paperKey = () =>
  key([
    across({ stroke: 'var(--muted)', strokeWidth: 1.25, strokeDasharray: '5 4' }),
    Plot.dot(centre, { fill: 'var(--surface)', stroke: 'var(--muted)', strokeWidth: 1.25, r: 3.5 }),
  ]);
