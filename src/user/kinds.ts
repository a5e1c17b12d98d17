// The kinds of entries that a user's file can have, and what each must consist of.
import { inspect } from 'node:util';
import type { Augmentation, BatchImages } from '../data/augmentation.js';
import type { Dataset } from '../data/datasets/dataset.js';
import type { Labelling, Noise } from '../data/noises/noise.js';
import type { Method, Recipe } from '../methods/method.js';
import type { NetworkKind } from '../models/network.js';
import { isName, NAME } from '../spec/fields.js';
import type { Contracts } from './guard.js';

/** The entry of each kind. */
export interface Entries {
  method: Method;
  noise: Noise;
  dataset: Dataset;
  network: NetworkKind;
  augmentation: Augmentation;
}

export type Kind = keyof Entries;

/** A part of an entry: what it must be in words, and whether a value is. */
interface Part {
  is: string;
  ok(value: unknown, entry: object): boolean;
  optional?: true;
}

interface KindOf {
  title: string;
  /** What a file of it exports, in short. */
  example: string;
  parts: Record<string, Part>;
  contracts: Contracts;
}

const isNumber = (v: unknown) => typeof v === 'number' && Number.isFinite(v);
const part = (is: string, ok: Part['ok']): Part => ({ is, ok });
const call = (is: string) => part(`a function ${is}`, (v) => typeof v === 'function');
const optional = (given: Part): Part => ({ ...given, optional: true });
const text = part(
  'a text of 1 to 200 characters in one line',
  (v) => typeof v === 'string' && /^\P{Cc}{1,200}$/u.test(v),
);
const name = part(
  'a name of small letters, digits and dashes, beginning with a letter, at most 64 characters',
  (v) => typeof v === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(v),
);
const settings = part(
  "a z.object of the settings, with z from 'labelnoise'",
  (v) => !!v && typeof v === 'object' && '_zod' in v && 'shape' in v,
);
const count = part('a whole number from 1', (v) => Number.isSafeInteger(v) && (v as number) >= 1);
const perChannel = part(
  'a list of a number for each channel',
  (v, entry) => Array.isArray(v) && v.length === Reflect.get(entry, 'channels') && v.every(isNumber),
);
const paragraph = part(
  'a text of 1 to 2,000 characters in one line',
  (v) => typeof v === 'string' && /^\P{Cc}{1,2000}$/u.test(v),
);
const described = { name, title: text, cite: optional(text) };

/** @throws Error that a function gives this, where it should give something else */
function refuse(found: unknown, expected: string): never {
  throw new Error(`gives ${typeof found === 'string' ? found : shown(found)}; expected: ${expected}`);
}

const object = (value: unknown): Record<string, unknown> =>
  value && typeof value === 'object' ? (value as Record<string, unknown>) : {};
const shapeOf = (tensor: unknown): unknown => object(tensor).shape;
const sameShape = (a: unknown, b: unknown) => String(a) === String(b);

/** Tensors of these shapes, in a list. */
function expectTensors(given: unknown, what: string, shapes: unknown[]): void {
  const isRight =
    Array.isArray(given) &&
    given.length === shapes.length &&
    given.every((one, i) => Array.isArray(shapeOf(one)) && sameShape(shapeOf(one), shapes[i]));
  if (isRight) return;
  const found = Array.isArray(given)
    ? given.map((one) => `[${shapeOf(one) ?? shown(one)}]`).join(', ')
    : shown(given);
  const wanted = shapes.map((shape) => `[${shape}]`).join(', ');
  refuse(`${what} of the shapes ${found}`, `${shapes.length} of the shape ${wanted}`);
}

/** Finite numbers of one of the types that TensorFlow takes. */
function expectValues(given: unknown, what: string, size?: number): void {
  if (!(given instanceof Float32Array || given instanceof Int32Array))
    refuse(`${what} that is ${shown(given)}`, 'a Float32Array or an Int32Array');
  if (size !== undefined && given.length !== size)
    refuse(`${what} with ${given.length} values`, `${size} of them`);
  const wrong = given.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) refuse(`${what} with ${given[wrong]} at place ${wrong}`, 'finite numbers');
}

