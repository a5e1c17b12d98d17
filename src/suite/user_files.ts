// The users' files that a suite names: loaded into the registries, and described for whoever has the results but not the files.
import path from 'node:path';
import { z } from 'zod';
import { AUGMENTATIONS } from '../data/augmentation.js';
import { DATASETS, type Dataset, datasetNamed } from '../data/datasets/dataset.js';
import { NOISES, type NoiseColumn, type TrainingSpec } from '../data/noises/noise.js';
import { baseName, METHODS } from '../methods/catalogue.js';
import type { Method } from '../methods/method.js';
import { NETWORKS } from '../models/catalogue.js';
import { InputError } from '../spec/errors.js';
import { isObject } from '../spec/fields.js';
import type { Registry } from '../spec/registry.js';
import { canonicalJson } from '../spec/run_spec.js';
import { isUserFile, shownFile, type UserModule } from '../user/bundle.js';
import { locatedError, userSeconds, watch } from '../user/guard.js';
import type { Entries, Kind } from '../user/kinds.js';
import { loadUserFile, loadUserModule, Trial } from '../user/load.js';
import { settingsAt } from './method_settings.js';
import { noiseSettings } from './noise_setting.js';
import type { ResolvedSuite } from './resolve.js';

/** A user's file as a suite names it. */
export interface UserFile {
  kind: Kind;
  /** As the suite writes it. */
  path: string;
  module: UserModule;
}

/** What results say of a user's file: what tables need to know of its entry, not how that computes. */
export interface DescribedFile {
  kind: Kind;
  /** As in the specs of runs. */
  sha256: string;
  entry: Description;
}

type Description = { name: string; title: string; cite?: string | undefined } & Record<string, unknown>;

/** What of a suite descriptions depend on. */
type Described = Pick<ResolvedSuite, 'methods' | 'noise' | 'data' | 'model' | 'training'>;

/** By their paths in the suite. */
export type DescribedFiles = Record<string, DescribedFile>;

/** What is particular to a kind: where its entries are registered, and how one is described and made of its description. */
interface Describing<K extends Kind> {
  registry: Registry<Entries[K]>;
  /** What tables of a suite need to know besides name, title and citation. */
  describe(entry: Entries[K], path: string, suite: Described): Record<string, unknown>;
  standIn(description: Description): Entries[K];
}

const gone = (what: string) => (): never => {
  throw new InputError(
    `the ${what} of a file is needed, of which only results are at hand; allowed: the same file as then, which a suite names (--suite)`,
  );
};

/** Settings by their defaults; null is none. */
function defaultsOf(settings: z.ZodObject): Record<string, unknown> {
  const defaults = Object.entries(settings.shape).map(([name, field]) => [
    name,
    z.safeParse(field, undefined).data ?? null,
  ]);
  return Object.fromEntries(defaults);
}

/** A schema of such settings that takes any values: they were checked when they were the file's. */
function looseSettings(defaults: unknown): z.ZodObject {
  const shape = Object.entries((defaults ?? {}) as Record<string, unknown>).map(([name, value]) => [
    name,
    value === null ? z.any() : z.any().default(value),
  ]);
  return z.object(Object.fromEntries(shape));
}

