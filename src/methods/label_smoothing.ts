// Label smoothing (Szegedy et al., 2016): a share of every label is spread over all classes.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { crossEntropy } from './gradient.js';
import { defineMethod } from './method.js';

export const labelSmoothing = defineMethod({
  name: 'label-smoothing',
  title: 'Label smoothing',
  cite: 'Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016; under label noise: Lukasik et al., Does Label Smoothing Mitigate Label Noise?, ICML 2020',
  about: 'Cross-entropy with the targets `(1 - s) y + s / C`, s being `smoothing`.',
  settings: fields({
    smoothing: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(0.1)
      .describe('share of a label that is spread evenly over all classes, its own among them'),
  }),
  cost: () => 1,
  recipe: ({ smoothing }) => ({
    loss: (logits, { targets }, { classes }) => ({
      losses: logits.map((some) =>
        crossEntropy(some, tf.add(tf.mul(targets, 1 - smoothing), smoothing / classes)),
      ),
    }),
  }),
});
