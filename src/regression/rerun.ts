// Runs of a results folder trained again: which of them, and whether they came out as their records say.
import { noiseOf } from '../data/noises/noise.js';
import { permutation, stream } from '../io/random.js';
import { finalAccuracy } from '../results/aggregate.js';
import { type Rerun, resultOf } from '../results/submission.js';
import type { RunRecord } from '../spec/record.js';
import { ALGORITHM_VERSION } from '../spec/run_spec.js';
import { pooled, spreadOf } from '../statistics/statistics.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import { environmentDifference, environmentOf } from './environment.js';

/** In so many standard deviations of a difference between two seeds a re-run on another machine agrees. */
const DEVIATIONS = 3;

/** Whether a run can be trained from its record alone: by this version's algorithm, of no file that is somebody's own. */
export function canBeRerun({ spec }: RunNode): boolean {
  const { algorithm, noise } = spec;
  return (
    algorithm === ALGORITHM_VERSION && !noiseOf(noise).resolve && !JSON.stringify(spec).includes('"source":')
  );
}

/** Runs that have a record and can be trained again, drawn by a seed; in the order of the suite. */
export function drawRuns(
  { runs }: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  number: number,
  seed: number,
): RunNode[] {
  const able = runs.filter((run) => canBeRerun(run) && records.has(run.id));
  const chosen = [...permutation(stream(seed, 'rerun'), able.length)].slice(0, number);
  return chosen.sort((a, b) => a - b).map((i) => able[i]!);
}

/**
 * How a run's second training came out. Where machine and libraries are those of the record, its bits must be the same;
 * elsewhere its accuracy may differ as those of two seeds do.
 *
 * @param by who trained it again
 */
export function rerunOf(
  run: RunNode,
  after: RunRecord,
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  by: string,
): Rerun {
  const record = records.get(run.id)!;
  const { finished, cpu, commit, version } = after.provenance;
  const [had, has] = [resultOf(record), resultOf(after)];
  const differs = environmentDifference(environmentOf(record.provenance), environmentOf(after.provenance));
  const same = had.accuracy === has.accuracy && had.weightsSha256 === has.weightsSha256;
  const deviation = seedDeviation(run, graph, records);
  const verdict = same
    ? 'same'
    : !differs
      ? 'differs'
      : deviation === undefined
        ? 'unjudged'
        : Math.abs(has.accuracy - had.accuracy) <= DEVIATIONS * Math.SQRT2 * deviation
          ? 'agrees'
          : 'differs';
  return {
    run: run.id,
    by,
    finished,
    cpu,
    commit,
    version,
    before: had,
    after: has,
    differs: differs ?? null,
    verdict,
  };
}

/** Standard deviation over seeds of the method's accuracy, over all noise settings that have several; undefined if none has. */
function seedDeviation(
  run: RunNode,
  { cells, noiseSettings }: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
): number | undefined {
  const spreads = noiseSettings.flatMap((noiseSetting) => {
    const of = cells.filter((cell) => cell.method === run.method && cell.noiseSetting === noiseSetting);
    const accuracies = of.flatMap((cell) => {
      const record = records.get(cell.run.id);
      return record ? [finalAccuracy(record)] : [];
    });
    return accuracies.length > 1 ? [spreadOf(accuracies)] : [];
  });
  if (!spreads.length) return undefined;
  return Math.sqrt(pooled(spreads).variance);
}
