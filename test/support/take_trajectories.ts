// A process of its own that takes the trajectories of a suite with the product in a folder, perhaps a broken copy, and prints them:
// how it computes is settled by its environment.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Taken } from './trajectories.js';

const [root, suiteFile] = process.argv.slice(2) as [string, string];
const { seeds, threads, teachers, method } = JSON.parse(readFileSync(0, 'utf8')) as Taken['request'];
const load = (file: string) => import(pathToFileURL(path.join(root, 'dist', 'src', file)).href);
const { createEngine } = (await load('cli/engine.js')) as typeof import('../../src/cli/engine.js');
const { takeTrajectories } = (await load(
  'cli/trajectories.js',
)) as typeof import('../../src/cli/trajectories.js');
const { shortRuns } = (await load(
  'regression/trajectory.js',
)) as typeof import('../../src/regression/trajectory.js');
const { planOf } = (await load('suite/plan.js')) as typeof import('../../src/suite/plan.js');

const engine = createEngine();
// The number of threads is a run's, so that it would be another run with two. A worker takes longer to start than to take steps.
const onThreads: typeof engine = {
  ...engine,
  parallelRuns: () => 1,
  trajectory: (job) => engine.trajectory({ ...job, spec: { ...job.spec, threads } }),
};
try {
  const { graph } = await planOf(suiteFile, { method: [], noise: [] }, engine);
  const runs = seeds
    .flatMap((seed) => shortRuns(graph, seed).runs)
    .filter((run) => method === undefined || run.method === method);
  const known = new Map(Object.entries(teachers));
  const taken = await takeTrajectories(runs, known, onThreads);
  const found: Taken['found'] = runs.map(({ id, spec, ...run }) => {
    const trajectory = taken.get(id)!;
    return trajectory instanceof Error
      ? { id, method: run.method, seed: spec.seed, error: trajectory.message }
      : { id, method: run.method, seed: spec.seed, trajectory };
  });
  process.stdout.write(JSON.stringify(found));
} finally {
  engine.close();
}