/** No other fields than these, but for what a class has besides. */
function expectFields(given: unknown, allowed: readonly string[], needed: readonly string[] = []): void {
  if (!given || typeof given !== 'object') refuse(given, `an object with ${allowed.join(', ')}`);
  const isPlain = Object.getPrototypeOf(given) === Object.prototype;
  const unknown = isPlain && Object.keys(given).find((key) => !allowed.includes(key));
  if (typeof unknown === 'string')
    refuse(`the field "${unknown}"`, allowed.length ? `some of ${allowed.join(', ')}` : 'no fields');
  const missing = needed.find((key) => object(given)[key] === undefined);
  if (missing !== undefined) refuse(`no "${missing}"`, `an object with ${needed.join(', ')}`);
}

const RECIPE_FIELDS: { [Part in keyof Required<Recipe>]: true } = {
  ...{ sharedBy: true, inputs: true, draws: true, state: true, examples: true, transform: true, loss: true },
  ...{ gradient: true, phases: true, phaseAt: true, learningRate: true, afterEpoch: true },
  classifier: true,
};

const RECIPE_CONTRACTS: Contracts = {
  cost(cost) {
    if (!(isNumber(cost) && (cost as number) > 0)) refuse(cost, 'a number above 0');
  },
  recipe: (recipe) => expectFields(recipe, Object.keys(RECIPE_FIELDS)),
  'recipe().draws'(next) {
    if (typeof next !== 'function') refuse(next, 'a function from a step to the values of its inputs');
  },
  'recipe().draws()'(values, _, recipe) {
    const inputs = Object.entries((recipe as Recipe | undefined)?.inputs ?? {});
    expectFields(
      values,
      inputs.map(([name]) => name),
      inputs.map(([name]) => name),
    );
    for (const [name, { shape }] of inputs)
      expectValues(
        object(values)[name],
        `an input ${name}`,
        shape.reduce((size, n) => size * n, 1),
      );
  },
  'recipe().state.*.init': (values) => expectValues(values, 'a state'),
  'recipe().examples.*.init': (values) => expectValues(values, 'a state'),
  'recipe().transform': (batch) =>
    expectFields(
      batch,
      ['images', 'targets', 'indices', 'examples'],
      ['images', 'targets', 'indices', 'examples'],
    ),
  'recipe().loss'(given, [logits, batch, step]) {
    expectFields(given, ['losses', 'state', 'examples'], ['losses']);
    const { losses, state, examples } = object(given);
    const indices = object(batch).indices;
    expectTensors(
      losses,
      'losses',
      (logits as unknown[]).map(() => shapeOf(indices)),
    );
    expectFields(state ?? {}, Object.keys(object(object(step).state)));
    expectFields(examples ?? {}, Object.keys(object(object(batch).examples)));
  },
  'recipe().gradient'(pass, [, , weights]) {
    const needed = ['loss', 'gradients', 'statistics', 'state', 'examples'];
    expectFields(pass, [...needed, 'logits'], needed);
    expectTensors([object(pass).loss], 'losses', [[]]);
    expectTensors(object(pass).gradients, 'gradients', (weights as unknown[]).map(shapeOf));
  },
  'recipe().phaseAt'(phase, _, recipe) {
    const known = Object.keys((recipe as Recipe | undefined)?.phases ?? {});
    if (phase !== undefined && !known.includes(phase as string))
      refuse(phase, `undefined or one of ${known.join(', ')}`);
  },
  'recipe().learningRate'(rate) {
    if (!(isNumber(rate) && (rate as number) >= 0)) refuse(rate, 'a number from 0');
  },
  'recipe().afterEpoch'(plan) {
    if (plan !== undefined) expectFields(plan, ['select', 'restart']);
    const { select, restart } = object(plan);
    if (restart !== undefined && restart !== true) refuse(restart, 'restart: true, or nothing');
    if (select !== undefined && !(select instanceof Int32Array))
      refuse(select, 'select: an Int32Array of places of images');
  },
  'recipe().classifier'(classify) {
    if (typeof classify !== 'function') refuse(classify, 'a function from features to labels');
  },
  'recipe().classifier()'(labels) {
    if (!(labels instanceof Uint8Array)) refuse(labels, 'a Uint8Array of labels');
  },
};

