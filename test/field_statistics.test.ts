// What the field's methods compute outside the graph, and the pieces of their steps, against NumPy (reference/mixtures.py) and by hand.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { tf } from '../src/engine/tensorflow.js';
import { normal, stream } from '../src/io/random.js';
import { adaptiveAscent } from '../src/methods/asam.js';
import { peersLosses } from '../src/methods/co_teaching.js';
import { factor, robustScatter } from '../src/methods/covariance.js';
import { sharpened } from '../src/methods/divide_mix.js';
import { truncatedGce } from '../src/methods/gce.js';
import { crossEntropy, ranks } from '../src/methods/gradient.js';
import { gapGradient } from '../src/methods/gsam.js';
import { lastLayerL2 } from '../src/methods/last_layer_l2.js';
import { mentorMixed, movingPercentile } from '../src/methods/mentornet.js';
import type { Batch, EpochView, ObjectiveOf, Step } from '../src/methods/method.js';
import { betaMixture, gaussianMixture, logGamma } from '../src/methods/mixtures.js';
import { o2uNet } from '../src/methods/o2u_net.js';
import { generativeClassifier } from '../src/methods/rog.js';
import { jacobianSam, logitSam } from '../src/methods/sam_terms.js';
import { damped } from '../src/methods/saner.js';
import { unnormalisedSam } from '../src/methods/unnormalised_sam.js';
import { quantile } from '../src/statistics/statistics.js';
import { relativeDistance, TINY_DIMS } from './support/programs.js';

interface Fixture {
  losses: number[];
  logGamma: Record<string, number>;
  beta: { alphas: number[]; betas: number[]; weights: number[]; table: number[] };
  gaussian: { means: number[]; variances: number[]; weights: number[]; posteriors: number[] };
}
const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/mixtures.json', import.meta.url), 'utf8'),
);
const losses = Float32Array.from(fixture.losses);

const near = (found: Iterable<number>, expected: number[], within = 1e-5) => {
  const all = [...found];
  expect(all.length).to.equal(expected.length);
  for (const [i, value] of expected.entries()) expect(all[i]).to.be.closeTo(value, within);
};

describe('mixtures of losses', () => {
  it('of two beta distributions are those of NumPy, and so is the table of their posterior', () => {
    for (const [x, value] of Object.entries(fixture.logGamma))
      expect(logGamma(Number(x))).to.be.closeTo(value, 1e-9);
    const found = betaMixture(losses)!;
    const { alphas, betas, weights, table } = fixture.beta;
    near([...found.alphas, ...found.betas, ...found.weights], [...alphas, ...betas, ...weights], 1e-4);
    near(found.table, table, 1e-4);
    expect(found.posterior(0.1)).to.be.below(0.05);
    expect(found.posterior(3)).to.be.above(0.95);
  });

  it('of two normals are those of NumPy', () => {
    const found = gaussianMixture(losses)!;
    const { means, variances, weights, posteriors } = fixture.gaussian;
    near([...found.means, ...found.variances, ...found.weights], [...means, ...variances, ...weights], 1e-5);
    near(
      Array.from(losses, (loss) => found.posterior(loss)),
      posteriors,
      1e-4,
    );
  });

  it('that do not separate are none', () => {
    expect(betaMixture(new Float32Array(100).fill(2.3))).to.equal(undefined);
    expect(gaussianMixture(new Float32Array(100).fill(2.3))).to.equal(undefined);
    const wide = Float32Array.from({ length: 100 }, (_, i) => (i === 0 ? Number.NaN : i));
    expect(gaussianMixture(wide)).to.equal(undefined);
  });

  it('take quantiles as NumPy does', () => {
    expect(quantile(Float32Array.of(1, 2, 4, 8), 0.5)).to.equal(3);
    expect(quantile(Float32Array.of(1, 2, 4, 8), 0.95)).to.be.closeTo(7.4, 1e-6);
  });
});

