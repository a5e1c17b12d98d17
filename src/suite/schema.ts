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
import { DEPTH, EPOCHS, NAME_LENGTH, SEEDS, THREADS, WIDTH } from '../limits.js';
import { baseName, METHODS, type Method } from '../methods/catalogue.js';
import { noiseSchema } from './condition.js';
import { checkAcrossFields } from './cross_checks.js';

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

const trainingShape = {
  epochs: wholeNumber(1, EPOCHS),
  batchSize: integer('a whole number from 1', (v) => v >= 1),
  learningRate: number('a number above 0', (v) => v > 0),
  momentum: number('a number from 0 up to 1', (v) => v >= 0 && v < 1),
  weightDecay: number('a number from 0', (v) => v >= 0),
  clipNorm: number('a number from 0 (0: no clipping)', (v) => v >= 0),
  evaluateEvery: integer('a whole number from 1', (v) => v >= 1),
};

/** One number, or one for each noise rate (or label file's name). */
function perRate(allowed: string, ok: (v: number) => boolean) {
  const isNumber = (v: unknown) => typeof v === 'number' && Number.isFinite(v) && ok(v);
  return value<PerRate>(
    `${allowed}, or such a number for each noise rate, e.g. {"0.2": 0.1, "0.4": 0.05}`,
    (v) =>
      isNumber(v) || (!!v && typeof v === 'object' && !Array.isArray(v) && Object.values(v).every(isNumber)),
  );
}
const positive = perRate('a number above 0', (v) => v > 0);

function settings(method: Method) {
  return fields({
    ...(method.batch === 'mixup' ? { alpha: positive } : {}),
    ...(method.gradient === 'sam'
      ? { rho: positive, m: integer('a whole number from 0 (0: the whole batch)', (v) => v >= 0).optional() }
      : {}),
    training: fields({
      ...trainingShape,
      learningRate: positive,
      weightDecay: perRate('a number from 0', (v) => v >= 0),
    })
      .partial()
      .optional(),
  }) as unknown as z.ZodType<MethodSettings>;
}

/** One number for all noise rates, or one for each by the rate (or label file's name). */
export type PerRate = number | Record<string, number>;

/** Settings of one method in a suite. */
export interface MethodSettings {
  /** Mixup's Beta(alpha, alpha). */
  alpha?: PerRate;
  /** Radius of SAM's ascent step. */
  rho?: PerRate;
  /** Examples per ascent step; the whole batch if absent. */
  m?: number;
  /** Training settings in which this method departs from the suite's. */
  training?: Partial<Omit<Suite['training'], 'learningRate' | 'weightDecay'>> & {
    learningRate?: PerRate;
    weightDecay?: PerRate;
  };
}

const METHOD_NAMES = `${list(METHODS.map((m) => m.name))}, or a variant of one, e.g. "sam@rho 0.2"`;
const isMethodName = (name: string) =>
  METHODS.some((method) => baseName(name) === method.name) &&
  name.length <= NAME_LENGTH &&
  /^[a-z-]+(@[a-z0-9][\w .,=+-]*)?$/i.test(name);

/** Settings by method, or by variant of a method (`sam@rho 0.2`), in the catalogue's order. */
function methodSettings(
  given: Record<string, unknown>,
  context: z.core.$RefinementCtx,
): Record<string, MethodSettings> {
  const known: Record<string, MethodSettings> = {};
  for (const method of METHODS) {
    const schema = settings(method);
    for (const name of Object.keys(given).filter((key) => baseName(key) === method.name)) {
      const { data, error } = schema.safeParse(given[name]);
      if (data) known[name] = data;
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [name, ...issue.path] });
    }
  }
  for (const name of Object.keys(given))
    if (!isMethodName(name))
      context.addIssue({ code: 'unrecognized_keys', keys: [name], message: METHOD_NAMES, path: [] });
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
  methods: value<Record<string, unknown>>(`an object with ${METHOD_NAMES}`, isObject).transform(
    methodSettings,
  ),
});

/** What a suite file holds. Methods come out in the catalogue's order. */
export type Suite = Omit<z.infer<typeof schema>, 'methods'> & { methods: Record<string, MethodSettings> };

/** The schema of a suite file; its messages say what is allowed, `problem.ts` makes a line of them. */
export const suiteSchema = schema.superRefine((suite, context) => checkAcrossFields(suite as Suite, context));
