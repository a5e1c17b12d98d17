// Runs and durations as people say them.
import { methodTitle } from '../methods/catalogue.js';
import type { RunNode } from '../suite/expand.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';

/** Seconds as `42 s`, `7 min`, `3.5 h` or `2.1 days`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/** `about 7 min left`, or nothing while there is nothing to judge by. */
export function leftText(seconds: number | undefined): string {
  return seconds === undefined ? '' : `about ${duration(seconds)} left`;
}

/** A run's cell: `SAM, 40 %, seed 1`. */
export function runTitle(run: RunNode): string {
  return `${methodTitle(run.method)}, ${noiseSettingTitle(run.noiseSetting)}, seed ${run.spec.seed}`;
}
