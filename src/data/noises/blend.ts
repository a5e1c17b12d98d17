// One noise on top of another: the second changes the labels that the first gave.
import { z } from 'zod';
import type { NoiseSpec } from '../../spec/run_spec.js';
import {
  columnsOf,
  NOISES,
  type Noise,
  type NoiseSettings,
  noiseOf,
  parseNoise,
  settingOf,
} from './noise.js';

const settings = z.object({
  layers: z
    .unknown()
    .transform((given, context): NoiseSettings[] => {
      if (Array.isArray(given) && given.length >= 2 && given.length <= 4)
        return given.map((one, i) => parseNoise(one, context, [i]));
      context.addIssue({ code: 'custom', message: 'a list of two to four noises', path: [], input: given });
      return z.NEVER;
    })
    .meta({
      description:
        'noises as a suite has them, each on the labels of the one before; a column for each combination of theirs',
      ...{ type: 'array', items: { $ref: '#/definitions/noise' } },
    }),
});

interface Setting {
  layers: NoiseSpec[];
}

type Column = ReturnType<typeof columnsOf>[number];

/** Every combination of one of each list. */
function combinations(lists: readonly Column[][]): Column[][] {
  return lists.reduce<Column[][]>(
    (made, list) => made.flatMap((some) => list.map((one) => [...some, one])),
    [[]],
  );
}

export const blend: Noise<typeof settings, Setting> = {
  name: 'blend',
  title: 'one on another',
  cite: '',
  about:
    'Two to four noises, each put on the labels that the one before gave, with a column for each combination: robustness curves over the rate of the last, on noise that is there already. `human`, `file` and `given` can only be the first.',
  settings,
  columns: ({ layers }) =>
    combinations(layers.map(columnsOf)).map((parts) => {
      const upper = parts.at(-1)!;
      return {
        key: parts.map(({ key }) => key).join('_'),
        label: parts.map(({ label }) => label).join('_'),
        title: parts.map(({ title }) => title).join(' + '),
        setting: { layers: parts.map(({ noise }) => noise) },
        // Curves are over the rate of the uppermost.
        group: parts.map(({ label, group }, i) => (i < parts.length - 1 ? label : group)).join('_'),
        ...(upper.rate !== undefined && { rate: upper.rate }),
      };
    }),
  check({ layers }, dataset) {
    const guessing = layers.filter(({ kind }) => kind !== blend.name && NOISES.named(kind).guesser);
    if (guessing.length > 1)
      return {
        setting: 'layers',
        allowed: `${guessing[0]!.kind} once: there is one network whose guesses a run's labels are made of`,
      };
    for (const [i, { kind, name: _, ...own }] of layers.entries()) {
      const entry = NOISES.named(kind);
      if (i > 0 && entry.base)
        return {
          setting: 'layers',
          allowed: `${kind} as the first of them: it does not go by the labels below it`,
        };
      const problem = entry.check?.(own, dataset);
      if (problem) return { setting: 'layers', allowed: `for the ${kind} noise: ${problem.allowed}` };
    }
    return undefined;
  },
  labels: ({ setting: { layers }, trueLabels, stream, ownStream, ...rest }) =>
    layers.reduce<Uint8Array>(
      (labels, layer, i) =>
        noiseOf(layer).labels({
          ...rest,
          setting: settingOf(layer),
          trueLabels: labels,
          stream: (...name) => stream('layer', i, ...name),
          ownStream: (...name) => ownStream('layer', i, ...name),
        }),
      Uint8Array.from(trueLabels),
    ),
  describe: ({ layers }, titles, classes, dataset) =>
    `${titles.join(', ')}: ${layers
      .map(({ kind, name: _, ...own }) =>
        NOISES.named(kind).describe(
          own,
          NOISES.named(kind)
            .columns(own)
            .map(({ title }) => title),
          classes,
          dataset,
        ),
      )
      .join(', and on these ')}`,
  async resolve({ layers }, read, from) {
    const resolved: NoiseSettings[] = [];
    for (const { kind, name, ...own } of layers)
      resolved.push({
        kind,
        ...(name !== undefined && { name }),
        ...((await NOISES.named(kind).resolve?.(own, read, from)) ?? own),
      });
    return { layers: resolved };
  },
  guesser: ({ layers }) =>
    layers.map((layer) => noiseOf(layer).guesser?.(settingOf(layer))).find((training) => training),
  standIn: { kind: 'symmetric', rate: 0.4, redraw: 'other' },
};
