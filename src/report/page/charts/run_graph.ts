// The run graph: a box for each run, methods from left to right, noise and seeds from top to bottom.
import * as Plot from '@observablehq/plot';
import type { MethodData, NoiseSettingData, RunData } from '../../page_data.js';
import type { Drawings } from '../drawing.js';
import { STATES } from '../styles.js';
import { plotted } from './frame.js';

const ROW_HEIGHT = 30;
const LINE_HEIGHT = 13;
/** Columns that are narrower in pixels have short texts, and titles of a word a line. */
const NARROW_COLUMN = 105;

/** Where things are, in pixels and in names of rows and columns. */
interface Layout {
  columns: MethodData[];
  rows: string[];
  rowOf(run: Pick<RunData, 'column' | 'seed'>): string;
  narrow: boolean;
  marginLeft: number;
  /** Share of a column that is left empty. */
  padding: number;
  boxWidth: number;
}

export const runGraphFigure: Drawings['runGraph'] = (runs, methods, noiseSettings, width) => {
  const { columns, rows, rowOf, narrow, marginLeft, padding, boxWidth } = layout(
    runs,
    methods,
    noiseSettings,
    width,
  );
  const title = (run: RunData) => columns.find(({ name }) => name === run.method)!.title;
  const titleLines = narrow ? Math.max(...columns.map(({ title }) => title.split(' ').length)) : 1;
  const longest = Math.max(...runs.map(({ seconds }) => seconds ?? 0));
  const colour = (run: RunData) => {
    const strength = run.state === 'finished' ? 12 + 28 * (run.seconds! / longest || 0) : 12;
    return `color-mix(in srgb, ${STATES[run.state].colour} ${strength.toFixed(0)}%, var(--surface))`;
  };
  const place = { x: title, y: rowOf };
  const marginTop = 10 + LINE_HEIGHT * titleLines;
  const figure = plotted({
    width,
    height: rows.length * ROW_HEIGHT + marginTop + 2,
    marginLeft,
    marginTop,
    marginBottom: 2,
    marginRight: 0,
    x: {
      type: 'band',
      domain: columns.map(({ title }) => title),
      padding,
      axis: 'top',
      tickSize: 0,
      tickFormat: (text: string) => (narrow ? text.replaceAll(' ', '\n') : text),
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
          [`${title(run)}, ${rowOf(run)}: ${run.state}`, run.note, run.duration].filter(Boolean).join(', '),
      }),
      Plot.text(runs, {
        ...place,
        text: (run: RunData) => shortState(run, narrow),
        fill: 'var(--ink)',
        fontSize: narrow ? 9.5 : 11.5,
        pointerEvents: 'none',
      }),
      ...arrows(runs, columns, place, boxWidth / 2 + 2),
    ],
  });
  return { figure };
};

function layout(
  runs: readonly RunData[],
  methods: readonly MethodData[],
  noiseSettings: readonly NoiseSettingData[],
  width: number,
): Layout {
  const columns = methods.filter(({ name }) => runs.some(({ method }) => method === name));
  const narrow = width / (columns.length + 1) < NARROW_COLUMN;
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const rowOf: Layout['rowOf'] = ({ column, seed }) =>
    seeds.length > 1 ? `${column} · ${narrow ? '' : 'seed '}${seed}` : column;
  const titles = noiseSettings.map(({ title }) => title);
  // Teachers of other noise settings come first.
  const others = new Set(runs.flatMap(({ column }) => (titles.includes(column) ? [] : [column])));
  const rows = [...others, ...titles].flatMap((column) => seeds.map((seed) => rowOf({ column, seed })));
  const marginLeft = seeds.length > 1 ? (narrow ? 46 : 84) : 34;
  const padding = narrow ? 0.14 : 0.22;
  // As a band scale reckons it.
  const boxWidth = ((width - marginLeft) / (columns.length + padding)) * (1 - padding);
  return { columns, rows, rowOf, narrow, marginLeft, padding, boxWidth };
}

function shortState(run: RunData, narrow: boolean): string {
  const { sign } = STATES[run.state];
  if (run.state === 'finished') return narrow ? run.duration : `${sign} ${run.duration}`;
  if (run.state === 'running') return `${sign} ${Math.floor(100 * run.share)} %`;
  return narrow ? sign : `${sign} ${run.state}`;
}

/** From each teacher to its student: from edge to edge, or in a bow over what is between them. */
function arrows(
  runs: readonly RunData[],
  columns: readonly MethodData[],
  { x, y }: { x(run: RunData): string; y(run: RunData): string },
  inset: number,
): Plot.Markish[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const pairs = runs.flatMap((student) =>
    student.dependsOn.map((id) => ({ student, teacher: byId.get(id)! })),
  );
  type Pair = (typeof pairs)[number];
  const columnOf = ({ method }: RunData) => columns.findIndex(({ name }) => name === method);
  const near = ({ teacher, student }: Pair) => columnOf(student) - columnOf(teacher) === 1;
  const ends = {
    x1: ({ teacher }: Pair) => x(teacher),
    x2: ({ student }: Pair) => x(student),
    y1: ({ teacher }: Pair) => y(teacher),
    y2: ({ student }: Pair) => y(student),
    headLength: 7,
    inset,
    stroke: 'var(--muted)',
    strokeWidth: 1.25,
  };
  return [
    Plot.arrow(pairs.filter(near), ends),
    Plot.arrow(
      pairs.filter((pair) => !near(pair)),
      { ...ends, bend: 20 },
    ),
  ];
}
