// Losses of the field's methods against their formulas in PyTorch and float64 (reference/losses.py).
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Tensors } from '../src/engine/program.js';
import { tf } from '../src/engine/tensorflow.js';
import { METHODS } from '../src/methods/catalogue.js';
import { estimatedTransition } from '../src/methods/forward_correction.js';
import type { Batch, Losses, Step } from '../src/methods/method.js';
import { relativeDistance, TINY_DIMS } from './support/programs.js';

interface Case {
  losses: number[];
  gradient: number[][];
  target?: number[][];
}
interface Fixture {
  logits: number[][];
  labels: number[];
  target: number[][];
  transition: number[][];
  kept: number[];
  cases: Record<string, Case>;
}
const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/losses.json', import.meta.url), 'utf8'),
);

describe('losses of the field', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  const examples: Record<string, string> = { 'truncated-gce': 'kept', elr: 'target', selc: 'target' };
  for (const [name, expected] of Object.entries(fixture.cases))
    it(`have the formula's values, gradients and state: ${name}`, () => {
      const method = METHODS.named(name);
      const recipe = method.recipe(method.settings.parse({}), TINY_DIMS);
      const row = examples[name];
      const rows: Tensors = row ? { [row]: tf.tensor(fixture[row as 'kept' | 'target']) } : {};
      const batch = {
        targets: tf.oneHot(tf.tensor1d(fixture.labels, 'int32'), 10).toFloat(),
        examples: rows,
      } as unknown as Batch;
      const step = {
        state: { transition: tf.tensor(fixture.transition) },
        inputs: {},
        classes: 10,
      } as unknown as Step;
      let given: Losses | undefined;
      const lossOf = (logits: tf.Tensor2D) => {
        given = recipe.loss!([logits], batch, step, []);
        return given.losses[0]!;
      };
      const logits = tf.tensor2d(fixture.logits);
      expect(relativeDistance(lossOf(logits).dataSync(), expected.losses)).to.be.below(1e-5);
      if (expected.target)
        expect(relativeDistance(given!.examples!.target!.dataSync(), expected.target.flat())).to.be.below(
          1e-6,
        );
      const gradient = tf
        .grad((z) => tf.mean(lossOf(z as tf.Tensor2D)))(logits)
        .dataSync();
      expect(relativeDistance(gradient, expected.gradient.flat())).to.be.below(1e-5);
    });

  it('estimate a transition from the surest image of each class, outliers left out', () => {
    const log = Float32Array.from([0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.4, 0.6].map(Math.log));
    const all = estimatedTransition(log, 2, 100);
    for (const [i, p] of [0.9, 0.1, 0.2, 0.8].entries()) expect(all[i]).to.be.closeTo(p, 1e-6);
    // Of four values the 70th percentile is between the third and the largest, which is left out.
    const robust = estimatedTransition(log, 2, 70);
    for (const [i, p] of [0.7, 0.3, 0.4, 0.6].entries()) expect(robust[i]).to.be.closeTo(p, 1e-6);
  });
});
