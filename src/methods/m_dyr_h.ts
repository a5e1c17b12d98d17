// M-DYR-H (Arazo et al., 2019): Mixup with hard bootstrapping, weighted by how likely a beta mixture holds a label to be wrong.
import { tf } from '../engine/tensorflow.js';
import { beta } from '../io/random.js';
import { fields, number, positive } from '../spec/fields.js';
import { crossEntropy, TINY } from './gradient.js';
import { type Batch, defineMethod, FORWARD, type Step } from './method.js';
import { betaMixture } from './mixtures.js';
import { mixed } from './mixup.js';
import { lossesOfLabels } from './noise_rate.js';

/** Places of the posterior's table. */
const PLACES = 101;

/**
 * Mixup alone for the first `warmUp` of the run (105 of 300 epochs); then the loss lambda [(1 - B1) nll(y1) + B1 nll(z1)] + (1 - lambda)
 * [likewise for the partner] + KL(1/C || mean p), with z the class predicted for the image before it is mixed and B the posterior of a wrong label at
 * its loss. The mixture is fitted to all losses after every epoch.
 */
export const mDyrH = defineMethod({
  name: 'm-dyr-h',
  title: 'M-DYR-H',
  cite: 'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019',
  about:
    "Mixup alone during the warm-up (the paper's 105 of 300 epochs); then `lambda [(1 - B1) nll(y1) + B1 nll(z1)] + (1 - lambda) [likewise for the partner] + KL(1/C || mean p)`, where z is the class predicted for the unmixed image and B the posterior of a wrong label at its loss, by a mixture of two beta distributions: of the losses between the 5th and 95th percentile, ten iterations, made monotone, fitted after each epoch. *Differs:* B comes from batch norm's statistics of the batch, in the authors' code from running ones; partners are the reversed batch. If the mixture does not separate, labels are taken as they are.",
  settings: fields({
    alpha: positive().default(32).describe('lambda of Mixup is drawn from Beta(alpha, alpha)'),
    warmUp: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.35)
      .meta({ title: 'warm-up (share of the epochs)' })
      .describe('share of the epochs that are trained by Mixup alone'),
    regularise: number('a number from 0', (v) => v >= 0)
      .default(1)
      .meta({ title: 'weight of KL(1/C || mean p)' })
      .describe('weight of the regulariser that keeps all classes predicted'),
  }),
  // A prediction in each step, and a pass over the training set after each epoch.
  cost: ({ warmUp }) => 1 + (1 - warmUp) * 2 * FORWARD,
  recipe: ({ alpha, warmUp, regularise }, { epochs }) => {
    const first = Math.max(1, Math.round(warmUp * epochs));
    const mixing = (batch: Batch, { inputs }: Step): Batch => ({
      ...batch,
      images: mixed(batch.images, inputs.lambda as tf.Scalar),
      targets: mixed(batch.targets, inputs.lambda as tf.Scalar),
    });
    return {
      inputs: { lambda: { shape: [], dtype: 'float32' } },
      draws(stream) {
        const next = stream('mixup');
        return () => ({ lambda: Float32Array.of(beta(next, alpha)) });
      },
      state: {
        posterior: { shape: [PLACES], dtype: 'float32' },
        range: { shape: [2], dtype: 'float32', init: () => Float32Array.of(0, 1) },
      },
      transform(batch, step) {
        const [logits] = step.predict(batch.images) as [tf.Tensor2D];
        const wrong = tf.expandDims(wrongAt(crossEntropy(logits, batch.targets), step), 1);
        const predicted = tf.cast(tf.oneHot(tf.argMax(logits, 1), step.classes), 'float32');
        const targets: tf.Tensor2D = tf.add(
          tf.mul(batch.targets, tf.sub(1, wrong)),
          tf.mul(predicted, wrong),
        );
        return mixing({ ...batch, targets }, step);
      },
      loss(logits, { targets }, { classes }) {
        const [some] = logits as [tf.Tensor2D];
        const mean = tf.mean(tf.softmax(some), 0);
        const divergence = tf.sum(tf.mul(tf.log(tf.div(1 / classes, tf.add(mean, TINY))), 1 / classes));
        return { losses: [tf.add(crossEntropy(some, targets), tf.mul(divergence, regularise))] };
      },
      phases: {
        mixup: {
          transform: mixing,
          loss: (logits, { targets }) => ({ losses: [crossEntropy(logits[0]!, targets)] }),
        },
      },
      phaseAt: ({ epoch }) => (epoch <= first ? 'mixup' : undefined),
      afterEpoch({ epoch, labels, classes, logProbabilities, write, note }) {
        if (epoch < first) return undefined;
        const mixture = betaMixture(lossesOfLabels(logProbabilities(), labels, classes));
        // As its paper: a label is kept where nothing speaks against it.
        write('posterior', mixture?.table ?? new Float32Array(PLACES));
        write('range', mixture ? Float32Array.of(mixture.least, mixture.most) : Float32Array.of(0, 1));
        if (!mixture) note(`after epoch ${epoch} the losses did not separate: labels are taken as they are`);
        return undefined;
      },
    };
  },
});

/** The posterior of a wrong label at these losses, from the table of the last fit. */
function wrongAt(losses: tf.Tensor1D, { state }: Step): tf.Tensor1D {
  const least = tf.gather(state.range!, tf.scalar(0, 'int32'));
  const most = tf.gather(state.range!, tf.scalar(1, 'int32'));
  const share = tf.div(tf.sub(losses, least), tf.add(tf.sub(most, least), 1e-6));
  const place = tf.cast(tf.floor(tf.mul(tf.clipByValue(share, 1e-3, 1 - 1e-3), PLACES - 1)), 'int32');
  return tf.gather(state.posterior!, place as tf.Tensor1D) as tf.Tensor1D;
}
