// Symmetric noise: labels drawn anew, uniformly over the classes.
import { z } from 'zod';
import { integer, permutation, type Stream } from '../../io/random.js';
import { InputError } from '../../spec/errors.js';
import { choice, distinct, number } from '../../spec/fields.js';
import { CELLS } from '../../spec/limits.js';
import type { Noise } from './noise.js';

const settings = z.object({
  rates: distinct(
    number('a fraction from 0 up to 1, e.g. 0.4', (v) => v >= 0 && v < 1),
    'a list of fractions from 0 up to 1, e.g. [0.2, 0.4]',
    CELLS,
  ).describe('shares of the images that get a new label, one for each column'),
  redraw: choice('other', 'any').describe('from the wrong classes alone, or from all of them'),
});

interface Setting {
  rate: number;
  redraw: 'other' | 'any';
}

/**
 * Drawn over a run's own images, because a subset of labels drawn for the whole training set would not have exactly the
 * asked rate.
 */
export const symmetric: Noise<typeof settings, Setting> = {
  name: 'symmetric',
  title: 'symmetric',
  cite: 'van Rooyen, Menon and Williamson, 2015',
  about:
    'Exactly `round(rate n)` images get a label drawn uniformly: from the other classes (`"other"`, excluding the true class, as in Co-teaching and INCV: 40 % is 40 % wrong), or from all (`"any"`, including the true class, as in M-DYR-H, DivideMix and ELR: of ten classes 40 % is about 36 % wrong). Tables say which it is and what it would be called the other way. Rates are nested: what is wrong at 20 % is wrong in the same way at 40 %.',
  settings,
  columns: ({ rates, redraw }) =>
    rates.map((rate) => {
      const label = percentLabel(rate);
      return {
        key: String(rate),
        label,
        title: `${label} %`,
        setting: { rate, redraw },
        rate,
        group: `symmetric-${redraw}`,
        ...(redraw === 'any' && { convention: 'including the true class' }),
        published: label,
      };
    }),
  labels: ({ setting, trueLabels, dataset, stream }) =>
    symmetricNoise(trueLabels, setting, stream(), dataset.classNames.length),
  describe({ rates, redraw }, titles, classes) {
    const many = inWords(classes);
    // Of labels drawn from all classes, one in so many is right.
    const called = rates.map(
      (rate) => rate * (redraw === 'other' ? classes / (classes - 1) : 1 - 1 / classes),
    );
    const otherwise = called.map((rate) => (rate <= 1 ? `${(100 * rate).toFixed(1)} %` : 'none')).join(', ');
    return redraw === 'other'
      ? `${titles.join(', ')} of the labels replaced by one of the other ${inWords(classes - 1)} classes (${otherwise} where new labels are drawn from all ${many})`
      : `${titles.join(', ')} of the labels drawn anew from all ${many} classes, so that about ${classes === 10 ? 'a tenth' : `one in ${many}`} of them stay right (${otherwise} where they are drawn from the other ${inWords(classes - 1)})`;
  },
  wrongLabels({ rate, redraw }, images) {
    const chosen = chosenAt(rate, images);
    return [redraw === 'other' ? chosen : 0, chosen];
  },
};

/** A rate as the percentage that columns are named by: 0.07 -> `7`. */
export function percentLabel(rate: number): string {
  return String(Number((rate * 100).toFixed(6)));
}

/**
 * Gives exactly round(rate x n) randomly chosen images a label drawn uniformly from the other classes (`other`:
 * the rate is the share of wrong labels) or from all (`any`: of ten classes, a tenth of the chosen keep the right label on
 * average).
 *
 * The rates of one stream are nested: an image that is chosen at 20 % is chosen at 40 % too, and gets the same label.
 * Each rate by itself is still uniformly random; that the rates share images takes the luck of the draw out of their
 * comparison.
 *
 * @param trueLabels n labels, 0 to classes - 1
 * @param options rate: 0 <= rate < 1; redraw: which classes a new label is drawn from
 * @param next where the draws come from
 * @returns n labels, a new array
 * @throws InputError if the rate is out of range
 */
export function symmetricNoise(
  trueLabels: Uint8Array,
  { rate, redraw }: Setting,
  next: Stream,
  classes: number,
): Uint8Array {
  if (!(rate >= 0 && rate < 1)) {
    throw new InputError(`noise rate ${rate} is out of range: it is a fraction, 0 <= rate < 1 (0.4 is 40 %)`);
  }
  const labels = Uint8Array.from(trueLabels);
  for (const i of permutation(next, labels.length).subarray(0, chosenAt(rate, labels.length))) {
    labels[i] =
      redraw === 'any' ? integer(next, classes) : (labels[i]! + 1 + integer(next, classes - 1)) % classes;
  }
  return labels;
}

const chosenAt = (rate: number, images: number) => Math.round(rate * images);

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

function inWords(n: number): string {
  return WORDS[n] ?? String(n);
}
