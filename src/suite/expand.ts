// A suite as the cells of its table and the graph of runs they need.
import { augmentationInSpec } from '../data/augmentation.js';
import { datasetInSpec } from '../data/datasets/dataset.js';
import { noiseOf, settingOf } from '../data/noises/noise.js';
import { methodNamed, methodSpec, sameVariant } from '../methods/catalogue.js';
import { sgd } from '../methods/sgd.js';
import { networkInSpec } from '../models/catalogue.js';
import type { Watched } from '../spec/record.js';
import { ALGORITHM_VERSION, canonicalJson, type RunSpec, runId } from '../spec/run_spec.js';
import { type MethodSettings, type PerColumn, settingsAt } from './method_settings.js';
import { type NoiseSetting, noiseSettings } from './noise_setting.js';
import type { ResolvedSuite } from './resolve.js';
import { useFiles } from './user_files.js';

/** One run of the graph. */
export interface RunNode {
  id: string;
  spec: RunSpec;
  method: string;
  noiseSetting: NoiseSetting;
  /** Ids of the runs that must be finished before: the one whose predictions it learns, and the one whose guesses its noise is. */
  dependsOn: string[];
  /** Set where a noise is made of its guesses: its record keeps them. */
  keepsGuesses?: true;
  /** Set where its suite keeps final weights; changes nothing else about it. */
  keepsWeights?: true;
  /** What its suite watches at each evaluation; changes nothing else about it. */
  watches?: readonly Watched[];
  /** Its cost, in trainings with plain SGD over the suite's epochs. */
  cost: number;
}

/** One (method, noise, seed) of the table and the run that fills it. */
export interface Cell {
  method: string;
  noiseSetting: NoiseSetting;
  seed: number;
  run: RunNode;
}

export interface RunGraph {
  suite: ResolvedSuite;
  noiseSettings: NoiseSetting[];
  /** Ordered by seed, noise, method. */
  cells: Cell[];
  /** Ordered likewise, each after those it depends on; a run that several cells need appears once. */
  runs: RunNode[];
}

/** A suite on its way to a graph. */
interface Expansion {
  suite: ResolvedSuite;
  algorithm: number;
  /** By their ids. */
  runs: Map<string, RunNode>;
}

/**
 * Expands a suite. The order depends on the suite alone.
 *
 * @param algorithm the `ALGORITHM_VERSION` that the results in question were made with
 */
export function expand(suite: ResolvedSuite, algorithm = ALGORITHM_VERSION): RunGraph {
  useFiles(suite.files ?? {});
  const columns = noiseSettings(suite);
  const runs = new Map<string, RunNode>();
  const cells: Cell[] = [];
  for (const seed of suite.seeds)
    for (const noiseSetting of columns)
      for (const [name, settings] of Object.entries(suite.methods)) {
        const run = addRun({ suite, algorithm, runs }, name, settings, noiseSetting, seed);
        cells.push({ method: name, noiseSetting, seed, run });
      }
  return { suite, noiseSettings: columns, cells, runs: [...runs.values()] };
}

/**
 * Adds a method's run after its teacher's: the teacher's variant of the same name, or else its plain method. A teacher
 * that is no method of the suite takes its student's settings.
 */
function addRun(
  expansion: Expansion,
  name: string,
  settings: MethodSettings,
  noiseSetting: NoiseSetting,
  seed: number,
): RunNode {
  const { suite, algorithm, runs } = expansion;
  const method = methodNamed(name);
  const base = method.teacher === undefined ? undefined : teacherName(suite, name, method.teacher);
  const teacher = base && addRun(expansion, base, suite.methods[base] ?? settings, noiseSetting, seed);
  const guesser = addGuesser(expansion, noiseSetting, seed);
  const own = settingsAt(method, settings, noiseSetting.key);
  const spec: RunSpec = {
    algorithm,
    labels: teacher ? { from: 'predictions', teacher: teacher.id } : { from: 'noise' },
    ...methodSpec(method, own),
    noise: noiseSetting.noise,
    training: trainingAt(suite, settings.training, noiseSetting),
    ...commonSpec(suite, seed),
  };
  const id = runId(spec);
  const known = runs.get(id);
  if (known) return known;
  const cost = (method.cost(own, spec.training) * spec.training.epochs) / suite.training.epochs;
  const dependsOn = [teacher, guesser].flatMap((run) => (run ? [run.id] : []));
  const keeps = {
    ...(suite.keepWeights && { keepsWeights: true as const }),
    ...(suite.watch && { watches: suite.watch }),
  };
  const node: RunNode = { id, spec, method: name, noiseSetting, dependsOn, cost, ...keeps };
  runs.set(id, node);
  return node;
}

/** What all runs of a suite at one seed have in common. */
function commonSpec(suite: ResolvedSuite, seed: number) {
  return {
    seed,
    data: {
      ...suite.data,
      ...datasetInSpec(suite.data.dataset),
      ...augmentationInSpec(suite.data.augment),
    },
    model: networkInSpec(suite.model),
    precision: suite.precision,
    threads: suite.threads,
  };
}

/** The noise setting of a noise's teacher, which learns true labels. */
const CLEAN: NoiseSetting = {
  key: 'clean',
  label: 'clean',
  title: 'no noise',
  noise: { kind: 'symmetric', rate: 0, redraw: 'other' },
  group: 'clean',
};

/** Adds the run that a noise has its guesses from, if it has one: plain SGD on the true labels of the same images. */
function addGuesser(
  { suite, algorithm, runs }: Expansion,
  { noise }: NoiseSetting,
  seed: number,
): RunNode | undefined {
  const training = noiseOf(noise).guesser?.(settingOf(noise));
  if (!training) return undefined;
  const spec: RunSpec = {
    algorithm,
    labels: { from: 'noise' },
    ...methodSpec(sgd, {}),
    noise: CLEAN.noise,
    training,
    ...commonSpec(suite, seed),
  };
  const id = runId(spec);
  const known = runs.get(id);
  const cost = training.epochs / suite.training.epochs;
  const node: RunNode = {
    ...(known ?? { id, spec, method: sgd.name, noiseSetting: CLEAN, dependsOn: [], cost }),
    keepsGuesses: true,
  };
  runs.set(id, node);
  return node;
}

function teacherName(suite: ResolvedSuite, student: string, base: string): string {
  const variant = sameVariant(base, student);
  return variant in suite.methods || !(base in suite.methods) ? variant : base;
}

/** A method's training settings under a noise setting: the suite's but where it departs from them. */
function trainingAt(suite: ResolvedSuite, training: MethodSettings['training'], noiseSetting: NoiseSetting) {
  const given = { ...suite.training, ...training };
  return {
    ...given,
    learningRate: numberAt(given.learningRate, noiseSetting),
    weightDecay: numberAt(given.weightDecay, noiseSetting),
  };
}

/** A number under a noise setting. */
function numberAt(setting: PerColumn<number>, noiseSetting: NoiseSetting): number {
  const value = typeof setting === 'object' ? setting[noiseSetting.key] : setting;
  if (value === undefined) throw new Error(`no setting for noise ${noiseSetting.key}`);
  return value;
}

/** Whether a run is of a noise setting: two label files with the same labels are two noise settings of the same runs. */
export function hasNoiseOf({ spec }: RunNode, { noise }: NoiseSetting): boolean {
  return canonicalJson(spec.noise) === canonicalJson(noise);
}

/** Cost of a set of runs, in trainings with plain SGD. */
export function totalCost(runs: readonly RunNode[]): number {
  return runs.reduce((sum, run) => sum + run.cost, 0);
}
