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
  const rows = Object.keys(given).map((name) => ({ name, base: baseName(name) }));
  for (const base of METHODS.names)
    for (const { name } of rows.filter((row) => row.base === base)) {
      const { data, error } = settingsSchema(METHODS.named(base)).safeParse(given[name]);
      if (data) known[name] = data;
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [name, ...issue.path] });
    }
  for (const name of Object.keys(given))
    if (!isMethodName(name))
      context.addIssue({ code: 'unrecognized_keys', keys: [name], message: methodNames(), path: [] });
  return known;
}

const checkpoint = fields({
  minutes: number('a number above 0', (v) => v > 0)
    .optional()
    .describe('minutes between two'),
  epochs: integer('a whole number from 1', (v) => v >= 1)
    .optional()
    .describe('epochs between two'),
}).refine((v) => Object.keys(v).length === 1, 'either minutes or epochs, e.g. {"minutes": 2}');

const data = fields({
  dataset: value<string>('the name of a data set', (v) => typeof v === 'string')
    .optional()
    .describe(`its name, or the path of a file of yours; ${DEFAULT_DATASET} unless given`),
  trainImages: integer('a whole number from 1', (v) => v >= 1).describe(
    'images that are trained on: a class-balanced subset, drawn by the seed',
  ),
  testImages: integer('a whole number from 1', (v) => v >= 1).describe(
    'images that accuracy is measured on: such a subset, the same for all runs',
  ),
  heldOut: integer('a whole number from 1', (v) => v >= 1)
    .optional()
    .describe(
      'size of the validation set: training images, the same for all seeds and suites, that no run learns from',
    ),
  testOn: choice('held-out')
    .optional()
    .describe('"held-out" evaluates on the clean validation set in place of the test set'),
  augment: z
    .custom<string>((v) => typeof v === 'string' && AUGMENTATIONS.find(v) !== undefined, {
      error: () => `${list(AUGMENTATIONS.names)}, or the path of a file of yours`,
    })
    .describe('what happens to training images'),
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

/** The fields of a suite file. */
export const suiteFields = fields({
  name: value<string>(NAME, isName, { type: 'string' }).describe(
    'its name: of the results folder and the baseline, and in tables',
  ),
  description: text('a sentence').describe('what it is, for `labelnoise suites`'),
  scaledDown: text('a sentence saying in what it is scaled down, or null')
    .nullable()
    .describe('in what it is smaller than the original, printed under every table; null if it is not'),
  seeds: distinct(
    integer('a whole number from 0', (v) => v >= 0),
    'a list of seeds, e.g. [1, 2, 3]',
    SEEDS,
  ).describe('every method runs once for each, at each noise setting'),
  noise: noiseSchema.describe('a noise, or a list of them; each gives the table one or more columns'),
  model: model.describe('the network'),
  data: data.describe('the images'),
  training: fields(trainingShape).describe(
    'how runs train; a method may depart from it in a `training` of its own',
  ),
  precision: choice('auto', 'float32', 'bfloat16').describe(
    'auto: bfloat16 where the processor has instructions for it, else float32',
  ),
  threads: wholeNumber(1, THREADS).describe(
    'of each run; cores are used by several runs at once, and results depend on this number',
  ),
  checkpoint: checkpoint.optional().describe('when a run under way is saved; every two minutes unless given'),
  keepWeights: value<true>('true, or nothing', (v) => v === true)
    .optional()
    .describe('whether the final weights are kept, for `labelnoise analyse`'),
  watch: distinct(choice(...WATCHED), `a list of ${WATCHED.join(', ')}`, WATCHED.length)
    .optional()
    .describe('what is measured of the loss surface at each evaluation'),
  methods: value<Record<string, unknown>>(`an object with ${methodNames()}`, isObject)
    .transform(methodSettings)
    .describe(
      'the rows of the table: settings by method, each one value or one for each noise setting, as {"0.2": 0.1, "0.4": 0.05}',
    ),
  $schema: text('the path or address of a JSON Schema')
    .optional()
    .describe('for editors alone, which complete and check a suite by it; not part of the suite'),
});

/** What a suite file holds. Methods come out in the catalogue's order. */
export type Suite = Omit<z.infer<typeof suiteFields>, 'methods' | '$schema'> & {
  methods: Record<string, MethodSettings>;
};

/** The schema of a suite file; its messages say what is allowed, `problem.ts` makes a line of them. */
export const suiteSchema = suiteFields
  .superRefine((suite, context) => checkAcrossFields(suite as Suite, context))
  .transform(({ $schema: _, ...suite }) => suite);
