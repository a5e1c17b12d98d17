// Accuracy against noise: of a folder's methods, or of one method in several folders.
import * as Plot from '@observablehq/plot';
import type { NoiseSettingData } from '../../page_data.js';
import type { AccuracyLine, Drawings } from '../drawing.js';
import { accuracy, withHalf } from '../format.js';
import { folderColour, methodColour, methodSymbol } from '../styles.js';
import { percentAxis, percentRange, plotted, readable } from './frame.js';

type Value = AccuracyLine['values'][number];

/** A cell's place and values. */
interface Point {
  x: number;
  cell: Value;
  /** Only noise settings of one are joined by a line. */
  group: string;
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

function pointsOf(
  cells: readonly Value[],
  noiseSettings: readonly NoiseSettingData[],
  at: ReadonlyMap<string, number>,
): Point[] {
  const groups = new Map(noiseSettings.map(({ label, group }) => [label, group]));
  return cells
    .map((cell) => ({ x: at.get(cell.noiseSetting)!, cell, group: groups.get(cell.noiseSetting)! }))
    .sort((a, b) => a.x - b.x);
}

function ours(
  points: readonly Point[],
  colour: string,
  symbol: Plot.SymbolType,
  dx = 0,
  strokeDasharray = 'none',
): Plot.Markish[] {
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
    Plot.lineY(found, { x: 'x', y: mean, z: 'group', stroke: colour, strokeWidth: 2, strokeDasharray, dx }),
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
      z: 'group',
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

/** About what a letter of a tick takes, in pixels. */
const LETTER = 6.5;

/** The x axis with a tick for each noise setting, and room for it; titles that are too long have a word a line. */
function noiseAxis(
  noiseSettings: readonly NoiseSettingData[],
  at: ReadonlyMap<string, number>,
  width: number,
): Pick<Plot.PlotOptions, 'x' | 'marginBottom'> {
  const xs = [...at.values()];
  const rated = noiseSettings.every(({ rate }) => rate !== null);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const room = (high - low || 1) * 0.08;
  const titles = new Map(noiseSettings.map(({ label, title }) => [at.get(label)!, title]));
  const longest = Math.max(...[...titles.values()].map(({ length }) => length));
  const broken = LETTER * (longest + 1) > width / (xs.length + 0.5);
  const inLines = (title: string) => title.replace(' %', '\u00a0%').replaceAll(' ', '\n');
  const lines = broken
    ? Math.max(...[...titles.values()].map((title) => inLines(title).split('\n').length))
    : 1;
  return {
    marginBottom: 36 + 12 * (lines - 1),
    x: {
      type: 'linear',
      domain: [low - room, high + room],
      ticks: xs,
      tickFormat: (x: number) => (broken ? inLines(titles.get(x)!) : titles.get(x)!),
      tickSize: 0,
      label: rated ? 'Label noise' : 'Noise setting',
      labelAnchor: 'center',
      labelArrow: 'none',
    },
  };
}

/** Room for all that is drawn, with its intervals. */
function accuracyRange(values: readonly Value[], shown: { ours: boolean; paper: boolean }): [number, number] {
  return percentRange(
    values.flatMap(({ mean, half, paper }) => [
      ...(shown.ours && mean !== null ? [Math.max(0, mean - (half ?? 0)), mean + (half ?? 0)] : []),
      ...(shown.paper && paper !== null ? [paper] : []),
    ]),
  );
}

const AXIS = 'Test accuracy, %';

export const accuracyFigure: Drawings['accuracy'] = (given, noiseSettings, shown, width) => {
  const at = positions(noiseSettings);
  const values = given.flatMap(({ values }) => values);
  const withBars = shown.ours && values.some(({ half }) => half !== null);
  const lines = given.map((line, i) => ({
    ...line,
    points: pointsOf(line.values, noiseSettings, at),
    colour: methodColour(line.style),
    symbol: methodSymbol(line.style),
    // Bars at the same noise would cover each other.
    dx: withBars ? (i - (given.length - 1) / 2) * 3 : 0,
  }));
  const figure = plotted({
    width,
    height: Math.round(Math.max(280, Math.min(440, width * 0.5))),
    ...noiseAxis(noiseSettings, at, width),
    y: { domain: accuracyRange(values, shown) },
    marks: [
      ...percentAxis(AXIS),
      ...lines.flatMap(({ points, colour, symbol }) => (shown.paper ? papers(points, colour, symbol) : [])),
      ...lines.flatMap(({ points, colour, symbol, dx, isExternal }) =>
        shown.ours ? ours(points, colour, symbol, dx, isExternal ? '1.5 3' : 'none') : [],
      ),
    ],
  });
  const titles = titlesByPosition(noiseSettings, at);
  return readable(
    figure,
    [...titles.keys()],
    (x) => `Noise ${titles.get(x)}`,
    (x) =>
      lines.flatMap(({ title, colour, points }) =>
        points
          .filter(
            ({ x: own, cell }) => own === x && ((shown.ours && cell.mean !== null) || cell.paper !== null),
          )
          .map(({ cell }) => ({
            label: title,
            colour,
            value: (shown.ours ? cell.mean : cell.paper) ?? Number.NEGATIVE_INFINITY,
            text: textOf(cell, shown),
          })),
      ),
  );
};

function textOf({ mean, half, paper }: Value, shown: { ours: boolean; paper: boolean }): string {
  const papers = shown.paper && paper !== null ? paper.toFixed(1) : '';
  if (!shown.ours) return papers;
  const text = mean === null ? '–' : withHalf(accuracy(mean), half);
  return papers ? `${text} (${papers})` : text;
}

export const comparisonFigure: Drawings['comparison'] = (noiseSettings, folders, hasPaper, width) => {
  const at = positions(noiseSettings);
  const lines = folders.map(({ name, cells }, place) => ({
    name,
    colour: folderColour(place),
    symbol: methodSymbol(place),
    points: pointsOf(cells, noiseSettings, at),
  }));
  const all = folders.flatMap(({ cells }) => cells);
  const figure = plotted({
    width,
    height: 230,
    ...noiseAxis(noiseSettings, at, width),
    y: { domain: accuracyRange(all, { ours: true, paper: hasPaper }) },
    marks: [
      ...percentAxis(AXIS),
      ...(hasPaper && lines[0] ? papers(lines[0].points, 'var(--muted)', 'circle') : []),
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
