// Wrong labels: drawn symmetrically or taken from a file, and what was really drawn.
import { InputError } from '../errors.js';
import { integer, permutation, type Stream, stream } from '../random.js';
import type { NoiseMeasurement } from '../results/record.js';
import type { NoiseSpec } from '../suite/spec.js';
import { CLASSES } from './dataset.js';

/**
 * The labels a run is given for its training images.
 *
 * Symmetric noise is drawn over the run's own images, because a subset of labels drawn for all 50,000 would not have
 * exactly the asked rate. Its stream depends on the seed alone: all methods at one seed see the same wrong labels,
 * and the rates are nested (see `symmetricNoise`).
 *
 * @param spec how wrong labels are made
 * @param trueLabels the true labels of the run's training images
 * @param indices the places of these images in the whole training set
 * @param seed the run's seed
 * @param files labels of the whole training set by their hash, as `readLabelFile` gives both
 * @returns one label per training image, in the order of `trueLabels`
 * @throws InputError if the labels of the file that `spec` names are not among `files`, or the rate is out of range
 */
export function noisyLabels(
  spec: NoiseSpec,
  trueLabels: Uint8Array,
  indices: Int32Array,
  seed: number,
  files: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  if (spec.kind === 'symmetric') return symmetricNoise(trueLabels, spec, stream(seed, 'noise'));
  const labels = files.get(spec.sha256);
  if (!labels)
    throw new InputError(`noise: no label file whose labels have the SHA-256 ${spec.sha256} was given`);
  return Uint8Array.from(indices, (i) => labels[i]!);
}

/**
 * Gives exactly round(rate x n) randomly chosen images a label drawn uniformly from the other nine classes (`other`:
 * the rate is the share of wrong labels) or from all ten (`any`: a tenth of the chosen keep the right label on average).
 *
 * The rates of one stream are nested: an image that is chosen at 20 % is chosen at 40 % too, and gets the same label.
 * Each rate by itself is still uniformly random; that the rates share images takes the luck of the draw out of their
 * comparison.
 *
 * @param trueLabels n labels, 0 to 9
 * @param options rate: 0 <= rate < 1; redraw: which classes a new label is drawn from
 * @param next where the draws come from
 * @returns n labels, a new array
 * @throws InputError if the rate is out of range
 */
export function symmetricNoise(
  trueLabels: Uint8Array,
  options: { rate: number; redraw: 'other' | 'any' },
  next: Stream,
): Uint8Array {
  const { rate, redraw } = options;
  if (!(rate >= 0 && rate < 1)) {
    throw new InputError(`noise rate ${rate} is out of range: it is a fraction, 0 <= rate < 1 (0.4 is 40 %)`);
  }
  const labels = Uint8Array.from(trueLabels);
  const chosen = permutation(next, labels.length).subarray(0, Math.round(rate * labels.length));
  for (const i of chosen) {
    labels[i] =
      redraw === 'any' ? integer(next, CLASSES) : (labels[i]! + 1 + integer(next, CLASSES - 1)) % CLASSES;
  }
  return labels;
}

/** Compares labels with the true ones: the share that is wrong, and how often each class was labelled as each. */
export function measureNoise(trueLabels: Uint8Array, givenLabels: Uint8Array): NoiseMeasurement {
  const transitions = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  let wrong = 0;
  for (const [i, truth] of trueLabels.entries()) {
    const given = givenLabels[i]!;
    transitions[truth]![given]!++;
    if (given !== truth) wrong++;
  }
  return { rate: wrong / trueLabels.length, transitions };
}
