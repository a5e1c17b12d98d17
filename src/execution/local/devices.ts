// The GPUs that workers are spread over. Written from NVIDIA's documentation, not run by us.
import { execFileSync } from 'node:child_process';
import { InputError } from '../../spec/errors.js';

let known: string[] | undefined;

/** GPUs as CUDA_VISIBLE_DEVICES calls them: those it allows, else all; none unless LABELNOISE_DEVICE is gpu. @throws InputError if it is and none can be found */
export function devices(): readonly string[] {
  known ??= process.env.LABELNOISE_DEVICE === 'gpu' ? find() : [];
  return known;
}

function find(): string[] {
  const names = process.env.CUDA_VISIBLE_DEVICES ?? allDevices();
  return names
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter(Boolean);
}

function allDevices(): string {
  try {
    return execFileSync('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader'], { encoding: 'utf8' });
  } catch {
    throw new InputError(
      'LABELNOISE_DEVICE is "gpu", but nvidia-smi fails; use cpu, or set CUDA_VISIBLE_DEVICES',
    );
  }
}

/** What a worker's environment must say for it to compute on that GPU alone. @param isShared others compute there too, and memory is taken as it is needed */
export function deviceSettings(device: string | undefined, isShared = false): NodeJS.ProcessEnv {
  if (device === undefined) return {};
  return { CUDA_VISIBLE_DEVICES: device, ...(isShared && { TF_FORCE_GPU_ALLOW_GROWTH: 'true' }) };
}
