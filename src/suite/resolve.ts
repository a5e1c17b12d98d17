// Turns what a suite leaves to the machine or to files into values that run ids can be made of.
import path from 'node:path';
import { type Dataset, datasetNamed } from '../data/datasets/dataset.js';
import { NOISES, type NoiseSettings } from '../data/noises/noise.js';
import type { Precision } from '../spec/run_spec.js';
import type { SuiteFile } from './load.js';
import type { Suite } from './schema.js';
import { type DescribedFiles, describeFiles } from './user_files.js';

/** A suite that says everything itself: precision decided, label files named by the SHA-256 of their labels. */
export type ResolvedSuite = Omit<Suite, 'precision'> & {
  precision: Precision;
  /** The users' files that it names, if it does. */
  files?: DescribedFiles;
};

/** Labels of the whole training set, by their SHA-256. */
export type LabelSets = ReadonlyMap<string, Uint8Array>;

/** What resolving asks of the machine. */
export interface Resolver {
  /** What `auto` means on this machine. */
  fastestPrecision(): Precision;
  /** Whether the processor has no instructions for bfloat16. */
  emulatesBfloat16(): boolean;
  /** Tells the user what to know or to wait for. */
  tell(line: string): void;
  /** Reads labels of the whole training set in official order, and their hash. @throws InputError */
  readLabels(file: string, dataset: Dataset): Promise<{ labels: Uint8Array; sha256: string }>;
}

/** Resolves a suite; label files are looked for beside the suite file. @throws InputError from reading them */
export async function resolveSuite(
  { file, suite }: SuiteFile,
  resolver: Resolver,
): Promise<{ suite: ResolvedSuite; labelSets: LabelSets }> {
  const { noise, labelSets } = await resolveNoise(suite, path.dirname(file), resolver);
  const resolved = { ...suite, precision: resolvePrecision(suite.precision, resolver), noise };
  const files = describeFiles(resolved);
  return { suite: { ...resolved, ...(Object.keys(files).length && { files }) }, labelSets };
}

/** Resolves what a suite says of noise. @param folder where paths begin @throws InputError */
export async function resolveNoise(
  {
    noise,
    data,
    training,
  }: Pick<Suite, 'noise'> & { data: Pick<Suite['data'], 'dataset'>; training?: Suite['training'] },
  folder: string,
  { readLabels }: Pick<Resolver, 'readLabels'>,
): Promise<{ noise: Suite['noise']; labelSets: LabelSets }> {
  const labelSets = new Map<string, Uint8Array>();
  const dataset = datasetNamed(data.dataset);
  const read = async (labelFile: string) => {
    const { labels, sha256 } = await readLabels(path.resolve(folder, labelFile), dataset);
    labelSets.set(sha256, labels);
    return sha256;
  };
  const resolved: NoiseSettings[] = [];
  for (const { kind, name, ...settings } of [noise].flat())
    resolved.push({
      kind,
      ...(name !== undefined && { name }),
      ...((await NOISES.named(kind).resolve?.(settings, read, {
        dataset,
        folder,
        ...(training && { training }),
      })) ?? settings),
    });
  return { noise: Array.isArray(noise) ? resolved : resolved[0]!, labelSets };
}

function resolvePrecision(asked: Suite['precision'], resolver: Resolver): Precision {
  if (asked === 'auto') return resolver.fastestPrecision();
  if (asked === 'bfloat16' && resolver.emulatesBfloat16())
    resolver.tell(
      'bfloat16 is emulated here, which is many times as slow as float32; allowed: "precision": "auto"',
    );
  return asked;
}
