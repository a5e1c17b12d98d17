// Labels of people: CIFAR-10N and CIFAR-100N, read from the file that their authors publish.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../../io/cache.js';
import { InputError } from '../../spec/errors.js';
import { distinct, text, value } from '../../spec/fields.js';
import type { Noise } from './noise.js';

/** Folder of the cache that the files are looked for in. */
const FOLDER = 'cifar-n';

const settings = z.object({
  sets: distinct(
    value<string>('the name of a set of labels', (v) => typeof v === 'string', { type: 'string' }),
    'a list of sets of labels, e.g. ["aggregate", "worst"]',
    100,
  ).describe(
    'sets of labels, one for each column: aggregate, random1, random2, random3, worst of CIFAR-10N; fine of CIFAR-100N',
  ),
  file: text('the path of the file with the labels')
    .optional()
    .describe(
      `the file that their authors publish; if absent, looked for in the folder ${FOLDER} of the cache`,
    ),
  hashes: z
    .custom<Record<string, string>>()
    .optional()
    .meta({ internal: true, description: 'of a resolved suite: SHA-256 of the labels' }),
});

interface Setting {
  set: string;
  /** Of the labels, and of the file's true labels. */
  sha256: string;
  clean: string;
}

/** What the file's true labels are kept by beside the sets. */
const CLEAN = 'clean';

export const human: Noise<typeof settings, Setting> = {
  name: 'human',
  title: 'human',
  cite: 'Wei et al., Learning with Noisy Labels Revisited: A Study Using Real-World Human Annotations, ICLR 2022',
  about:
    "CIFAR-10N's `aggregate` (9.01 % wrong), `random1` to `random3` (17.23, 18.12 and 17.64 %) and `worst` (40.21 %), and CIFAR-100N's `fine`, from the file that the authors publish (`CIFAR-10_human.pt`, `CIFAR-100_human.pt` of [cifar-10-100n](https://github.com/UCSC-REAL/cifar-10-100n), CC BY-NC 4.0), looked for in the folder `cifar-n` of the cache or named in `file`. It is read without running code of it. Labels of CIFAR-10N must have the published SHA-256; the file's true labels must be those of the data set, in its order. A subset of the images has the rate that it happens to have. No run with CIFAR-100N has been made by us.",
  base: true,
  settings,
  columns: ({ sets, hashes = {} }) =>
    sets.map((set) => ({
      key: set,
      label: set,
      title: set,
      setting: { set, sha256: hashes[set]!, clean: hashes[CLEAN]! },
      group: `human-${set}`,
    })),
  check({ sets }, { human, title }) {
    if (!human) return { setting: 'kind', allowed: `another noise: there are no human labels of ${title}` };
    const known = Object.keys(human.sets);
    if (sets.every((set) => known.includes(set))) return undefined;
    return { setting: 'sets', allowed: `sets of ${title}: ${known.join(', ')}` };
  },
  labels({ setting: { set, sha256, clean }, trueLabels, indices, dataset, files }) {
    const [labels, truth] = [files.get(sha256), files.get(clean)];
    if (!labels || !truth) throw new InputError(`noise: the human labels ${set} are not at hand`);
    const other = indices.findIndex((place, i) => truth[place] !== trueLabels[i]);
    if (other >= 0)
      throw new InputError(
        `noise: the file of human labels has another true label than ${dataset.title} for image ${indices[other]}; allowed: labels in its official order`,
      );
    return Uint8Array.from(indices, (i) => labels[i]!);
  },
  describe: (_, titles, __, { human }) => `labels of people (${human?.cite}): ${titles.join(', ')}`,
  async resolve({ sets, file, hashes }, read, { dataset, folder }) {
    // A suite that is resolved already, as results hold it.
    if (hashes) return { sets, hashes };
    const { human } = dataset as Required<typeof dataset>;
    const usual = path.join(cacheFolder(FOLDER), human.file);
    const found = file === undefined ? usual : path.resolve(folder, file);
    if (!existsSync(found))
      throw new InputError(
        `noise: ${found} is not there; allowed: ${human.file} of ${human.from}, put there or named as noise.file`,
      );
    const resolved: Record<string, string> = { [CLEAN]: await read(`${found}#${human.clean}`) };
    for (const set of sets) {
      const { array, sha256 } = human.sets[set]!;
      resolved[set] = await read(`${found}#${array}`);
      if (sha256 !== undefined && resolved[set] !== sha256)
        throw new InputError(
          `noise: the labels ${array} of ${found} have the SHA-256 ${resolved[set]}; allowed: ${sha256}, that of the published labels in their order`,
        );
    }
    return { sets, hashes: resolved };
  },
  standIn: { kind: 'symmetric', rate: 0.4, redraw: 'other' },
};
