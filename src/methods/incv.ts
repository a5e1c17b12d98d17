// INCV (Chen et al., 2019): images whose label a network predicts that was trained on the other half are learned by co-teaching.
import { tf } from '../engine/tensorflow.js';
import { permutation } from '../io/random.js';
import { fields, number } from '../spec/fields.js';
import { rateOfAgreement } from '../statistics/label_errors.js';
import { peersLosses } from './co_teaching.js';
import { crossEntropy } from './gradient.js';
import { cosineRate, defineMethod, FORWARD, type Recipe } from './method.js';
import { checkRate, rateSetting, rateState } from './noise_rate.js';

/**
 * One iteration of the paper's cross-validation, for `crossValidation` of the epochs: the two networks learn a half each. Selected is an
 * image whose label the network of the other half predicts. (1 - e)^2 + e^2 / (C - 1) = share selected gives the noise rate e, and from it that among the
 * selected, e^2 / (C - 1) / share. Then two new networks learn the selected by co-teaching with that rate.
 */
export const incv = defineMethod({
  name: 'incv',
  title: 'INCV',
  cite: 'Chen et al., Understanding and Utilizing Deep Neural Networks Trained with Noisy Labels, ICML 2019',
  about:
    "Two networks learn a half of the images each; an image is selected if the other half's network predicts its label, and `(1 - e)^2 + e^2 / (C - 1) = share selected` gives the noise rate e. Two new networks learn the selected images by co-teaching at the rate `e^2 / (C - 1) / share`. *Differs:* one iteration of the paper's four, both halves at once, and images that are not selected are not come back to. They predict together.",
  networks: 2,
  settings: fields({
    rate: rateSetting()
      .default('estimated')
      .describe(
        'share of wrong labels: "estimated" from the agreement, as in the paper, "true", or a number',
      ),
    crossValidation: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.3)
      .meta({ title: 'cross-validation (share of the epochs)' })
      .describe('share of the epochs in which halves are learned'),
    ramp: number('a number above 0 and at most 1', (v) => v > 0 && v <= 1)
      .default(0.05)
      .meta({ title: 'ramp (share of the epochs)' })
      .describe(
        'share of the epochs over which the share left out of a batch rises to the noise rate of the selected',
      ),
  }),
  cost: (_settings, { epochs }) => 2 + (2 * FORWARD) / epochs,
  check: checkRate,
  recipe({ rate, crossValidation, ramp }, { epochs, stepsPerEpoch, trainImages, classes, batchSize }) {
    const end = Math.max(1, Math.round(crossValidation * epochs));
    const rising = Math.max(1, Math.round(ramp * epochs));
    const halves: NonNullable<Recipe['loss']> = (logits, { targets, examples }) => {
      const ofSecond = examples.half!;
      const masks = [tf.sub(1, ofSecond), ofSecond];
      const size = ofSecond.shape[0]!;
      return {
        losses: logits.map((some, k) => {
          const scale = tf.div(size, tf.maximum(1, tf.sum(masks[k]!)));
          return tf.mul(tf.mul(crossEntropy(some, targets), masks[k]!), scale) as tf.Tensor1D;
        }),
      };
    };
    return {
      inputs: { ramp: { shape: [], dtype: 'float32' } },
      draws: (_stream, epoch) => () => ({
        ramp: Float32Array.of(Math.max(0, Math.min(1, (epoch - end - 1) / rising))),
      }),
      state: { rate: rateState(rate) },
      examples: {
        half: {
          shape: [],
          dtype: 'float32',
          init(next) {
            const half = new Float32Array(trainImages);
            for (const i of permutation(next, trainImages).subarray(0, trainImages >> 1)) half[i] = 1;
            return half;
          },
        },
      },
      loss: (logits, { targets }, { inputs, state }) =>
        peersLosses(logits, targets, tf.mul(state.rate!, inputs.ramp!)),
      phases: { halves: { loss: halves } },
      phaseAt: ({ epoch }) => (epoch <= end ? 'halves' : undefined),
      learningRate: ({ step, steps, base }) => {
        const before = end * stepsPerEpoch;
        return step < before
          ? cosineRate(base, step, before)
          : cosineRate(base, step - before, steps - before);
      },
      afterEpoch({ epoch, labels, logProbabilities, read, write, note }) {
        if (epoch !== end) return undefined;
        const half = read('half');
        const log = [logProbabilities(0), logProbabilities(1)];
        const isPredicted = (i: number) => {
          const row = log[half[i] ? 0 : 1]!.subarray(i * classes, (i + 1) * classes);
          return row.indexOf(Math.max(...row)) === labels[i];
        };
        const selected = Int32Array.from(labels.keys()).filter(isPredicted);
        const agreement = selected.length / labels.length;
        const found = rate === 'estimated' ? rateOfAgreement(agreement, classes) : read('rate')[0]!;
        const left = Math.min(1, found ** 2 / (classes - 1) / agreement);
        if (rate === 'estimated') note(`noise rate estimated after epoch ${epoch}: ${found.toFixed(4)}`);
        if (selected.length < 2 * batchSize) {
          note(`only ${selected.length} images were selected after epoch ${epoch}: all are trained on`);
          write('rate', Float32Array.of(found));
          return { restart: true };
        }
        write('rate', Float32Array.of(left));
        return { select: selected, restart: true };
      },
    };
  },
});
