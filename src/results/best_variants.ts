// Which of a method's variants did best at each noise rate: what a search for settings comes to.
import { baseName } from '../methods/catalogue.js';
import type { Condition } from '../suite/condition.js';
import type { RunGraph } from '../suite/expand.js';
import type { CellSummary } from './aggregate.js';

/** The best variant of a method in one column. */
export interface BestVariant {
  /** The method that they are variants of. */
  method: string;
  condition: Condition;
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
    graph.conditions.flatMap((condition) => {
      const seen = new Set<string>();
      const tried = cells
        .filter((cell) => baseName(cell.method) === method && cell.condition === condition.label)
        .flatMap(({ method: variant, mean }) => {
          const runs = runsOf(graph, variant, condition);
          if (mean === null || seen.has(runs)) return [];
          seen.add(runs);
          return [{ variant, accuracy: mean }];
        });
      const [best] = tried.toSorted((a, b) => b.accuracy - a.accuracy);
      return best ? [{ method, condition, ...best, tried: tried.length }] : [];
    }),
  );
}

function runsOf({ cells }: RunGraph, row: string, { label }: Condition): string {
  return cells
    .filter((cell) => cell.method === row && cell.condition.label === label)
    .map(({ run }) => run.id)
    .join();
}
