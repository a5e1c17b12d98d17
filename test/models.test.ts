// The networks: known parameter counts, output shapes, and the initialisation's spread.
import { expect } from 'chai';
import { tf } from '../src/engine/tensorflow.js';
import { buildNetwork } from '../src/models/catalogue.js';
import { initialise } from '../src/models/initialise.js';
import { unflatten, weightCount } from '../src/models/network.js';
import { trainingFlops } from '../src/perf/flops.js';
import type { Architecture } from '../src/spec/run_spec.js';
import { FORM } from './support/programs.js';

const wrn = (depth: number, width: number, shortcut: 'conv' | 'pool-pad'): Architecture => ({
  kind: 'wide-resnet',
  depth,
  width,
  shortcut,
});

describe('networks', () => {
  const counts: [string, Architecture, number][] = [
    ['WRN-16-4 with 1x1 shortcuts', wrn(16, 4, 'conv'), 2_748_890],
    ['WRN-28-10 with 1x1 shortcuts', wrn(28, 10, 'conv'), 36_479_194],
    ['WRN-40-2 with 1x1 shortcuts', wrn(40, 2, 'conv'), 2_243_546],
    [
      'WRN-16-4 with pooled shortcuts: less the three 1x1 convolutions',
      wrn(16, 4, 'pool-pad'),
      2_748_890 - 16 * 64 - 64 * 128 - 128 * 256,
    ],
    [
      'WRN-16-4 with a stem of stride 2: as many as with one of stride 1',
      { ...wrn(16, 4, 'conv'), stemStride: 2 } as Architecture,
      2_748_890,
    ],
    ['ResNet-32', { kind: 'resnet', depth: 32 }, 464_154],
  ];
  for (const [name, model, count] of counts)
    it(`${name} has ${count} parameters`, () => {
      expect(weightCount(buildNetwork(model, FORM).parameters)).to.equal(count);
    });

  const narrow = { ...wrn(10, 1, 'pool-pad'), stemStride: 2 } as Architecture;
  const resnet: Architecture = { kind: 'resnet', depth: 8 };
  for (const model of [wrn(10, 2, 'conv'), wrn(10, 2, 'pool-pad'), narrow, resnet])
    it(`${JSON.stringify(model)} maps images to logits, in training and in evaluation`, () => {
      const network = buildNetwork(model, FORM);
      tf.tidy(() => {
        const weights = {
          ...unflatten(tf.tensor1d(initialise(network.parameters, 1)), network.parameters),
          ...unflatten(tf.tensor1d(initialise(network.statistics, 1)), network.statistics),
        };
        const images = tf.ones([4, 32, 32, 3]) as tf.Tensor4D;
        const trained = network.forward(weights, images, true);
        expect(trained.logits.shape).to.deep.equal([4, 10]);
        expect(Object.keys(trained.statistics).sort()).to.deep.equal(Object.keys(network.statistics).sort());
        const evaluated = network.forward(weights, images, false);
        expect(evaluated.logits.shape).to.deep.equal([4, 10]);
        expect(evaluated.statistics).to.deep.equal({});
        expect(evaluated.logits.dataSync().every(Number.isFinite)).to.equal(true);
      });
    });

  it('see a quarter of the pixels behind a stem of stride 2', () => {
    // What a step costs beside that of the same network without it.
    expect(trainingFlops(narrow) / trainingFlops(wrn(10, 1, 'pool-pad'))).to.be.closeTo(0.25, 0.03);
  });

  it('start He-normal with fan-out, classifiers uniform in +-1/sqrt(classes), batch norm at one and zero', () => {
    const network = buildNetwork(wrn(10, 2, 'pool-pad'), FORM);
    const weights = new Map<string, ArrayLike<number> & Iterable<number>>();
    tf.tidy(() => {
      const named = unflatten(tf.tensor1d(initialise(network.parameters, 1)), network.parameters);
      for (const [name, tensor] of Object.entries(named)) weights.set(name, tensor.dataSync());
    });
    const conv = [...weights.get('group3/block1/conv2')!];
    const deviation = Math.sqrt(conv.reduce((sum, value) => sum + value * value, 0) / conv.length);
    expect(deviation).to.be.closeTo(Math.sqrt(2 / (9 * 128)), 0.0005);
    const dense = weights.get('classifier/weights')!;
    expect(Math.max(...dense)).to.be.within(0.28, 1 / Math.sqrt(10));
    expect([...weights.get('last/scale')!].every((value) => value === 1)).to.equal(true);
    expect([...weights.get('last/offset')!].every((value) => value === 0)).to.equal(true);
  });

  it('start from weights that depend on the seed and on nothing else', () => {
    const { parameters } = buildNetwork(wrn(10, 1, 'pool-pad'), FORM);
    expect(initialise(parameters, 5)).to.deep.equal(initialise(parameters, 5));
    expect(initialise(parameters, 5)).not.to.deep.equal(initialise(parameters, 6));
  });
});
