// What a suite would do: its run graph and an estimate of the time.
import { methodTitle } from '../methods/catalogue.js';
import { architectureName } from '../models/catalogue.js';
import { duration } from '../report/wording.js';
import { hasNoiseOf, type RunGraph, type RunNode, totalCost } from '../suite/expand.js';
import { type NoiseSetting, noiseSettingTitle } from '../suite/noise_setting.js';
import type { StepTime } from '../training/measure.js';
import { programKey } from '../training/program_spec.js';
import type { Engine } from './engine.js';

/** The run graph as text: sums, then the tree of dependencies for each noise setting (every seed has the same). */
export function graphText({ suite, noiseSettings, cells, runs }: RunGraph): string {
  const seeds = [...new Set(cells.map(({ seed }) => seed))];
  const saved = cells.reduce((sum, cell) => sum + chain(cell.run, runs), 0) - runs.length;
  const { trainImages } = suite.data;
  const shared = saved ? `; teachers shared: saves ${saved} training${saved === 1 ? '' : 's'}` : '';
  return [
    `${suite.name}: ${architectureName(suite.model)}, ${trainImages} training images, ${suite.training.epochs} epochs, ${suite.precision}`,
    `${runs.length} trainings, as long as ${number(totalCost(runs))} by SGD${shared}`,
    ...withTeachers(noiseSettings, runs).flatMap((noiseSetting) => {
      const first = runs.filter((run) => hasNoiseOf(run, noiseSetting) && run.spec.seed === seeds[0]);
      const roots = first.filter(
        (run) => !run.dependsOn.some((id) => first.some((other) => other.id === id)),
      );
      const title = `noise ${noiseSettingTitle(noiseSetting)}, ${seeds.length === 1 ? 'seed' : 'each of the seeds'} ${seeds.join(', ')}`;
      return [title, ...branches(roots, first, '')];
    }),
    '',
  ].join('\n');
}

/** The columns of the table, after those that only teachers of its noises are of. */
function withTeachers(columns: readonly NoiseSetting[], runs: readonly RunNode[]): NoiseSetting[] {
  const others = runs
    .map(({ noiseSetting }) => noiseSetting)
    .filter(({ label }) => !columns.some((c) => c.label === label));
  return [...new Map(others.map((noiseSetting) => [noiseSetting.label, noiseSetting])).values(), ...columns];
}

/** Trainings that a cell takes on its own: its run and the chain of its teachers. */
function chain({ dependsOn }: RunNode, runs: readonly RunNode[]): number {
  return dependsOn.reduce((sum, id) => sum + chain(runs.find((run) => run.id === id)!, runs), 1);
}

function branches(level: readonly RunNode[], all: readonly RunNode[], indent: string): string[] {
  return level.flatMap((run, i) => {
    const last = i === level.length - 1;
    const students = all.filter((other) => other.dependsOn.includes(run.id));
    return [
      `${indent}${last ? '└─' : '├─'} ${methodTitle(run.method)} (cost ${number(run.cost)})`,
      ...branches(students, all, `${indent}${last ? '   ' : '│  '}`),
    ];
  });
}

const number = (cost: number) => String(Number(cost.toFixed(2)));

/** What runs take on this machine, by their ids, from a few steps of each kind of step among them: seconds, and megabytes where they are known. */
export async function secondsOf(
  runs: readonly RunNode[],
  { measureStep, tell }: Pick<Engine, 'measureStep' | 'tell'>,
): Promise<Map<string, { seconds: number; megabytes: number | undefined }>> {
  const times = new Map<string, StepTime>();
  const found = new Map<string, { seconds: number; megabytes: number | undefined }>();
  for (const { id, spec, method } of runs) {
    const { epochs, batchSize, evaluateEvery } = spec.training;
    const kind = programKey(spec);
    if (!times.has(kind))
      tell(`compiling ${architectureName(spec.model)} for ${methodTitle(method)}, and taking a few steps`);
    const time = times.get(kind) ?? (await measureStep(spec));
    times.set(kind, time);
    const steps = Math.floor(spec.data.trainImages / batchSize) * epochs;
    const seconds =
      steps * time.secondsPerStep + Math.ceil(epochs / evaluateEvery) * time.secondsPerEvaluation;
    found.set(id, { seconds, megabytes: time.megabytes });
  }
  return found;
}

/** Estimates the time of these runs, as many at once as the machine trains. */
export async function estimate(
  runs: readonly RunNode[],
  using: Pick<Engine, 'measureStep' | 'parallelRuns' | 'tell'>,
): Promise<string> {
  const seconds = [...(await secondsOf(runs, using)).values()].reduce((sum, { seconds }) => sum + seconds, 0);
  const parallel = Math.min(using.parallelRuns(runs[0]!.spec.threads), runs.length);
  return `about ${duration(seconds / parallel)} on this machine, from a few measured steps`;
}
