// MentorNet with a predefined curriculum (Jiang et al., 2018), and MentorMix on it (Jiang et al., 2020).
import { tf } from '../engine/tensorflow.js';
import { beta } from '../io/random.js';
import { fields, number, positive, value } from '../spec/fields.js';
import { crossEntropy, withoutGradient } from './gradient.js';
import { type Batch, defineMethod, FORWARD, type Recipe, type Step } from './method.js';

const percentile = number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
  .default(0.7)
  .meta({ title: 'p (percentile of the losses)' })
  .describe('share of a batch whose losses are below the threshold');

const decay = number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
  .default(0.5)
  .meta({ title: 'decay of the moving percentile' })
  .describe('share of the old threshold that is kept at each step');

const burnIn = number('a number from 0 up to 1', (v) => v >= 0 && v < 1)
  .meta({ title: 'burn-in (share of the epochs)' })
  .describe('share of the epochs in which every example has the weight 1');

/**
 * Self-paced: v = 1 where the loss is at most the moving average of the batches' p-percentile, else 0. That is the predefined curriculum
 * which needs no trained MentorNet; the authors' network smooths it.
 */
export const mentorNet = defineMethod({
  name: 'mentornet',
  title: 'MentorNet (predefined)',
  cite: 'Jiang et al., MentorNet: Learning Data-Driven Curriculum for Very Deep Neural Networks on Corrupted Labels, ICML 2018',
  about:
    "`v CE`, v = 1 where the loss is at most the moving average of the batches' p-percentile, else 0; all 1 during the burn-in. *Differs:* Table 4's numbers are of a trained MentorNet; this is the predefined, self-paced curriculum that the authors' network imitates.",
  settings: fields({ percentile, decay, burnIn: burnIn.default(0.18) }),
  cost: () => 1,
  recipe({ percentile, decay, burnIn }, { epochs }) {
    const learned = (isBurnIn: boolean): NonNullable<Recipe['loss']> => {
      return (logits, { targets }, { state }) => {
        const losses = crossEntropy(logits[0]!, targets);
        const threshold = movingPercentile(losses, state.threshold!, percentile, decay);
        const weighted = isBurnIn ? losses : tf.mul(losses, selfPaced(losses, threshold));
        return { losses: [weighted as tf.Tensor1D], state: { threshold } };
      };
    };
    return {
      state: { threshold: { shape: [], dtype: 'float32' } },
      loss: learned(false),
      phases: { 'burn-in': { loss: learned(true) } },
      phaseAt: ({ epoch }) => (epoch <= Math.round(burnIn * epochs) ? 'burn-in' : undefined),
    };
  },
});

/**
 * Every image is mixed with one drawn by softmax(v): lambda = max(b, 1 - b) where v >= 0.5, else 1 less that; b from Beta(alpha, alpha) for each
 * image. With `secondReweight` the mixed examples are weighted again, by a threshold of their own.
 */
