// The density of the Hessian's eigenvalues, and sharpness against rho: one colour a method.
import * as Plot from '@observablehq/plot';
import type { Drawings } from '../drawing.js';
import { methodColour, methodSymbol } from '../styles.js';
import { NARROW, plotted, readable } from './frame.js';

/** Densities that are less than this of the highest are not shown: they are those of the smoothing. */
const LEAST = 1e-7;
/** Pixels below the densities in which the largest eigenvalues are marked. */
const TICK_ROW = 9;

export const spectrumFigure: Drawings['spectrum'] = (lines, width) => {
  const drawn = lines.filter(({ spectra }) => spectra.length);
  const densities = drawn.flatMap(({ method, spectra }, i) =>
    spectra.map(({ density, largest }, k) => ({ method, density, largest, i, z: `${method.name} ${k}` })),
  );
  const highest = Math.max(...densities.flatMap(({ density }) => density.map(([, value]) => value)));
  const least = highest * LEAST;
  const points = densities.flatMap(({ method, density, z }) =>
    density.map(([x, value]) => ({ method, z, x, value: Math.max(value, least) })),
  );
  type Point = (typeof points)[number];
  const ticks = densities.flatMap(({ method, largest, i }) => largest.map((x) => ({ method, i, x })));
  const bottom = 40 + drawn.length * TICK_ROW;
  const figure = plotted({
    width,
    height: Math.round(Math.max(240, Math.min(340, width * 0.5))) + bottom,
    marginLeft: 50,
    marginBottom: bottom,
    x: {
      ticks: width < NARROW ? 4 : 8,
      tickSize: 0,
      tickPadding: drawn.length * TICK_ROW + 6,
      label: 'Eigenvalue',
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: bottom - 4,
    },
    y: { type: 'log', domain: [least, highest * 1.5], label: null },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 4 }),
      Plot.axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (v: number) => v.toExponential(0) }),
      Plot.ruleX([0], { stroke: 'var(--rule)' }),
      Plot.line(points, {
        ...{ x: 'x', y: 'value', z: 'z', strokeWidth: 1.5, strokeOpacity: 0.9 },
        stroke: ({ method }: Point) => methodColour(method.style),
        clip: true,
      }),
      ...drawn.map(({ method }, i) =>
        Plot.dot(
          ticks.filter((tick) => tick.i === i),
          {
            x: 'x',
            frameAnchor: 'bottom',
            dy: 7 + i * TICK_ROW,
            symbol: methodSymbol(method.style),
            r: 3,
            fill: methodColour(method.style),
            title: ({ x }: { x: number }) => `${method.title}: ${x.toPrecision(4)}`,
          },
        ),
      ),
      ...drawn.map(({ method }, i) =>
        Plot.text([method.title], {
          ...{ frameAnchor: 'top-right', dy: 4 + i * 16, fill: methodColour(method.style) },
          ...{ text: (title: string) => title, fontSize: 12, stroke: 'var(--surface)', strokeWidth: 4 },
        }),
      ),
    ],
  });
  return { figure };
};

export const sharpnessFigure: Drawings['sharpness'] = (lines, width) => {
  const drawn = lines.flatMap(({ method, points }) => {
    const rhos = [...new Set(points.map(({ rho }) => rho))].sort((a, b) => a - b);
    const moments = rhos.map((rho) => {
      const values = points.filter((one) => one.rho === rho).map(({ sharpness }) => sharpness);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { rho, mean, low: Math.min(...values), high: Math.max(...values), seeds: values.length };
    });
    return moments.length ? [{ method, moments, colour: methodColour(method.style) }] : [];
  });
  const rhos = [...new Set(drawn.flatMap(({ moments }) => moments.map(({ rho }) => rho)))].sort(
    (a, b) => a - b,
  );
  const isLog = rhos[0]! > 0 && rhos.at(-1)! / rhos[0]! > 5;
  const figure = plotted({
    width,
    height: Math.round(Math.max(220, Math.min(300, width * 0.66))),
    marginLeft: 44,
    x: {
      type: isLog ? 'log' : 'linear',
      domain: [rhos[0]!, rhos.at(-1)!],
      ticks: rhos,
      tickFormat: String,
      tickSize: 0,
      label: 'rho',
      labelAnchor: 'center',
      labelArrow: 'none',
    },
    y: { zero: true, nice: true, label: null },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 5 }),
      Plot.axisY({ ticks: 5, tickSize: 0, label: null }),
      ...drawn
        .filter(({ moments }) => moments.some(({ seeds }) => seeds > 1))
        .map(({ moments, colour }) =>
          Plot.areaY(moments, { x: 'rho', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.16 }),
        ),
      ...drawn.map(({ moments, colour }) =>
        Plot.lineY(moments, { x: 'rho', y: 'mean', stroke: colour, strokeWidth: 1.75 }),
      ),
      ...drawn.map(({ method, moments, colour }) =>
        Plot.dot(moments, {
          ...{ x: 'rho', y: 'mean', fill: colour, r: 3.5, symbol: methodSymbol(method.style) },
          ...{ stroke: 'var(--surface)', strokeWidth: 0.75 },
        }),
      ),
      ...drawn.map(({ method, colour }, i) =>
        Plot.text([method.title], {
          ...{ frameAnchor: 'top-left', dx: 6, dy: 4 + i * 16, fill: colour },
          ...{ text: (title: string) => title, fontSize: 12, stroke: 'var(--surface)', strokeWidth: 4 },
        }),
      ),
    ],
  });
  return readable(
    figure,
    rhos,
    (rho) => `rho ${rho}`,
    (rho) =>
      drawn.flatMap(({ method, moments, colour }) =>
        moments
          .filter((moment) => moment.rho === rho)
          .map(({ mean, low, high, seeds }) => ({
            ...{ label: method.title, colour, value: mean },
            text:
              seeds > 1
                ? `${mean.toPrecision(3)} (${low.toPrecision(3)}–${high.toPrecision(3)})`
                : mean.toPrecision(3),
          })),
      ),
  );
};
