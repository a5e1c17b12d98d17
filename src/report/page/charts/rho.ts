// A percentage over rho and noise, as shaded cells; the best rho of each noise setting is framed.
import * as Plot from '@observablehq/plot';
import type { RhoData } from '../../page_data.js';
import type { Drawings } from '../drawing.js';
import { accuracy, withHalf } from '../format.js';
import { NARROW, plotted } from './frame.js';

const ROW_HEIGHT = 46;
/** The darkest shade is one on which the numbers can still be read. */
const DARKEST = 50;

type Cell = RhoData['panels'][number]['cells'][number];

export const rhoFigure: Drawings['rho'] = ({ panels }, panel, quantity, noiseSettings, width) => {
  const value = (cell: Cell) => cell[quantity];
  const all = panels.flatMap(({ cells }) => cells.flatMap((cell) => value(cell) ?? []));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const shade = (cell: Cell) => {
    const share = high > low ? ((value(cell) ?? low) - low) / (high - low) : 0;
    return `color-mix(in srgb, var(--accent) ${(DARKEST * share).toFixed(1)}%, var(--surface))`;
  };
  const title = ({ noiseSetting }: Cell) =>
    noiseSettings.find(({ label }) => label === noiseSetting)?.title ?? noiseSetting;
  const titles = noiseSettings
    .filter(({ label }) => panels.some(({ cells }) => cells.some((cell) => cell.noiseSetting === label)))
    .map(({ title }) => title);
  const place = { x: 'rho', y: title };
  const hasHalf = ({ half }: Cell) => quantity === 'mean' && half !== null;
  const found = panel.cells.filter((cell) => value(cell) !== null);
  const best = found.filter((cell) =>
    found.every((other) => other.noiseSetting !== cell.noiseSetting || value(other)! <= value(cell)!),
  );
  const figure = plotted({
    width,
    height: titles.length * ROW_HEIGHT + 46,
    marginLeft: 44,
    marginTop: 4,
    marginRight: 0,
    x: {
      type: 'band',
      domain: [...new Set(panels.flatMap(({ cells }) => cells.map(({ rho }) => rho)))].sort((a, b) => a - b),
      padding: 0.04,
      tickSize: 0,
      label: 'rho',
      labelArrow: 'none',
    },
    y: { type: 'band', domain: titles, padding: 0.06, tickSize: 0, label: null },
    marks: [
      Plot.cell(panel.cells, {
        ...place,
        fill: shade,
        stroke: 'var(--rule)',
        rx: 4,
        title: (cell: Cell) =>
          [
            `rho ${cell.rho}, ${title(cell)} noise`,
            ...(cell.mean === null
              ? ['not finished']
              : [`accuracy ${withHalf(accuracy(cell.mean), cell.half)} %`]),
            ...(cell.fitted === null ? [] : [`memorised wrong labels ${cell.fitted.toFixed(1)} %`]),
            ...(cell.seeds > 1 ? [`${cell.seeds} seeds`] : []),
          ].join(', '),
      }),
      Plot.cell(quantity === 'mean' ? best : [], {
        ...place,
        fill: 'none',
        stroke: 'var(--ink)',
        strokeWidth: 2,
        rx: 4,
        pointerEvents: 'none',
      }),
      ...[true, false].map((isAlone) =>
        Plot.text(
          panel.cells.filter((cell) => isAlone !== hasHalf(cell)),
          {
            ...place,
            text: (cell: Cell) => value(cell)?.toFixed(1) ?? '–',
            dy: isAlone ? 0 : -7,
            fill: 'var(--ink)',
            fontSize: width < NARROW ? 12 : 13,
            pointerEvents: 'none',
          },
        ),
      ),
      Plot.text(panel.cells.filter(hasHalf), {
        ...place,
        text: ({ half }: Cell) => `± ${half!.toFixed(1)}`,
        dy: 8,
        fill: 'var(--muted)',
        fontSize: width < NARROW ? 10 : 11,
        pointerEvents: 'none',
      }),
    ],
  });
  return { figure };
};
