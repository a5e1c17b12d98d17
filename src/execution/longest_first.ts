// The order in which runs are begun: what most work waits for comes first, so that cores idle less at a suite's end.
import type { RunNode } from '../suite/expand.js';

/**
 * Orders runs by their seed, as the seeds come, and within a seed by the longest chain of runs that begins with them
 * (list scheduling by critical path: Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17, 1969).
 * Seeds stay together so that a suite which is stopped early has whole tables.
 *
 * @param runs each after those it depends on
 * @returns the same runs; the order of equals is kept
 */
export function longestFirst(runs: readonly RunNode[]): RunNode[] {
  const chain = new Map<string, number>();
  for (const run of [...runs].reverse()) {
    const length = run.cost + (chain.get(run.id) ?? 0);
    chain.set(run.id, length);
    for (const teacher of run.dependsOn) chain.set(teacher, Math.max(chain.get(teacher) ?? 0, length));
  }
  const seeds = [...new Set(runs.map(({ spec }) => spec.seed))];
  return [...runs].sort(
    (a, b) => seeds.indexOf(a.spec.seed) - seeds.indexOf(b.spec.seed) || chain.get(b.id)! - chain.get(a.id)!,
  );
}
