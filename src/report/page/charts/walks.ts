// Losses, or accuracies, on the line between the weights of two runs, and along random directions.
import * as Plot from '@observablehq/plot';
import type { ExamplesName, SeenQuantity } from '../../analysis_data.js';
import type { Drawing, Drawings } from '../drawing.js';
import { methodColour } from '../styles.js';
import { NARROW, plotted, readable } from './frame.js';

/** Values along a walk. */
interface Walk {
  at: readonly number[];
  values: readonly (number | null)[];
}

/** What is one colour: several walks, and their mean. */
interface Trace {
  title: string;
  colour: string;
  dash: string;
  /** Whether another of the same name has it written beside it. */
  unnamed?: boolean;
  walks: Walk[];
}

interface Options {
  width: number;
  /** Digits of a value, or `percent`. */
  digits: number | 'percent';
  x: Plot.ScaleOptions;
  rules: number[];
  title(x: number): string;
  /** Greater values are not shown. */
  highest?: number;
}

/** A point of the mean of some walks; without a value where one of them has none. */
interface Mean {
  x: number;
  value: number;
}

function meanOf({ walks }: Trace): Mean[] {
  return walks[0]!.at.flatMap((x, k) => {
    const values = walks.flatMap(({ values }) => values[k] ?? []);
    return values.length === walks.length
      ? [{ x, value: values.reduce((sum, value) => sum + value, 0) / values.length }]
      : [];
  });
}

function walksFigure(traces: readonly Trace[], options: Options): Drawing {
  const { width, digits, x, rules, title } = options;
  const drawn = traces
    .filter(({ walks }) => walks.length)
    .map((trace) => ({ ...trace, mean: meanOf(trace) }));
  const all = drawn.flatMap(({ walks }) => walks.flatMap(({ values }) => values.flatMap((v) => v ?? [])));
  const limit = options.highest ?? (digits === 'percent' ? 100 : Number.POSITIVE_INFINITY);
  const highest = Math.min(Math.max(0, ...all) * 1.05, limit);
  const figure = plotted({
    width,
    height: Math.round(Math.max(220, Math.min(300, width * 0.66))),
    marginLeft: 40,
    marginTop: 20,
    x: { tickSize: 0, label: null, ...x },
    y: { domain: [Math.min(0, ...all) * 1.05, highest], label: null },
    marks: [
      Plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: 5 }),
      Plot.axisY({ ticks: 5, tickSize: 0, label: null }),
      Plot.ruleX(rules, { stroke: 'var(--rule)' }),
      Plot.ruleY([0], { stroke: 'var(--rule)' }),
      ...drawn
        .filter(({ walks }) => walks.length > 1)
        .flatMap(({ walks, colour }) =>
          walks.map(({ at, values }) =>
            Plot.lineY(values, {
              ...{ x: (_: unknown, i: number) => at[i], y: (value: number | null) => value ?? Number.NaN },
              ...{ stroke: colour, strokeWidth: 0.75, strokeOpacity: 0.5, clip: 'frame' as const },
            }),
          ),
        ),
      ...drawn.map(({ mean, colour, dash }) =>
        Plot.lineY(mean, {
          ...{ x: 'x', y: 'value', stroke: colour, strokeWidth: 2, strokeDasharray: dash },
          clip: 'frame',
        }),
      ),
      // Names stand one after the other, so that they are apart where lines are not.
      ...drawn.map(({ mean, title: name, colour, unnamed }, i) => {
        const seen = mean.filter(({ value }) => value <= highest);
        return Plot.text(
          unnamed
            ? []
            : seen.slice(Math.round(((i + 1) * (seen.length - 1)) / (drawn.length + 1))).slice(0, 1),
          {
            ...{ x: 'x', y: 'value', text: () => name, dy: -9 },
            ...{ fill: colour, stroke: 'var(--surface)', strokeWidth: 4 },
            fontSize: width < NARROW ? 11 : 12,
          },
        );
      }),
    ],
  });
  const xs = [...new Set(drawn.flatMap(({ mean }) => mean.map((point) => point.x)))].sort((a, b) => a - b);
  return readable(figure, xs, title, (at) =>
    drawn.flatMap(({ mean, title: label, colour }) =>
      mean
        .filter((point) => point.x === at)
        .map(({ value }) => ({
          ...{ label, colour, value },
          text: digits === 'percent' ? value.toFixed(1) : value.toPrecision(digits),
        })),
    ),
  );
}

