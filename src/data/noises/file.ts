// Noise of people: labels of the whole training set from files.
import { z } from 'zod';
import { InputError } from '../../spec/errors.js';
import { isName, isObject, NAME, text, value } from '../../spec/fields.js';
import type { Noise } from './noise.js';

const path = text('the path of a label file');
const settings = z.object({
  files: value<Record<string, string>>('an object from name to label file, at least one', isObject, {
    type: 'object',
    additionalProperties: { type: 'string' },
  })
    .superRefine((files, context) => {
      for (const [name, file] of Object.entries(files)) {
        const { error } = path.safeParse(file);
        const message = isName(name) ? error?.issues[0]?.message : `names of ${NAME}`;
        if (message) context.addIssue({ code: 'custom', message, path: [name] });
      }
    })
    .describe('label files by the names of their columns'),
});

export const file: Noise<typeof settings, { sha256: string }> = {
  name: 'file',
  title: 'labels from files',
  about:
    'Labels of the whole training set, in its official order, from `.npy` (one dimension; int64, int32 or uint8), `.csv` (a header line and the columns `index` and `noisy_label`) or an array of a `.pt` file (`FILE.pt#NAME`). They are known by the SHA-256 of the labels, whatever file they come in.',
  base: true,
  cite: 'e.g. CIFAR-10N: Wei et al., 2022',
  settings,
  columns: ({ files }) =>
    Object.entries(files).map(([name, sha256]) => ({
      key: name,
      label: name,
      title: name,
      setting: { sha256 },
    })),
  labels({ setting: { sha256 }, indices, files }) {
    const labels = files.get(sha256);
    if (!labels)
      throw new InputError(`noise: no label file whose labels have the SHA-256 ${sha256} was given`);
    return Uint8Array.from(indices, (i) => labels[i]!);
  },
  describe: (_, titles) => `training labels from files: ${titles.join(', ')}`,
  async resolve({ files }, read) {
    const resolved: Record<string, string> = {};
    for (const [name, file] of Object.entries(files)) resolved[name] = await read(file);
    return { files: resolved };
  },
  standIn: { kind: 'symmetric', rate: 0.4, redraw: 'other' },
};
