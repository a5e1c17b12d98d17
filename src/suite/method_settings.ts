// A method's settings in a suite: each one value, or one for each column of the table.
import { z } from 'zod';
import type { Method } from '../methods/method.js';
import { fields, trainingShape } from '../spec/fields.js';

/** One value for all columns, or one for each by its key (a rate, or a label file's name). */
export type PerColumn<T> = T | Record<string, T>;

/** Settings of one method in a suite: its own, by their names, and training settings in which it departs from the suite's. */
export interface MethodSettings {
  training?: Partial<Omit<TrainingSettings, 'learningRate' | 'weightDecay'>> & {
    learningRate?: PerColumn<number>;
    weightDecay?: PerColumn<number>;
  };
  [setting: string]: unknown;
}

/** How a suite trains. */
export type TrainingSettings = { [K in keyof typeof trainingShape]: number };

const training = fields({
  ...trainingShape,
  learningRate: perColumn(trainingShape.learningRate),
  weightDecay: perColumn(trainingShape.weightDecay),
});

/** Made when first asked for: a schema takes longer to make than to use. */
const schemas = new WeakMap<Method, z.ZodType<MethodSettings>>();

/** What a suite may say of a method. */
export function settingsSchema(method: Method): z.ZodType<MethodSettings> {
  let schema = schemas.get(method);
  if (!schema) {
    const own = Object.entries(method.settings.shape).map(([name, field]) => [name, perColumn(field)]);
    schema = fields({
      ...Object.fromEntries(own),
      training: training.partial().optional(),
    }) as unknown as z.ZodType<MethodSettings>;
    schemas.set(method, schema);
  }
  return schema;
}

/** Whether a setting is given for each column by itself. */
export function isPerColumn(setting: unknown): setting is Record<string, unknown> {
  return typeof setting === 'object' && setting !== null && !Array.isArray(setting);
}

/** One value that the field takes, or one for each column. */
function perColumn(field: z.core.$ZodType) {
  const allowed = z.safeParse(field, Symbol('nothing')).error?.issues[0]?.message;
  const isValue = (v: unknown) => z.safeParse(field, v).success;
  const schema = z.custom<PerColumn<unknown>>(
    (v) => isValue(v) || (isPerColumn(v) && Object.values(v).every(isValue)),
    { error: `${allowed}, or such a value for each noise setting, e.g. {"0.2": 0.1, "0.4": 0.05}` },
  );
  return isValue(undefined) ? schema.optional() : schema;
}

/** A method's own settings under the column of this key, with its defaults. @throws ZodError if they are not what the method takes */
export function settingsAt(
  method: Method,
  { training: _, ...given }: MethodSettings,
  key: string,
): Record<string, unknown> {
  const values = Object.entries(given).map(([name, setting]) => [
    name,
    isPerColumn(setting) ? setting[key] : setting,
  ]);
  return method.settings.parse(Object.fromEntries(values));
}