export const mentorMix = defineMethod({
  name: 'mentormix',
  title: 'MentorMix',
  cite: 'Jiang et al., Beyond Synthetic Noise: Deep Learning on Controlled Noisy Labels, ICML 2020',
  about:
    "MentorNet's weights v from the loss of the unmixed images, then Mixup with a partner j drawn by `softmax(v)` and `lambda = max(b, 1 - b)` if v >= 0.5, else 1 less that, b from Beta(alpha, alpha) for each image; with `secondReweight` the mixed losses are weighted again. Published are alpha 2, 8, 8 and 4 and a percentile of 0.8, 0.6, 0.6 and 0.2 at 20, 40, 60 and 80 % noise, and the second weighting from 60 % on. *Differs:* v comes from the threshold, not from a trained network; no moving average of the weights; the L2 penalty stays as it is.",
  settings: fields({
    alpha: positive().default(8).describe('lambda is drawn from Beta(alpha, alpha)'),
    percentile,
    decay,
    burnIn: burnIn.default(0.1),
    secondReweight: value<boolean>('true or false', (v) => typeof v === 'boolean', { type: 'boolean' })
      .default(true)
      .meta({ title: 'second weighting' })
      .describe('whether mixed examples are weighted again'),
  }),
  cost: () => 1 + FORWARD,
  recipe({ alpha, percentile, decay, burnIn, secondReweight }, { batchSize, epochs }) {
    const loss =
      (isBurnIn: boolean): NonNullable<Recipe['loss']> =>
      (logits, { targets, examples }, { state }) => {
        const losses = crossEntropy(logits[0]!, targets);
        const mixedThreshold = movingPercentile(losses, state.mixedThreshold!, percentile, decay);
        const isWeighted = secondReweight && !isBurnIn;
        return {
          losses: [isWeighted ? tf.mul(losses, selfPaced(losses, mixedThreshold)) : losses],
          // Every row is the same: the threshold after the first weighting.
          state: { threshold: tf.mean(examples.threshold!), mixedThreshold },
        };
      };
    const transform =
      (isBurnIn: boolean) =>
      (batch: Batch, step: Step): Batch => {
        const losses = crossEntropy(step.predict(batch.images)[0]!, batch.targets);
        const threshold = movingPercentile(losses, step.state.threshold!, percentile, decay);
        const v = isBurnIn ? tf.onesLike(losses) : selfPaced(losses, threshold);
        const mixed = mentorMixed(batch, v, step.inputs.lambda!, step.inputs.place!);
        return {
          ...mixed,
          examples: { ...batch.examples, threshold: tf.fill([batchSize], 1).mul(threshold) },
        };
      };
    return {
      inputs: {
        lambda: { shape: [batchSize], dtype: 'float32' },
        place: { shape: [batchSize], dtype: 'float32' },
      },
      draws(stream) {
        const [lambdas, places] = [stream('mentormix'), stream('mentormix partner')];
        return () => ({
          lambda: Float32Array.from({ length: batchSize }, () => beta(lambdas, alpha)),
          place: Float32Array.from({ length: batchSize }, places),
        });
      },
      state: {
        threshold: { shape: [], dtype: 'float32' },
        mixedThreshold: { shape: [], dtype: 'float32' },
      },
      transform: transform(false),
      loss: loss(false),
      phases: { 'burn-in': { transform: transform(true), loss: loss(true) } },
      phaseAt: ({ epoch }) => (epoch <= Math.round(burnIn * epochs) ? 'burn-in' : undefined),
    };
  },
});

/** decay * old + (1 - decay) * the percentile of the losses, which is the nearest of them. */
export function movingPercentile(
  losses: tf.Tensor1D,
  old: tf.Tensor,
  share: number,
  decay: number,
): tf.Tensor {
  return withoutGradient(
    (values, before) => {
      const examples = losses.shape[0];
      const { values: descending } = tf.topk(values!, examples);
      const found = tf
        .slice(descending, [examples - 1 - Math.round(share * (examples - 1))], [1])
        .reshape([]);
      return tf.add(tf.mul(before!, decay), tf.mul(found, 1 - decay));
    },
    losses,
    old,
  );
}

/** 1 where the loss is at most the threshold, else 0. */
function selfPaced(losses: tf.Tensor1D, threshold: tf.Tensor): tf.Tensor1D {
  return withoutGradient(
    (values, limit) => tf.cast(tf.lessEqual(values!, limit!), 'float32') as tf.Tensor1D,
    losses,
    threshold,
  );
}

/**
 * Every image of the batch, and its label, with a partner.
 *
 * @param v weights of the images
 * @param lambdas draws from Beta(alpha, alpha), [batch]
 * @param places uniform draws that choose the partners, [batch]
 */
export function mentorMixed(batch: Batch, v: tf.Tensor1D, lambdas: tf.Tensor, places: tf.Tensor): Batch {
  const examples = v.shape[0];
  const bounds = tf.cumsum(tf.softmax(v));
  // How many bounds a draw is past: the partner's place.
  const past = tf.greater(tf.reshape(places, [examples, 1]), tf.reshape(bounds, [1, examples]));
  const partner = tf.minimum(tf.sum(tf.cast(past, 'int32'), 1), tf.scalar(examples - 1, 'int32'));
  const larger = tf.maximum(lambdas, tf.sub(1, lambdas));
  const share = tf.where(tf.greaterEqual(v, 0.5), larger, tf.sub(1, larger));
  const blend = <T extends tf.Tensor>(x: T): T => {
    const own = tf.reshape(share, [examples, ...x.shape.slice(1).map(() => 1)]);
    return tf.add(tf.mul(x, own), tf.mul(tf.gather(x, partner as tf.Tensor1D), tf.sub(1, own)));
  };
  return { ...batch, images: blend(batch.images), targets: blend(batch.targets) };
}
