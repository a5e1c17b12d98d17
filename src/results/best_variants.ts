// Which of a method's variants did best at each noise rate: what a search for settings comes to.
import { baseName } from '../methods/catalogue.js';
import type { RunGraph } from '../suite/expand.js';
import type { NoiseSetting } from '../suite/noise_setting.js';
import type { CellSummary } from './aggregate.js';

/** The best variant of a method in one column. */
export interface BestVariant {
  /** The method that they are variants of. */
  method: string;
  noiseSetting: NoiseSetting;
  /** The variant's row. */
  variant: string;
  /** Its accuracy, mean over seeds, percent. */
  accuracy: number;
  /** How many variants it was the best of. */
  tried: number;
}

/**
 * For every method with several rows, in table order: the best of them by column, the first one among equals. A row that
 * has the very runs of an earlier one is not another variant.
 */
export function bestVariants(graph: RunGraph, cells: readonly CellSummary[]): BestVariant[] {
  const rows = Object.keys(graph.suite.methods);
  const several = [...new Set(rows.map(baseName))].filter(
    (base) => rows.filter((row) => baseName(row) === base).length > 1,
  );
  return several.flatMap((method) =>
    graph.noiseSettings.flatMap((noiseSetting) => {
      const seen = new Set<string>();
      const tried = cells
        .filter((cell) => baseName(cell.method) === method && cell.noiseSetting === noiseSetting.label)
        .flatMap(({ method: variant, mean }) => {
          const runs = runsOf(graph, variant, noiseSetting);
          if (mean === null || seen.has(runs)) return [];
          seen.add(runs);
          return [{ variant, accuracy: mean }];
        });
      const [best] = tried.toSorted((a, b) => b.accuracy - a.accuracy);
      return best ? [{ method, noiseSetting, ...best, tried: tried.length }] : [];
    }),
  );
}

function runsOf({ cells }: RunGraph, row: string, { label }: NoiseSetting): string {
  return cells
    .filter((cell) => cell.method === row && cell.noiseSetting.label === label)
    .map(({ run }) => run.id)
    .join();
}
