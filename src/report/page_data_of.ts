// The content of the page, from the reports of one results folder or several.
import { AUGMENTATIONS } from '../data/augmentation.js';
import { datasetNamed } from '../data/datasets/dataset.js';
import { percentLabel } from '../data/noises/symmetric.js';
import { VERSION } from '../io/project.js';
import { baseName, METHODS, methodTitle } from '../methods/catalogue.js';
import { sgd } from '../methods/sgd.js';
import { architectureName } from '../models/catalogue.js';
import {
  type AccuracyOf,
  bestAccuracy,
  type CellSummary,
  finalAccuracy,
  leaders,
  pairedMethods,
  summarise,
} from '../results/aggregate.js';
import type { RunStatus } from '../results/events.js';
import { EXTERNAL_TABLE } from '../results/external.js';
import { accuracyAt, paperAccuracy } from '../results/published.js';
import { rhoGrids } from '../results/rho_grid.js';
import { chosenEpoch, costOf } from '../results/three_ways.js';
import type { Evaluation, Provenance, RunRecord } from '../spec/record.js';
import type { RunSpec } from '../spec/run_spec.js';
import { hasNoiseOf, type RunGraph, type RunNode, totalCost } from '../suite/expand.js';
import { type NoiseSetting, noiseInWords, noiseSettingTitle } from '../suite/noise_setting.js';
import { agreementData, beside } from './agreement.js';
import { NO_ANALYSES, watchedOf } from './analyses.js';
import type { AnalysesData } from './analysis_data.js';
import { captionOf } from './caption.js';
import { comparisonCsv, externalCsv, rhoCsv, runsCsv, shapeCsv, tableCsv, transitionsCsv } from './csv.js';
import { differences } from './differences.js';
import type {
  CellData,
  CurveData,
  ExternalData,
  FitData,
  FolderData,
  NamedText,
  NoiseSettingData,
  PageData,
  PublishedData,
  RhoData,
  RunData,
  RunState,
  TransitionData,
} from './page_data.js';
import { accuracyFigure } from './pgfplots.js';
import type { Report } from './report.js';
import { settingsOf } from './settings.js';
import { halfWidth } from './table.js';
import { duration } from './wording.js';

/** A report, what tells it from others on the page, and what happens in its folder just now. */
export interface NamedReport {
  name: string;
  report: Report;
  runStatus?: RunStatus;
  /** Runs with a checkpoint to go on from. */
  begun?: ReadonlySet<string>;
  /** What analyses of final weights have found. */
  analyses?: AnalysesData;
}

/** The page of these folders; `live` if it is served while they change. Depends on its arguments alone. */
export function pageDataOf(named: readonly NamedReport[], live = false): PageData {
  const styles = stylesOf(named.flatMap(({ report }) => methodNames(report.graph)));
  const folders = named.map((folder) => folderData(folder, styles));
  const title = folders.map(({ name, suite }) => (folders.length > 1 ? name : suite)).join(' and ');
  return { title, version: VERSION, live, folders, differences: differences(named) };
}

/** The table's methods, and teachers of theirs that are none of its own after them. */
function methodNames({ suite, runs }: RunGraph): string[] {
  return [...new Set([...Object.keys(suite.methods), ...runs.map(({ method }) => method)])];
}

/** A style for each method: always the same for those of the catalogue, unless variants have to be told apart. */
function stylesOf(names: readonly string[]): Map<string, number> {
  const plain = names.every((name) => name === baseName(name));
  const order = plain ? METHODS.names : names;
  return new Map([...new Set(order)].map((name, i) => [name, i]));
}

