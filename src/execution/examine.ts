// What a run's networks say of its training images: the run is trained once more, as its spec has it, and asked at each evaluation.

import { type Dataset, datasetOf, type LoadedDataset } from '../data/datasets/dataset.js';
import { ImagesOfRuns, type RunImages } from '../data/subset.js';
import { permutation, stream } from '../io/random.js';
import { readOwnGraph } from '../results/manifest.js';
import { readStored } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import type { LabelSets, Resolver } from '../suite/resolve.js';
import type { RunJob, Trainer, TrainingOutcome, TrainingProgress } from '../training/job.js';
import { Preparer } from './prepare.js';

/** Finished runs of a results folder, and what they can be examined with. */
export interface Examinable {
  graph: RunGraph;
  /** Those that were asked for. */
  runs: { run: RunNode; record: RunRecord }[];
  records: ReadonlyMap<string, RunRecord>;
}

/** A results folder, or one of its runs: OUT/ID, OUT/runs/ID or that with .json. */
export function targetOf(target: string): { out: string; id?: string } {
  const [, out, id] = /^(.*?)\/(?:runs\/)?([0-9a-f]{16})(?:\.json)?$/.exec(target) ?? [];
  return out && id ? { out, id } : { out: target };
}

/** Reads the finished runs of a folder or the one that is named. @throws InputError if there is none */
export async function readExaminable(target: string): Promise<Examinable> {
  const { out, id } = targetOf(target);
  const graph = await readOwnGraph(out);
  const { records } = await readStored(out, graph.runs);
  const named = graph.runs.filter((run) => id === undefined || run.id === id);
  if (id !== undefined && !named.length)
    throw new InputError(`${out}: has no run ${id}; "labelnoise runs ${out}" lists those it has`);
  const runs = named.flatMap((run) => {
    const record = records.get(run.id);
    return record ? [{ run, record }] : [];
  });
  if (!runs.length) throw new InputError(`${target}: has no finished run`);
  return { graph, runs, records };
}

/** What an examination asks of the engine. */
export interface ExaminingEngine extends Pick<Resolver, 'fastestPrecision' | 'emulatesBfloat16' | 'tell'> {
  train: Trainer<RunJob>;
  loadData(data: RunNode['spec']['data'], dataDir?: string): Promise<LoadedDataset>;
}

/** What was seen of a run. */
export interface Examined {
  images: RunImages;
  dataset: Dataset;
  /** The labels that were given, the noisy ones. */
  given: Uint8Array;
  /** Probabilities of the classes for each training image, at each evaluation. */
  probabilities: Float32Array[];
  /** Test accuracy at each, 0 to 1. */
  accuracies: number[];
  outcome: TrainingOutcome;
}

/** Trains runs again and looks at what they say. One examiner has the data in memory for all of its runs. */
export class Examiner {
  private constructor(
    private readonly using: ExaminingEngine,
    private readonly preparer: Preparer,
    private readonly images: ImagesOfRuns,
    private readonly records: ReadonlyMap<string, RunRecord>,
  ) {}

  /** @throws InputError if the data cannot be had */
  static async of(
    { runs, records }: Examinable,
    labelSets: LabelSets,
    using: ExaminingEngine,
    dataDir?: string,
  ): Promise<Examiner> {
    const loaded = await using.loadData(runs[0]!.run.spec.data, dataDir);
    return new Examiner(using, new Preparer(loaded, labelSets, dataDir), new ImagesOfRuns(loaded), records);
  }

  /** What the run's own network says of the images that it learned from. */
  async asTrained(
    run: RunNode,
    signal: AbortSignal,
    onProgress?: (p: TrainingProgress) => void,
  ): Promise<Examined> {
    return this.train(run, undefined, signal, onProgress);
  }

  /**
   * What networks say of images that they have not seen: two are trained as the run is, each on half of its images, and asked for the
   * other half. Of the test accuracies, the mean is taken.
   */
  async unseen(run: RunNode, signal: AbortSignal): Promise<Examined> {
    const { trainImages } = run.spec.data;
    const order = permutation(stream(run.spec.seed, 'halves'), trainImages);
    const halves = [order.slice(0, trainImages >> 1).sort(), order.slice(trainImages >> 1).sort()];
    const [first, second] = await Promise.all(halves.map((only) => this.train(run, only, signal)));
    const inFirst = new Set(halves[0]);
    const classes = first!.dataset.classNames.length;
    return {
      ...first!,
      accuracies: first!.accuracies.map((accuracy, k) => (accuracy + second!.accuracies[k]!) / 2),
      probabilities: first!.probabilities.map((values, k) =>
        values.map((p, at) => (inFirst.has(Math.floor(at / classes)) ? second!.probabilities[k]![at]! : p)),
      ),
    };
  }

  private async train(
    run: RunNode,
    only: Int32Array | undefined,
    signal: AbortSignal,
    onProgress: (progress: TrainingProgress) => void = () => {},
  ): Promise<Examined> {
    const { job } = this.preparer.prepare(run, (id) => this.records.get(id));
    const isSlow = run.spec.precision === 'bfloat16' && this.using.emulatesBfloat16();
    const spec = isSlow ? { ...run.spec, precision: this.using.fastestPrecision() } : run.spec;
    const examined = { ...job, spec, examined: 'all' as const, ...(only && { only }) };
    const outcome = await this.using.train(examined, onProgress, signal);
    return {
      images: this.images.of(run.spec),
      dataset: datasetOf(run.spec.data),
      given: job.noisyLabels,
      probabilities: outcome.logProbabilities!.map((some) => some.map(Math.exp)),
      accuracies: outcome.curve.map(({ testAccuracy }) => testAccuracy / 100),
      outcome,
    };
  }
}