describe('minimum covariance determinant', () => {
  const next = stream(1, 'rows');
  // Seventy rows around (1, -2), thirty far away.
  const clean = Array.from({ length: 70 }, () => [1 + normal(next), -2 + 0.5 * normal(next)]);
  const far = Array.from({ length: 30 }, () => [12 + normal(next), 12 + normal(next)]);
  const rows = Float32Array.from([...clean, ...far].flat());

  it('leaves outliers out: it is the mean and covariance of the rows that are none', () => {
    const { mean, covariance } = robustScatter(rows, 2, 0.7, stream(1, 'mcd'));
    const means = [0, 1].map((a) => clean.reduce((sum, row) => sum + row[a]!, 0) / 70);
    near(mean, means);
    const of = (a: number, b: number) =>
      clean.reduce((sum, row) => sum + (row[a]! - means[a]!) * (row[b]! - means[b]!), 0) / 70;
    near(covariance, [of(0, 0), of(0, 1), of(1, 0), of(1, 1)]);
  });

  it('is told of features that are no numbers, instead of looking for ever', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => factor(Float64Array.of(1, 0, 0, value), 2)).to.throw('not finite');
  });

  it('makes a classifier that wrong labels do not move', () => {
    const place = stream(2, 'rows');
    const labels = new Uint8Array(200);
    const features = new Float32Array(400);
    const truth = labels.map((_, i) => i % 2);
    for (let i = 0; i < 200; i++) {
      features[2 * i] = (truth[i] ? 4 : -4) + normal(place);
      features[2 * i + 1] = normal(place);
      labels[i] = i % 10 < 3 ? 1 - truth[i]! : truth[i]!;
    }
    const notes: string[] = [];
    const view = {
      features,
      labels,
      classes: 3,
      stream: (name: string) => stream(1, name),
      note: (text: string) => notes.push(text),
    };
    const classify = generativeClassifier(view, 0.6);
    expect([...classify(features)]).to.deep.equal([...truth]);
    expect(notes).to.deep.equal(['1 classes have no image by their labels, and are never predicted']);
  });
});