const DESCRIBING: { [K in Kind]: Describing<K> } = {
  method: {
    registry: METHODS,
    describe: ({ teacher, networks, settings, cost }, path, suite) => ({
      ...(teacher !== undefined && { teacher }),
      ...(networks !== undefined && { networks }),
      costs: Object.fromEntries(
        settingsIn(path, suite).map((given) => [canonicalJson(given), cost(given, suite.training)]),
      ),
      settings: defaultsOf(settings),
    }),
    standIn({ name, title, cite, teacher, networks, settings, costs }) {
      return {
        ...{ name, title, ...(cite !== undefined && { cite }) },
        ...(typeof teacher === 'string' && { teacher }),
        ...(typeof networks === 'number' && { networks }),
        settings: looseSettings(settings),
        cost: (given) => (costs as Record<string, number> | undefined)?.[canonicalJson(given)] ?? 1,
        recipe: gone('method'),
      } satisfies Method;
    },
  },
  noise: {
    registry: NOISES,
    describe({ settings, columns, describe, guesser }, path, suite) {
      const ofFile = [suite.noise]
        .flat()
        .flatMap(({ kind, name: _, ...given }) => (kind === path ? [{ given, made: columns(given) }] : []));
      const dataset = datasetNamed(suite.data.dataset);
      const described = ofFile.map(({ given, made }) => {
        // Without the titles, which each table writes its own way.
        const titles = made.map((_, i) => `{${i}}`);
        const words = describe(given, titles, dataset.classNames.length, dataset);
        return [canonicalJson(given), { columns: made, words }];
      });
      return {
        settings: Object.keys(settings.shape),
        given: Object.fromEntries(described),
        ...(guesser && {
          guessers: Object.fromEntries(
            ofFile
              .flatMap(({ made }) => made)
              .map(({ setting }) => [canonicalJson(setting), guesser(setting) ?? null]),
          ),
        }),
      };
    },
    standIn({ name, title, cite = '', settings, given, guessers }) {
      const guessed = guessers as Record<string, TrainingSpec | null> | undefined;
      const known = given as Record<string, { columns: NoiseColumn[]; words: string }>;
      const of = (asked: object) => {
        const found = known[canonicalJson(asked)];
        if (!found) throw new InputError(`the noise ${name} is described for other settings`);
        return found;
      };
      return {
        ...{ name, title, cite },
        settings: z.object(Object.fromEntries((settings as string[]).map((field) => [field, z.any()]))),
        columns: (asked) => of(asked).columns,
        labels: gone('noise'),
        describe: (asked, titles) =>
          of(asked).words.replace(/\{(\d+)\}/g, (token, i) => titles[Number(i)] ?? token),
        ...(guessed && { guesser: (setting) => guessed[canonicalJson(setting)] ?? undefined }),
      };
    },
  },
  dataset: {
    registry: DATASETS,
    describe: ({ name: _, title: __, cite: ___, load: ____, prepare: _____, ...form }) => form,
    standIn: ({ name, title, cite = '', ...form }) => ({
      ...(form as unknown as Omit<Dataset, 'name' | 'title' | 'cite' | 'load'>),
      ...{ name, title, cite },
      load: gone('data set'),
    }),
  },
  network: {
    registry: NETWORKS,
    describe: ({ settings, title }, path, { model: { kind, ...given } }) => ({
      settings: defaultsOf(settings),
      ...(kind === path && { called: title(given) }),
    }),
    standIn: ({ name, cite, settings, called }) => ({
      ...{ name, ...(cite !== undefined && { cite }) },
      settings: looseSettings(settings),
      title: () => (typeof called === 'string' ? called : name),
      ...{ build: gone('network'), smallest: (given) => given },
    }),
  },
  augmentation: {
    registry: AUGMENTATIONS,
    describe: () => ({}),
    standIn: ({ name, title }) => ({
      ...{ name, title },
      ...{ inputs: gone('augmentation'), draw: gone('augmentation'), apply: gone('augmentation') },
    }),
  },
};

/** All entries of a kind, the project's own first. */
export function entriesOf(kind: Kind): Entries[Kind][] {
  return DESCRIBING[kind].registry.entries;
}

/** The files that were loaded in this process. */
const loaded: UserFile[] = [];

/** The users' files that were loaded here: what a worker must load before it can compute with them. */
export function userFiles(): readonly UserFile[] {
  return loaded;
}

/** Loads files that another process has loaded and tried. @throws InputError */
export async function loadUserFiles(files: readonly UserFile[]): Promise<void> {
  for (const { kind, path, module } of files)
    if (!isLoaded(path, module)) note(kind, path, module, (await loadUserModule(module, kind)).entry);
}

function isLoaded(path: string, { sha256, file }: UserModule): boolean {
  return loaded.some(
    (known) => known.path === path && known.module.sha256 === sha256 && known.module.file === file,
  );
}

function note<K extends Kind>(kind: K, path: string, module: UserModule, entry: Entries[K]): void {
  loaded.push({ kind, path, module });
  DESCRIBING[kind].registry.add(entry, { path, sha256: module.sha256 });
}

/**
 * Loads what a suite names by path.
 *
 * @param suite the content of its file, of which nothing is known yet
 * @param folder where paths begin
 * @throws InputError with file and line, and for a file that is not there what names it
 */