function folderData(named: NamedReport, styles: ReadonlyMap<string, number>): FolderData {
  const { report } = named;
  const { graph } = report;
  const { suite } = graph;
  const runs = graph.runs.map((run) => runData(run, named));
  const baseline = baselineOf(graph);
  const { title, noise, about } = captionOf(report);
  const rho = rhoCsv(report);
  return {
    name: named.name,
    suite: suite.name,
    description: suite.description,
    scaledDown: suite.scaledDown,
    seeds: suite.seeds,
    facts: factsOf(report, runs),
    caption: { title, noise, about },
    methods: methodNames(graph).map((name) => ({
      name,
      base: baseName(name),
      title: methodTitle(name),
      style: styles.get(name)!,
    })),
    classNames: datasetNamed(suite.data.dataset).classNames,
    noiseSettings: graph.noiseSettings.map(noiseSettingData),
    cells: cellsOf(report, report.cells, finalAccuracy),
    otherWays: otherWaysOf(report),
    baseline: baseline && methodTitle(baseline),
    external: externalOf(report),
    agreement: agreementData(report),
    published: publishedData(report),
    curves: curvesOf(named),
    fits: fitsOf(report),
    rho: rhoOf(report),
    analyses: { ...(named.analyses ?? NO_ANALYSES), watched: watchedOf(report) },
    transitions: transitionsOf(report),
    runs,
    provenance: provenanceOf(graph.runs.flatMap(({ id }) => report.records.get(id) ?? [])),
    settings: settingsOf(graph),
    suiteJson: JSON.stringify(suite, null, 2),
    csv: {
      'comparison.csv': comparisonCsv(report),
      'table4.csv': tableCsv(report),
      'shape.csv': shapeCsv(report),
      'runs.csv': runsCsv(report),
      'accuracy.tex': accuracyFigure(report),
      'transitions.csv': transitionsCsv(transitionsOf(report)),
      ...(rho !== undefined && { 'rho.csv': rho }),
      ...(report.external.length ? { [EXTERNAL_TABLE]: externalCsv(report) } : {}),
    },
  };
}

/** Rates of several noises are none of one axis. */
function noiseSettingData(
  { label, title, rate, group }: NoiseSetting,
  _: number,
  all: NoiseSetting[],
): NoiseSettingData {
  const isRated = rate !== undefined && all.every((other) => other.group === group);
  return { label, title, rate: isRated ? Number(percentLabel(rate)) : null, group };
}

/** The method that differences are to: plain SGD, or else the only row that is no variant; null where there is no such row. */
function baselineOf({ suite }: RunGraph): string | null {
  const plain = Object.keys(suite.methods).filter((name) => name === baseName(name));
  if (plain.includes(sgd.name)) return sgd.name;
  return plain.length === 1 ? plain[0]! : null;
}

function cellsOf(report: Report, cells: readonly CellSummary[], of: AccuracyOf): CellData[] {
  const { graph, records, published } = report;
  const baseline = baselineOf(graph);
  const leading = leaders(graph, records, cells, of);
  return cells.map((cell) => {
    const { method, noiseSetting: label, seeds, failed, damaged, mean } = cell;
    const paperOf = (name: string) =>
      paperAccuracy(published, name, graph.noiseSettings.find((setting) => setting.label === label)!);
    const rivals = cells.flatMap((other) => {
      const paper = other.noiseSetting === label ? paperOf(other.method) : null;
      return paper !== null && other.mean !== null ? [{ ours: other.mean, paper }] : [];
    });
    const place = (by: 'ours' | 'paper', value: number) =>
      1 + rivals.filter((rival) => rival[by] > value).length;
    const paper = paperOf(method);
    const above =
      baseline === null || method === baseline || mean === null
        ? null
        : pairedMethods(graph, records, baseline, method, [label], of);
    return {
      method,
      noiseSetting: label,
      seeds,
      failed,
      damaged,
      mean,
      half: halfWidth(cell),
      paper,
      leads: leading.has(cell),
      rank:
        mean === null || paper === null || rivals.length < 2
          ? null
          : { ours: place('ours', mean), paper: place('paper', paper), of: rivals.length },
      aboveBaseline: above && beside(above, null),
      cost: costOf(
        graph,
        graph.cells.find((c) => c.method === method && c.noiseSetting.label === label)!.run,
      ),
    };
  });
}