const NOISE_CONTRACTS: Contracts = {
  columns(columns) {
    if (!Array.isArray(columns) || !columns.length) refuse(columns, 'a list of columns, at least one');
    const needed = ['key', 'label', 'title', 'setting'];
    for (const column of columns) {
      expectFields(column, [...needed, 'rate', 'group'], needed);
      const { label, setting, rate } = object(column);
      if (!isName(label)) refuse(`the label ${shown(label)}`, NAME);
      if (!setting || typeof setting !== 'object') refuse(`the setting ${shown(setting)}`, 'an object');
      if (rate !== undefined && !(isNumber(rate) && (rate as number) >= 0 && (rate as number) <= 1))
        refuse(`the rate ${shown(rate)}`, 'a number from 0 to 1');
    }
    const labels = columns.map(({ label }) => label);
    if (new Set(labels).size < labels.length) refuse(`the labels ${labels.join(', ')}`, 'each label once');
  },
  labels(labels, [about]) {
    const { trueLabels, dataset } = about as Labelling;
    const classes = dataset.classNames.length;
    if (!(labels instanceof Uint8Array)) refuse(labels, 'a Uint8Array of labels');
    if (labels === trueLabels) refuse('trueLabels itself', 'a new array');
    if (labels.length !== trueLabels.length)
      refuse(`${labels.length} labels`, `${trueLabels.length}, one for each image`);
    const wrong = labels.findIndex((label) => label >= classes);
    if (wrong >= 0)
      refuse(`the label ${labels[wrong]} for image ${wrong}`, `labels from 0 to ${classes - 1}`);
  },
  describe(words) {
    if (typeof words !== 'string' || !words) refuse(words, 'a text');
  },
};

const DATASET_CONTRACTS: Contracts = {
  load(loaded, _, entry) {
    const { trainImages, testImages, imageSize, channels, classNames } = entry as Dataset;
    expectFields(loaded, ['train', 'test'], ['train', 'test']);
    for (const [part, count] of Object.entries({ train: trainImages, test: testImages })) {
      const { images, labels, count: given } = object(object(loaded)[part]);
      if (given !== count) refuse(`${part}.count ${shown(given)}`, `${count}`);
      const bytes = count * imageSize ** 2 * channels;
      if (!(images instanceof Uint8Array && images.length === bytes))
        refuse(`${part}.images that are ${shown(images)}`, `a Uint8Array of ${bytes}`);
      if (!(labels instanceof Uint8Array && labels.length === count))
        refuse(`${part}.labels that are ${shown(labels)}`, `a Uint8Array of ${count}`);
      const wrong = labels.findIndex((label) => label >= classNames.length);
      if (wrong >= 0)
        refuse(`the label ${labels[wrong]} for image ${wrong} of ${part}`, `0 to ${classNames.length - 1}`);
    }
  },
};

const NETWORK_CONTRACTS: Contracts = {
  title(title) {
    if (!text.ok(title, {})) refuse(title, text.is);
  },
  build(network) {
    const parts = ['parameters', 'statistics', 'forward'];
    expectFields(network, parts, parts);
    if (typeof object(network).forward !== 'function')
      refuse('no function "forward"', 'forward(weights, images, training)');
  },
  'build().forward'(given, [, images]) {
    const needed = ['logits', 'statistics'];
    expectFields(given, [...needed, 'features', 'classifier'], needed);
    const { logits } = object(given);
    const [examples] = shapeOf(images) as number[];
    const shape = shapeOf(logits);
    if (!(Array.isArray(shape) && shape.length === 2 && shape[0] === examples))
      refuse(`logits of the shape [${shape}]`, `[${examples}, classes]`);
  },
};

