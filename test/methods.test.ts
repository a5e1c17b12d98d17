// The methods' mathematics: gradients against finite differences, SAM, clipping and mixup against their formulas.
import { expect } from 'chai';
import { tf } from '../src/engine/tensorflow.js';
import { normal, stream } from '../src/io/random.js';
import { clippingFactor, crossEntropy, meanOf, stopGradient } from '../src/methods/gradient.js';
import { combined, type Objective } from '../src/methods/method.js';
import { drawLambda, mixed, mixup } from '../src/methods/mixup.js';
import { ascend, sam, samGradient } from '../src/methods/sam.js';
import { buildNetwork } from '../src/models/catalogue.js';
import { initialise } from '../src/models/initialise.js';
import { trainingObjective } from '../src/training/training_program.js';
import { FORM, relativeDistance, TINY, TINY_DIMS } from './support/programs.js';

const network = buildNetwork(TINY.model, FORM);

function objectiveOf(images: tf.Tensor4D, targets: tf.Tensor2D, weightDecay: number): Objective {
  const losses = (logits: tf.Tensor2D[]) => ({ losses: [crossEntropy(logits[0]!, targets)] });
  return trainingObjective(network, { images }, losses, weightDecay);
}

/** The training objective of six random images. */
function objectiveOfRandomBatch(): Objective {
  const next = stream(1, 'images');
  const images = tf.tensor4d(
    Float32Array.from({ length: 6 * 3072 }, () => normal(next)),
    [6, 32, 32, 3],
  );
  const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 3, 4, 5], 'int32'), 10).toFloat() as tf.Tensor2D;
  return objectiveOf(images, targets, 0.01);
}

/** f(w) = |w|^2 / 2 + shift.w, whose gradient is w + shift; statistics are the weights it was called at. */
const bowl =
  (shift: number): Objective =>
  ([weights]) => ({
    loss: tf.add(tf.mul(tf.sum(tf.square(weights!)), 0.5), tf.mul(tf.sum(weights!), shift)),
    gradients: [tf.add(weights!, shift)],
    statistics: [weights!.clone()],
    logits: [],
    state: {},
    examples: {},
  });

describe('gradients', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('of the training objective equal finite differences along random directions', () => {
    const objective = objectiveOfRandomBatch();
    const start = initialise(network.parameters, 1);
    const gradient = objective([tf.tensor1d(start)]).gradients[0]!.dataSync();
    const next = stream(2, 'directions');
    const lossAlong = (direction: Float32Array, distance: number) =>
      objective([tf.tensor1d(start.map((w, i) => w + distance * direction[i]!))]).loss.dataSync()[0]!;
    for (let trial = 0; trial < 2; trial++) {
      // Half along the gradient, so that the slope is well above float32's rounding.
      const noise = start.map(() => normal(next));
      const share = (0.3 * norm(gradient)) / norm(noise);
      const direction = gradient.map((g, i) => g + share * noise[i]!) as Float32Array;
      const length = norm(direction);
      const unit = direction.map((d) => d / length);
      const step = 2e-3;
      const numeric = (lossAlong(unit, step) - lossAlong(unit, -step)) / (2 * step);
      const analytic = unit.reduce((sum, d, i) => sum + d * gradient[i]!, 0);
      expect(numeric / analytic).to.be.closeTo(1, 0.02);
    }
  });

  it('carry the L2 penalty of all parameters in loss and gradient', () => {
    const next = stream(1, 'images');
    const images = tf.tensor4d(
      Float32Array.from({ length: 4 * 3072 }, () => normal(next)),
      [4, 32, 32, 3],
    );
    const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 3], 'int32'), 10).toFloat() as tf.Tensor2D;
    const weights = tf.tensor1d(initialise(network.parameters, 1));
    const without = objectiveOf(images, targets, 0)([weights]);
    const penalised = objectiveOf(images, targets, 0.1)([weights]);
    const squares = tf.sum(tf.square(weights)).dataSync()[0]!;
    expect(penalised.loss.dataSync()[0]! - without.loss.dataSync()[0]!).to.be.closeTo(
      0.05 * squares,
      1e-3 * squares,
    );
    const expected = tf.add(without.gradients[0]!, tf.mul(weights, 0.1)).dataSync();
    expect(relativeDistance(penalised.gradients[0]!.dataSync(), expected)).to.be.below(1e-5);
  });

  it('ascend by rho along the normalised gradient, all weights together', () => {
    const moved = ascend(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]), tf.scalar(0.5)).dataSync();
    expect(moved[0]).to.be.closeTo(1 + 0.5 * (3 / 5), 1e-6);
    expect(moved[1]).to.be.closeTo(2 + 0.5 * (4 / 5), 1e-6);
  });

  it('stay put, not NaN, where the gradient is zero', () => {
    const moved = ascend(tf.tensor1d([1, 2]), tf.tensor1d([0, 0]), tf.scalar(0.5));
    expect([...moved.dataSync()]).to.deep.equal([1, 2]);
    expect([...clippingFactor(tf.tensor1d([0, 0]), 5).dataSync()]).to.deep.equal([1]);
  });

  it('of SAM are those at the perturbed weights, with loss and statistics of the first pass', () => {
    const weights = tf.tensor1d([3, 4]);
    const pass = samGradient(bowl(0), [weights], tf.scalar(1));
    const {
      loss,
      gradients: [gradient],
      statistics: [statistics],
    } = pass;
    expect(loss.dataSync()[0]).to.be.closeTo(12.5, 1e-5);
    expect(gradient!.dataSync()[0]).to.be.closeTo(3.6, 1e-5);
    expect(gradient!.dataSync()[1]).to.be.closeTo(4.8, 1e-5);
    expect([...statistics!.dataSync()]).to.deep.equal([3, 4]);
  });

  it('of grouped SAM average what every group finds at its own perturbed weights', () => {
    const weights = tf.tensor1d([3, 4]);
    const rho = tf.scalar(1);
    const grouped = meanOf([bowl(0), bowl(1)].map((objective) => samGradient(objective, [weights], rho)));
    const alone = [bowl(0), bowl(1)].map((objective) =>
      samGradient(objective, [weights], rho).gradients[0]!.dataSync(),
    );
    for (const i of [0, 1])
      expect(grouped.gradients[0]!.dataSync()[i]).to.be.closeTo((alone[0]![i]! + alone[1]![i]!) / 2, 1e-5);
  });

  it('are clipped to the global norm, and untouched below it or without a limit', () => {
    expect([...clippingFactor(tf.tensor1d([6, 8]), 5).dataSync()]).to.deep.equal([0.5]);
    expect([...clippingFactor(tf.tensor1d([3, 4]), 6).dataSync()]).to.deep.equal([1]);
    expect([...clippingFactor(tf.tensor1d([60, 80]), 0).dataSync()]).to.deep.equal([1]);
  });
});

