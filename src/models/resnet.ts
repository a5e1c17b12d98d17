// Residual network for CIFAR (He et al., 2016, section 4.2): the architecture of the SAM paper's Table 4 at depth 32.
import type { ImageForm } from '../data/datasets/dataset.js';
import { relu } from '../engine/operations.js';
import { tf } from '../engine/tensorflow.js';
import { fields, integer } from '../spec/fields.js';
import { DEPTH } from '../spec/limits.js';
import { defineNetwork, Layers, type Network, type Pass, padChannels } from './network.js';

/** ResNet-depth with parameter-free shortcuts (their option A: every second pixel, zero channels). */
export const resnet = defineNetwork({
  name: 'resnet',
  cite: 'He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2',
  settings: fields({
    depth: integer(
      `6n+2: 8, 14, 20, 26, 32, ... up to ${DEPTH}`,
      (v) => v >= 8 && v <= DEPTH && v % 6 === 2,
    ).describe('layers with weights, 6n + 2'),
  }),
  title: ({ depth }) => `ResNet-${depth}`,
  build: ({ depth }, form) => build(depth, form),
  smallest: () => ({ depth: 8 }),
});

function build(depth: number, { channels: inputs, classes }: ImageForm): Network {
  const layers = new Layers();
  const stem = layers.conv('stem', inputs, 16, 3, 1);
  const stemActivation = layers.activation('stem/after', 16);
  const blocks: ((pass: Pass, x: tf.Tensor4D) => tf.Tensor4D)[] = [];
  let channels = 16;
  for (const [group, outputs] of [16, 32, 64].entries())
    for (let i = 0; i < (depth - 2) / 6; i++) {
      const stride = group > 0 && i === 0 ? 2 : 1;
      blocks.push(block(layers, `group${group + 1}/block${i + 1}`, channels, outputs, stride));
      channels = outputs;
    }
  const classify = layers.classifier('classifier', channels, classes);
  return layers.network((pass, images) => {
    const x = stemActivation(pass, stem(pass, images));
    return classify(
      pass,
      blocks.reduce((input, apply) => apply(pass, input), x),
    );
  });
}

function block(layers: Layers, name: string, inputs: number, outputs: number, stride: number) {
  const conv1 = layers.conv(`${name}/conv1`, inputs, outputs, 3, stride);
  const between = layers.activation(`${name}/between`, outputs);
  const conv2 = layers.conv(`${name}/conv2`, outputs, outputs, 3, 1);
  const after = layers.batchNorm(`${name}/after`, outputs);
  return (pass: Pass, x: tf.Tensor4D): tf.Tensor4D => {
    const residual = after(pass, conv2(pass, between(pass, conv1(pass, x))));
    const sampled = stride > 1 ? tf.avgPool(x, 1, stride, 'valid') : x;
    return relu(tf.add(residual, padChannels(sampled, outputs))) as tf.Tensor4D;
  };
}
