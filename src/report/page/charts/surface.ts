// The surroundings of a run's weights: contours, and the same as a body that can be turned.
import * as Plot from '@observablehq/plot';
import { type Generator, gridPlanes3D, points3D } from 'd3-3d';
import { contours } from 'd3-contour';
import type { Range, SurfaceDrawing } from '../drawing.js';
import { shadeOf } from '../styles.js';
import { plotted } from './frame.js';

const LEVELS = 14;

/** Losses differ by orders of magnitude, percentages do not. */
function shareOf({ low, high, isLog }: Range): (value: number | null) => number {
  // A loss below the range, which float32 may round to 0, is at its foot.
  const at = (value: number) => (isLog ? Math.log(Math.max(value, low)) : value);
  const [from, to] = [at(low), at(high)];
  // What is not finite is above all that is.
  return (value) => (value === null ? 1 : to > from ? (at(value) - from) / (to - from) : 0);
}

function levels({ low, high, isLog }: Range, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const share = i / count;
    return isLog ? low * (high / low) ** share : low + (high - low) * share;
  });
}

const printed = (value: number | null, { isLog }: Range) =>
  value === null ? 'not finite' : isLog ? value.toPrecision(3) : value.toFixed(1);

export const contoursFigure: SurfaceDrawing['contours'] = (at, values, range, width) => {
  const step = at[1]! - at[0]!;
  const areas = contours()
    .size([at.length, at.length])
    .thresholds(levels(range, LEVELS).slice(1))(values.map((value) => value ?? range.high))
    .map(({ coordinates, ...area }) => ({
      ...area,
      coordinates: coordinates.map((rings) =>
        rings.map((ring) => ring.map(([x, y]) => [at[0]! + (x - 0.5) * step, at[0]! + (y - 0.5) * step])),
      ),
    }));
  const points = values.map((value, i) => ({
    x: at[i % at.length]!,
    y: at[Math.floor(i / at.length)]!,
    value,
  }));
  const axis = { domain: [at[0]!, at.at(-1)!], ticks: 5, tickSize: 0, labelArrow: 'none' as const };
  const figure = plotted({
    width,
    height: width,
    marginLeft: 50,
    x: { ...axis, label: 'Direction 1', labelAnchor: 'center' },
    y: { ...axis, label: 'Direction 2', labelAnchor: 'center' },
    marks: [
      Plot.frame({ fill: shadeOf(0.5 / LEVELS), stroke: 'none' }),
      ...areas.map((area, i) =>
        Plot.geo(area, {
          fill: shadeOf((i + 1.5) / LEVELS),
          ...{ stroke: 'var(--ink)', strokeOpacity: 0.3, strokeWidth: 0.75, clip: 'frame' },
        }),
      ),
      Plot.dot([[0, 0]], { symbol: 'plus', stroke: 'var(--ink)', strokeWidth: 2, r: 5 }),
      // Nothing is seen of them but their titles.
      Plot.rect(points, {
        x1: ({ x }: (typeof points)[number]) => x - step / 2,
        x2: ({ x }: (typeof points)[number]) => x + step / 2,
        y1: ({ y }: (typeof points)[number]) => y - step / 2,
        y2: ({ y }: (typeof points)[number]) => y + step / 2,
        fill: 'transparent',
        clip: 'frame',
        title: ({ x, y, value }: (typeof points)[number]) =>
          `${printed(value, range)} at ${x.toFixed(2)}, ${y.toFixed(2)}`,
      }),
    ],
  });
  return { figure };
};

/** A point of the body: two directions across, and up, which is down on the screen. */
interface Point {
  x: number;
  y: number;
  z: number;
}

/** The body's height, where its base is from -1 to 1. */
const HEIGHT = 1.1;
const TICKS = 4;
/** Pixels for its numbers. */
const AXIS = 42;