describe('steps of the field', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('ASAM ascends by rho T^2 g / ||T g||', () => {
    // T = (3, 1), T g = (3, 4), T^2 g = (9, 4).
    const above = adaptiveAscent(tf.tensor1d([2, 0]), tf.tensor1d([1, 4]), tf.scalar(0.5), 1);
    near(above.dataSync(), [2.9, 0.4]);
  });

  it('GSAM climbs along the part of the gradient at right angles to SAM’s', () => {
    // g = (1, 2), g_p = (2, 0): at right angles is (0, 2).
    near(gapGradient(tf.tensor1d([2, 0]), tf.tensor1d([1, 2]), 0.4).dataSync(), [2, -0.8]);
  });

  it('SANER damps SAM’s gradient where it is smaller and has the same sign', () => {
    const found = damped(tf.tensor1d([1, -1, 3, 0, -1]), tf.tensor1d([2, 2, 2, 2, -3]), tf.scalar(0.5));
    near(found.dataSync(), [0.5, -1, 3, 0, -0.5]);
  });

  /** Logits w x of one example, x = (1, 2), and their cross-entropy or another loss, without weight decay. */
  const linear: ObjectiveOf =
    ({ targets }, loss) =>
    ([w]) => {
      const x = tf.tensor2d([[1, 2]]);
      const logitsOf = (v: tf.Tensor) => tf.matMul(x, tf.reshape(v, [2, 2])) as tf.Tensor2D;
      const lossOf = (v: tf.Tensor) => {
        const logits = logitsOf(v);
        return tf.mean(
          loss ? loss([logits], {} as Batch, {} as Step, []).losses[0]! : crossEntropy(logits, targets),
        );
      };
      const { value, grad } = tf.valueAndGrad(lossOf)(w!);
      return {
        loss: value as tf.Scalar,
        gradients: [grad as tf.Tensor1D],
        statistics: [],
        logits: [logitsOf(w!)],
        state: {},
        examples: {},
      };
    };
  const batch = { indices: tf.tensor1d([0], 'int32'), targets: tf.tensor2d([[1, 0]]) } as unknown as Batch;
  const start = [0.1, 0.3, -0.2, 0.4];
  const step = (rho: number) => ({ inputs: { rho: tf.scalar(rho) } }) as unknown as Step;
  const softmax = (w: number[]) => {
    const e = [w[0]! + 2 * w[2]!, w[1]! + 2 * w[3]!].map(Math.exp);
    return e.map((v) => v / (e[0]! + e[1]!));
  };
  const gradientAt = (w: number[]) => {
    const [a, b] = softmax(w) as [number, number];
    return [a - 1, b, 2 * (a - 1), 2 * b];
  };

  it('unnormalised SAM takes the gradient at w + rho g', () => {
    const g = gradientAt(start);
    const { gradient } = unnormalisedSam.recipe({ rho: 0.5, m: 0 }, TINY_DIMS);
    const found = gradient!(linear, batch, [tf.tensor1d(start)], step(0.5)).gradients[0]!.dataSync();
    near(found, gradientAt(start.map((w, i) => w + 0.5 * g[i]!)), 1e-6);
  });

  it('SAM’s terms: of a linear network the Jacobian term is SGD’s gradient, the logit term SAM’s', () => {
    const at = (method: typeof jacobianSam) =>
      method.recipe({ rho: 0.5, m: 0 }, TINY_DIMS).gradient!(
        linear,
        batch,
        [tf.tensor1d(start)],
        step(0.5),
      ).gradients[0]!.dataSync();
    const g = gradientAt(start);
    const norm = Math.hypot(...g);
    near(at(jacobianSam), g, 1e-6);
    near(at(logitSam), gradientAt(start.map((w, i) => w + (0.5 * g[i]!) / norm)), 1e-6);
  });

  it('the last layer’s penalty is of its input, example by example, and of its weights', () => {
    const last = { features: tf.tensor2d([[1, 2]]), weights: tf.tensor2d([[3], [4]]) };
    const recipe = lastLayerL2.recipe({ gammaFeatures: 0.1, gammaWeights: 0.01 }, TINY_DIMS);
    const one = { targets: tf.tensor2d([[1]]) } as unknown as Batch;
    const { losses: found } = recipe.loss!([tf.tensor2d([[7]])], one, {} as Step, [last]);
    near(found[0]!.dataSync(), [0.5 + 0.25]);
  });

  it('co-teaching learns what is easiest for the peer', () => {
    expect([...ranks(tf.tensor1d([3, 1, 1, 2])).dataSync()]).to.deep.equal([3, 0, 1, 2]);
    const targets = tf.tensor2d(Array.from({ length: 4 }, () => [1, 0]));
    const logits = [
      [0, 1, 2, 3],
      [3, 1, 2, 0],
    ].map((own) => tf.tensor2d(own.map((v) => [v, 0])));
    const ce = (v: number) => Math.log1p(Math.exp(-v));
    const { losses: found } = peersLosses(logits, targets, tf.scalar(0.5));
    // Of four examples two are kept: the second network finds the first and third easiest, the first the third and fourth.
    near(found[0]!.dataSync(), [2 * ce(0), 0, 2 * ce(2), 0]);
    near(found[1]!.dataSync(), [0, 0, 2 * ce(2), 2 * ce(0)]);
  });

  it('MentorNet’s threshold follows the percentile, and MentorMix mixes by the weights', () => {
    near(movingPercentile(tf.tensor1d([4, 1, 3, 2, 5]), tf.scalar(1), 0.75, 0.5).dataSync(), [2.5]);
    const pair = {
      images: tf.tensor4d([0, 10], [2, 1, 1, 1]),
      targets: tf.tensor2d([
        [1, 0],
        [0, 1],
      ]),
    } as unknown as Batch;
    // The first counts (v 1), the second does not; softmax(1, 0) is (0.73, 0.27): draws of 0.9 and 0.1 take the second and the first.
    const found = mentorMixed(pair, tf.tensor1d([1, 0]), tf.tensor1d([0.3, 0.3]), tf.tensor1d([0.9, 0.1]));
    near(found.images.dataSync(), [3, 3]);
    near(found.targets.dataSync(), [0.7, 0.3, 0.7, 0.3]);
  });

  it('DivideMix sharpens', () => {
    near(sharpened(tf.tensor2d([[0.6, 0.3, 0.1]]), 0.5).dataSync(), [36 / 46, 9 / 46, 1 / 46], 1e-6);
  });

  it('O2U-Net’s rate goes up and down, and what has the largest sums is dropped', () => {
    const dims = { ...TINY_DIMS, epochs: 20, trainImages: 20, batchSize: 4, stepsPerEpoch: 5 };
    const settings = o2uNet.settings.parse({ rate: 0.25, period: 3 });
    const recipe = o2uNet.recipe(settings, dims);
    const at = (epoch: number, step = 5 * (epoch - 1)) =>
      recipe.learningRate!({ step, steps: 100, epoch, epochs: 20, base: 1 });
    near([at(1), at(4)], [1, 1]);
    // 0.1 (1 - t) + 0.01 t, t = 1/3, 2/3, 1.
    near([at(5), at(6), at(7), at(8)], [0.07, 0.04, 0.01, 0.07]);
    near([at(12), at(16, 77.5)], [1, 0.5]);
    let sum = new Float32Array(20);
    const view = (epoch: number) =>
      ({
        epoch,
        read: (name: string) =>
          name === 'rate'
            ? Float32Array.of(0.25)
            : name === 'sum'
              ? sum
              : Float32Array.from({ length: 20 }, (_, i) => (i % 4 === 1 ? 3 : 1)),
        write: (_name: string, values: Float32Array) => {
          sum = values as Float32Array<ArrayBuffer>;
        },
      }) as unknown as EpochView;
    for (let epoch = 5; epoch < 11; epoch++) expect(recipe.afterEpoch!(view(epoch))).to.equal(undefined);
    const plan = recipe.afterEpoch!(view(11))!;
    expect([...plan.select!]).to.deep.equal([...sum.keys()].filter((i) => i % 4 !== 1));
    expect(plan.restart).to.equal(true);
    expect(relativeDistance([sum[0]!, sum[1]!], [-3.5, 10.5])).to.be.below(1e-6);
  });

  it('O2U-Net’s stages leave epochs for the last one', () => {
    const check = (first: number, cyclic: number) =>
      o2uNet.check!(o2uNet.settings.parse({ first, cyclic }), { batchSize: 4, isTruthKnown: true });
    expect(check(0.2, 0.35)).to.equal(undefined);
    expect(check(0.6, 0.4)).to.deep.equal({
      setting: 'cyclic',
      allowed: 'a number below 0.4, what the first stage leaves: the last stage needs epochs too',
    });
  });

  it('Truncated GCE tells what it keeps where no label is probable enough', () => {
    const recipe = truncatedGce.recipe(truncatedGce.settings.parse({}), { ...TINY_DIMS, epochs: 12 });
    const notes: string[] = [];
    let kept: ArrayLike<number> = [];
    const seen = (epoch: number, p: number[]) =>
      recipe.afterEpoch!({
        epoch,
        labels: Uint8Array.of(0, 0),
        classes: 2,
        logProbabilities: () => Float32Array.from(p, Math.log),
        write: (_: string, values: Float32Array) => {
          kept = values;
        },
        note: (text: string) => notes.push(text),
      } as unknown as EpochView);
    seen(4, [0.9, 0.1, 0.2, 0.8]);
    expect([...Array.from(kept)]).to.deep.equal([1, 0]);
    seen(5, [0.4, 0.6, 0.2, 0.8]);
    expect(notes).to.deep.equal([
      "after epoch 5 no example's label had a probability above 0.5; what was kept before stays",
    ]);
  });
});
