// Takes the trajectories of a suite: those of a baseline, and those that are held against them.

import { Preparer } from '../execution/prepare.js';
import type { Baseline, BaselineTrajectories } from '../regression/baseline.js';
import { environmentOf } from '../regression/environment.js';
import { type FoundTrajectory, shortRuns } from '../regression/trajectory.js';
import { runTitle } from '../report/wording.js';
import { originOf } from '../results/provenance.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import { expand, type RunGraph, type RunNode } from '../suite/expand.js';
import type { Engine } from './engine.js';

/** A teacher as far as its student is concerned. */
type Teacher = Pick<RunRecord, 'predictions'>;

/**
 * The trajectories of the graph's cells to hold against a baseline's, by the id of their short run; nothing if it has none.
 * Students learn the predictions of the baseline's teachers, so that all see the same labels on every machine.
 *
 * @throws InputError if the data cannot be had
 */
export async function trajectoriesBeside(
  { trajectories }: Baseline,
  graph: RunGraph,
  using: Engine,
  dataDir?: string,
): Promise<Map<string, FoundTrajectory> | undefined> {
  if (!trajectories) return undefined;
  const short = shortRuns(graph);
  const runs = new Set(
    graph.cells.flatMap(({ method, noiseSetting }) => short.of(method, noiseSetting.label) ?? []),
  );
  const teachers = new Map(trajectories.runs.map((stored) => [stored.run, stored]));
  return takeTrajectories([...runs], teachers, using, dataDir);
}

/** The trajectories of a whole suite for its baseline. @throws Error if a run of it cannot be made */
export async function baselineTrajectories(
  { suite, algorithm }: Pick<Baseline, 'suite' | 'algorithm'>,
  using: Engine,
  dataDir?: string,
): Promise<BaselineTrajectories> {
  const { runs } = shortRuns(expand(suite, algorithm));
  const taken = await takeTrajectories(runs, new Map(), using, dataDir);
  const origin = await originOf(await using.versions());
  return {
    provenance: environmentOf({ ...origin, precision: 'float32', threads: suite.threads }),
    runs: runs.map((run) => {
      const found = taken.get(run.id)!;
      if (found instanceof Error) throw found;
      return { run: run.id, method: run.method, noise: run.noiseSetting.label, ...found };
    }),
  };
}

/**
 * Trains short runs, as many at a time as share the cores.
 *
 * @param teachers by the id of their short run; students of others learn from those that are taken here
 * @returns by the id of the short run
 * @throws InputError if the data cannot be had
 */
export async function takeTrajectories(
  runs: readonly RunNode[],
  teachers: ReadonlyMap<string, Teacher>,
  using: Engine,
  dataDir?: string,
): Promise<Map<string, FoundTrajectory>> {
  const [first] = runs;
  if (!first) return new Map();
  const preparer = new Preparer(await using.loadData(first.spec.data, dataDir), new Map(), dataDir);
  using.tell(`taking the first steps of ${runs.length} runs, which compiles their networks`);
  const taken = new Map<string, FoundTrajectory>();
  let begun = 0;
  const take = async (run: RunNode): Promise<FoundTrajectory> => {
    using.tell(`first steps ${++begun} of ${runs.length}: ${runTitle(run)}`);
    const [id] = run.dependsOn;
    const teacher = id === undefined ? undefined : (teachers.get(id) ?? taken.get(id)!);
    if (teacher instanceof Error) return teacher;
    try {
      return await using.trajectory(preparer.prepare(run, () => teacher).job);
    } catch (error) {
      if (error instanceof InputError) throw error;
      return error as Error;
    }
  };
  const inParallel = async (some: readonly RunNode[]) => {
    const rest = some.values();
    const worker = async () => {
      for (const run of rest) taken.set(run.id, await take(run));
    };
    await Promise.all(Array.from({ length: using.parallelRuns(some[0]?.spec.threads ?? 1) }, worker));
  };
  await inParallel(runs.filter(({ dependsOn }) => !dependsOn.length));
  await inParallel(runs.filter(({ dependsOn }) => dependsOn.length));
  return taken;
}
