// A regression baseline: what a suite gave when it was right, by cell and seed. Made from a results folder, never by hand.
import path from 'node:path';
import { PROJECT_ROOT } from '../io/project.js';
import { finalAccuracy } from '../results/aggregate.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import type { RunGraph } from '../suite/expand.js';
import type { ResolvedSuite } from '../suite/resolve.js';
import { type Environment, environmentDifference, environmentOf } from './environment.js';
import type { StoredTrajectory } from './trajectory.js';

/** Bumped when the fields change. */
export const BASELINE_FORMAT = 2;

/** What one seed gave. */
export interface SeedResult {
  seed: number;
  /** The run's id: the hash of its spec. */
  run: string;
  /** Clean-test accuracy after the last epoch, percent. */
  accuracy: number;
  /** SHA-256 of the final weights; null if the record has none. */
  weightsSha256: string | null;
}

export interface BaselineCell {
  method: string;
  /** The noise setting's label: the rate in percent, or the label file's name. */
  noise: string;
  results: SeedResult[];
}

export interface Baseline {
  format: typeof BASELINE_FORMAT;
  algorithm: number;
  /** All settings that results depend on. */
  suite: ResolvedSuite;
  provenance: Environment & {
    /** Commits of the code that made the results. */
    commits: string[];
    /** When the last of them was finished, ISO 8601. */
    finished: string;
  };
  cells: BaselineCell[];
  /** What the first steps do; baselines of format 1 have none. */
  trajectories?: BaselineTrajectories;
}

/** Trajectories of all methods at all noise settings, and of their teachers. */
export interface BaselineTrajectories {
  /** Where they were made, which need not be where the cells were. */
  provenance: Environment;
  runs: StoredTrajectory[];
}

/** Where the project keeps a suite's baseline. */
export function baselineFile(suite: string): string {
  const file = path.join(PROJECT_ROOT, 'baselines', `${suite}.json`);
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

/** What a record says of its seed. */
export function seedResult(record: RunRecord): SeedResult {
  return {
    seed: record.spec.seed,
    run: record.id,
    accuracy: finalAccuracy(record),
    weightsSha256: record.weightsSha256 ?? null,
  };
}

/**
 * The baseline that a whole suite's records make.
 *
 * @param records by run id
 * @param out the results folder, for errors
 * @throws InputError if a cell has no record, or the records are of more than one environment
 */
export function baselineOf(graph: RunGraph, records: ReadonlyMap<string, RunRecord>, out: string): Baseline {
  const used: RunRecord[] = [];
  const cells = new Map<string, BaselineCell>();
  for (const { method, noiseSetting, seed, run } of graph.cells) {
    const noise = noiseSetting.label;
    const record = records.get(run.id);
    if (!record)
      throw new InputError(
        `${out}: has no result for ${method} at noise ${noise}, seed ${seed}; a baseline needs all runs: train them first`,
      );
    used.push(record);
    const key = JSON.stringify([method, noise]);
    const cell = cells.get(key) ?? { method, noise, results: [] };
    cell.results.push(seedResult(record));
    cells.set(key, cell);
  }
  const environment = environmentOf(used[0]!.provenance);
  for (const { id, provenance } of used) {
    const differs = environmentDifference(environment, environmentOf(provenance));
    if (differs)
      throw new InputError(
        `${out}: run ${id} was made with ${differs.field} ${differs.after}, others with ${differs.before}; a baseline needs one machine and one set of libraries`,
      );
  }
  return {
    format: BASELINE_FORMAT,
    algorithm: graph.runs[0]!.spec.algorithm,
    suite: graph.suite,
    provenance: {
      ...environment,
      commits: [...new Set(used.map(({ provenance }) => provenance.commit))].sort(),
      finished: used
        .map(({ provenance }) => provenance.finished)
        .sort()
        .at(-1)!,
    },
    cells: [...cells.values()],
  };
}

/** The file's text. */
export function baselineText(baseline: Baseline): string {
  const text = JSON.stringify(baseline, null, 2);
  // Lists of numbers on one line.
  return `${text.replace(/\[[-+.,\s\de]+\]/g, (list) => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`;
}