export async function loadFilesOf(suite: unknown, folder: string): Promise<void> {
  const named = namedBy(suite);
  if (named.length) watch(userSeconds(), 'SIGKILL', 'labelnoise: ');
  const trial = new Trial();
  try {
    for (const { kind, path: name, by } of named) {
      const file = path.resolve(folder, name);
      const { entry, module } = await loadUserFile(file, kind, trial).catch((error: Error) => {
        throw error instanceof InputError ? new InputError(`${error.message} (named by ${by})`) : error;
      });
      const teacher = kind === 'method' ? (entry as Method).teacher : undefined;
      if (teacher === undefined) note(kind, name, module, entry);
      else if (isUserFile(teacher)) {
        // As the suite would write it.
        const seen = path.posix.join(path.posix.dirname(name), teacher);
        const own = isUserFile(seen) ? seen : `./${seen}`;
        if (!named.some((one) => one.path === own))
          named.push({ kind, path: own, by: `the teacher of ${shownFile(file)}` });
        note(kind, name, module, { ...entry, teacher: own });
      } else if (METHODS.find(teacher)) note(kind, name, module, entry);
      else
        throw locatedError(
          `${shownFile(file)}: its "teacher" is ${JSON.stringify(teacher)}; expected: one of ${METHODS.names.filter((one) => !isUserFile(one)).join(', ')}, or the path of a method's file`,
        );
    }
  } finally {
    trial.end();
  }
}

/** What a suite names by path, and in which field. */
function namedBy(suite: unknown): { kind: Kind; path: string; by: string }[] {
  const part = (value: unknown, name: string): unknown =>
    isObject(value) ? Reflect.get(value as object, name) : undefined;
  const found: { kind: Kind; path: string; by: string }[] = [];
  const add = (kind: Kind, name: unknown, by: string) => {
    if (typeof name === 'string' && isUserFile(name) && !found.some((one) => one.path === name))
      found.push({ kind, path: name, by });
  };
  const methods = part(suite, 'methods');
  if (isObject(methods))
    for (const name of Object.keys(methods as object))
      add('method', baseName(name), `methods[${JSON.stringify(name)}]`);
  for (const [i, noise] of [part(suite, 'noise')].flat().entries())
    add(
      'noise',
      part(noise, 'kind'),
      Array.isArray(part(suite, 'noise')) ? `noise[${i}].kind` : 'noise.kind',
    );
  add('dataset', part(part(suite, 'data'), 'dataset'), 'data.dataset');
  add('network', part(part(suite, 'model'), 'kind'), 'model.kind');
  add('augmentation', part(part(suite, 'data'), 'augment'), 'data.augment');
  return found;
}

/** Describes the files that a suite names. */
export function describeFiles(suite: Described): DescribedFiles {
  const named = namedBy(suite).flatMap(({ path }) => withTeachers(path));
  const described = named.map((path) => {
    const { kind, module } = loaded.findLast((file) => file.path === path)!;
    return [path, { kind, sha256: module.sha256, entry: description(kind, path, suite) }];
  });
  return Object.fromEntries(described);
}

function withTeachers(path: string): string[] {
  const teacher = METHODS.find(path)?.teacher;
  return teacher !== undefined && isUserFile(teacher) ? [path, ...withTeachers(teacher)] : [path];
}

/** The settings that a method has in a suite, as itself, as variants of itself and as a teacher. */
function settingsIn(path: string, suite: Described): Record<string, unknown>[] {
  const students = METHODS.names.filter((name) => METHODS.named(name).teacher === path);
  const given = Object.entries(suite.methods).filter(([name]) =>
    [path, ...students].includes(baseName(name)),
  );
  return given.flatMap(([, settings]) =>
    noiseSettings(suite).map(({ key }) => settingsAt(METHODS.named(path), settings, key)),
  );
}

function description<K extends Kind>(kind: K, path: string, suite: Described): Description {
  const { registry, describe } = DESCRIBING[kind];
  const entry = registry.named(path);
  const { name, title, cite } = entry;
  return {
    name,
    title: typeof title === 'string' ? title : name,
    ...(cite !== undefined && { cite }),
    ...describe(entry, path, suite),
  };
}

/** What results may say of files. */
export const describedFiles = z.record(
  z.string().refine(isUserFile, { error: 'the path of a file' }),
  z.object({
    kind: z.enum(Object.keys(DESCRIBING) as [Kind, ...Kind[]]),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    entry: z.looseObject({ name: z.string(), title: z.string(), cite: z.string().optional() }),
  }),
);

/** Makes paths mean these files from now on; those that are not loaded here have entries that cannot compute. */
export function useFiles(files: DescribedFiles): void {
  for (const [path, { kind, sha256, entry }] of Object.entries(files)) use(kind, { path, sha256 }, entry);
}

function use<K extends Kind>(kind: K, file: { path: string; sha256: string }, entry: Description): void {
  const { registry, standIn } = DESCRIBING[kind];
  if (!registry.prefer(file)) registry.add(standIn(entry), file);
}
