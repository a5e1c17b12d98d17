// The run graph: a box for each run, methods from left to right, noise and seeds from top to bottom.
import * as Plot from '@observablehq/plot';
import type { RunData } from '../../page_data.js';
import type { Drawings } from '../drawing.js';
import { STATES } from '../styles.js';
import { plotted } from './frame.js';

const ROW_HEIGHT = 30;

export const runGraphFigure: Drawings['runGraph'] = (runs, methods, conditions, width) => {
  const narrow = width < 560;
  const titles = new Map(methods.map(({ name, title }) => [name, title]));
  const columns = new Map(conditions.map(({ label, title }) => [label, title]));
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const rowOf = ({ condition, seed }: RunData) =>
    seeds.length > 1
      ? `${columns.get(condition)} · ${narrow ? '' : 'seed '}${seed}`
      : columns.get(condition)!;
  const rows = conditions.flatMap(({ label }) =>
    seeds.map((seed) => rowOf({ condition: label, seed } as RunData)),
  );
  const byId = new Map(runs.map((run) => [run.id, run]));
  const arrows = runs.flatMap((student) =>
    student.dependsOn.map((id) => ({ student, teacher: byId.get(id)! })),
  );
  const longest = Math.max(...runs.map(({ seconds }) => seconds ?? 0));
  const colour = (run: RunData) => {
    const strength = run.state === 'finished' ? 12 + 28 * (run.seconds! / longest || 0) : 12;
    return `color-mix(in srgb, ${STATES[run.state].colour} ${strength.toFixed(0)}%, var(--surface))`;
  };
  const text = (run: RunData) => {
    const { sign } = STATES[run.state];
    if (run.state === 'finished') return narrow ? run.duration : `${sign} ${run.duration}`;
    if (run.state === 'running') return `${sign} ${Math.floor(100 * run.share)} %`;
    return narrow ? sign : `${sign} ${run.state}`;
  };
  const place = { x: (run: RunData) => titles.get(run.method), y: rowOf };
  const figure = plotted({
    width,
    height: rows.length * ROW_HEIGHT + (narrow ? 50 : 30),
    marginLeft: seeds.length > 1 ? (narrow ? 46 : 84) : 34,
    marginTop: narrow ? 48 : 28,
    marginBottom: 2,
    marginRight: 0,
    x: {
      type: 'band',
      domain: methods.map(({ name }) => titles.get(name)!),
      padding: narrow ? 0.14 : 0.22,
      axis: 'top',
      tickSize: 0,
      tickFormat: (title: string) => (narrow ? title.replaceAll(' ', '\n') : title),
      label: null,
    },
    y: { type: 'band', domain: rows, padding: 0.16, tickSize: 0, label: null },
    marks: [
      Plot.cell(runs, {
        ...place,
        fill: colour,
        stroke: (run: RunData) => STATES[run.state].colour,
        strokeOpacity: 0.55,
        rx: 4,
        title: (run: RunData) =>
          `${titles.get(run.method)}, ${rowOf(run)}: ${run.state}${run.note && `, ${run.note}`}${run.duration && `, ${run.duration}`}`,
      }),
      Plot.text(runs, {
        ...place,
        text,
        fill: 'var(--ink)',
        fontSize: narrow ? 9.5 : 11.5,
        pointerEvents: 'none',
      }),
      // From edge to edge: what two boxes have between them.
      Plot.arrow(arrows, {
        x1: ({ teacher }: (typeof arrows)[number]) => titles.get(teacher.method),
        x2: ({ student }: (typeof arrows)[number]) => titles.get(student.method),
        y1: ({ teacher }: (typeof arrows)[number]) => rowOf(teacher),
        y2: ({ student }: (typeof arrows)[number]) => rowOf(student),
        inset:
          boxWidth(width, methods.length, seeds.length > 1 ? (narrow ? 46 : 84) : 34, narrow ? 0.14 : 0.22) /
            2 +
          2,
        headLength: 7,
        stroke: 'var(--muted)',
        strokeWidth: 1.25,
      }),
    ],
  });
  return { figure };
};

/** How wide a band scale makes its boxes. */
function boxWidth(width: number, columns: number, margin: number, padding: number): number {
  const step = (width - margin) / (columns + padding);
  return step * (1 - padding);
}
