// What a worker is: the kind of machine, on which its bits depend, and labels that a suite can ask for.
import { execFileSync } from 'node:child_process';
import { firstDifference } from '../../results/difference.js';
import type { Origin } from '../../results/provenance.js';
import { InputError } from '../../spec/errors.js';
import { devices } from '../local/devices.js';

/** What bits depend on besides a run's spec, as far as it is known. */
export function kindOf(origin: Origin): Record<string, unknown> {
  const { cpu, instructions, isa, kernels, kernelsVersion, oneDnn, xla, tensorflow, tfjs, platform } = origin;
  const device = devices().length
    ? { device: 'gpu', gpu: gpus()?.map(([name]) => name)[0] }
    : { device: 'cpu' };
  return {
    ...device,
    cpu,
    instructions,
    isa,
    kernels,
    kernelsVersion,
    oneDnn,
    xla,
    tensorflow,
    tfjs,
    platform,
  };
}

/** Labels of this machine's own: `device`, `isa`, and `gpu-memory` in GB (of the GPU that has least). */
export function labelsOf({ isa }: Origin, given: Record<string, string>): Record<string, string> {
  const memory = gpus()?.map(([, megabytes]) => Number(megabytes) / 1024);
  return {
    device: devices().length ? 'gpu' : 'cpu',
    ...(isa && { isa }),
    ...(memory?.length && { 'gpu-memory': String(Math.floor(Math.min(...memory))) }),
    ...given,
  };
}

/** Name and memory in MB of each GPU. Written from NVIDIA's documentation, not run by us. */
function gpus(): string[][] | undefined {
  if (!devices().length) return undefined;
  try {
    const told = execFileSync(
      'nvidia-smi',
      ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits', `--id=${devices().join(',')}`],
      { encoding: 'utf8' },
    );
    return told
      .trim()
      .split('\n')
      .map((line) => line.split(',').map((part) => part.trim()));
  } catch {
    return undefined;
  }
}

/** @throws InputError naming the first label that is asked for and not there; numbers are at least those asked for */
export function refuseUnfit(needs: Record<string, string>, labels: Record<string, string>): void {
  for (const [label, wanted] of Object.entries(needs)) {
    const has = labels[label];
    const isNumber = /^\d+$/.test(wanted);
    const fits = isNumber ? Number(has) >= Number(wanted) : has === wanted;
    if (!fits)
      throw new InputError(
        `the suite needs workers with ${label} ${isNumber ? 'of at least ' : ''}${wanted}; here it is ${has ?? 'not known (--label says it)'}`,
      );
  }
}

/** @throws InputError naming the first thing in which two kinds differ */
export function refuseOtherKind(first: Record<string, unknown>, mine: Record<string, unknown>): void {
  const other = firstDifference(first, JSON.parse(JSON.stringify(mine)));
  if (other)
    throw new InputError(
      `this machine is of another kind than the queue's first worker, and could compute other bits: ${other.path} is ${JSON.stringify(other.after)} here, ${JSON.stringify(other.before)} there; allowed: the same, or submit with --any-kind`,
    );
}
