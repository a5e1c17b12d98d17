// Where a result comes from: code, machine, libraries.
import { type ExecFileException, execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { promisify } from 'node:util';
import { explained } from '../io/files.js';
import { PROJECT_ROOT, VERSION } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import type { Provenance } from '../spec/record.js';
import type { RunSpec } from '../spec/run_spec.js';

/** What computes, as the engine reports it. */
export type EngineVersions = Pick<
  Provenance,
  'tensorflow' | 'tfjs' | 'kernels' | 'kernelsVersion' | 'isa' | 'oneDnn' | 'xla'
>;

/** What is the same for every run of a process. */
export type Origin = Omit<Provenance, 'suite' | 'finished' | 'precision' | 'threads'>;

const git = async (...args: string[]) =>
  (await promisify(execFile)('git', ['-C', PROJECT_ROOT, ...args])).stdout;

/**
 * The commit of the project's code, with `-dirty` if a file of it is changed; `unknown` outside a checkout or without git.
 *
 * @throws InputError if git is there but cannot work, of lack of memory for example: a record would then deny what it comes from
 */
async function readCommit(): Promise<string> {
  try {
    // Installed by npm, the code may lie in the checkout of another project.
    const [prefix, head] = (await git('rev-parse', '--show-prefix', 'HEAD')).split('\n');
    if (prefix !== '') return 'unknown';
    return (await git('status', '--porcelain', '--', '.')) ? `${head}-dirty` : head!;
  } catch (error) {
    const { code, signal, stderr = '' } = error as ExecFileException & { stderr?: string };
    if (code === 'ENOENT' || (code === GIT_REFUSES && !/out of memory/i.test(stderr))) return 'unknown';
    const doing = 'cannot ask git for the commit of the code';
    if (typeof code === 'string') throw explained(error, doing);
    const said = stderr.trim().split('\n')[0];
    throw new InputError(`${doing}: it ends with ${signal ?? code}${said && ` (${said})`}`);
  }
}

/** Git's exit code where there is no checkout, or one that it does not trust. */
const GIT_REFUSES = 128;

/** The code of a process is what it was when it was first told. */
let commit: string | undefined;

/** Looks at the code and the machine once. @throws InputError if git is there but cannot tell the commit */
export async function originOf(engine: EngineVersions): Promise<Origin> {
  commit ??= await readCommit();
  return {
    commit,
    version: VERSION,
    node: process.version,
    ...engine,
    platform: `${platform()}-${arch()}`,
    ...processor(),
  };
}

/** Instruction sets by which TensorFlow's kernels are chosen, as Linux calls them. */
const KERNEL_SETS =
  /^(avx|avx2|fma|avx_vnni|avx512f|avx512bw|avx512vl|avx512dq|avx512_vnni|avx512_bf16|avx512_fp16|amx_tile|amx_bf16|amx_int8)$/;

/**
 * The processor and its instruction sets, as far as Linux tells. Virtual machines of one name may differ in the sets, and in
 * the model that its numbers tell: four of the twenty runs of a suite had other bits on another machine whose processor is
 * called "Intel(R) Xeon(R) Processor" too.
 */
function processor(): Pick<Provenance, 'cpu' | 'instructions'> {
  let told = '';
  try {
    told = readFileSync('/proc/cpuinfo', 'utf8');
  } catch (error) {
    if (!['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw explained(error, 'cannot read /proc/cpuinfo');
  }
  const field = (field: string) => new RegExp(`^${field}\\s*:(.*)$`, 'm').exec(told)?.[1]?.trim();
  const name = field('model name') ?? cpus()[0]?.model.trim() ?? 'unknown';
  const numbers = ['cpu family', 'model', 'stepping'].map(field).filter((number) => number !== undefined);
  const known = (field('flags') ?? '').split(/\s+/).filter((flag) => KERNEL_SETS.test(flag));
  return {
    cpu: numbers.length === 3 ? `${name} (${numbers.join('-')})` : name,
    ...(known.length && { instructions: known.sort().join(' ') }),
  };
}

/** The provenance of a run that has just finished. */
export function provenanceOf(origin: Origin, suite: string, spec: RunSpec): Provenance {
  return {
    ...origin,
    suite,
    finished: new Date().toISOString(),
    precision: spec.precision,
    threads: spec.threads,
  };
}