/** The cells by the best epoch, where there are several to choose from, and by the chosen one, where any run has one. */
function otherWaysOf(report: Report): FolderData['otherWays'] {
  const { graph, records, failures, lost } = report;
  const finished = [...records.values()];
  const ways: [way: 'best' | 'chosen', isKnown: boolean, of: AccuracyOf][] = [
    ['best', finished.some(({ curve }) => curve.length > 1), bestAccuracy],
    ['chosen', finished.some((record) => chosenEpoch(record)), (record) => chosenEpoch(record)?.testAccuracy],
  ];
  return ways
    .filter(([, isKnown]) => isKnown)
    .map(([way, , of]) => {
      const cells = summarise(graph, records, new Set(failures.keys()), lost, of);
      return { way, cells: cellsOf(report, cells, of) };
    });
}

function publishedData({ graph, cells, published }: Report): PublishedData[] {
  const at = (row: Parameters<typeof accuracyAt>[0]) =>
    graph.noiseSettings.map((noiseSetting) => accuracyAt(row, noiseSetting));
  return published.rows.map((row) => {
    const method = row.method !== null && row.method in graph.suite.methods ? row.method : null;
    return {
      title: row.title,
      source: row.source,
      block: row.block,
      accuracies: at(row),
      own: (row.own ?? []).map((other) => ({ source: other.source, accuracies: at(other) })),
      ours:
        method === null
          ? null
          : {
              title: methodTitle(method),
              cells: cells
                .filter((cell) => cell.method === method)
                .map((cell) => (cell.mean === null ? null : { mean: cell.mean, half: halfWidth(cell) })),
            },
    };
  });
}

function rhoOf({ graph, records, cells }: Report): RhoData[] {
  return rhoGrids(graph, records, cells).map(({ title, panels }) => ({
    title,
    panels: panels.map(({ m, isWholeBatch, cells: all }) => ({
      m,
      isWholeBatch,
      cells: all.map(({ rho, noiseSetting, cell, fitted }) => ({
        ...{ rho, noiseSetting, seeds: cell.seeds, mean: cell.mean, half: halfWidth(cell), fitted },
      })),
    })),
  }));
}

function externalOf({ external }: Report): ExternalData[] {
  return external.map(({ name, by, link, cells, fitted, differences }) => ({
    name,
    by,
    link,
    cells: cells.map(({ mean, std, seeds }) =>
      mean === null ? null : { mean, half: halfWidth({ mean, std, seeds }), seeds },
    ),
    fitted,
    differences: differences.map(({ minus, columns, overall }) => ({
      title: `${name} − ${methodTitle(minus)}`,
      columns: columns.map((difference) => difference && beside(difference, null)),
      overall: overall && beside(overall, null),
    })),
  }));
}

/** Finer than the pages' figures can show. */
const rounded = (percent: number) => Math.round(percent * 100) / 100;
const roundedOrNot = (percent: number | null) => percent && rounded(percent);

/** A curve for each cell, and for the teachers that are in no cell. */
function curvesOf({ report: { graph, records }, runStatus }: NamedReport): CurveData[] {
  const inCells = new Set(graph.cells.map(({ run }) => run));
  return [
    ...graph.cells,
    ...graph.runs
      .filter((run) => !inCells.has(run))
      .map((run) => ({ method: run.method, noiseSetting: run.noiseSetting, run })),
  ].flatMap(({ method, noiseSetting, run }) => {
    const curve = records.get(run.id)?.curve ?? runStatus?.underWay.get(run.id)?.curve ?? [];
    return curve.length ? [curveData(method, noiseSetting.label, run, curve)] : [];
  });
}

function curveData(
  method: string,
  noiseSetting: string,
  { spec }: RunNode,
  curve: readonly Evaluation[],
): CurveData {
  return {
    method,
    noiseSetting,
    seed: spec.seed,
    epochs: curve.map(({ epoch }) => epoch),
    testAccuracy: curve.map(({ testAccuracy }) => rounded(testAccuracy)),
    wrongLabelsFitted: curve.map(({ wrongLabelsFitted }) => roundedOrNot(wrongLabelsFitted)),
    trueLabelsRecovered: curve.map(({ trueLabelsRecovered }) => roundedOrNot(trueLabelsRecovered)),
  };
}

/** More classes make a matrix that cannot be read, and a page that is too large. */
const MOST_CLASSES = 20;

