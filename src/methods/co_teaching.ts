// Co-teaching (Han et al., 2018): two networks, each of which learns the examples of a batch that the other finds easiest.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { crossEntropy, ranks, withoutGradient } from './gradient.js';
import { defineMethod, type EpochView, FORWARD, type Losses } from './method.js';
import { checkRate, estimatedRate, lossesOfLabels, rateSetting, rateState } from './noise_rate.js';

/**
 * Each network learns the mean of the peer's smallest (1 - R) losses of the batch. R rises from 0 to the rate in a line over the first
 * `ramp` of the epochs: the paper's 10 of 200. With an estimated rate nothing is left out before the end of the ramp, where it is estimated.
 */
export const coTeaching = defineMethod({
  name: 'co-teaching',
  title: 'Co-teaching',
  cite: 'Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels, NeurIPS 2018',
  about:
    "Two networks; each learns the mean of the `(1 - R) n` examples of the batch whose losses are smallest for its peer, R rising to the noise rate over `ramp` (the paper's 10 of 200 epochs). *Differs:* the authors' code divides that mean by the count once more and reports its networks one by one; here they predict together, by the mean of their probabilities.",
  networks: 2,
  settings: fields({
    rate: rateSetting('at the end of the ramp'),
    ramp: number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
      .default(0.05)
      .meta({ title: 'ramp (share of the epochs)' })
      .describe('share of the epochs over which the share left out rises to the noise rate'),
  }),
  cost: ({ rate }, { epochs }) => 2 + (rate === 'estimated' ? (2 * FORWARD) / epochs : 0),
  check: checkRate,
  recipe: ({ rate, ramp }, { epochs }) => {
    const rising = Math.max(1, Math.round(ramp * epochs));
    return {
      inputs: { ramp: { shape: [], dtype: 'float32' } },
      draws: (_stream, epoch) => () => ({
        ramp: Float32Array.of(rate === 'estimated' ? 1 : Math.min(1, (epoch - 1) / rising)),
      }),
      state: { rate: rateState(rate) },
      loss: (logits, { targets }, { inputs, state }) =>
        peersLosses(logits, targets, tf.mul(state.rate!, inputs.ramp!)),
      ...(rate === 'estimated' && {
        afterEpoch(view: EpochView) {
          if (view.epoch === rising) writeEstimate(view);
          return undefined;
        },
      }),
    };
  },
});

/** Each network's losses of the examples that are easiest for the other, scaled so that their mean over the batch is that over these. */
export function peersLosses(logits: tf.Tensor2D[], targets: tf.Tensor2D, forgotten: tf.Tensor): Losses {
  const losses = logits.map((some) => crossEntropy(some, targets));
  const examples = targets.shape[0];
  const chosen = losses.map((own) =>
    withoutGradient(
      (values, share) => {
        // A share of 0.1 + 0.2 is not to cost an example more than one of 0.3.
        const kept = tf.maximum(1, tf.floor(tf.add(tf.mul(tf.sub(1, share!), examples), 1e-3)));
        const isKept = tf.less(ranks(values as tf.Tensor1D), kept);
        return tf.mul(tf.cast(isKept, 'float32'), tf.div(examples, kept)) as tf.Tensor1D;
      },
      own,
      forgotten,
    ),
  );
  return { losses: losses.map((own, k) => tf.mul(own, chosen[1 - k]!)) };
}

/** Estimates the rate from the mean of both networks' losses, and notes what came of it. */
function writeEstimate({ labels, classes, logProbabilities, write, note, epoch }: EpochView): void {
  const [first, second] = [0, 1].map((k) => lossesOfLabels(logProbabilities(k), labels, classes)) as [
    Float32Array,
    Float32Array,
  ];
  const found = estimatedRate(first.map((loss, i) => (loss + second[i]!) / 2));
  if (found !== undefined) write('rate', Float32Array.of(found));
  note(
    found === undefined
      ? `after epoch ${epoch} the losses did not separate: no noise rate was estimated, and nothing is left out`
      : `noise rate estimated after epoch ${epoch}: ${found.toFixed(4)}`,
  );
}
