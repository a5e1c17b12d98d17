// Accuracy against noise: of a folder's methods, or of one method in several folders.
import * as Plot from '@observablehq/plot';
import type { CellData, NoiseSettingData } from '../../page_data.js';
import type { Drawings } from '../drawing.js';
import { accuracy, withHalf } from '../format.js';
import { folderColour, methodColour, methodSymbol } from '../styles.js';
import { percentAxis, plotted, readable } from './frame.js';

/** A cell's place and values. */
interface Point {
  x: number;
  cell: CellData;
}

/** Positions of the noise settings: their rates, or their order where they have none. */
function positions(noiseSettings: readonly NoiseSettingData[]): Map<string, number> {
  const rated = noiseSettings.every(({ rate }) => rate !== null);
  return new Map(noiseSettings.map(({ label, rate }, i) => [label, rated ? rate! : i]));
}

/** What the noise settings are called, by position in ascending order. */
function titlesByPosition(
  noiseSettings: readonly NoiseSettingData[],
  at: ReadonlyMap<string, number>,
): Map<number, string> {
  const titled = noiseSettings.map(({ label, title }) => [at.get(label)!, title] as const);
  return new Map(titled.sort(([a], [b]) => a - b));
}

const pointsOf = (cells: readonly CellData[], at: ReadonlyMap<string, number>): Point[] =>
  cells.map((cell) => ({ x: at.get(cell.noiseSetting)!, cell })).sort((a, b) => a.x - b.x);

function ours(points: readonly Point[], colour: string, symbol: Plot.SymbolType, dx = 0): Plot.Markish[] {
  const found = points.filter(({ cell }) => cell.mean !== null);
  const mean = ({ cell }: Point) => cell.mean;
  return [
    Plot.ruleX(
      found.filter(({ cell }) => cell.half !== null),
      {
        x: 'x',
        y1: ({ cell }: Point) => cell.mean! - cell.half!,
        y2: ({ cell }: Point) => cell.mean! + cell.half!,
        stroke: colour,
        strokeWidth: 1.5,
        marker: 'tick',
        dx,
      },
    ),
    Plot.lineY(found, { x: 'x', y: mean, stroke: colour, strokeWidth: 2, dx }),
    Plot.dot(found, {
      x: 'x',
      y: mean,
      fill: colour,
      stroke: 'var(--surface)',
      strokeWidth: 1,
      symbol,
      r: 4.5,
      dx,
    }),
  ];
}

function papers(points: readonly Point[], colour: string, symbol: Plot.SymbolType): Plot.Markish[] {
  const found = points.filter(({ cell }) => cell.paper !== null);
  const paper = ({ cell }: Point) => cell.paper;
  return [
    Plot.lineY(found, {
      x: 'x',
      y: paper,
      stroke: colour,
      strokeWidth: 1.25,
      strokeDasharray: '5 4',
      strokeOpacity: 0.8,
    }),
    Plot.dot(found, {
      x: 'x',
      y: paper,
      fill: 'var(--surface)',
      stroke: colour,
      strokeWidth: 1.25,
      symbol,
      r: 3.5,
    }),
  ];
}

/** The x axis with a tick for each noise setting. */
function noiseAxis(
  noiseSettings: readonly NoiseSettingData[],
  at: ReadonlyMap<string, number>,
): Plot.PlotOptions['x'] {
  const xs = [...at.values()];
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const room = (high - low || 1) * 0.08;
  const titles = new Map(noiseSettings.map(({ label, title }) => [at.get(label)!, title]));
  return {
    type: 'linear',
    domain: [low - room, high + room],
    ticks: xs,
    tickFormat: (x: number) => titles.get(x)!,
    tickSize: 0,
    label: 'Noise',
    labelAnchor: 'center',
    labelArrow: 'none',
  };
}

/** From zero to a round number above everything. */
function accuracyScale(cells: readonly CellData[]): Plot.PlotOptions['y'] {
  const highest = Math.max(
    10,
    ...cells.flatMap(({ mean, half, paper }) => [(mean ?? 0) + (half ?? 0), paper ?? 0]),
  );
  return { domain: [0, Math.min(100, Math.ceil(highest / 10) * 10)] };
}

export const accuracyFigure: Drawings['accuracy'] = (methods, noiseSettings, cells, width) => {
  const at = positions(noiseSettings);
  const withBars = cells.some(({ half }) => half !== null);
  const lines = methods.map((method, i) => ({
    method,
    points: pointsOf(
      cells.filter((cell) => cell.method === method.name),
      at,
    ),
    // Bars at the same noise would cover each other.
    dx: withBars ? (i - (methods.length - 1) / 2) * 3 : 0,
  }));
  const figure = plotted({
    width,
    height: Math.round(Math.max(280, Math.min(440, width * 0.5))),
    x: noiseAxis(noiseSettings, at),
    y: accuracyScale(cells),
    marks: [
      ...percentAxis(),
      ...lines.flatMap(({ method, points }) =>
        papers(points, methodColour(method.style), methodSymbol(method.style)),
      ),
      ...lines.flatMap(({ method, points, dx }) =>
        ours(points, methodColour(method.style), methodSymbol(method.style), dx),
      ),
    ],
  });
  const titles = titlesByPosition(noiseSettings, at);
  return readable(
    figure,
    [...titles.keys()],
    (x) => `Noise ${titles.get(x)}`,
    (x) =>
      lines.flatMap(({ method: { title, style }, points }) =>
        points
          .filter((point) => point.x === x)
          .map(({ cell }) => ({
            label: title,
            colour: methodColour(style),
            value: cell.mean ?? Number.NEGATIVE_INFINITY,
            text: besidePaper(cell),
          })),
      ),
  );
};

function besidePaper({ mean, half, paper }: CellData): string {
  const text = mean === null ? '–' : withHalf(accuracy(mean), half);
  return paper === null ? text : `${text} (${paper.toFixed(1)})`;
}

export const comparisonFigure: Drawings['comparison'] = (noiseSettings, folders, width) => {
  const at = positions(noiseSettings);
  const lines = folders.map(({ name, cells }, place) => ({
    name,
    colour: folderColour(place),
    symbol: methodSymbol(place),
    points: pointsOf(cells, at),
  }));
  const all = folders.flatMap(({ cells }) => cells);
  const figure = plotted({
    width,
    height: 230,
    x: noiseAxis(noiseSettings, at),
    y: accuracyScale(all),
    marks: [
      ...percentAxis(),
      ...(lines[0] ? papers(lines[0].points, 'var(--muted)', 'circle') : []),
      ...lines.flatMap(({ points, colour, symbol }) => ours(points, colour, symbol)),
    ],
  });
  const titles = titlesByPosition(noiseSettings, at);
  return readable(
    figure,
    [...titles.keys()],
    (x) => `Noise ${titles.get(x)}`,
    (x) =>
      lines.flatMap(({ name, colour, points }) =>
        points
          .filter((point) => point.x === x && point.cell.mean !== null)
          .map(({ cell }) => ({
            label: name,
            colour,
            value: cell.mean!,
            text: withHalf(accuracy(cell.mean!), cell.half),
          })),
      ),
  );
};
