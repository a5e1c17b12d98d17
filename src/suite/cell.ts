// One column and seed of a suite, as commands are told them: --noise and --seed.
import { InputError } from '../spec/errors.js';
import type { RunGraph, RunNode } from './expand.js';
import type { NoiseSetting } from './noise_setting.js';

/** A column and seed, and a run that sees their images and labels, as all runs of theirs do. */
export interface ColumnAndSeed {
  noiseSetting: NoiseSetting;
  seed: number;
  run: RunNode;
}

/**
 * @param noise the rate in percent or as a fraction, or the label file's name
 * @throws InputError if they are none of the suite's
 */
export function columnAndSeed(
  { noiseSettings, cells, suite }: RunGraph,
  noise: string,
  seedText: string,
): ColumnAndSeed {
  const noiseSetting =
    noiseSettings.find(({ label }) => label === noise) ?? noiseSettings.find(({ key }) => key === noise);
  if (!noiseSetting)
    throw new InputError(
      `--noise ${noise}: is not in the suite ${suite.name}; allowed: one of ${noiseSettings.map(({ key }) => key).join(', ')}`,
    );
  const seed = suite.seeds.find((s) => String(s) === seedText);
  if (seed === undefined)
    throw new InputError(
      `--seed ${seedText}: is not in the suite ${suite.name}; allowed: ${suite.seeds.length === 1 ? '' : 'one of '}${suite.seeds.join(', ')}`,
    );
  const cell = cells.find((c) => c.noiseSetting.label === noiseSetting.label && c.seed === seed);
  if (!cell) throw new Error(`no run at ${noiseSetting.label} and seed ${seed}`);
  return { noiseSetting, seed, run: cell.run };
}

/** Of how many seeds a suite must at least be to have one, as `seedsOf` continues its list; undefined if it never has it. */
export function seedsToHave(seeds: readonly number[], seedText: string): number | undefined {
  const place = seeds.findIndex((seed) => String(seed) === seedText);
  if (place >= 0) return place + 1;
  const after = Number(seedText) - Math.max(...seeds);
  return /^\d+$/.test(seedText) && after > 0 ? seeds.length + after : undefined;
}
