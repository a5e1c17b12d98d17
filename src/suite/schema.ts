// What a suite file may say.
import { z } from 'zod';
import { DATASETS, DEFAULT_DATASET } from '../data/datasets/dataset.js';
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
  value,
  wholeNumber,
} from '../fields.js';
import { DEPTH, NAME_LENGTH, SEEDS, THREADS, WIDTH } from '../limits.js';
import { baseName, METHODS } from '../methods/catalogue.js';
import { noiseSchema } from './condition.js';
import { checkAcrossFields } from './cross_checks.js';
import { type MethodSettings, settingsSchema, trainingShape } from './method_settings.js';

const union = <T extends Parameters<typeof z.discriminatedUnion>[1]>(kinds: string[], options: T) =>
  z.discriminatedUnion('kind', options, {
    error: (issue) => (issue.path?.at(-1) === 'kind' ? list(kinds) : `an object with kind ${list(kinds)}`),
  });

const model = union(
  ['wide-resnet', 'resnet'],
  [
    fields({
      kind: z.literal('wide-resnet'),
      depth: integer(
        `6n+4: 10, 16, 22, 28, 34, 40, ... up to ${DEPTH}`,
        (v) => v >= 10 && v <= DEPTH && v % 6 === 4,
      ),
      width: wholeNumber(1, WIDTH),
      shortcut: choice('pool-pad', 'conv'),
      stemStride: z.literal(2, { error: '2, or nothing for a stem of stride 1' }).optional(),
    }),
    fields({
      kind: z.literal('resnet'),
      depth: integer(
        `6n+2: 8, 14, 20, 26, 32, ... up to ${DEPTH}`,
        (v) => v >= 8 && v <= DEPTH && v % 6 === 2,
      ),
    }),
  ],
);

const methodNames = () => `${list(METHODS.names)}, or a variant of one, e.g. "sam@rho 0.2"`;
const isMethodName = (name: string) =>
  METHODS.find(baseName(name)) !== undefined &&
  name.length <= NAME_LENGTH &&
  /^[a-z-]+(@[a-z0-9][\w .,=+-]*)?$/i.test(name);

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
  augment: choice('flip-crop', 'none'),
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
  methods: value<Record<string, unknown>>(`an object with ${methodNames()}`, isObject).transform(
    methodSettings,
  ),
});

/** What a suite file holds. Methods come out in the catalogue's order. */
export type Suite = Omit<z.infer<typeof schema>, 'methods'> & { methods: Record<string, MethodSettings> };

/** The schema of a suite file; its messages say what is allowed, `problem.ts` makes a line of them. */
export const suiteSchema = schema.superRefine((suite, context) => checkAcrossFields(suite as Suite, context));
