// The noise of a suite, and the noise settings it makes: the columns of its table.
import { z } from 'zod';
import { datasetNamed } from '../data/datasets/dataset.js';
import { columnsOf, NOISES, type NoiseSettings, parseNoise } from '../data/noises/noise.js';
import type { NoiseSpec } from '../spec/run_spec.js';
import type { Suite } from './schema.js';

/** The noise of a suite, or several of them in a list. The registry is asked when a suite is read: it may have grown. */
export const noiseSchema = z.unknown().transform((given, context): NoiseSettings | NoiseSettings[] => {
  if (!Array.isArray(given)) return parseNoise(given, context, []);
  if (!given.length)
    context.addIssue({
      code: 'custom',
      message: 'a noise, or a list of them, at least one',
      path: [],
      input: given,
    });
  return given.map((one, i) => parseNoise(one, context, [i]));
});

/** One column of the table. */
export interface NoiseSetting {
  /** How a suite's settings that are one for each column call it: `0.2`, or a label file's name. */
  key: string;
  /** The column's name: the rate in percent, `20`, or the label file's name. */
  label: string;
  /** The column as prose: `20 %`, or the label file's name. */
  title: string;
  noise: NoiseSpec;
  /** Noise rate, 0 to 1, if it is one of several. */
  rate?: number;
  /** What columns that differ in their rate alone have in common. */
  group: string;
  /** What it is by another convention than the usual one of its kind, as prose. */
  convention?: string;
  /** The column of published tables that can be put beside it. */
  published?: string;
}

/** What a suite says of noise and data. */
interface NoisyData extends Pick<Suite, 'noise'> {
  data: Pick<Suite['data'], 'dataset'>;
}

/** A suite's noise objects, each with its columns. Label files are given by the SHA-256 of their labels. */
export function noisesOf({ noise, data }: NoisyData) {
  const isPublished = datasetNamed(data.dataset).published;
  return [noise].flat().map((given) => {
    const { kind, name: _, ...settings } = given;
    const columns = columnsOf(given).map(
      ({ published, ...column }): NoiseSetting => ({
        ...column,
        ...(isPublished && published !== undefined && { published }),
      }),
    );
    return { entry: NOISES.named(kind), settings, columns };
  });
}

/** The columns of a suite, in its order. */
export function noiseSettings(suite: NoisyData): NoiseSetting[] {
  return noisesOf(suite).flatMap(({ columns }) => columns);
}

/** A column as prose. */
export function noiseSettingTitle({ title }: NoiseSetting): string {
  return title;
}

/** What the columns of a suite are, in words. @param title makes a column's title */
export function noiseInWords(
  suite: NoisyData,
  title: (noiseSetting: NoiseSetting) => string = noiseSettingTitle,
): string {
  const dataset = datasetNamed(suite.data.dataset);
  const classes = dataset.classNames.length;
  return noisesOf(suite)
    .map(({ entry, settings, columns }) => entry.describe(settings, columns.map(title), classes, dataset))
    .join('; ');
}
