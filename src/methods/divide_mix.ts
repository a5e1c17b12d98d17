// DivideMix (Li et al., 2020): two networks divide the images for each other into labelled and unlabelled ones, and learn by MixMatch.
import { tf } from '../engine/tensorflow.js';
import { beta } from '../io/random.js';
import { fields, number, positive } from '../spec/fields.js';
import { crossEntropy, TINY } from './gradient.js';
import { type Batch, defineMethod, FORWARD, type Losses, type Step } from './method.js';
import { gaussianMixture } from './mixtures.js';
import { mixed } from './mixup.js';
import { lossesOfLabels } from './noise_rate.js';

/**
 * After a warm-up by cross-entropy (10 of 300 epochs), a mixture of two normals is fitted to each network's losses after every epoch. Its peer takes
 * an image as labelled if the posterior w of a right label is above tau. Labelled: w y + (1 - w) p, sharpened by T; unlabelled: the mean of both
 * networks' predictions, sharpened. All are mixed with a partner by one lambda = max(b, 1 - b); the loss is cross-entropy over the labelled, lambda_u times the squared
 * error over the unlabelled, and KL(1/C || mean p).
 *
 * The authors draw as many unlabelled as labelled images for each step, in two augmentations, and train one network after the other; here a
 * step is one batch of all images, in one, for both networks.
 */
export const divideMix = defineMethod({
  name: 'dividemix',
  title: 'DivideMix',
  cite: 'Li et al., DivideMix: Learning with Noisy Labels as Semi-supervised Learning, ICLR 2020',
  about:
    "Two networks, warmed up by cross-entropy; then two normal distributions are fitted to the losses of each, and its peer takes as labelled what is right with a probability w above tau: targets `w y + (1 - w) p`, else the mean of both networks' p, sharpened by T, all mixed by `lambda = max(b, 1 - b)`. The loss is `CE (labelled) + lambda_u squared error (unlabelled) + KL(1/C || mean p)`. *Differs:* the authors draw as many unlabelled as labelled images, in two augmentations, train one network after the other, and penalise confidence in the warm-up under asymmetric noise; here a step is one batch in one augmentation for both. They predict together.",
  networks: 2,
  settings: fields({
    tau: number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
      .default(0.5)
      .describe('posterior of a right label above which an image counts as labelled'),
    temperature: positive()
      .default(0.5)
      .meta({ title: 'T (sharpening)' })
      .describe('predictions are raised to 1/T'),
    alpha: positive().default(4).describe('lambda is drawn from Beta(alpha, alpha)'),
    lambdaU: number('a number from 0', (v) => v >= 0)
      .default(25)
      .meta({ title: 'lambda_u (weight of the unlabelled)' })
      .describe('weight of the unlabelled images’ loss; the paper takes 0 at 20 %, 25 at 50 and 80 %'),
    warmUp: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.1)
      .meta({ title: 'warm-up (share of the epochs)' })
      .describe('share of the epochs that are trained by cross-entropy'),
    rampUp: number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
      .default(0.05)
      .meta({ title: 'ramp of lambda_u (share of the epochs)' })
      .describe(
        'share of the epochs, after the warm-up, over which lambda_u rises from 0: the paper’s 16 of 300',
      ),
  }),
  // Two networks; after the warm-up a prediction by each in each step, and a pass by each over the training set after each epoch.
  cost: ({ warmUp }) => 2 + (1 - warmUp) * 4 * FORWARD,
  recipe({ tau, temperature, alpha, lambdaU, warmUp, rampUp }, { classes, epochs, stepsPerEpoch }) {
    const first = Math.max(1, Math.round(warmUp * epochs));
    const plain = (logits: tf.Tensor2D[], { targets }: Batch): Losses => ({
      losses: logits.map((some) => crossEntropy(some, targets)),
    });
    const posterior = () => ({
      shape: [],
      dtype: 'float32' as const,
      init: (_next: unknown, labels: Uint8Array) => new Float32Array(labels.length).fill(1),
    });
    return {
      inputs: { lambda: { shape: [], dtype: 'float32' }, weight: { shape: [], dtype: 'float32' } },
      draws(stream, epoch) {
        const next = stream('mixup');
        return (step) => {
          const lambda = beta(next, alpha);
          const since = epoch - first - 1 + step / stepsPerEpoch;
          const ramp = Math.max(0, Math.min(1, since / (rampUp * epochs)));
          return {
            lambda: Float32Array.of(Math.max(lambda, 1 - lambda)),
            weight: Float32Array.of(lambdaU * ramp),
          };
        };
      },
      // By each network's own losses: its peer goes by them.
      examples: { right0: posterior(), right1: posterior() },
      transform(batch, step) {
        const lambda = step.inputs.lambda as tf.Scalar;
        const probabilities = step.predict(batch.images).map((logits) => tf.softmax(logits));
        const guess = sharpened(tf.div(tf.add(probabilities[0]!, probabilities[1]!), 2), temperature);
        const targets = probabilities.map((own, k) => {
          const right = tf.expandDims(batch.examples[`right${1 - k}`]!, 1);
          const refined = tf.add(tf.mul(batch.targets, right), tf.mul(own, tf.sub(1, right)));
          return tf.where(tf.greater(right, tau), sharpened(refined as tf.Tensor2D, temperature), guess);
        });
        return {
          ...batch,
          images: mixed(batch.images, lambda),
          examples: {
            ...batch.examples,
            targets0: mixed(targets[0]!, lambda),
            targets1: mixed(targets[1]!, lambda),
          },
        };
      },
      loss: (logits, batch, step) => ({
        losses: logits.map((some, k) =>
          matchLoss(
            some,
            batch.examples[`targets${k}`] as tf.Tensor2D,
            batch.examples[`right${1 - k}`]!,
            tau,
            step,
          ),
        ),
      }),
      phases: { 'warm-up': { transform: (batch) => batch, loss: plain } },
      phaseAt: ({ epoch }) => (epoch <= first ? 'warm-up' : undefined),
      afterEpoch({ epoch, labels, logProbabilities, write, note }) {
        if (epoch < first) return undefined;
        for (const k of [0, 1]) {
          const losses = lossesOfLabels(logProbabilities(k), labels, classes);
          const mixture = gaussianMixture(losses);
          if (!mixture)
            note(
              `after epoch ${epoch} the losses of network ${k + 1} did not separate: all labels are taken as right`,
            );
          write(
            `right${k}`,
            losses.map((loss) => (mixture ? 1 - mixture.posterior(loss) : 1)),
          );
        }
        return undefined;
      },
    };
  },
});

