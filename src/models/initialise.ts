// The weights a run starts from, drawn from its seed.
import { normal, type Stream, stream } from '../io/random.js';
import { type WeightSpec, weightCount } from './network.js';

/**
 * Initial values of all weights as one vector. Each weight has a stream of its own, so that they do not depend on one another or on
 * their order.
 *
 * @param network which of several networks that are trained together, counted from 0
 */
export function initialise(weights: Record<string, WeightSpec>, seed: number, network = 0): Float32Array {
  const of = network ? [`network ${network + 1}`] : [];
  const parts = Object.entries(weights).map(([name, spec]) => draw(spec, stream(seed, 'init', ...of, name)));
  const flat = new Float32Array(weightCount(weights));
  let start = 0;
  for (const part of parts) {
    flat.set(part, start);
    start += part.length;
  }
  return flat;
}

function draw({ shape, init }: WeightSpec, next: Stream): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (init.kind === 'constant') return values.fill(init.value);
  if (init.kind === 'uniform') return values.map(() => (2 * next() - 1) * init.bound);
  const [height, width, , outputs] = shape as [number, number, number, number];
  const deviation = Math.sqrt(2 / (height * width * outputs));
  return values.map(() => normal(next) * deviation);
}
