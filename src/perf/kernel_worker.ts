// A process of its own that computes single convolutions and their gradients when asked, as in `worker.ts`: with the project's kernels or
// TensorFlow's, as its environment says.
import { createInterface } from 'node:readline';
import { compiledSession } from '../engine/compile.js';
import type { Program, TensorSpec } from '../engine/program.js';
import { tf } from '../engine/tensorflow.js';
import type { Precision } from '../spec/run_spec.js';
import { CONVOLUTIONS, type Convolution, nameOf, PRODUCTS, type Product } from './convolutions.js';

const [precision, ...names] = process.argv.slice(2) as [Precision, ...string[]];
const convolutions = CONVOLUTIONS.filter((convolution) => names.includes(nameOf(convolution)));

/** The state is in float32; what is made of it here, once a call, is of the precision that is measured. */
function entry(group: string, { stride }: Convolution, product: Product): Program['entries'][string] {
  const [images, filter, gradient] = ['images', 'filter', 'gradient'].map((name) => `${group}/${name}`) as [
    string,
    string,
    string,
  ];
  return {
    inputs: {},
    state: [images, filter, gradient],
    run(_, state) {
      const convolve = (x: tf.Tensor, f: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, stride, 'same') as tf.Tensor;
      const results = {
        forward: () => convolve(state[images]!, state[filter]!),
        imageGradient: () => tf.grad((x) => convolve(x, state[filter]!))(state[images]!, state[gradient]!),
        filterGradient: () => tf.grad((f) => convolve(state[images]!, f))(state[filter]!, state[gradient]!),
      };
      const result = results[product]();
      // All of it is computed, and little of it fetched.
      return { outputs: { some: tf.slice(result, [0, 0, 0, 0], [1, 1, 1, 1]) } };
    },
  };
}

const program: Program = { state: {}, entries: {} };
for (const convolution of convolutions) {
  const { batch, size, inputs, outputs, stride } = convolution;
  const group = nameOf(convolution);
  const tensors: Record<string, number[]> = {
    images: [batch, size, size, inputs],
    filter: [3, 3, inputs, outputs],
    gradient: [batch, size / stride, size / stride, outputs],
  };
  for (const [name, shape] of Object.entries(tensors))
    program.state[`${group}/${name}`] = { shape, dtype: 'float32' } satisfies TensorSpec;
  for (const product of PRODUCTS) program.entries[`${product}-${group}`] = entry(group, convolution, product);
}
const session = await compiledSession(program, precision);
for (const group of convolutions.map(nameOf)) {
  const made = Object.entries(program.state).filter(([name]) => name.startsWith(`${group}/`));
  const filled = made.map(
    ([name, { shape }]) =>
      [
        name,
        new Float32Array(tf.util.sizeFromShape(shape)).map((_, i) => ((i * 37) % 251) / 251 - 0.5),
      ] as const,
  );
  session.write(group, Object.fromEntries(filled));
}

for await (const line of createInterface({ input: process.stdin })) {
  const { variant, steps } = JSON.parse(line) as { variant: string; steps: number };
  const milliseconds = Array.from({ length: steps }, () => {
    const started = performance.now();
    session.call(variant, {});
    return performance.now() - started;
  });
  process.stdout.write(`${JSON.stringify({ milliseconds })}\n`);
}
