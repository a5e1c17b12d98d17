// RoG (Lee et al., 2019): a generative classifier on a trained network's features, robust to wrong labels.
import { fields, number } from '../spec/fields.js';
import { distancesFrom, factor, robustScatter } from './covariance.js';
import { defineMethod, type FeatureView } from './method.js';

/**
 * Plain training; after it, features before the last layer are taken as normal in each class with one covariance for all: class means and covariance by
 * the minimum covariance determinant over `share` of each class's images, by their noisy labels. An image is of the class of the largest posterior. The
 * authors' code also mixes classifiers of several layers, with weights it learns on a part of the test set; here there is one layer, and nothing to learn.
 */
export const rog = defineMethod({
  name: 'rog',
  title: 'RoG',
  cite: 'Lee et al., Robust Inference via Generative Classifiers for Handling Noisy Labels, ICML 2019',
  about:
    "SGD; after the last epoch linear discriminant analysis of the last layer's inputs f, `argmax_c mu_c^T S^-1 f - mu_c^T S^-1 mu_c / 2 + log pi_c`, with class means and one covariance S by the minimum covariance determinant of 70 % of each class. *Differs:* the authors mix the classifiers of several layers, with weights learned on part of the test set; here there is one, and nothing to learn. The loss on the test images stays the network's.",
  settings: fields({
    share: number('a number from 0.5 to 1', (v) => v >= 0.5 && v <= 1)
      .default(0.7)
      .meta({ title: 'share of a class’s images for the determinant' })
      .describe("share of a class's images that mean and covariance are of"),
  }),
  cost: () => 1,
  recipe: ({ share }) => ({ classifier: (of) => generativeClassifier(of, share) }),
});

/** Classifies features by linear discriminant analysis with robust means and covariance. */
export function generativeClassifier(
  { features, labels, classes, stream, note }: FeatureView,
  share: number,
): (features: Float32Array) => Uint8Array {
  const width = features.length / labels.length;
  const next = stream('determinant');
  const covariance = new Float64Array(width * width);
  const found = Array.from({ length: classes }, (_, c) => {
    const places = Int32Array.from(labels.keys()).filter((i) => labels[i] === c);
    if (!places.length) return undefined;
    const rows = new Float32Array(places.length * width);
    for (const [to, i] of places.entries())
      rows.set(features.subarray(i * width, (i + 1) * width), to * width);
    const scatter = robustScatter(rows, width, share, next);
    const weight = places.length / labels.length;
    for (let a = 0; a < covariance.length; a++) covariance[a]! += weight * scatter.covariance[a]!;
    return { mean: scatter.mean, prior: Math.log(weight) };
  });
  const missing = found.filter((one) => !one).length;
  if (missing) note(`${missing} classes have no image by their labels, and are never predicted`);
  const { lower } = factor(covariance, width);
  return (rows) => {
    const scores = found.map(
      (one) => one && distancesFrom(rows, width, one.mean, lower).map((distance) => one.prior - distance / 2),
    );
    return Uint8Array.from({ length: rows.length / width }, (_, i) => {
      let best = -1;
      for (let c = 0; c < classes; c++)
        if (scores[c] && (best < 0 || scores[c]![i]! > scores[best]![i]!)) best = c;
      return best;
    });
  };
}
