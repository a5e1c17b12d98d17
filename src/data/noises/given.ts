// No noise of ours: the labels as the data set has them.
import { z } from 'zod';
import type { Noise } from './noise.js';

const settings = z.object({});

export const given: Noise<typeof settings> = {
  name: 'given',
  title: 'labels as they are',
  cite: '',
  about: 'The labels as the data set has them.',
  base: true,
  settings,
  columns: () => [{ key: 'given', label: 'given', title: 'as they are', setting: {} }],
  labels: ({ trueLabels }) => Uint8Array.from(trueLabels),
  describe: (_, __, ___, { unverified }) =>
    unverified ? 'the labels as they are in the data; how many of them are wrong is not known' : 'none',
  wrongLabels: () => [0, 0],
};
