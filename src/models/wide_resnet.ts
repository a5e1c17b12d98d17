// Wide residual network (Zagoruyko and Komodakis, 2016): pre-activation blocks, three groups of widths 16k, 32k, 64k.
import type { z } from 'zod';
import type { ImageForm } from '../data/datasets/dataset.js';
import { tf } from '../engine/tensorflow.js';
import { choice, fields, integer, value, wholeNumber } from '../spec/fields.js';
import { DEPTH, WEIGHTS, WIDTH } from '../spec/limits.js';
import { defineNetwork, Layers, type Network, type Pass, padChannels } from './network.js';

/** How a residual block changes width: average pool + zero channels (the SAM authors' code) or a 1x1 convolution. */
export type Shortcut = 'pool-pad' | 'conv';

const settings = fields({
  depth: integer(
    `6n+4: 10, 16, 22, 28, 34, 40, ... up to ${DEPTH}`,
    (v) => v >= 10 && v <= DEPTH && v % 6 === 4,
  ).describe('layers with weights, 6n + 4'),
  width: wholeNumber(1, WIDTH).describe('widening factor'),
  shortcut: choice('pool-pad', 'conv').describe(
    'how a block changes width: average pool and zero channels, or a 1x1 convolution',
  ),
  stemStride: value<2>('2, or nothing for a stem of stride 1', (v) => v === 2, { const: 2 })
    .optional()
    .describe(
      'of the first convolution; with 2 all that follows sees a quarter of the pixels, at about a quarter of the cost',
    ),
});

/** Weights of the residual convolutions, which are nearly all that there are. */
const weightsOf = (depth: number, width: number) =>
  ((depth - 4) / 6) * 2 * 9 * width ** 2 * (16 ** 2 + 32 ** 2 + 64 ** 2);

/**
 * WRN-depth-width.
 *
 * With `pool-pad` shortcuts it is the network of the SAM authors' code: widening shortcuts are an average pool and
 * zero channels, and only the very first block activates before its shortcut branches off. With `conv` shortcuts it is
 * the original paper's: widening shortcuts are 1x1 convolutions of the activated input.
 */
export const wideResnet = defineNetwork({
  name: 'wide-resnet',
  cite: 'Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016',
  settings,
  title({ depth, width, stemStride }) {
    const name = `WRN-${depth}-${width}`;
    return stemStride ? `${name} (stem of stride ${stemStride})` : name;
  },
  check({ depth, width }) {
    const most = Math.floor(Math.sqrt(WEIGHTS / weightsOf(depth, 1)));
    const allowed = `with depth ${depth} a whole number from 1 to ${most}`;
    return width > most ? { setting: 'width', allowed } : undefined;
  },
  build,
  smallest: (given) => ({ ...given, depth: 10, width: 1 }),
});

function build(
  { depth, width, shortcut, stemStride }: z.infer<typeof settings>,
  { channels: inputs, classes }: ImageForm,
): Network {
  const layers = new Layers();
  const blocksPerGroup = (depth - 4) / 6;
  const stem = layers.conv('stem', inputs, 16, 3, stemStride ?? 1);
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
  const classify = layers.classifier('classifier', channels, classes);
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