/** What the last evaluations saw of the training labels, added up over the seeds of a cell. */
function fitsOf({ graph, records }: Report): FitData[] {
  return Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.flatMap(({ label }) => {
      const found = graph.cells
        .filter((cell) => cell.method === method && cell.noiseSetting.label === label)
        .flatMap(({ run }) => records.get(run.id)?.fit ?? []);
      const [first] = found;
      if (!first) return [];
      const losses = found.flatMap((fit) => fit.losses ?? []);
      return [
        {
          method,
          noiseSetting: label,
          seeds: found.length,
          losses: losses.length
            ? {
                right: added(losses.map(({ right }) => right)),
                wrong: added(losses.map(({ wrong }) => wrong)),
              }
            : null,
          confusion:
            first.confusion.length > MOST_CLASSES
              ? null
              : addedMatrices(found.map(({ confusion }) => confusion)),
        },
      ];
    }),
  );
}

const added = (lists: readonly (readonly number[])[]) =>
  lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0));
const addedMatrices = (matrices: readonly (readonly (readonly number[])[])[]) =>
  matrices[0]!.map((_, row) => added(matrices.map((matrix) => matrix[row]!)));

/** One matrix a noise setting: the labels of a seed are the same for all methods, so each seed counts once. */
function transitionsOf({ graph, records }: Report): TransitionData[] {
  const kinds: number[][][] = [];
  return graph.noiseSettings.flatMap((noiseSetting) => {
    const bySeed = new Map<number, number[][]>();
    for (const run of graph.runs) {
      const record = hasNoiseOf(run, noiseSetting) ? records.get(run.id) : undefined;
      if (record) bySeed.set(run.spec.seed, record.noise.transitions);
    }
    if (!bySeed.size) return [];
    const counts = addedMatrices([...bySeed.values()]);
    const found = kinds.findIndex((kind) => wrongAlike(kind, counts));
    const alike = found < 0 ? kinds.push(counts) - 1 : found;
    return [{ noiseSetting: noiseSetting.label, alike, seeds: bySeed.size, counts }];
  });
}

/** Standard errors that shares of wrong labels may be apart by chance: of hundreds of shares, one in a page's many is beyond four. */
const CHANCE = 5;

/** Whether the wrong labels of each class go the same way in both, but for chance. */
function wrongAlike(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): boolean {
  return a.every((row, t) => {
    const [first, second] = [row, b[t]!].map((counts) => counts.filter((_, g) => g !== t)) as [
      number[],
      number[],
    ];
    const [m, n] = [first, second].map((counts) => counts.reduce((sum, count) => sum + count, 0)) as [
      number,
      number,
    ];
    if (!m || !n) return m === n;
    return first.every((count, g) => {
      const share = (count + second[g]!) / (m + n);
      const error = Math.sqrt(share * (1 - share) * (1 / m + 1 / n));
      return Math.abs(count / m - second[g]! / n) <= CHANCE * error;
    });
  });
}

function runData(run: RunNode, { report, runStatus, begun }: NamedReport): RunData {
  const record = report.records.get(run.id);
  const underWay = runStatus?.underWay.get(run.id);
  const reason = runStatus?.failures.get(run.id) ?? report.failures.get(run.id);
  const teacherFailed = run.dependsOn.find((id) => runStatus?.failures.has(id) || report.failures.has(id));
  const state = ((): RunState => {
    if (record) return 'finished';
    if (underWay) return 'running';
    if (report.lost.has(run.id)) return 'damaged';
    if (teacherFailed && !report.records.has(teacherFailed)) return 'teacher failed';
    if (reason !== undefined) return 'failed';
    return begun?.has(run.id) ? 'begun' : 'to do';
  })();
  const notes: Partial<Record<RunState, string>> = {
    failed: reason,
    'teacher failed': `its teacher ${teacherFailed} failed`,
    running: underWay?.epochs ? `epoch ${underWay.epoch} of ${underWay.epochs}` : 'starting',
    begun: 'goes on from its checkpoint',
    damaged: 'its record cannot be read',
  };
  const last = record?.curve.at(-1);
  return {
    id: run.id,
    method: run.method,
    noiseSetting: run.noiseSetting.label,
    column: noiseSettingTitle(run.noiseSetting),
    seed: run.spec.seed,
    state,
    note: notes[state] ?? '',
    share: record ? 1 : (underWay?.share ?? 0),
    accuracy: record ? finalAccuracy(record) : null,
    wrongLabelsFitted: last?.wrongLabelsFitted ?? null,
    trueLabelsRecovered: last?.trueLabelsRecovered ?? null,
    seconds: record?.wallSeconds ?? null,
    duration: record ? duration(record.wallSeconds) : '',
    cost: run.cost,
    dependsOn: run.dependsOn,
  };
}

