// A suite's results against its baseline, cell by cell: by trajectory, and bitwise where they must be the same, by statistics elsewhere.
import type { RunRecord } from '../spec/record.js';
import type { RunGraph } from '../suite/expand.js';
import { type Baseline, seedResult } from './baseline.js';
import { type Environment, environmentDifference, environmentOf } from './environment.js';
import { ALPHA, judge } from './judge.js';
import { checkSameSuite } from './mismatch.js';
import { compareTrajectories, type FoundTrajectory, shortRuns } from './trajectory.js';
import {
  type CellVerdict,
  type ComparedCell,
  isFailure,
  methodVerdict,
  unjudgeable,
  verdictOf,
} from './verdict.js';

export interface Comparison {
  suite: string;
  /** The baseline's file. */
  baseline: string;
  baselineProvenance: Baseline['provenance'];
  /** Of the first result; null if there is none. */
  environment: Environment | null;
  /** Why bits cannot be compared, if they cannot. */
  environmentDifference: ReturnType<typeof environmentDifference> | null;
  alpha: number;
  /** Whether the baseline has trajectories, compared or not. */
  hasTrajectories: boolean;
  cells: CellVerdict[];
  /** Methods over their noise rates, where statistics decided on all of these. */
  methods: CellVerdict[];
  /** No cell or method regressed, is missing, or has other bits where they must be the same. */
  passed: boolean;
}

export interface Results {
  /** The cells to compare, of the suite's whole graph or a part of it. */
  graph: RunGraph;
  /** By run id. */
  records: ReadonlyMap<string, RunRecord>;
  /** Runs that failed when they were last tried. */
  failed: Pick<ReadonlySet<string>, 'has'>;
  /** What the code at hand does in its first steps, by the id of the short run; not compared if absent. */
  trajectories?: ReadonlyMap<string, FoundTrajectory> | undefined;
}

/**
 * Compares.
 *
 * @param file the baseline's, for errors
 * @param statisticsOnly judge by statistics even where bits could be compared
 * @throws InputError if the baseline is of other settings, or a difference could not be judged for lack of seeds
 */
export function compare(
  baseline: Baseline,
  file: string,
  results: Results,
  statisticsOnly = false,
): Comparison {
  const { graph } = results;
  checkSameSuite(baseline, graph, file);
  const cells = selectedCells(baseline, results);
  const judgements = judge(
    baseline.cells.map(({ method, noise, results: before }) => ({
      method,
      before,
      after: cells.find((cell) => cell.method === method && cell.noise === noise)?.results ?? [],
    })),
    100 / graph.suite.data.testImages,
  );
  const tests = [...judgements.cells, ...judgements.methods.values()].filter(
    (test) => test?.p != null,
  ).length;
  const verdicts = cells.map((cell) =>
    verdictOf(cell, judgements.cells[cell.index]!, { baseline, file, statisticsOnly, tests }),
  );
  const methods = [...judgements.methods].flatMap(([method, judgement]) => {
    const row = verdicts.filter((cell) => cell.method === method);
    return row.every(({ by }) => by === 'statistics') ? [methodVerdict(row, judgement, tests)] : [];
  });
  const first = cells.flatMap(({ environments }) => environments)[0] ?? null;
  return {
    suite: graph.suite.name,
    baseline: file,
    baselineProvenance: baseline.provenance,
    environment: first,
    environmentDifference: (first && environmentDifference(baseline.provenance, first)) ?? null,
    alpha: ALPHA,
    hasTrajectories: baseline.trajectories !== undefined,
    cells: verdicts,
    methods,
    passed: ![...verdicts, ...methods].some(isFailure),
  };
}

/**
 * Says before anything is trained what `compare` would say after.
 *
 * @param here where the results would be made
 * @throws InputError as `compare`
 */
export function checkComparable(baseline: Baseline, file: string, graph: RunGraph, here: Environment): void {
  checkSameSuite(baseline, graph, file);
  for (const cell of baseline.cells) {
    const wanted = graph.cells.filter(
      ({ method, noiseSetting }) => method === cell.method && noiseSetting.label === cell.noise,
    );
    const bits = !environmentDifference(baseline.provenance, here);
    const shared = wanted.some(({ seed }) => cell.results.some((result) => result.seed === seed));
    if (wanted.length === 1 && cell.results.length === 1 && !(bits && shared) && !baseline.trajectories)
      throw unjudgeable(cell, baseline, file, [here]);
  }
}

function selectedCells(
  baseline: Baseline,
  { graph, records, failed, trajectories }: Results,
): ComparedCell[] {
  const short = trajectories && shortRuns(graph);
  const trajectoryOf = (method: string, noise: string) => {
    const id = short?.of(method, noise)?.id;
    const before = baseline.trajectories?.runs.find(({ run }) => run === id);
    const after = id === undefined ? undefined : trajectories?.get(id);
    return before && after ? compareTrajectories(before, after) : null;
  };
  return baseline.cells.flatMap(({ method, noise, results }, index) => {
    const wanted = graph.cells.filter((cell) => cell.method === method && cell.noiseSetting.label === noise);
    if (!wanted.length) return [];
    const found = wanted.flatMap(({ run }) => records.get(run.id) ?? []);
    return {
      index,
      method,
      noise,
      baseline: results,
      results: found.map(seedResult),
      environments: found.map(({ provenance }) => environmentOf(provenance)),
      missing: wanted
        .filter(({ run }) => !records.has(run.id))
        .map(({ seed, run }) => ({ seed, failed: failed.has(run.id) })),
      trajectory: trajectoryOf(method, noise),
    };
  });
}
