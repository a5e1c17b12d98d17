// A quantity against the epoch: the mean over seeds, and where one folder is shown, the seeds' range.
import * as Plot from '@observablehq/plot';
import type { CurveQuantity } from '../../page_data.js';
import type { CurveLine, Drawings } from '../drawing.js';
import { folderDash, methodColour, methodSymbol } from '../styles.js';
import { epochAxis, percentAxis, percentRange, plotted, readable } from './frame.js';

/** Seeds at one epoch. */
export interface Moment {
  epoch: number;
  mean: number;
  low: number;
  high: number;
  seeds: number;
}

const AXES: Record<CurveQuantity, string> = {
  testAccuracy: 'Test accuracy, %',
  wrongLabelsFitted: 'Memorised, %',
  trueLabelsRecovered: 'Predicted as true class, %',
};

/** Markers a line, so that they tell lines apart without hiding them. */
const MARKERS = 6;

/** The epochs that all of the curves have. */
export function momentsOf({ curves }: Pick<CurveLine, 'curves'>, quantity: CurveQuantity): Moment[] {
  const byEpoch = new Map<number, number[]>();
  for (const curve of curves)
    curve.epochs.forEach((epoch, i) => {
      const value = curve[quantity][i];
      if (value === null || value === undefined) return;
      const values = byEpoch.get(epoch);
      if (values) values.push(value);
      else byEpoch.set(epoch, [value]);
    });
  return [...byEpoch]
    .filter(([, values]) => values.length === curves.length)
    .map(([epoch, values]) => ({
      epoch,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      low: Math.min(...values),
      high: Math.max(...values),
      seeds: values.length,
    }))
    .sort((a, b) => a.epoch - b.epoch);
}

export const curvesFigure: Drawings['curves'] = (lines, quantity, epochs, width) => {
  const folders = new Set(lines.map(({ folder }) => folder)).size;
  const drawn = lines
    .map((line, i) => ({
      line,
      i,
      moments: momentsOf(line, quantity),
      colour: methodColour(line.method.style),
    }))
    .filter(({ moments }) => moments.length > 0);
  const bands = folders > 1 ? [] : drawn.filter(({ moments }) => moments.some(({ seeds }) => seeds > 1));
  const figure = plotted({
    width,
    height: Math.round(Math.max(200, Math.min(270, width * 0.66))),
    x: epochAxis(epochs, width),
    y: { domain: percentRange([0, ...drawn.flatMap(({ moments }) => moments.map((m) => m.high))]) },
    marks: [
      ...percentAxis(AXES[quantity]),
      ...bands.map(({ moments, colour }) =>
        Plot.areaY(moments, { x: 'epoch', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.16 }),
      ),
      ...drawn.map(({ line, moments, colour }) =>
        Plot.lineY(moments, {
          x: 'epoch',
          y: 'mean',
          stroke: colour,
          strokeWidth: 1.75,
          strokeDasharray: folderDash(line.place),
        }),
      ),
      ...drawn.map(({ line, i, moments, colour }) =>
        Plot.dot(marked(moments, i, drawn.length), {
          x: 'epoch',
          y: 'mean',
          fill: colour,
          stroke: 'var(--surface)',
          strokeWidth: 0.75,
          symbol: methodSymbol(line.method.style),
          r: 3.5,
        }),
      ),
    ],
  });
  const xs = [...new Set(drawn.flatMap(({ moments }) => moments.map(({ epoch }) => epoch)))].sort(
    (a, b) => a - b,
  );
  return readable(
    figure,
    xs,
    (epoch) => `Epoch ${epoch}`,
    (epoch) =>
      drawn.flatMap(({ line, moments, colour }) =>
        moments
          .filter((moment) => moment.epoch === epoch)
          .map(({ mean, low, high, seeds }) => ({
            label: folders > 1 ? `${line.method.title}, ${line.folder}` : line.method.title,
            colour,
            value: mean,
            text: seeds > 1 ? `${mean.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})` : mean.toFixed(2),
          })),
      ),
  );
};

/** Some of the moments: each line begins elsewhere, so that the markers of lines close to each other lie apart. */
function marked(moments: readonly Moment[], line: number, lines: number): Moment[] {
  const stride = Math.max(1, Math.floor(moments.length / MARKERS));
  const from = Math.floor((line / lines) * stride);
  return moments.filter((_, i) => i % stride === from);
}
