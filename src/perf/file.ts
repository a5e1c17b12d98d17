// The files of measured speeds: one for each kind of CPU.
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { textIfThere } from '../results/files.js';
import { KIND_TITLES, KINDS, type Kind } from './kind.js';

const ratio = z.number().positive().nullable();
const mode = z.string().nullable();
/** What the table of speeds needs of a file. */
const perfSchema = z.object({
  models: z.record(
    z.string(),
    z.object({
      batch: z.int(),
      stock_over_compiled: ratio,
      eager_over_compiled: ratio,
      sam_over_sgd: ratio,
      outside_tensorflow: z.number().nullable(),
      peak_fraction: ratio,
      pytorch_best_over_compiled_sgd: ratio.optional(),
      pytorch_best_over_compiled_sam: ratio.optional(),
      pytorch_best_mode: z.object({ sgd: mode, sam: mode }).optional(),
    }),
  ),
  pool_over_single: ratio,
  provenance: z.object({
    commit: z.string(),
    cpu: z.string(),
    heldDown: z.boolean().default(false),
    kernels: z.string(),
    // Early files do not tell.
    oneDnn: z.boolean().optional(),
    precision: z.string(),
    threads: z.int(),
    tensorflow: z.string(),
    tfjs: z.string(),
    node: z.string(),
    torch: z.string().optional(),
    finished: z.string(),
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
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new InputError(`${file}: is not JSON; restore it, or measure again with make perf`);
  }
  const { data, error } = perfSchema.safeParse(content);
  if (data) return data;
  const [issue] = error.issues;
  throw new InputError(`${file}: ${issue!.path.join('.')}: ${issue!.message}`);
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
