// What a check's reports say, in words, the same in all of them.
import { methodTitle } from '../../methods/catalogue.js';
import type { Comparison } from '../../regression/compare.js';
import { type CellVerdict, isFailure } from '../../regression/verdict.js';
import { type Published, paperAccuracy } from '../../results/published.js';
import type { RunGraph } from '../../suite/expand.js';
import { noiseSettingTitle } from '../../suite/noise_setting.js';

/** A comparison, the graph its cells are of, and the published numbers beside it. */
export interface CheckReport {
  comparison: Comparison;
  graph: RunGraph;
  published: Published;
}

/** All there is a verdict on. */
export function verdicts({ comparison }: CheckReport): CellVerdict[] {
  return [...comparison.cells, ...comparison.methods];
}

/** `SAM, 40 %`. */
export function cellTitle({ method, noise }: CellVerdict, graph: RunGraph): string {
  if (noise === null) return `${methodTitle(method)}, all rates`;
  const noiseSetting = graph.noiseSettings.find(({ label }) => label === noise);
  return `${methodTitle(method)}, ${noiseSetting ? noiseSettingTitle(noiseSetting) : noise}`;
}

/** The paper's accuracy for a cell, percent; null if it gives none. */
export function paperOf({ method, noise }: CellVerdict, { graph, published }: CheckReport): number | null {
  const noiseSetting = graph.noiseSettings.find(({ label }) => label === noise);
  return noiseSetting ? paperAccuracy(published, method, noiseSetting) : null;
}

/** `regressed`, or with `defect` what makes it one. */
export function verdictText({ verdict, defect }: CellVerdict): string {
  return defect ? `${verdict} (defect)` : verdict;
}

export const COLUMNS = [
  'Cell',
  'Verdict',
  'By',
  'Trajectory',
  'Seeds',
  'Baseline',
  'Now',
  'Difference',
  '95 % interval',
  'p (Holm)',
  'Detectable',
  'Paper',
] as const;

/** A row for each verdict, under COLUMNS. */
export function rows(report: CheckReport): string[][] {
  return verdicts(report).map((cell) => {
    const paper = paperOf(cell, report);
    return [
      cellTitle(cell, report.graph),
      verdictText(cell),
      cell.by ?? '-',
      cell.trajectory ? (cell.trajectory.same ? 'same' : 'differs') : '-',
      String(cell.seeds),
      cell.baselineMean.toFixed(2),
      number(cell.mean, 2),
      signed(cell.difference),
      cell.interval ? `${signed(cell.interval.low)} to ${signed(cell.interval.high)}` : '-',
      cell.adjustedP === null ? '-' : cell.adjustedP < 0.001 ? '< 0.001' : cell.adjustedP.toFixed(3),
      number(cell.smallestDetectable, 1),
      paper === null ? '-' : `(${paper.toFixed(1)})`,
    ];
  });
}

function number(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

/** Zero is zero without a sign. */
function signed(value: number | null): string {
  if (value === null) return '-';
  const text = value.toFixed(2);
  return Number(text) === 0 ? '0.00' : value > 0 ? `+${text}` : text;
}

/** `smoke: FAILED, 18 pass, 1 regressed, 1 missing`. */
export function headline({ comparison }: CheckReport): string {
  const { cells, suite, passed } = comparison;
  const counts = (['pass', 'regressed', 'improved', 'missing'] as const).flatMap((verdict) => {
    const count = cells.filter((cell) => cell.verdict === verdict).length;
    return count ? [`${count} ${verdict}`] : [];
  });
  const defects = cells.filter(({ defect }) => defect).length;
  if (defects) counts.push(`${defects} of these defects`);
  const methods = comparison.methods.filter(isFailure).length;
  if (methods) counts.push(`${methods} method${methods === 1 ? '' : 's'} regressed over all rates`);
  return `${suite}: ${passed ? 'passed' : 'FAILED'}: ${counts.join(', ')}`;
}

/** How the verdicts came about and how much they are worth, a line each. */
export function notes(report: CheckReport): string[] {
  const { comparison } = report;
  const { cells, baselineProvenance: made } = comparison;
  const byBits = cells.filter(({ by }) => by === 'bits').length;
  const judged = cells.filter(({ by }) => by === 'statistics');
  const followed = cells.filter(({ trajectory }) => trajectory);
  const of = `of ${cells.length} cell${cells.length === 1 ? '' : 's'}`;
  const commits = made.commits
    .map((commit) => commit.replace(/^([0-9a-f]{12})[0-9a-f]{28}/, '$1'))
    .join(', ');
  return [
    `Baseline: ${comparison.baseline}, of commit ${commits}; ${made.cpu}, ${made.platform}, TensorFlow ${made.tensorflow}, ${made.precision}.`,
    ...(followed.length
      ? [
          `${followed.length} ${of} compared by trajectory: what the code at hand does in four steps in float32 must be the baseline's, draws exactly and arithmetic within rounding.`,
        ]
      : comparison.hasTrajectories
        ? []
        : [
            `The baseline has no trajectories to compare: "labelnoise baseline update ${comparison.baseline}" adds them.`,
          ]),
    ...(byBits
      ? [
          `${byBits} ${of} compared bitwise: same spec, machine and libraries must give the same accuracies and weights.`,
        ]
      : []),
    ...(judged.length
      ? [`${judged.length} ${of} judged by statistics${why(report)}.`, ...worth(judged)]
      : []),
    ...(verdicts(report).some(({ verdict, defect }) => verdict === 'improved' && !defect)
      ? ['Some improved: if that was intended, "labelnoise baseline update" makes it the new baseline.']
      : []),
    ...(cells.some(({ defect }) => defect)
      ? [
          'A defect is a change of behaviour, or of a library behind the back of its version (in draws, of random streams or data); "--statistics" says whether accuracy suffered.',
        ]
      : []),
    'In parentheses: the paper (Foret et al., 2021, Table 4), for reference; it decides nothing.',
  ];
}

function why({ comparison }: CheckReport): string {
  const differs = comparison.environmentDifference;
  return differs ? `: ${differs.field} is ${differs.after}, the baseline's is ${differs.before}` : '';
}

/** The loss that a check should not sleep through, in percentage points. */
const LOSS = 2;

function range(least: number, most: number): string {
  const [low, high] = [least.toFixed(1), most.toFixed(1)];
  return low === high
    ? `${low} percentage points`
    : `${low} to ${high} percentage points, depending on the cell,`;
}

function worth(judged: readonly CellVerdict[]): string[] {
  const detectable = judged.flatMap(({ smallestDetectable }) => smallestDetectable ?? []);
  const level =
    "t tests with the larger of a cell's own and its method's spread over seeds, Holm's correction over all lines: at most 5 % of unchanged suites have a line that is no pass.";
  const [least, most] = [Math.min(...detectable), Math.max(...detectable)];
  const seen = detectable.filter((value) => value <= LOSS).length;
  return [
    level,
    `What a pass proves: changes of ${range(least, most)} would have been found four times out of five, smaller ones less often. A loss of ${LOSS} percentage points would have been found so in ${seen} of ${detectable.length} cells${seen < detectable.length ? '; more seeds see more' : ''}.`,
  ];
}
