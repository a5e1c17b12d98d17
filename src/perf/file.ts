// The files of measured speeds: one for each kind of CPU.
import path from 'node:path';
import { z } from 'zod';
import { textIfThere } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { InputError } from '../spec/errors.js';
import { describeProblem } from '../spec/problem.js';
import { KIND_TITLES, KINDS, type Kind } from './kind.js';

const ratio = z.number({ error: 'a ratio above 0, or null' }).positive('a ratio above 0').nullable();
const share = z.number({ error: 'a share, or null' }).nullable();
const whole = z.int({ error: 'a whole number from 1' }).min(1, 'a whole number from 1');
const text = z.string({ error: 'a text' });
const mode = text.nullable();
const fields = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.object(shape, { error: `an object with the fields ${Object.keys(shape).join(', ')}` });
const provenance = fields({
  commit: text,
  cpu: text,
  heldDown: z.boolean({ error: 'true or false' }).default(false),
  kernels: text,
  // Early files do not tell.
  oneDnn: z.boolean({ error: 'true or false' }).optional(),
  precision: text,
  threads: whole,
  tensorflow: text,
  tfjs: text,
  node: text,
  torch: text.optional(),
  finished: z.iso.datetime({ error: 'a time as in 2026-01-31T12:00:00Z' }),
});
/** What the table of speeds needs of a file. */
const perfSchema = fields({
  models: z.record(
    z.string().regex(/^WRN-\d+-\d+$/, 'names like WRN-16-4'),
    fields({
      batch: whole,
      stock_over_compiled: ratio,
      eager_over_compiled: ratio,
      sam_over_sgd: ratio,
      outside_tensorflow: share,
      peak_fraction: ratio,
      pytorch_best_over_compiled_sgd: ratio.optional(),
      pytorch_best_over_compiled_sam: ratio.optional(),
      pytorch_best_mode: fields({ sgd: mode, sam: mode }).optional(),
    }),
    { error: 'figures by the names of networks' },
  ),
  pool_over_single: ratio,
  provenance,
});

/** What a step of each method of a suite takes beside one of SGD. */
const methodsSchema = fields({
  suite: text,
  network: text,
  batch: whole,
  images: whole,
  rounds: whole,
  methods: z.record(
    z.string(),
    fields({
      title: text,
      cost: z.number({ error: 'a number above 0' }).positive('a number above 0'),
      steps: z.record(z.string(), z.number({ error: 'a ratio above 0' }).positive('a ratio above 0'), {
        error: 'ratios by the forms of a step',
      }),
      between_epochs: share,
    }),
    { error: 'figures by the names of methods' },
  ),
  provenance,
});

export type PerfFile = z.infer<typeof perfSchema> & { kind: Kind };
export type MethodsFile = z.infer<typeof methodsSchema> & { kind: Kind };
export type Machine = Omit<PerfFile['provenance'], 'finished'>;

/** The name of a kind's file. */
export function perfFile(kind: Kind): string {
  return `perf-${kind}.json`;
}

/** The name of a kind's file of what methods' steps take. */
export function methodsFile(kind: Kind): string {
  return `methods-${kind}.json`;
}

/** The files that a folder has, narrowest instruction set first. @throws InputError if it has none or one is damaged */
export async function readPerf(folder: string): Promise<PerfFile[]> {
  const found = await readKinds(folder, perfFile, perfSchema);
  if (!found.length)
    throw new InputError(`${folder}: has no ${KINDS.map(perfFile).join(', ')}; make perf writes one`);
  return found;
}

/** Likewise of methods' steps, perhaps none. @throws InputError if one is damaged */
export function readMethods(folder: string): Promise<MethodsFile[]> {
  return readKinds(folder, methodsFile, methodsSchema);
}

async function readKinds<T extends object>(
  folder: string,
  fileOf: (kind: Kind) => string,
  schema: z.ZodType<T>,
): Promise<(T & { kind: Kind })[]> {
  const found: (T & { kind: Kind })[] = [];
  for (const kind of KINDS) {
    const file = path.join(folder, fileOf(kind));
    const text = await textIfThere(file);
    if (text === undefined) continue;
    const content = parseJson(text, file);
    const { success, data, error } = schema.safeParse(content);
    if (!success) throw new InputError(`${file}: ${describeProblem(error, content)}`);
    found.push({ kind, ...data });
  }
  return found;
}

/** What figures are of, in one line. */
export function machineText(kind: Kind, machine: Machine): string {
  const held = machine.heldDown ? ' (held down to it by LABELNOISE_ISA)' : '';
  const torch = machine.torch ? `, PyTorch ${machine.torch}` : '';
  const oneDnn = machine.oneDnn === undefined ? '' : `, oneDNN ${machine.oneDnn ? 'on' : 'off'}`;
  return [
    `${machine.cpu}, ${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}; ${KIND_TITLES[kind]}${held}`,
    `compiled in ${machine.precision} with kernels of ${machine.kernels === 'native' ? 'ours' : 'TensorFlow'}${oneDnn}`,
    `TensorFlow ${machine.tensorflow}, tfjs ${machine.tfjs}, Node ${machine.node}${torch}`,
  ].join('; ');
}
