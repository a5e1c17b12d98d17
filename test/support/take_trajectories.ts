// A process of its own that takes the trajectories of a suite with the products in some folders, perhaps broken copies, and prints them:
// how it computes is settled by its environment.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Engine } from '../../src/cli/engine.js';
import type { Taken } from './trajectories.js';

const { suite, products, seeds, threads, teachers, inWorker } = JSON.parse(
  readFileSync(0, 'utf8'),
) as Taken['request'];
const known = new Map(Object.entries(teachers));
// The images are the same whatever is broken.
let loaded: ReturnType<Engine['loadData']> | undefined;

async function take({ root, method }: (typeof products)[number]): Promise<Taken['found']> {
  const load = (file: string) => import(pathToFileURL(path.join(root, 'dist', 'src', file)).href);
  const { createEngine }: typeof import('../../src/cli/engine.js') = await load('cli/engine.js');
  const { takeTrajectories }: typeof import('../../src/cli/trajectories.js') =
    await load('cli/trajectories.js');
  const { shortRuns }: typeof import('../../src/regression/trajectory.js') =
    await load('regression/trajectory.js');
  const { planOf }: typeof import('../../src/suite/plan.js') = await load('suite/plan.js');
  const { ImagesOfRuns }: typeof import('../../src/data/subset.js') = await load('data/subset.js');
  const { trajectoryOf }: typeof import('../../src/training/trajectory.js') =
    await load('training/trajectory.js');

  const engine = createEngine();
  const using: Engine = {
    ...engine,
    loadData: (data) => {
      loaded ??= engine.loadData(data);
      return loaded;
    },
    // A worker takes longer to start than to take steps.
    parallelRuns: () => 1,
    // The number of threads is a run's, so that it would be another run with two.
    async trajectory(asked) {
      const job = { ...asked, spec: { ...asked.spec, threads } };
      if (inWorker) return engine.trajectory(job);
      const { train, test } = new ImagesOfRuns(await this.loadData(job.spec.data)).of(job.spec);
      return trajectoryOf({ ...job, train, test });
    },
  };
  try {
    const { graph } = await planOf(suite, { method: [], noise: [] }, using);
    const runs = seeds
      .flatMap((seed) => shortRuns(graph, seed).runs)
      .filter((run) => method === undefined || run.method === method);
    const taken = await takeTrajectories(runs, known, using);
    return runs.map(({ id, spec, ...run }) => {
      const trajectory = taken.get(id)!;
      return trajectory instanceof Error
        ? { id, method: run.method, seed: spec.seed, error: trajectory.message }
        : { id, method: run.method, seed: spec.seed, trajectory };
    });
  } finally {
    engine.close();
  }
}

const found: Taken['found'][] = [];
for (const product of products) found.push(await take(product));
process.stdout.write(JSON.stringify(found));
