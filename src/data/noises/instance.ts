// Instance-dependent noise: every image has its own rate, and a projection of the image says what it is taken for.
import jstat = require('jstat');

import { z } from 'zod';
import type { Stream } from '../../io/random.js';
import { normal } from '../../io/random.js';
import type { Noise } from './noise.js';
import { rateColumns, rates } from './transition.js';

const settings = z.object({
  rates: rates(
    'means of the normal distribution that the rates of the images are drawn from, one for each column',
  ),
});

/** Standard deviation of the images' rates, as in the authors' experiments. */
const DEVIATION = 0.1;

/**
 * Xia et al., Algorithm 2. The rate q of each image is drawn from a normal distribution around the asked rate, cut off at 0 and 1;
 * a matrix W of standard normal numbers is drawn for each class; an image x of class y keeps y with probability 1 - q, and gets one of
 * the other classes with probabilities q softmax(x W_y). x is normalised by the data set's mean and deviation, so that images differ
 * in more than brightness. What is drawn does not depend on the rate: at a higher one, the same images are wrong and more.
 */
export const instance: Noise<typeof settings, { rate: number }> = {
  name: 'instance',
  title: 'instance-dependent',
  cite: 'Xia et al., Part-dependent Label Noise: Towards Instance-dependent Label Noise, NeurIPS 2020',
  about:
    'Part-dependent noise (Algorithm 2 of the paper): each image has a rate of its own, drawn from a normal distribution with the mean `rate` and the standard deviation 0.1, cut off at 0 and 1; its wrong label is drawn by `softmax(x W_t)`, x the normalised image and W_t a random matrix of its class t, without t itself. The expected rate is the mean of the distribution that is cut off: 20.55 % at 0.2, 40.00 % at 0.4 (at 0 there is no noise). Nested.',
  settings,
  columns: ({ rates }) => rateColumns('instance', rates),
  labels({ setting: { rate }, trueLabels, images, dataset, stream, ownStream }) {
    const { classNames, imageSize, channels, mean, deviation } = dataset;
    const classes = classNames.length;
    const features = imageSize ** 2 * channels;
    const pixels = images();
    const labels = Uint8Array.from(trueLabels);
    const [rateOf, chance, choice] = ['rates', 'chances', 'choices'].map((name) => stream(name)) as [
      Stream,
      Stream,
      Stream,
    ];
    // Drawn for all images in their order, whatever becomes of them.
    const draws = Array.from(labels, () => ({
      isWrong: chance() < rateAt(rateOf(), rate),
      at: choice(),
    }));
    const shift = mean.map((m, i) => -m / deviation[i]!);
    const scale = deviation.map((d) => 1 / (255 * d));
    for (let label = 0; label < classes; label++) {
      const wrong = [...trueLabels.keys()].filter((i) => trueLabels[i] === label && draws[i]!.isWrong);
      if (!wrong.length) continue;
      const weights = projection(ownStream('projection', label), features * classes);
      for (const i of wrong) {
        const scores = new Float64Array(classes);
        for (let f = 0; f < features; f++) {
          const channel = f % channels;
          const x = pixels[i * features + f]! * scale[channel]! + shift[channel]!;
          for (let c = 0; c < classes; c++) scores[c]! += x * weights[f * classes + c]!;
        }
        labels[i] = drawn(scores, label, draws[i]!.at);
      }
    }
    return labels;
  },
  describe: (_, titles) =>
    `${titles.join(', ')} of the labels replaced, more likely in some images than in others, by what a random projection of the image says`,
};

function projection(next: Stream, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => normal(next));
}

/** The quantile `u` of the normal distribution around `mean`, cut off at 0 and 1; around 0 it would not be without noise. */
function rateAt(u: number, mean: number): number {
  if (mean === 0) return 0;
  const [low, high] = [0, 1].map((end) => jstat.normal.cdf(end, mean, DEVIATION)) as [number, number];
  return jstat.normal.inv(low + u * (high - low), mean, DEVIATION);
}

/** A class but `label`, with probabilities by the softmax of the scores. */
function drawn(scores: Float64Array, label: number, u: number): number {
  scores[label] = Number.NEGATIVE_INFINITY;
  const most = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - most));
  let left = u * shares.reduce((a, b) => a + b);
  let last = label;
  for (const [c, share] of shares.entries()) {
    if (share === 0) continue;
    last = c;
    left -= share;
    if (left < 0) break;
  }
  return last;
}