const digitsOf = (quantity: SeenQuantity) => (quantity === 'loss' ? 4 : 'percent');

const STYLES: [ExamplesName, Omit<Trace, 'walks'>][] = [
  ['train', { title: 'labels learned', colour: 'var(--series-0)', dash: '8 3 2 3' }],
  ['clean', { title: 'right labels', colour: 'var(--series-2)', dash: '7 3' }],
  ['noisy', { title: 'wrong labels', colour: 'var(--series-3)', dash: '2 3' }],
  ['test', { title: 'test', colour: 'var(--series-1)', dash: 'none' }],
];

export const lineFigure: Drawings['line'] = (lines, quantity, [from, to], width) => {
  const known = new Set(lines.flatMap(({ of }) => of.map(({ examples }) => examples)));
  // What was learned lies between right and wrong labels, where these are known.
  const traces = STYLES.filter(([examples]) => examples !== 'train' || !known.has('clean')).map(
    ([examples, style]) => ({
      ...style,
      walks: lines.flatMap(({ at, of }) =>
        of.filter((seen) => seen.examples === examples).map((seen) => ({ at, values: seen[quantity] })),
      ),
    }),
  );
  const end = (x: number) => (x === 0 ? from : x === 1 ? to : undefined);
  return walksFigure(traces, {
    width,
    digits: digitsOf(quantity),
    x: { domain: [0, 1], ticks: [0, 0.5, 1], tickFormat: (x: number) => end(x) ?? 'half-way' },
    rules: [0, 1],
    title: (x) => end(x) ?? `${Math.round(100 * x)} % of the way`,
  });
};

/** Losses far away are of no interest where those nearby are to be compared. */
const TIMES_LEAST = 12;

export const profileFigure: Drawings['profile'] = (lines, quantity, width) => {
  const traces = lines.map(({ method, walks }) => ({
    ...{ title: method.title, colour: methodColour(method.style), dash: 'none' },
    walks: walks.map(({ at, seen }) => ({ at, values: seen[quantity] })),
  }));
  const [first] = traces.flatMap(({ walks }) => walks);
  const least = Math.max(...traces.flatMap(({ walks }) => walks.map(lowest)));
  return walksFigure(traces, {
    width,
    digits: digitsOf(quantity),
    x: {
      ...{ domain: [first!.at[0]!, first!.at.at(-1)!], ticks: 5 },
      ...{ label: 'Distance', labelAnchor: 'center' as const, labelArrow: 'none' as const },
    },
    rules: [0],
    title: (x) => `At ${x.toFixed(2)}`,
    ...(quantity === 'loss' && { highest: TIMES_LEAST * least }),
  });
};

const lowest = ({ values }: Walk) => Math.min(...values.flatMap((value) => value ?? []));

export const watchedFigure: Drawings['watched'] = (lines, quantities, width) => {
  const traces = lines.flatMap(({ method, runs }) =>
    quantities.map((quantity, k) => ({
      ...{ title: k ? `${method.title}, ascended` : method.title, colour: methodColour(method.style) },
      ...{ dash: k ? '4 3' : 'none', unnamed: k > 0 },
      walks: runs.flatMap(({ epochs, values }) => {
        const found = values[quantity];
        return found ? [{ at: epochs, values: found }] : [];
      }),
    })),
  );
  const epochs = traces.flatMap(({ walks }) => walks.flatMap(({ at }) => at));
  return walksFigure(traces, {
    width,
    digits: 3,
    x: {
      ...{ domain: [0, Math.max(1, ...epochs)], ticks: width < NARROW ? 4 : 6, tickFormat: 'd' },
      ...{ label: 'Epoch', labelAnchor: 'center' as const, labelArrow: 'none' as const },
    },
    rules: [],
    title: (epoch) => `Epoch ${epoch}`,
  });
};