function factsOf({ graph, records }: Report, runs: readonly RunData[]): NamedText[] {
  const { suite } = graph;
  const { data, training, seeds } = suite;
  const number = (n: number) => n.toLocaleString('en');
  const record = graph.runs.map(({ id }) => records.get(id)).find((found) => found !== undefined);
  const seconds = runs.reduce((sum, run) => sum + (run.seconds ?? 0), 0);
  const alone = graph.cells.reduce((sum, { run }) => sum + costAlone(graph, run), 0);
  const saved = 1 - totalCost(graph.runs) / alone;
  return [
    {
      name: 'Network',
      text: `${architectureName(suite.model)}${record ? `, ${number(record.parameters)} parameters` : ''}`,
    },
    {
      name: 'Training',
      text: `${number(data.trainImages)} images, ${number(training.epochs)} epochs in batches of ${training.batchSize}, ${AUGMENTATIONS.named(data.augment).title}`,
    },
    {
      name: 'Test',
      text: `${number(data.testImages)} ${data.testOn ? 'validation images (clean, held out of the training set)' : 'clean images'}, after the last epoch`,
    },
    { name: 'Noise', text: noiseInWords(suite, ({ title }) => title.replace(' ', '\u00a0')) },
    { name: seeds.length === 1 ? 'Seed' : 'Seeds', text: seeds.join(', ') },
    { name: 'Precision', text: suite.precision },
    { name: 'Runs', text: `${records.size} of ${graph.runs.length} finished` },
    {
      name: 'Training time',
      text: `${duration(seconds)}, all runs together${saved > 0 ? `; shared teachers save ${Math.round(100 * saved)} %` : ''}`,
    },
  ];
}

/** What a cell would cost if nothing were shared. */
function costAlone({ runs }: Pick<RunGraph, 'runs'>, { dependsOn, cost }: RunNode): number {
  return dependsOn.reduce((sum, id) => sum + costAlone({ runs }, runs.find((run) => run.id === id)!), cost);
}

const ORIGINS: [name: string, of: (provenance: Provenance, spec: RunSpec) => string | undefined][] = [
  ['Commit', ({ commit }) => commit],
  ['labelnoise', ({ version }, { algorithm }) => `${version}, algorithm ${algorithm}`],
  ['Processor', ({ cpu }) => cpu],
  ['Instruction sets', ({ instructions }) => instructions],
  ['Platform', ({ platform }) => platform],
  ['Node', ({ node }) => node],
  ['TensorFlow', ({ tensorflow }) => tensorflow],
  ['TensorFlow.js', ({ tfjs }) => tfjs],
  [
    'Kernels',
    ({ kernels, kernelsVersion: version }) => (version ? `${kernels}, version ${version}` : kernels),
  ],
  ['Instruction set of kernels', ({ isa }) => isa],
  ['oneDNN', ({ oneDnn }) => (oneDnn === undefined ? undefined : oneDnn ? 'on' : 'off')],
  ['Precision', ({ precision }) => precision],
  ['Threads a run', ({ threads }) => String(threads)],
  ['Finished (UTC)', ({ finished }) => finished.slice(0, 10)],
];

function provenanceOf(records: readonly RunRecord[]): FolderData['provenance'] {
  return ORIGINS.map(([name, of]) => {
    const counts = new Map<string, number>();
    for (const { provenance, spec } of records) {
      const value = of(provenance, spec) ?? 'not recorded';
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return { name, values: [...counts].map(([value, runs]) => ({ value, runs })) };
  });
}