/** p^(1/T), to a sum of 1. */
export function sharpened(p: tf.Tensor2D, temperature: number): tf.Tensor2D {
  const powers = tf.exp(tf.div(tf.log(tf.add(p, TINY)), temperature));
  return tf.div(powers, tf.sum(powers, 1, true));
}

/** MixMatch's loss of each example, scaled so that the mean over the batch is that over labelled and over unlabelled ones. */
function matchLoss(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  right: tf.Tensor,
  tau: number,
  { classes, inputs }: Step,
): tf.Tensor1D {
  const labelled = tf.cast(tf.greater(right, tau), 'float32');
  const unlabelled = tf.sub(1, labelled);
  const size = logits.shape[0];
  const scaled = (mask: tf.Tensor) => tf.mul(mask, tf.div(size, tf.maximum(1, tf.sum(mask))));
  const p = tf.softmax(logits);
  const error = tf.mean(tf.square(tf.sub(p, targets)), 1);
  const mean = tf.mean(p, 0);
  const divergence = tf.sum(tf.mul(tf.log(tf.div(1 / classes, tf.add(mean, TINY))), 1 / classes));
  const supervised = tf.mul(crossEntropy(logits, targets), scaled(labelled));
  const unsupervised = tf.mul(tf.mul(error, scaled(unlabelled)), inputs.weight!);
  return tf.add(tf.add(supervised, unsupervised), divergence) as tf.Tensor1D;
}
