// Wide residual network (Zagoruyko and Komodakis, 2016): pre-activation blocks, three groups of widths 16k, 32k, 64k.
import { CLASSES } from '../data/dataset.js';
import { tf } from '../engine/tensorflow.js';
import type { Architecture, Shortcut } from './architecture.js';
import { Layers, type Network, type Pass, padChannels } from './network.js';

/**
 * WRN-depth-width.
 *
 * With `pool-pad` shortcuts it is the network of the SAM authors' code: widening shortcuts are an average pool and
 * zero channels, and only the very first block activates before its shortcut branches off. With `conv` shortcuts it is
 * the original paper's: widening shortcuts are 1x1 convolutions of the activated input.
 *
 * @param depth 6n + 4
 */
export function wideResnet({
  depth,
  width,
  shortcut,
  stemStride,
}: Omit<Architecture & { kind: 'wide-resnet' }, 'kind'>): Network {
  const layers = new Layers();
  const blocksPerGroup = (depth - 4) / 6;
  const stem = layers.conv('stem', 3, 16, 3, stemStride ?? 1);
  const blocks: ((pass: Pass, x: tf.Tensor4D) => tf.Tensor4D)[] = [];
  let channels = 16;
  for (const [group, base] of [16, 32, 64].entries())
    for (let i = 0; i < blocksPerGroup; i++) {
      const stride = group > 0 && i === 0 ? 2 : 1;
      const name = `group${group + 1}/block${i + 1}`;
      blocks.push(block(layers, name, channels, base * width, stride, shortcut, blocks.length === 0));
      channels = base * width;
    }
  const last = layers.activation('last', channels);
  const classify = layers.classifier('classifier', channels, CLASSES);
  return layers.network((pass, images) => {
    const x = blocks.reduce((input, apply) => apply(pass, input), stem(pass, images));
    return classify(pass, last(pass, x));
  });
}

function block(
  layers: Layers,
  name: string,
  inputs: number,
  outputs: number,
  stride: number,
  shortcut: Shortcut,
  first: boolean,
) {
  const widens = inputs !== outputs;
  const before = layers.activation(`${name}/before`, inputs);
  const conv1 = layers.conv(`${name}/conv1`, inputs, outputs, 3, stride);
  const between = layers.activation(`${name}/between`, outputs);
  const conv2 = layers.conv(`${name}/conv2`, outputs, outputs, 3, 1);
  const project =
    widens && shortcut === 'conv' ? layers.conv(`${name}/shortcut`, inputs, outputs, 1, stride) : undefined;
  const activateShortcut = shortcut === 'conv' ? widens : first;

  return (pass: Pass, x: tf.Tensor4D): tf.Tensor4D => {
    const activated = before(pass, x);
    const residual = conv2(pass, between(pass, conv1(pass, activated)));
    const base = activateShortcut ? activated : x;
    if (project) return tf.add(residual, project(pass, base));
    const pooled = stride > 1 ? tf.avgPool(base, stride, stride, 'valid') : base;
    return tf.add(residual, padChannels(pooled, outputs));
  };
}
