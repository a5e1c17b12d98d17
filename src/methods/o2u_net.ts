// O2U-Net (Huang et al., 2019): images whose loss stays high while the learning rate goes up and down are dropped.
import { fields, number, wholeNumber } from '../spec/fields.js';
import { EPOCHS } from '../spec/limits.js';
import { crossEntropy, stopGradient } from './gradient.js';
import { cosineRate, defineMethod } from './method.js';
import { checkRate, estimatedRate, lossesOfLabels, rateSetting, rateState } from './noise_rate.js';

/** At the least so many images are trained on in the end. */
const LEAST_BATCHES = 2;

/**
 * Three stages in one run. `first` of the epochs are trained plainly; in `cyclic` of them the learning rate falls in a line from `high` to
 * `low` again and again, and each image's losses less the epoch's mean are summed; then as many images as are mislabelled are dropped, those of the largest
 * sums, and a network is trained from new weights on the rest. The paper gives each stage a training of its own.
 */
export const o2uNet = defineMethod({
  name: 'o2u-net',
  title: 'O2U-Net',
  cite: 'Huang et al., O2U-Net: A Simple Noisy Label Detection Approach for Deep Neural Networks, ICCV 2019',
  about:
    "A plain stage; a cyclic stage, in which the learning rate falls from `high` to `low` times the suite's again and again while each image collects `loss - mean loss of the epoch`; then the images with the largest sums, as many as are mislabelled, are dropped and new weights are trained on the rest. *Differs:* the paper gives each stage a training of its own; here they share the run's epochs. In their code the cyclic stage has batches of 16, and the last stage goes on from the first one's weights.",
  settings: fields({
    rate: rateSetting('after the first stage'),
    first: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.2)
      .meta({ title: 'first stage (share of the epochs)' })
      .describe('share of the epochs of the first, plain training'),
    cyclic: number('a number above 0 and below 1', (v) => v > 0 && v < 1)
      .default(0.35)
      .meta({ title: 'cyclic stage (share of the epochs)' })
      .describe('share of the epochs in which the learning rate goes up and down'),
    period: wholeNumber(1, EPOCHS)
      .default(10)
      .meta({ title: 'period of a cycle (epochs)' })
      .describe('epochs of a cycle; at most those of the stage'),
    high: number('a number above 0', (v) => v > 0)
      .default(0.1)
      .meta({ title: 'rate at the top of a cycle (share of the learning rate)' })
      .describe("learning rate at the top of a cycle, as a share of the suite's"),
    low: number('a number above 0', (v) => v > 0)
      .default(0.01)
      .meta({ title: 'rate at the bottom of a cycle (share of the learning rate)' })
      .describe("learning rate at the bottom of a cycle, as a share of the suite's"),
  }),
  cost: () => 1,
  check: ({ rate, first, cyclic }, of) =>
    first + cyclic < 1
      ? checkRate({ rate }, of)
      : {
          setting: 'cyclic',
          allowed: `a number below ${Number((1 - first).toFixed(6))}, what the first stage leaves: the last stage needs epochs too`,
        },
  recipe({ rate, first, cyclic, period, high, low }, { epochs, stepsPerEpoch, batchSize }) {
    const begin = Math.max(1, Math.round(first * epochs));
    const end = Math.max(begin + 1, Math.round((first + cyclic) * epochs));
    const cycle = Math.min(period, end - begin);
    return {
      state: { rate: rateState(rate) },
      examples: { loss: { shape: [], dtype: 'float32' }, sum: { shape: [], dtype: 'float32' } },
      loss(logits, { targets }) {
        const losses = crossEntropy(logits[0]!, targets);
        return { losses: [losses], examples: { loss: stopGradient(losses) } };
      },
      learningRate({ step, steps, epoch, base }) {
        if (epoch <= begin) return base;
        if (epoch > end) return cosineRate(base, step - end * stepsPerEpoch, steps - end * stepsPerEpoch);
        const t = (((epoch - begin - 1) % cycle) + 1) / cycle;
        return base * ((1 - t) * high + t * low);
      },
      afterEpoch({ epoch, labels, classes, read, write, logProbabilities, note }) {
        if (epoch === begin && rate === 'estimated') {
          const found = estimatedRate(lossesOfLabels(logProbabilities(), labels, classes));
          if (found !== undefined) write('rate', Float32Array.of(found));
          note(
            found === undefined
              ? `after epoch ${epoch} the losses did not separate: no noise rate was estimated, and nothing is dropped`
              : `noise rate estimated after epoch ${epoch}: ${found.toFixed(4)}`,
          );
        }
        if (epoch <= begin || epoch > end) return undefined;
        const losses = read('loss') as Float32Array;
        const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        const sums = (read('sum') as Float32Array).map((sum, i) => sum + losses[i]! - mean);
        write('sum', sums);
        if (epoch < end) return undefined;
        const kept = Math.max(LEAST_BATCHES * batchSize, Math.round((1 - read('rate')[0]!) * sums.length));
        const order = Int32Array.from(sums.keys()).sort((i, j) => sums[i]! - sums[j]! || i - j);
        return { select: order.subarray(0, kept).sort(), restart: true };
      },
    };
  },
});
