// The GPUs that workers are spread over. Written from NVIDIA's documentation, not run by us.
import { execFileSync } from 'node:child_process';

let known: string[] | undefined;

/** GPUs as CUDA_VISIBLE_DEVICES calls them: those it allows, else all; none unless LABELNOISE_DEVICE is gpu. */
export function devices(): readonly string[] {
  known ??= process.env.LABELNOISE_DEVICE === 'gpu' ? find() : [];
  return known;
}

function find(): string[] {
  const allowed = process.env.CUDA_VISIBLE_DEVICES;
  const names =
    allowed ?? execFileSync('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader']).toString();
  return names
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter(Boolean);
}

/** What a worker's environment must say for it to compute on that GPU alone. */
export function deviceSettings(device: string | undefined): NodeJS.ProcessEnv {
  return device === undefined ? {} : { CUDA_VISIBLE_DEVICES: device };
}
