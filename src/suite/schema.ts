// What a suite file may say.
import { z } from 'zod';
import { AUGMENTATIONS } from '../data/augmentation.js';
import { DATASETS, DEFAULT_DATASET } from '../data/datasets/dataset.js';
import { baseName, METHODS } from '../methods/catalogue.js';
import { NETWORKS } from '../models/catalogue.js';
import {
  choice,
  distinct,
  fields,
  integer,
  isName,
  isObject,
  list,
  NAME,
  number,
  text,
  trainingShape,
  value,
  wholeNumber,
} from '../spec/fields.js';
import { NAME_LENGTH, SEEDS, THREADS } from '../spec/limits.js';
import { WATCHED } from '../spec/record.js';
import type { Architecture } from '../spec/run_spec.js';
import { isUserFile } from '../user/bundle.js';
import { checkAcrossFields } from './cross_checks.js';
import { type MethodSettings, settingsSchema } from './method_settings.js';
import { noiseSchema } from './noise_setting.js';

/** An entry of a registry by its kind, with its settings. */
const model = z.unknown().transform((given, context): Architecture => {
  const { kind, ...settings } = (isObject(given) ? given : {}) as Architecture;
  const entry = typeof kind === 'string' ? NETWORKS.find(kind) : undefined;
  if (!entry) {
    const [message, path] = isObject(given)
      ? [list(NETWORKS.names), ['kind']]
      : [`an object with kind ${list(NETWORKS.names)}`, []];
    context.addIssue({ code: 'custom', message, path, input: given });
    return z.NEVER;
  }
  const { data, error } = entry.settings.safeParse(settings);
  for (const issue of error?.issues ?? [])
    context.addIssue(
      issue.code === 'unrecognized_keys'
        ? { ...issue, message: list(['kind', ...Object.keys(entry.settings.shape)]) }
        : { ...issue },
    );
  return { kind, ...data };
});

const methodNames = () => `${list(METHODS.names)}, or a variant of one, e.g. "sam@rho 0.2"`;
const isMethodName = (name: string) =>
  METHODS.find(baseName(name)) !== undefined &&
  name.length - (isUserFile(name) ? baseName(name).length : 0) <= NAME_LENGTH &&
  /^(@[a-z0-9][\w .,=+-]*)?$/i.test(name.slice(baseName(name).length));

/** Settings by method, or by variant of a method (`sam@rho 0.2`), in the catalogue's order. */
function methodSettings(
  given: Record<string, unknown>,
  context: z.core.$RefinementCtx,
): Record<string, MethodSettings> {
  const known: Record<string, MethodSettings> = {};
  for (const base of METHODS.names) {
    const schema = settingsSchema(METHODS.named(base));
    for (const name of Object.keys(given).filter((key) => baseName(key) === base)) {
      const { data, error } = schema.safeParse(given[name]);
      if (data) known[name] = data;
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [name, ...issue.path] });
    }
  }
  for (const name of Object.keys(given))
    if (!isMethodName(name))
      context.addIssue({ code: 'unrecognized_keys', keys: [name], message: methodNames(), path: [] });
  return known;
}

const checkpoint = fields({
  minutes: number('a number above 0', (v) => v > 0).optional(),
  epochs: integer('a whole number from 1', (v) => v >= 1).optional(),
}).refine((v) => Object.keys(v).length === 1, 'either minutes or epochs, e.g. {"minutes": 2}');

const data = fields({
  dataset: value<string>('the name of a data set', (v) => typeof v === 'string').optional(),
  trainImages: integer('a whole number from 1', (v) => v >= 1),
  testImages: integer('a whole number from 1', (v) => v >= 1),
  heldOut: integer('a whole number from 1', (v) => v >= 1).optional(),
  testOn: choice('held-out').optional(),
  augment: z.custom<string>((v) => typeof v === 'string' && AUGMENTATIONS.find(v) !== undefined, {
    error: () => `${list(AUGMENTATIONS.names)}, or the path of a file of yours`,
  }),
}).superRefine(({ dataset = DEFAULT_DATASET, trainImages, testImages, heldOut }, context) => {
  const refuse = (message: string, field: string, input: unknown) =>
    context.addIssue({ code: 'custom', message, path: [field], input, continue: false });
  const set = DATASETS.find(dataset);
  if (!set) return refuse(list(DATASETS.names), 'dataset', dataset);
  const classes = set.classNames.length;
  const within = (n: number, most: number) => n >= classes && n <= most;
  const range = (most: number) => `from ${classes} to ${most}`;
  if (!within(trainImages, set.trainImages))
    refuse(`a whole number ${range(set.trainImages)}`, 'trainImages', trainImages);
  if (!within(testImages, set.testImages))
    refuse(`a whole number ${range(set.testImages)}`, 'testImages', testImages);
  const most = Math.floor(set.trainImages / 5);
  if (heldOut !== undefined && !(within(heldOut, most) && heldOut % classes === 0))
    refuse(`a multiple of ${classes} ${range(most)}`, 'heldOut', heldOut);
});

const schema = fields({
  name: value<string>(NAME, isName),
  description: text('a sentence'),
  scaledDown: text('a sentence saying in what it is scaled down, or null').nullable(),
  seeds: distinct(
    integer('a whole number from 0', (v) => v >= 0),
    'a list of seeds, e.g. [1, 2, 3]',
    SEEDS,
  ),
  noise: noiseSchema,
  model,
  data,
  training: fields(trainingShape),
  precision: choice('auto', 'float32', 'bfloat16'),
  threads: wholeNumber(1, THREADS),
  checkpoint: checkpoint.optional(),
  keepWeights: value<true>('true, or nothing', (v) => v === true).optional(),
  watch: distinct(choice(...WATCHED), 'a list of sharpness and lambda1', WATCHED.length).optional(),
  methods: value<Record<string, unknown>>(`an object with ${methodNames()}`, isObject).transform(
    methodSettings,
  ),
});

/** What a suite file holds. Methods come out in the catalogue's order. */
export type Suite = Omit<z.infer<typeof schema>, 'methods'> & { methods: Record<string, MethodSettings> };

/** The schema of a suite file; its messages say what is allowed, `problem.ts` makes a line of them. */
export const suiteSchema = schema.superRefine((suite, context) => checkAcrossFields(suite as Suite, context));
