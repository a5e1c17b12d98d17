// Trajectories taken by processes that compute differently, and how they compare.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { instructionSets } from '../../src/engine/native/instruction_set.js';
import { compareTrajectories, type TrajectoryVerdict } from '../../src/regression/trajectory.js';
import type { Trajectory } from '../../src/training/trajectory.js';

/** A product in a folder, and the method whose trajectories it is to take if not those of all. */
export interface Product {
  root: string;
  method?: string;
}

/** What a process is asked for and what it answers for each product. */
export interface Taken {
  request: {
    suite: string;
    products: readonly Product[];
    seeds: readonly number[];
    threads: number;
    teachers: Record<string, { predictions: string }>;
    inWorker: boolean;
  };
  found: { id: string; method: string; seed: number; trajectory?: Trajectory; error?: string }[];
}

/** A way to compute. */
export interface Setting {
  name: string;
  environment: NodeJS.ProcessEnv;
  threads: number;
}

export const HOME: Setting = { name: 'as it is', environment: {}, threads: 1 };

/** Ways to compute whose bits differ from those of this machine, as another machine's would. */
export function foreignSettings(): Setting[] {
  const sets = instructionSets();
  return [
    { name: 'two threads', environment: {}, threads: 2 },
    ...sets
      .slice(0, -1)
      .map((isa) => ({ name: `held down to ${isa}`, environment: { LABELNOISE_ISA: isa }, threads: 1 })),
    { name: "TensorFlow's kernels", environment: { LABELNOISE_NATIVE: 'off' }, threads: 1 },
    {
      name: "TensorFlow's kernels without oneDNN, two threads",
      environment: { LABELNOISE_NATIVE: 'off', TF_ENABLE_ONEDNN_OPTS: '0' },
      threads: 2,
    },
  ];
}

/**
 * Takes the trajectories of a suite, by all products in one process.
 *
 * @param teachers students learn from these rather than from their own product's; those of one method alone need them
 * @param inWorker in a worker of that process, as commands do
 */
export async function takeBy(
  products: readonly Product[],
  suite: string,
  { environment, threads }: Setting,
  seeds: readonly number[],
  teachers: Taken['found'] = [],
  inWorker = false,
): Promise<Taken['found'][]> {
  const request: Taken['request'] = {
    suite,
    products,
    seeds,
    threads,
    teachers: Object.fromEntries(
      teachers.flatMap(({ id, trajectory }) => (trajectory ? [[id, trajectory]] : [])),
    ),
    inWorker,
  };
  const script = fileURLToPath(new URL('take_trajectories.js', import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: {
      ...process.env,
      ...environment,
      TF_NUM_INTRAOP_THREADS: String(threads),
      TF_NUM_INTEROP_THREADS: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [said, complained] = [child.stdout, child.stderr].map((stream) => {
    const parts: string[] = [];
    stream.setEncoding('utf8').on('data', (text: string) => parts.push(text));
    return parts;
  }) as [string[], string[]];
  child.stdin.end(JSON.stringify(request));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`ended with exit code ${code}: ${complained.join('')}`);
  return JSON.parse(said.join(''));
}

/** As `takeBy`, by the product in one folder. */
export async function take(
  root: string,
  suite: string,
  setting: Setting,
  seeds: readonly number[],
  teachers: Taken['found'] = [],
  inWorker = false,
): Promise<Taken['found']> {
  const [found] = await takeBy([{ root }], suite, setting, seeds, teachers, inWorker);
  return found!;
}

export type Compared = TrajectoryVerdict & { method: string; seed: number };

/** How trajectories compare with those of the same runs that were taken before. */
export function compared(before: Taken['found'], after: Taken['found']): Compared[] {
  return after.map(({ id, method, seed, trajectory, error }) => {
    const expected = before.find((found) => found.id === id)!.trajectory!;
    return { method, seed, ...compareTrajectories(expected, trajectory ?? new Error(error)) };
  });
}
