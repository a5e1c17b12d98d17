// What a run's bits depend on besides its spec: machine and libraries.
import { kernelsAgree } from '../spec/kernels.js';
import type { Provenance } from '../spec/record.js';

/** A part of a record's provenance, and precision and threads, in the order they are told in. */
const ENVIRONMENT = [
  'platform',
  'cpu',
  'instructions',
  'kernels',
  'isa',
  'oneDnn',
  'xla',
  'precision',
  'threads',
  'tensorflow',
  'tfjs',
  'node',
  'kernelsVersion',
] as const;

export type Environment = Pick<Provenance, (typeof ENVIRONMENT)[number]>;

export function environmentOf(provenance: Environment): Environment {
  const known = ENVIRONMENT.filter((field) => provenance[field] !== undefined);
  return Object.fromEntries(known.map((field) => [field, provenance[field]])) as unknown as Environment;
}

/** The first field in which bits may be expected to differ; undefined if they must be the same. */
export function environmentDifference(
  before: Environment,
  after: Environment,
): { field: string; before: string; after: string } | undefined {
  for (const field of ENVIRONMENT) {
    if (field === 'kernelsVersion') {
      const [a, b] = [before.kernelsVersion ?? 1, after.kernelsVersion ?? 1];
      if (!kernelsAgree(a, b, after)) return { field, before: String(a), after: String(b) };
      continue;
    }
    // Records of early versions do not tell the instruction sets, nor whose kernels computed. Those that do not tell `isa`
    // were made before there were native kernels in float32.
    const untold = before[field] === undefined || after[field] === undefined;
    if (untold && !(field === 'isa' && before.isa !== after.isa && before.precision === 'float32')) continue;
    const [a, b] = [String(before[field]), String(after[field])];
    // A major version of Node keeps its engine, and with it the last digit of sines and logarithms.
    const same = field === 'node' ? majorOf(a) === majorOf(b) : a === b;
    if (!same) return { field, before: a, after: b };
  }
  return undefined;
}

function majorOf(version: string): string {
  return version.split('.', 1)[0]!;
}
