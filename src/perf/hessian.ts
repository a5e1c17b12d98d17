// What a product with the Hessian costs, in gradients of the same batch: interleaved, by the processor's time, which others do not use.
import { imageFormOf } from '../data/datasets/dataset.js';
import { stream } from '../io/random.js';
import { buildNetwork } from '../models/catalogue.js';
import { initialise } from '../models/initialise.js';
import type { Architecture } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import { signs } from '../training/flatness.js';
import { type BatchNorm, Landscape } from '../training/landscape.js';

/** Medians over rounds, milliseconds of the processor. */
export interface ProductFigures {
  gradient: number;
  product: number;
  /** Median of the rounds' ratios. */
  gradients: number;
}

/** Measures on images of one colour each, which take as long as any. */
export async function productFigures(
  model: Architecture,
  batch: number,
  batchNorm: BatchNorm,
  rounds: number,
): Promise<ProductFigures> {
  const form = imageFormOf({ dataset: 'cifar10' });
  const network = buildNetwork(model, form);
  const bytes = form.imageSize ** 2 * form.channels;
  const pixels = new Uint8Array(batch * bytes).map((_, i) => Math.floor(i / bytes) % 256);
  const landscape = await Landscape.of({ network, form, images: batch, batch, batchNorm }, pixels);
  const places = Int32Array.from({ length: batch }, (_, i) => i);
  const of = { places, labels: Uint8Array.from(places, (i) => i % form.classes) };
  const at = {
    parameters: initialise(network.parameters, 1),
    statistics: initialise(network.statistics, 1),
  };
  const vector = signs(stream(1, 'perf', 'vector'), landscape.size);
  const calls = {
    gradient: () => landscape.gradient(of, at),
    product: () => landscape.product(of, at, vector),
  };
  const times = { gradient: [] as number[], product: [] as number[] };
  for (let round = -1; round < rounds; round++)
    for (const name of ['gradient', 'product'] as const) {
      const before = process.cpuUsage();
      await calls[name]();
      const { user, system } = process.cpuUsage(before);
      // The first round warms up.
      if (round >= 0) times[name].push((user + system) / 1000);
    }
  landscape.dispose();
  return {
    gradient: median(times.gradient),
    product: median(times.product),
    gradients: median(times.product.map((time, i) => time / times.gradient[i]!)),
  };
}
