// SAM's sharpness max L(w + e) - L(w) within a radius: by SAM's own step and by projected ascent, in its ball and in ASAM's.
import { mean, sampleStd } from '../statistics/statistics.js';
import { type Ascent, climbs } from '../training/flatness.js';
import { defineAnalysis } from './analysis.js';
import { listOf, whole } from './options.js';
import { type ExampleSet, type Sharpness, sharpnesses } from './schema.js';

interface Settings {
  rho: number[];
  m: number[];
  ascentSteps: number;
}

interface Piece {
  examples: ExampleSet;
  m: number;
}

interface Part {
  images: number;
  losses: number[];
  /** By ascent, then by group; null is not finite, for which JSON has no number. */
  rises: (number | null)[][];
}

/** ASAM's radii are about ten times SAM's: a share of each weight, not a length (Kwon et al., 2021, use 0.5 and 1 for 0.05 and 0.1). */
const ADAPTIVE = 10;

function ascentsOf({ rho, ascentSteps }: Settings): Ascent[] {
  return [false, true].flatMap((adaptive) =>
    [0, ascentSteps].flatMap((further) =>
      rho.map((radius) => ({ rho: adaptive ? ADAPTIVE * radius : radius, further, adaptive })),
    ),
  );
}

export const sharpnessAnalysis = defineAnalysis<Settings, Piece, Part, Sharpness>({
  name: 'sharpness',
  says: "SAM's sharpness over rho and m, by one step and by projected ascent, and ASAM's",
  options: {
    rho: listOf(
      [0.01, 0.02, 0.05, 0.1, 0.2],
      "radii; ASAM's are ten times as large",
      'numbers above 0',
      (text) => {
        const value = Number(text);
        return text.trim() && Number.isFinite(value) && value > 0 ? value : undefined;
      },
    ),
    m: listOf([0], 'examples that one ascent is of; 0: all of them', 'whole numbers from 0', (text) =>
      /^\d{1,6}$/.test(text) ? Number(text) : undefined,
    ),
    ascentSteps: whole(1, 1000, 5, 'further steps of projected ascent'),
  },
  result: sharpnesses,
  pieces: (sets, { m }) => sets.flatMap((examples) => m.map((size) => ({ examples, m: size }))),
  async measure({ examples, m }, { point, examples: of, landscape: make, pause }, settings, onShare) {
    const all = of(examples);
    const size = m || all.places.length;
    const landscape = await make(Math.min(settings.batch, size));
    const ascents = ascentsOf(settings);
    const part: Part = { images: 0, losses: [], rises: ascents.map(() => []) };
    const groups = Math.max(1, Math.floor(all.places.length / size));
    for (let group = 0; group < groups; group++) {
      const [from, to] = [group * size, (group + 1) * size];
      const some = { places: all.places.slice(from, to), labels: all.labels.slice(from, to) };
      const { loss, rises } = await climbs(landscape, some, point, ascents, pause);
      part.images += landscape.counted(some.places.length);
      part.losses.push(loss);
      for (const [k, rise] of rises.entries()) part.rises[k]!.push(Number.isFinite(rise) ? rise : null);
      onShare((group + 1) / groups);
    }
    return part;
  },
  combine: (parts, settings) =>
    parts.flatMap(({ piece: { examples, m }, part: { images, losses, rises } }) =>
      ascentsOf(settings).map(({ rho, further, adaptive }, k): Sharpness => {
        const own = rises[k]!.filter((rise) => rise !== null);
        const whole = own.length === rises[k]!.length;
        return {
          ...{ examples, images, m, rho, adaptive, loss: mean(losses), sharpness: whole ? mean(own) : null },
          ascent: further ? 'projected' : 'one-step',
          error: whole && own.length > 1 ? sampleStd(own) / Math.sqrt(own.length) : null,
        };
      }),
    ),
  tables: {
    'sharpness.csv': ({ of, batchNorm }) =>
      of.map(({ sharpness, error, adaptive, ...rest }) => ({
        ...rest,
        sharpness: sharpness ?? '',
        batch_norm: batchNorm,
        ball: adaptive ? 'adaptive' : 'plain',
        error: error ?? '',
      })),
  },
});
