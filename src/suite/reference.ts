// What a suite can say, for whoever writes one: settings as lists, as Markdown, and as a JSON Schema that editors complete by.
import { z } from 'zod';
import { AUGMENTATIONS } from '../data/augmentation.js';
import { DATASETS } from '../data/datasets/dataset.js';
import { NOISES } from '../data/noises/noise.js';
import { METHODS } from '../methods/catalogue.js';
import { NETWORKS } from '../models/catalogue.js';
import { trainingShape } from '../spec/fields.js';
import { suiteFields } from './schema.js';

/** A setting as it is listed. */
export interface ListedSetting {
  title?: string;
  description?: string;
  /** What its values are, as an error would say it. */
  allowed?: string;
  default?: unknown;
}

type Json = Record<string, unknown>;
type Fields = Readonly<Record<string, z.core.$ZodType>>;

/** A field, as JSON Schema knows it. What it checks by a function is told in words alone. */
function jsonOf(field: z.core.$ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as Json;
  // A list is read in two stages, and only what comes out of the first says what its entries are.
  if (!('type' in json || 'anyOf' in json || 'enum' in json || 'const' in json)) {
    const { type, items } = z.toJSONSchema(field, { io: 'output', unrepresentable: 'any' }) as Json;
    if (type === 'array') return { ...json, type, items };
  }
  return json;
}

/** What a value of a field may be, as an error would say it. */
function allowedBy(field: z.core.$ZodType): string | undefined {
  return z.safeParse(field, Symbol('nothing')).error?.issues[0]?.message;
}

const isInternal = (field: z.core.$ZodType) => z.globalRegistry.get(field)?.internal === true;

/** The settings of an entry, but for those that only results have. */
export function listedSettings(shape: Fields): Record<string, ListedSetting> {
  const listed = Object.entries(shape)
    .filter(([, field]) => !isInternal(field))
    .map(([name, field]): [string, ListedSetting] => {
      const { title, description, ...json } = jsonOf(field);
      const allowed = allowedBy(field);
      return [
        name,
        {
          ...(typeof title === 'string' && { title }),
          ...(typeof description === 'string' && { description }),
          ...(allowed !== undefined && { allowed }),
          ...('default' in json && { default: json.default }),
        },
      ];
    });
  return Object.fromEntries(listed);
}

/** A field with what is allowed in its description, where editors show it. */
function property(field: z.core.$ZodType): Json {
  const { title: _, ...json } = jsonOf(field);
  const words = [json.description, json.enum ? undefined : allowedBy(field)].filter(Boolean);
  return { ...json, ...(words.length && { description: words.join('; ') }) };
}

/** An object of these fields and no others. @param perColumn fields that may be one value or one for each noise setting */
function object(
  shape: Fields,
  more: Record<string, Json> = {},
  perColumn: (name: string) => boolean = () => false,
) {
  const own = Object.entries(shape).filter(([, field]) => !isInternal(field));
  const properties = own.map(([name, field]): [string, Json] => {
    const one = property(field);
    const { description, default: usual, ...value } = one;
    if (!perColumn(name)) return [name, one];
    const each = { type: 'object', minProperties: 1, additionalProperties: value };
    return [name, { description, ...(usual !== undefined && { default: usual }), anyOf: [value, each] }];
  });
  const required = own.filter(([, field]) => !z.safeParse(field, undefined).success).map(([name]) => name);
  return {
    type: 'object',
    properties: { ...more, ...Object.fromEntries(properties) },
    ...(required.length && { required }),
    additionalProperties: false,
  };
}

/** An entry that is named by its kind, beside which its settings are. */
function ofKind(
  kind: string,
  about: string | undefined,
  shape: Fields,
  more: Record<string, Json> = {},
): Json {
  const { required = [], ...rest } = object(shape, {
    kind: { const: kind, ...(about !== undefined && { description: about }) },
    ...more,
  }) as { required?: string[] };
  return { ...rest, required: ['kind', ...required] };
}

const OWN_FILE = '^\\.{0,2}/';
const ownFile = (what: string): Json => ({
  type: 'object',
  properties: {
    kind: { type: 'string', pattern: OWN_FILE, description: `the path of a file with ${what} of yours` },
  },
  required: ['kind'],
});

