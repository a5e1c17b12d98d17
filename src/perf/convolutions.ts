// Convolutions of the networks that are compared, each with the project's kernels beside TensorFlow's: what the rule of which serves which is backed by.
import path from 'node:path';
import { PROJECT_ROOT } from '../io/project.js';
import type { Architecture, Precision } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import { Candidate } from './candidate.js';
import { hasConvolution } from './flops.js';

/** A 3x3 convolution of square images. */
export interface Convolution {
  batch: number;
  size: number;
  inputs: number;
  outputs: number;
  stride: number;
}

export const PRODUCTS = ['forward', 'imageGradient', 'filterGradient'] as const;
export type Product = (typeof PRODUCTS)[number];

const square = (batch: number, size: number, channels: number): Convolution => ({
  batch,
  size,
  inputs: channels,
  outputs: channels,
  stride: 1,
});

/** Those of WRN-10-1 to WRN-28-10 and ResNet-32; batches that take milliseconds. */
export const CONVOLUTIONS: readonly Convolution[] = [
  { batch: 64, size: 32, inputs: 3, outputs: 16, stride: 1 },
  square(64, 32, 16),
  square(128, 16, 32),
  square(256, 8, 64),
  square(16, 32, 64),
  square(32, 16, 128),
  square(64, 8, 256),
  square(8, 32, 160),
  square(16, 16, 320),
  square(32, 8, 640),
  { batch: 64, size: 32, inputs: 16, outputs: 32, stride: 2 },
  { batch: 128, size: 16, inputs: 32, outputs: 64, stride: 2 },
];

/** Those that some of these networks have. */
export function convolutionsOf(models: readonly Architecture[]): Convolution[] {
  return CONVOLUTIONS.filter(({ size, stride, ...channels }) =>
    models.some((model) => hasConvolution(model, { ...channels, size: size / stride })),
  );
}

export function nameOf({ size, inputs, outputs, stride }: Convolution): string {
  return `${size}x${size}-${inputs}-to-${outputs}${stride === 1 ? '' : `-stride-${stride}`}`;
}

/** TensorFlow's median time over that of what is recorded here, which is about 1 where the rule leaves a convolution to TensorFlow. */
export type KernelFigures = Record<string, Record<Product, number>>;

/** Calls that a process makes in its turn. */
const CALLS = 3;

/** Measures on one thread, turn by turn. @throws Error if a process ends */
export async function tensorflowOverNative(
  convolutions: readonly Convolution[],
  precision: Precision,
  rounds: number,
): Promise<KernelFigures> {
  const script = path.join(PROJECT_ROOT, 'dist', 'src', 'perf', 'kernel_worker.js');
  const candidates = ['on', 'off'].map((native) => {
    const env = { ...process.env, LABELNOISE_NATIVE: native, TF_NUM_INTRAOP_THREADS: '1' };
    return new Candidate(process.execPath, [script, precision, ...convolutions.map(nameOf)], env);
  });
  const take = async (candidate: Candidate, variant: string, calls: number): Promise<number[]> => {
    const answer = await candidate.take(variant, calls);
    if ('error' in answer) throw new Error(answer.error);
    return answer.milliseconds;
  };
  try {
    const figures: KernelFigures = {};
    for (const convolution of convolutions) {
      const ratios = {} as Record<Product, number>;
      for (const product of PRODUCTS) {
        const variant = `${product}-${nameOf(convolution)}`;
        const times: number[][] = [[], []];
        // The first call makes ready what the others find.
        for (const candidate of candidates) await take(candidate, variant, 1);
        for (let round = 1; round <= rounds; round++)
          for (const [i, candidate] of candidates.entries())
            times[i]!.push(...(await take(candidate, variant, CALLS)));
        ratios[product] = median(times[1]!) / median(times[0]!);
      }
      figures[nameOf(convolution)] = ratios;
    }
    return figures;
  } finally {
    await Promise.all(candidates.map((candidate) => candidate.stop()));
  }
}