export const bodyFigure: SurfaceDrawing['body'] = (values, range, { yaw, pitch }, width) => {
  const height = Math.round(width * 0.86);
  const share = shareOf(range);
  const n = Math.sqrt(values.length);
  const across = (i: number) => (2 * i) / (n - 1) - 1;
  const up = (value: number | null) => -HEIGHT * share(value);
  const seen = <Given, Shapes>(shapes: Generator<Given, Shapes>) =>
    shapes
      .origin({ x: width / 2, y: height * 0.62 })
      // At any angle there is room for the axis on the left.
      .scale((width / 2 - AXIS) / Math.SQRT2)
      .rotateY(yaw)
      .rotateX(-pitch);
  const grid = values.map((value, i) => ({
    ...{ x: across(i % n), y: up(value), z: across(Math.floor(i / n)), value },
  }));
  const planes = seen(gridPlanes3D<(typeof grid)[number]>()).rows(n)(grid);
  planes.sort((a, b) => a.centroid.z - b.centroid.z);
  const place = (...points: Point[]) => seen(points3D<Point>())(points.map((point) => ({ ...point })));

  const corners = place(...[-1, 1].flatMap((x) => [-1, 1].map((z) => ({ x, y: 0, z }))));
  const [a, b, c, d] = corners as [Corner, Corner, Corner, Corner];
  /** The corner farthest to the left has the axis of the values. */
  const left = corners.reduce((most, one) => (one.projected.x < most.projected.x ? one : most));
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => {
    const value = range.isLog
      ? range.low * (range.high / range.low) ** (i / TICKS)
      : range.low + ((range.high - range.low) * i) / TICKS;
    return { value, at: place({ x: left.x, y: up(value), z: left.z })[0]!.projected };
  });
  const near = (one: [Corner, Corner], other: [Corner, Corner]) =>
    one[0].rotated.z + one[1].rotated.z > other[0].rotated.z + other[1].rotated.z ? one : other;
  const centre = { x: width / 2, y: height * 0.62 };
  const labels = [
    { text: 'direction 1', edge: near([a, c], [b, d]) },
    { text: 'direction 2', edge: near([a, b], [c, d]) },
  ].map(({ text, edge: [from, to] }) => {
    const middle = {
      x: (from.projected.x + to.projected.x) / 2,
      y: (from.projected.y + to.projected.y) / 2,
    };
    const away = Math.hypot(middle.x - centre.x, middle.y - centre.y) || 1;
    const out = 1 + 26 / away;
    const [x, y] = [centre.x + (middle.x - centre.x) * out, centre.y + (middle.y - centre.y) * out];
    return element('text', { x, y, 'text-anchor': 'middle', 'dominant-baseline': 'middle' }, text);
  });
  const middle = Math.floor(values.length / 2);
  const [weights] = place({ x: 0, y: up(values[middle]!), z: 0 });

  return element('svg', { class: 'plot', width, height, viewBox: `0 0 ${width} ${height}` }, [
    element('path', {
      d: `M${[a, b, d, c].map(({ projected }) => `${projected.x},${projected.y}`).join('L')}Z`,
      ...{ fill: 'none', stroke: 'var(--rule)' },
    }),
    element('path', {
      d: `M${ticks.map(({ at: { x, y } }) => `${x},${y}`).join('L')}`,
      ...{ fill: 'none', stroke: 'var(--muted)' },
    }),
    ...ticks.map(({ value, at: { x, y } }) =>
      element(
        'text',
        { x: x - 5, y, 'text-anchor': 'end', 'dominant-baseline': 'middle' },
        printed(value, range),
      ),
    ),
    ...planes.map((plane) =>
      element('path', {
        d: `M${plane.map(({ projected }) => `${projected.x.toFixed(1)},${projected.y.toFixed(1)}`).join('L')}Z`,
        fill: shadeOf(plane.reduce((sum, { value }) => sum + share(value), 0) / plane.length),
        ...{ stroke: 'var(--ink)', 'stroke-opacity': 0.35, 'stroke-width': 0.5, 'stroke-linejoin': 'round' },
      }),
    ),
    ...labels,
    element('circle', {
      ...{ cx: weights!.projected.x, cy: weights!.projected.y, r: 4 },
      ...{ fill: 'var(--series-3)', stroke: 'var(--surface)' },
    }),
  ]);
};

type Corner = ReturnType<ReturnType<typeof points3D<Point>>>[number];

function element(name: string, attributes: object, content: string | Element[] = []): Element {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...(typeof content === 'string' ? [content] : content));
  return made;
}