/** A suite file as a JSON Schema. It knows fields, names and types; which numbers are allowed it says in words, and `labelnoise` checks. */
export function suiteJsonSchema(): Json {
  const { shape } = suiteFields;
  const known = (names: readonly string[]) => names.filter((name) => !/[/@]/.test(name));
  const training = object(trainingShape, {}, (name) => ['learningRate', 'weightDecay'].includes(name));
  const names = known(METHODS.names);
  // A student takes the settings of its teacher.
  const ref = (name: string): Json => ({
    $ref: `#/definitions/method-${METHODS.named(name).teacher ?? name}`,
  });
  const methods = names.flatMap((name): [string, Json][] => {
    const { title, about, teacher, settings } = METHODS.named(name);
    if (teacher !== undefined) return [];
    const schema = object(settings.shape, { training: { $ref: '#/definitions/training' } }, () => true);
    return [[`method-${name}`, { ...schema, description: [title, about].filter(Boolean).join(': ') }]];
  });
  const definitions = {
    noise: {
      anyOf: [
        ...known(NOISES.names).map((name) => {
          const { about, settings } = NOISES.named(name);
          const named = property(shape.name);
          return ofKind(name, about, settings.shape, {
            name: { ...named, description: 'goes before the names of its columns' },
          });
        }),
        ownFile('a noise'),
      ],
    },
    training: {
      ...training,
      required: [],
      description: 'training settings in which the method departs from the suite',
    },
    ...Object.fromEntries(methods),
  };
  const noise = { $ref: '#/definitions/noise' };
  const parts: Record<string, Json> = {
    noise: { anyOf: [noise, { type: 'array', minItems: 1, items: noise }] },
    model: {
      anyOf: [
        ...known(NETWORKS.names).map((name) =>
          ofKind(name, NETWORKS.named(name).cite, NETWORKS.named(name).settings.shape),
        ),
        ownFile('a network'),
      ],
    },
    data: object(shape.data.shape),
    training: object(shape.training.shape),
    checkpoint: { ...object(shape.checkpoint.unwrap().shape), minProperties: 1, maxProperties: 1 },
    methods: {
      type: 'object',
      minProperties: 1,
      properties: Object.fromEntries(names.map((name) => [name, ref(name)])),
      patternProperties: {
        ...Object.fromEntries(names.map((name) => [`^${name}@`, ref(name)])),
        [OWN_FILE]: { type: 'object' },
      },
      additionalProperties: false,
    },
  };
  const orFile = (names: readonly string[]): Json => ({
    anyOf: [{ enum: known(names) }, { type: 'string', pattern: `${OWN_FILE}|\\.npz$` }],
  });
  const { properties: inData } = parts.data as { properties: Record<string, Json> };
  Object.assign(inData.dataset!, { type: undefined, ...orFile(DATASETS.names) });
  Object.assign(inData.augment!, orFile(AUGMENTATIONS.names));
  const whole = object(shape);
  for (const [name, part] of Object.entries(parts))
    whole.properties[name] = { description: whole.properties[name]?.description, ...part };
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A suite of labelnoise',
    ...whole,
    definitions,
  };
  // Without fields that are undefined.
  return JSON.parse(JSON.stringify(schema));
}

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A table of settings, in Markdown; nothing where there are none. @param above path of the object that they are fields of */
export function settingsTable(shape: Fields, above = ''): string[] {
  const short = (v: unknown) => (typeof v === 'number' ? Number(v.toFixed(4)) : v);
  const rows = Object.entries(listedSettings(shape)).map(
    ([name, { description = '', allowed = '', default: usual }]) => {
      const isOptional = z.safeParse(shape[name]!, undefined).success;
      const unless =
        usual !== undefined ? code(JSON.stringify(short(usual))) : isOptional ? 'optional' : 'needed';
      return [code(above + name), description, allowed, unless].map(cell);
    },
  );
  if (!rows.length) return [];
  return [['field', 'what', 'allowed', 'unless given'], ['---', '---', '---', '---'], ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
}

/** The fields of a suite file, in Markdown. */
export function suiteReference(): string {
  const { data, training, checkpoint, ...top } = suiteFields.shape;
  const networks = NETWORKS.entries.flatMap(({ name, cite, settings }) => [
    '',
    `#### \`"model": { "kind": "${name}" }\``,
    '',
    ...(cite ? [`${cite}.`, ''] : []),
    ...settingsTable(settings.shape),
  ]);
  const part = (title: string, lines: string[]) => ['', `#### ${title}`, '', ...lines];
  return [
    '',
    ...settingsTable(top),
    ...part('`data`', settingsTable(data.shape, 'data.')),
    ...part('`training`', settingsTable(training.shape, 'training.')),
    ...part('`checkpoint`', settingsTable(checkpoint.unwrap().shape, 'checkpoint.')),
    ...networks,
    '',
    '',
  ].join('\n');
}
