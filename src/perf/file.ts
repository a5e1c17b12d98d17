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
  provenance: fields({
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
  }),
});

export type PerfFile = z.infer<typeof perfSchema> & { kind: Kind };
export type Machine = Omit<PerfFile['provenance'], 'finished'>;

/** The name of a kind's file. */
export function perfFile(kind: Kind): string {
  return `perf-${kind}.json`;
}

/** The files that a folder has, narrowest instruction set first. @throws InputError if it has none or one is damaged */
export async function readPerf(folder: string): Promise<PerfFile[]> {
  const found: PerfFile[] = [];
  for (const kind of KINDS) {
    const file = path.join(folder, perfFile(kind));
    const text = await textIfThere(file);
    if (text !== undefined) found.push({ kind, ...parsed(text, file) });
  }
  if (!found.length)
    throw new InputError(`${folder}: has no ${KINDS.map(perfFile).join(', ')}; make perf writes one`);
  return found;
}

function parsed(text: string, file: string): z.infer<typeof perfSchema> {
  const content = parseJson(text, file);
  const { data, error } = perfSchema.safeParse(content);
  if (data) return data;
  throw new InputError(`${file}: ${describeProblem(error, content)}`);
}

/** What figures are of, in one line. */
export function machineText(kind: Kind, machine: Machine): string {
  const held = machine.heldDown ? ' (held down to it by LABELNOISE_ISA)' : '';
  const torch = machine.torch ? `, PyTorch ${machine.torch}` : '';
  const oneDnn = machine.oneDnn === undefined ? '' : `, oneDNN ${machine.oneDnn ? 'on' : 'off'}`;
  return [
    `${machine.cpu}, ${machine.threads} threads; ${KIND_TITLES[kind]} in use${held}`,
    `compiled in ${machine.precision} with kernels of ${machine.kernels === 'native' ? 'ours' : 'TensorFlow'}${oneDnn}`,
    `TensorFlow ${machine.tensorflow}, tfjs ${machine.tfjs}, Node ${machine.node}${torch}`,
  ].join('; ');
}
