// Turns what a suite leaves to the machine or to files into values that run ids can be made of.
import path from 'node:path';
import { type Dataset, datasetNamed } from '../data/datasets/dataset.js';
import { NOISES } from '../data/noises/noise.js';
import type { Precision } from '../spec/run_spec.js';
import type { NoiseSettings } from './condition.js';
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
  const { suite: resolved, labelSets } = await resolveLabels({ file, suite }, resolver);
  const files = describeFiles(resolved);
  return { suite: { ...resolved, ...(Object.keys(files).length && { files }) }, labelSets };
}

async function resolveLabels({ file, suite }: SuiteFile, resolver: Resolver) {
  const labelSets = new Map<string, Uint8Array>();
  const precision = resolvePrecision(suite.precision, resolver);
  const dataset = datasetNamed(suite.data.dataset);
  const read = async (labelFile: string) => {
    const { labels, sha256 } = await resolver.readLabels(
      path.resolve(path.dirname(file), labelFile),
      dataset,
    );
    labelSets.set(sha256, labels);
    return sha256;
  };
  const resolved: NoiseSettings[] = [];
  for (const { kind, name, ...settings } of [suite.noise].flat())
    resolved.push({
      kind,
      ...(name !== undefined && { name }),
      ...((await NOISES.named(kind).resolve?.(settings, read)) ?? settings),
    });
  const noise = Array.isArray(suite.noise) ? resolved : resolved[0]!;
  return { suite: { ...suite, precision, noise }, labelSets };
}

function resolvePrecision(asked: Suite['precision'], resolver: Resolver): Precision {
  if (asked === 'auto') return resolver.fastestPrecision();
  if (asked === 'bfloat16' && resolver.emulatesBfloat16())
    resolver.tell(
      'bfloat16 is emulated here, which is many times as slow as float32; allowed: "precision": "auto"',
    );
  return asked;
}
