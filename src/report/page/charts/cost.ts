// Accuracy against cost: what each method gives for its training, and the best to be had for so much.
import * as Plot from '@observablehq/plot';
import type { CostPoint, Drawings } from '../drawing.js';
import { accuracy, withHalf } from '../format.js';
import { methodColour, methodSymbol } from '../styles.js';
import { percentAxis, percentRange, plotted, readable } from './frame.js';

/** Pixels between a point and its name, from one name's line to the next, and about what a letter takes. */
const GAP = 9;
const LINE = 13;
const LETTER = 6.1;

export const costFigure: Drawings['cost'] = (points, width) => {
  const byCost = points.toSorted((a, b) => a.cost - b.cost || b.mean - a.mean);
  const best = byCost.filter(({ mean }, i) => byCost.slice(0, i).every((other) => other.mean < mean));
  const most = byCost.at(-1)!.cost;
  const least = byCost[0]!.cost;
  const room = (most - least || 1) * 0.06;
  // Of the means alone: intervals of two seeds would leave them a strip.
  const [low, high] = percentRange(points.map(({ mean }) => mean));
  const figure = plotted({
    width,
    height: Math.round(Math.max(300, Math.min(460, width * 0.5), LINE * points.length * 0.8)),
    x: {
      domain: [Math.max(0, least - room), most + room],
      ticks: 6,
      tickSize: 0,
      label: 'Cost, trainings with plain SGD',
      labelAnchor: 'center',
      labelArrow: 'none',
    },
    y: { domain: [low, high] },
    marks: [
      ...percentAxis('Test accuracy, %'),
      Plot.lineY([...best, { ...best.at(-1)!, cost: most + room }], {
        x: 'cost',
        y: 'mean',
        curve: 'step-after',
        stroke: 'var(--muted)',
        strokeWidth: 1.25,
        strokeDasharray: '5 4',
      }),
      Plot.ruleX(
        points.filter(({ half }) => half !== null),
        {
          x: 'cost',
          y1: ({ mean, half }: CostPoint) => Math.max(low, mean - half!),
          y2: ({ mean, half }: CostPoint) => Math.min(high, mean + half!),
          stroke: ({ style }: CostPoint) => methodColour(style),
          strokeOpacity: 0.6,
        },
      ),
      // A mark each: colours of the page's style sheet are no scale's.
      ...points.map((point) =>
        Plot.dot([point], {
          x: 'cost',
          y: 'mean',
          fill: methodColour(point.style),
          stroke: 'var(--surface)',
          symbol: methodSymbol(point.style),
          r: 5,
        }),
      ),
    ],
  });
  const [x, y] = [figure.scale('x')!, figure.scale('y')!];
  figure.append(
    ...labels(
      points.map((point) => ({ text: point.title, x: x.apply(point.cost), y: y.apply(point.mean) })),
      width,
    ),
  );
  return readable(
    figure,
    [...new Set(byCost.map(({ cost }) => cost))],
    (cost) => `Cost ${Number(cost.toFixed(2))}`,
    (cost) =>
      byCost
        .filter((point) => point.cost === cost)
        .map(({ title, style, mean, half }) => ({
          label: title,
          colour: methodColour(style),
          value: mean,
          text: withHalf(accuracy(mean), half),
        })),
  );
};

interface Label {
  text: string;
  x: number;
  y: number;
}

/** Names beside their points, moved down where they would cover each other, with a thin line to those that were. */
function labels(points: readonly Label[], width: number): SVGElement[] {
  const placed: { left: number; right: number; y: number }[] = [];
  return points
    .toSorted((a, b) => a.y - b.y)
    .flatMap(({ text, x, y }) => {
      const wide = LETTER * text.length;
      const onLeft = x + GAP + wide > width;
      const [left, right] = onLeft ? [x - GAP - wide, x - GAP] : [x + GAP, x + GAP + wide];
      let at = y;
      const covering = () =>
        placed.find((one) => one.left < right && left < one.right && Math.abs(one.y - at) < LINE - 1);
      for (let other = covering(); other; other = covering()) at = other.y + LINE;
      placed.push({ left, right, y: at });
      const name = part('text', {
        x: onLeft ? right : left,
        y: at + 4,
        'text-anchor': onLeft ? 'end' : 'start',
        class: 'name',
      });
      name.textContent = text;
      const moved = at - y > LINE / 2;
      const line = part('path', {
        d: `M${x},${y}L${onLeft ? right + 2 : left - 2},${at}`,
        class: 'leader',
        fill: 'none',
      });
      return moved ? [line, name] : [name];
    });
}

function part(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
  return made;
}
