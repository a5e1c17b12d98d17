// The noise of a suite, and the noise conditions it makes: the columns of its table.
import { z } from 'zod';
import { datasetNamed } from '../data/datasets/dataset.js';
import { NOISES } from '../data/noises/noise.js';
import { isName, isObject, list, NAME } from '../spec/fields.js';
import type { NoiseSpec } from '../spec/run_spec.js';
import type { Suite } from './schema.js';

/** Noise as a suite writes it: its kind, the settings of that kind and, where it has to be told from others, a name. */
export interface NoiseSettings {
  kind: string;
  /** Goes before the names of its columns. */
  name?: string;
  [setting: string]: unknown;
}

/** The noise of a suite, or several of them in a list. The registry is asked when a suite is read: it may have grown. */
export const noiseSchema = z.unknown().transform((given, context): NoiseSettings | NoiseSettings[] => {
  if (!Array.isArray(given)) return parseNoise(given, context, []);
  if (!given.length) refuse(context, 'a noise, or a list of them, at least one', [], given);
  return given.map((one, i) => parseNoise(one, context, [i]));
});

type Path = (string | number)[];

function refuse(context: z.core.$RefinementCtx, message: string, path: Path, input: unknown): void {
  context.addIssue({ code: 'custom', message, path, input });
}

function parseNoise(given: unknown, context: z.core.$RefinementCtx, path: Path): NoiseSettings {
  const { kind, name, ...settings } = (isObject(given) ? given : { kind: '' }) as NoiseSettings;
  const entry = typeof kind === 'string' ? NOISES.find(kind) : undefined;
  if (!entry) {
    if (isObject(given)) refuse(context, list(NOISES.names), [...path, 'kind'], kind);
    else refuse(context, `an object with kind ${list(NOISES.names)}`, path, given);
    return z.NEVER;
  }
  const known = Object.keys(entry.settings.shape);
  const keys = Object.keys(settings).filter((key) => !known.includes(key));
  if (keys.length)
    context.addIssue({ code: 'unrecognized_keys', keys, message: list(['kind', ...known, 'name']), path });
  if (name !== undefined && !isName(name)) refuse(context, NAME, [...path, 'name'], name);
  const { data, error } = entry.settings.safeParse(settings);
  for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [...path, ...issue.path] });
  return { kind, ...(name !== undefined && { name }), ...data };
}

/** One column of the table. */
export interface Condition {
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
  return [noise].flat().map(({ kind, name, ...settings }) => {
    const entry = NOISES.named(kind);
    const before = (text: string, between: string) => (name === undefined ? text : name + between + text);
    const columns = entry.columns(settings).map(
      ({ key, label, title, setting, published, group, ...rest }): Condition => ({
        ...rest,
        key: before(key, '-'),
        label: before(label, '-'),
        title: before(title, ' '),
        noise: { kind: entry.name, ...setting, ...NOISES.sourceOf(entry) },
        group: group ?? before(label, '-'),
        ...(isPublished && published !== undefined && { published }),
      }),
    );
    return { entry, settings, columns };
  });
}

/** The columns of a suite, in its order. */
export function conditions(suite: NoisyData): Condition[] {
  return noisesOf(suite).flatMap(({ columns }) => columns);
}

/** A column as prose. */
export function conditionTitle({ title }: Condition): string {
  return title;
}

/** What the columns of a suite are, in words. @param title makes a column's title */
export function noiseInWords(
  suite: NoisyData,
  title: (condition: Condition) => string = conditionTitle,
): string {
  const classes = datasetNamed(suite.data.dataset).classNames.length;
  return noisesOf(suite)
    .map(({ entry, settings, columns }) => entry.describe(settings, columns.map(title), classes))
    .join('; ');
}