const AUGMENTATION_CONTRACTS: Contracts = {
  draw(values, [, batch, size, source], entry) {
    const { channels } = (source as BatchImages).form;
    const inputs = Object.entries((entry as Augmentation).inputs(batch as number, size as number, channels));
    const names = inputs.map(([name]) => name);
    expectFields(values, names, names);
    for (const [name, { shape }] of inputs)
      expectValues(
        object(values)[name],
        `an input ${name}`,
        shape.reduce((size, n) => size * n, 1),
      );
  },
  apply(images, [before]) {
    expectTensors([images], 'images', [shapeOf(before)]);
  },
};

/** What each kind's entries consist of. */
export const KINDS: Record<Kind, KindOf> = {
  method: {
    title: 'method',
    example: 'defineMethod({ name, title, settings, cost, recipe })',
    parts: {
      ...described,
      about: optional(paragraph),
      settings,
      cost: call('(settings) => cost, that of SGD being 1'),
      recipe: call('(settings, dims) => recipe'),
      teacher: optional(text),
      networks: optional(part('1 or 2', (v) => v === 1 || v === 2)),
      check: optional(call('(settings, dims) => problem')),
      // Specs would not tell its runs from others'.
      parts: optional(part('nothing: it is for the oldest methods', (v) => v === undefined)),
    },
    contracts: RECIPE_CONTRACTS,
  },
  noise: {
    title: 'noise',
    example: 'defineNoise({ name, title, settings, columns, labels, describe })',
    parts: {
      ...described,
      cite: text,
      about: optional(paragraph),
      settings,
      columns: call('(settings) => columns of the table'),
      labels: call('({ setting, trueLabels, images, stream, ... }) => labels'),
      describe: call('(settings, titles, classes) => what its columns are, in words'),
    },
    contracts: NOISE_CONTRACTS,
  },
  dataset: {
    title: 'data set',
    example:
      'defineDataset({ name, title, classNames, imageSize, channels, mean, deviation, trainImages, testImages, load })',
    parts: {
      ...described,
      cite: text,
      classNames: part(
        'a list of 2 to 256 names',
        (v) =>
          Array.isArray(v) && v.length >= 2 && v.length <= 256 && v.every((one) => typeof one === 'string'),
      ),
      imageSize: count,
      channels: count,
      mean: perChannel,
      deviation: perChannel,
      trainImages: count,
      testImages: count,
      load: call('(options) => a promise of the images'),
    },
    contracts: DATASET_CONTRACTS,
  },
  network: {
    title: 'network',
    example: 'defineNetwork({ name, settings, title, build, smallest })',
    parts: {
      name,
      cite: optional(text),
      settings,
      title: call('(settings) => the title of the network with these settings'),
      build: call('(settings, form) => network'),
      smallest: call('(settings) => settings of the smallest network of the kind'),
      check: optional(call('(settings) => problem')),
    },
    contracts: NETWORK_CONTRACTS,
  },
  augmentation: {
    title: 'augmentation',
    example: 'defineAugmentation({ name, title, inputs, draw, apply })',
    parts: {
      ...described,
      inputs: call('(batch, size, channels) => what a step is given'),
      draw: call('(next, batch, size) => values of these inputs'),
      apply: call('(images, inputs) => images'),
    },
    contracts: AUGMENTATION_CONTRACTS,
  },
};

/** What keeps a value from being an entry of a kind, as the end of a sentence; undefined if nothing does. */
export function shapeProblem(kind: Kind, entry: unknown): string | undefined {
  const { example, parts } = KINDS[kind];
  if (!entry || typeof entry !== 'object') return `it is ${shown(entry)}; expected: ${example}`;
  for (const [name, { is, ok, optional }] of Object.entries(parts)) {
    const value: unknown = Reflect.get(entry, name);
    if (value === undefined && optional) continue;
    if (value === undefined) return `it has no "${name}"; expected: ${is}`;
    if (!ok(value, entry)) return `its "${name}" is ${shown(value)}; expected: ${is}`;
  }
  return undefined;
}

/** A value in a few words. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = inspect(value, { depth: 1, maxArrayLength: 5, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
