// Accuracy over rho, noise and m, where rows of a suite differ in them: where too large a rho fails.
import { baseName, methodNamed, methodTitle } from '../methods/catalogue.js';
import type { RunRecord } from '../spec/record.js';
import { canonicalJson } from '../spec/run_spec.js';
import type { RunGraph } from '../suite/expand.js';
import { settingsAt } from '../suite/method_settings.js';
import type { CellSummary } from './aggregate.js';
import { wrongLabelsFitted } from './agreement.js';

/** A cell of a suite's table by what its method was set to. */
export interface RhoCell {
  rho: number;
  /** The column's name, see `NoiseSetting.label`. */
  noiseSetting: string;
  cell: CellSummary;
  /** Memorised wrong labels in percent, mean over seeds; null where there are none. */
  fitted: number | null;
}

/** What a method came to with one m. */
export interface RhoPanel {
  /** Examples of an ascent step. */
  m: number;
  isWholeBatch: boolean;
  cells: RhoCell[];
}

/** What a method came to over rho, noise and m, all its other settings being the same. */
export interface RhoGrid {
  /** The method that its rows are variants of. */
  method: string;
  title: string;
  /** Larger m first. */
  panels: RhoPanel[];
}

/**
 * The grids of a suite, in table order: of those methods that have several values of rho, or of m, under one noise setting. Rows
 * that differ in anything else are of grids of their own; of rows that differ in nothing the first one counts.
 */
export function rhoGrids(
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  cells: readonly CellSummary[],
): RhoGrid[] {
  const { suite } = graph;
  const memorised = wrongLabelsFitted(graph, records);
  const grids = new Map<string, RhoGrid>();
  for (const cell of cells) {
    const { method: row, noiseSetting: label } = cell;
    const settings = suite.methods[row]!;
    const { key } = graph.noiseSettings.find((one) => one.label === label)!;
    const { rho, m, ...others } = settingsAt(methodNamed(row), settings, key);
    if (typeof rho !== 'number' || typeof m !== 'number') continue;
    const method = baseName(row);
    const grid = found(grids, canonicalJson([method, others, settings.training ?? {}]), () => ({
      ...{ method, title: methodTitle(method), panels: [] },
    }));
    const { batchSize } = { ...suite.training, ...settings.training };
    const examples = m || batchSize;
    let panel = grid.panels.find((one) => one.m === examples);
    if (!panel) {
      panel = { m: examples, isWholeBatch: examples === batchSize, cells: [] };
      grid.panels.push(panel);
    }
    if (panel.cells.some((one) => one.rho === rho && one.noiseSetting === label)) continue;
    const fitted = memorised.find((one) => one.method === row && one.noiseSetting.label === label)?.fitted;
    panel.cells.push({ rho, noiseSetting: label, cell, fitted: fitted ?? null });
  }
  return [...grids.values()]
    .filter(isVaried)
    .map((grid) => ({ ...grid, panels: grid.panels.toSorted((a, b) => b.m - a.m) }));
}

function found<V>(all: Map<string, V>, key: string, make: () => V): V {
  const known = all.get(key) ?? make();
  all.set(key, known);
  return known;
}

/** Whether there are two cells to compare in a column. */
function isVaried({ panels }: RhoGrid): boolean {
  const columns = panels.flatMap(({ cells }) => cells.map(({ noiseSetting }) => noiseSetting));
  return new Set(columns).size < columns.length;
}