describe('building blocks', () => {
  it('stop a gradient', () => {
    const slope = tf.grad((x) => tf.sum(tf.mul(x, stopGradient(x))));
    expect([...slope(tf.tensor1d([2, 3])).dataSync()]).to.deep.equal([2, 3]);
  });

  it('put two recipes together: both draw, both transform, the second has the gradient', () => {
    const both = combined(mixup.recipe({ alpha: 1 }, TINY_DIMS), sam.recipe({ rho: 0.1, m: 0 }, TINY_DIMS));
    const drawn = both.draws!((name) => stream(1, name), 1)(0);
    expect(Object.keys(both.inputs!)).to.deep.equal(['lambda', 'rho']);
    expect(drawn.rho![0]).to.be.closeTo(0.1, 1e-7);
    expect(drawn.lambda![0]).to.be.within(0.5, 1);
    expect(both.transform).to.be.a('function');
    expect(both.gradient).to.be.a('function');
    expect(both.sharedBy).to.deep.equal(['mixup', { sam: 0 }]);
  });
});

describe('mixup', () => {
  it('blends images and targets with the reversed batch', () => {
    tf.tidy(() => {
      const targets = tf.tensor2d([
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ]);
      const blended = mixed(targets, tf.scalar(0.75)).arraySync();
      expect(blended).to.deep.equal([
        [0.75, 0, 0.25],
        [0, 1, 0],
        [0.25, 0, 0.75],
      ]);
    });
  });

  it('draws lambda from the upper half of Beta(alpha, alpha): nearer one for small alpha, one half for large', () => {
    const mean = (alpha: number) => {
      const next = stream(1, 'mixup', alpha);
      const draws = Array.from({ length: 4000 }, () => drawLambda(next, alpha));
      expect(draws.every((lambda) => lambda >= 0.5 && lambda <= 1)).to.equal(true);
      return draws.reduce((a, b) => a + b) / draws.length;
    };
    expect(mean(1)).to.be.closeTo(0.75, 0.01);
    expect(mean(32)).to.be.closeTo(0.5 + Math.sqrt(1 / (4 * 65)) * Math.sqrt(2 / Math.PI), 0.005);
    expect(mean(0.1)).to.be.above(0.9);
  });
});

function norm(values: Iterable<number>): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
