// A part of a suite's runs: chosen cells with the teachers they need, and how many seeds.
import { InputError } from '../spec/errors.js';
import type { RunGraph, RunNode } from './expand.js';

/** What is chosen; an axis without values is not restricted. */
export interface Selection {
  /** Methods by name. */
  method: string[];
  /** Noise settings, by the rate in percent, as a fraction, or by the label file's name. */
  noise: string[];
  /** How many seeds, if told: the first of the suite, and then others (see `seedsOf`). */
  seeds?: number;
}

export const EVERYTHING: Selection = { method: [], noise: [] };

/**
 * The first `count` seeds of a suite; where it has fewer, they are continued with the whole numbers after its largest, so
 * that the same command always trains the same runs.
 */
export function seedsOf(seeds: readonly number[], count: number): number[] {
  const after = Math.max(...seeds) + 1;
  const more = Array.from({ length: Math.max(0, count - seeds.length) }, (_, i) => after + i);
  return [...seeds, ...more].slice(0, count);
}

/** The suite with at least as many seeds as are chosen: what its runs are a part of, and whose results folder they may go to. */
export function withSeeds<S extends { seeds: number[] }>(suite: S, { seeds = 0 }: Selection): S {
  return seeds > suite.seeds.length ? { ...suite, seeds: seedsOf(suite.seeds, seeds) } : suite;
}

/**
 * The chosen cells of a suite with the runs they need, teachers that are not chosen included. The runs are the whole suite's
 * own, and so is the suite.
 *
 * @throws InputError if a chosen method or noise is none of the suite's, or the suite has fewer seeds
 */
export function select(graph: RunGraph, selection: Selection): RunGraph {
  const { suite } = graph;
  const { seeds: count = suite.seeds.length } = selection;
  if (count > suite.seeds.length)
    throw new InputError(
      `--seeds ${count}: there are ${suite.seeds.length} (${suite.seeds.join(', ')}); allowed: 1 to ${suite.seeds.length}`,
    );
  const methods = chosen('method', selection.method, Object.keys(suite.methods), (name) => [name]);
  const noiseSettings = chosen('noise', selection.noise, graph.noiseSettings, ({ label, key }) => [
    label,
    key,
  ]);
  const seeds = suite.seeds.slice(0, count);
  const cells = graph.cells.filter(
    ({ method, noiseSetting, seed }) =>
      methods.includes(method) &&
      noiseSettings.some(({ label }) => label === noiseSetting.label) &&
      seeds.includes(seed),
  );
  const byId = new Map(graph.runs.map((run) => [run.id, run]));
  const needed = new Set<string>();
  const need = ({ id, dependsOn }: RunNode) => {
    needed.add(id);
    for (const teacher of dependsOn) need(byId.get(teacher)!);
  };
  for (const { run } of cells) need(run);
  return { suite, noiseSettings, cells, runs: graph.runs.filter(({ id }) => needed.has(id)) };
}

/** The candidates that have one of the values as a name, in their order; a value is taken by its first name if two candidates have it. */
function chosen<T extends object | string>(
  axis: string,
  values: readonly string[],
  candidates: readonly T[],
  names: (candidate: T) => string[],
): T[] {
  if (!values.length) return [...candidates];
  const found = values.map((value) => {
    const match =
      candidates.find((candidate) => names(candidate)[0] === value) ??
      candidates.find((candidate) => names(candidate).includes(value));
    if (match) return match;
    const allowed = candidates.map((candidate) => names(candidate)[0]).join(', ');
    throw new InputError(`--only ${axis}=${value}: is not in the suite; allowed: one of ${allowed}`);
  });
  return candidates.filter((candidate) => found.includes(candidate));
}

/** A selection as part of a folder's name; empty if everything is chosen. */
export function selectionName({ method, noise, seeds }: Selection): string {
  const parts = [
    ...method.map((name) => `method=${name}`),
    ...noise.map((name) => `noise=${name}`),
    ...(seeds === undefined ? [] : [`seeds=${seeds}`]),
  ];
  return parts.join('-').replace(/[^\w.=+-]+/g, '_');
}
