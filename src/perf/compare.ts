// Measures one network: everyone takes a few steps in turn, round after round, and medians are compared.
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PROJECT_ROOT } from '../project.js';
import type { Precision } from '../suite/spec.js';
import { type Answer, Contender } from './contender.js';
import { MATRIX_PRODUCT_FLOPS, trainingFlops } from './flops.js';
import { median } from './median.js';
import { modelOf } from './setting.js';
import type { LoopFigures } from './training_loop.js';

/** What is to be compared. */
export interface Comparison {
  depth: number;
  width: number;
  batch: number;
  rounds: number;
  precision: Precision;
  threads: number;
  /** A Python that has PyTorch. */
  pytorch?: string;
}

/** Ratios of median times; larger means that the compiled step is faster. Null where someone could not go on. */
export interface ModelFigures {
  batch: number;
  rounds: number;
  stock_over_compiled: number | null;
  eager_over_compiled: number | null;
  sam_over_sgd: number | null;
  /** Share of a training loop's wall time, 0 to 1. */
  outside_tensorflow: number | null;
  /** FLOP/s of the training step over those of large matrix products in the same precision, 0 to 1. */
  peak_fraction: number | null;
  /** Largest resident memory of a process that trains (SGD), MiB. */
  peak_rss_mib: number | null;
  pytorch_best_over_compiled_sgd?: number | null;
  pytorch_best_over_compiled_sam?: number | null;
  /** PyTorch's fastest mode for each. */
  pytorch_best_mode?: { sgd: string | null; sam: string | null };
  /** Median milliseconds of a step by variant: for looking into a result, not results themselves. */
  milliseconds: Record<string, number>;
  /** Steps that each of these medians is of. */
  steps: Record<string, number>;
  /** Why a variant has no figures. */
  failures: Record<string, string>;
}

const PYTORCH_MODES = ['float32', 'bfloat16'] as const;
/** Threads of whoever has just finished may spin for a moment and would disturb the next. */
const REST_MILLISECONDS = 100;
/** What a variant's steps of one round should take together: the fast ones take several. */
const TURN_MILLISECONDS = 2000;
const MOST_STEPS = 10;
const WARM_UP_STEPS = 2;
/** Steps of the training loop whose share outside TensorFlow is measured. */
const LOOP_STEPS = 10;

/**
 * Compares the ways to train one network. Whoever cannot go on is left out, with the reason among `failures`.
 *
 * @param tell is told the round under way, from 0 (which warms up)
 */
export async function compare(what: Comparison, tell: (round: number) => void): Promise<ModelFigures> {
  const { depth, width, batch, rounds } = what;
  const loop = await trainingLoop(what);

  const contenders = contendersOf(what);
  const times: Record<string, number[]> = {};
  const stepsPerTurn: Record<string, number> = {};
  const failures: Record<string, string> = 'error' in loop ? { 'training-loop': loop.error } : {};
  try {
    for (let round = 0; round <= rounds; round++) {
      tell(round);
      for (const { contender, variants } of contenders)
        for (const variant of variants) {
          if (failures[variant]) continue;
          const answer: Answer = await contender.take(
            variant.replace(/^pytorch-/, ''),
            stepsPerTurn[variant] ?? WARM_UP_STEPS,
          );
          if ('error' in answer) failures[variant] = answer.error;
          else if (round === 0) stepsPerTurn[variant] = stepsInATurn(answer.milliseconds.at(-1)!);
          else times[variant] = [...(times[variant] ?? []), ...answer.milliseconds];
          await setTimeout(REST_MILLISECONDS);
        }
    }
  } finally {
    await Promise.all(contenders.map(({ contender }) => contender.stop()));
  }

  const milliseconds = Object.fromEntries(
    Object.entries(times)
      .filter(([variant]) => !failures[variant])
      .map(([variant, values]) => [variant, median(values)]),
  );
  const ratio = (a: string, b: string) =>
    milliseconds[a] && milliseconds[b] ? milliseconds[a] / milliseconds[b] : null;
  const stepFlops = trainingFlops(modelOf(depth, width)) * batch;
  const product = ratio('matrix-product', 'compiled-sgd');
  return {
    batch,
    rounds,
    stock_over_compiled: ratio('stock-sgd', 'compiled-sgd'),
    eager_over_compiled: ratio('eager-sgd', 'compiled-sgd'),
    sam_over_sgd: ratio('compiled-sam', 'compiled-sgd'),
    outside_tensorflow: 'error' in loop ? null : loop.outside,
    peak_fraction: product && (product * stepFlops) / MATRIX_PRODUCT_FLOPS,
    peak_rss_mib: 'error' in loop ? null : Math.round(loop.peakRssMib),
    ...(what.pytorch ? againstPytorch(milliseconds, ratio) : {}),
    milliseconds,
    steps: Object.fromEntries(Object.keys(milliseconds).map((variant) => [variant, times[variant]!.length])),
    failures,
  };
}

function stepsInATurn(milliseconds: number): number {
  return Math.max(1, Math.min(MOST_STEPS, Math.round(TURN_MILLISECONDS / milliseconds)));
}

async function trainingLoop({
  depth,
  width,
  batch,
  precision,
}: Comparison): Promise<LoopFigures | { error: string }> {
  const args = [depth, width, batch, precision, LOOP_STEPS].map(String);
  const loop = new Contender(process.execPath, [script('training_loop.js'), ...args]);
  const line = await loop.next();
  await loop.stop();
  return typeof line === 'string' ? (JSON.parse(line) as LoopFigures) : line;
}

function script(name: string): string {
  return path.join(PROJECT_ROOT, 'dist', 'src', 'perf', name);
}

/** Processes and what each is asked for. */
function contendersOf({ depth, width, batch, precision, threads, pytorch }: Comparison) {
  const size = [depth, width, batch].map(String);
  const ours = (...variants: string[]) => ({
    contender: new Contender(process.execPath, [script('worker.js'), ...size, precision]),
    variants,
  });
  const all = [ours('compiled-sgd', 'compiled-sam', 'matrix-product'), ours('eager-sgd'), ours('stock-sgd')];
  if (pytorch) {
    const bench = path.join(PROJECT_ROOT, 'perf', 'pytorch', 'bench.py');
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    const variants = ['sgd', 'sam'].flatMap((kind) => PYTORCH_MODES.map((mode) => `pytorch-${kind}-${mode}`));
    all.push({ contender: new Contender(pytorch, [bench, ...size, String(threads)], env), variants });
  }
  return all;
}

function againstPytorch(
  milliseconds: Record<string, number>,
  ratio: (a: string, b: string) => number | null,
): Pick<
  ModelFigures,
  'pytorch_best_over_compiled_sgd' | 'pytorch_best_over_compiled_sam' | 'pytorch_best_mode'
> {
  const best = (kind: string) => {
    const able = PYTORCH_MODES.filter((mode) => milliseconds[`pytorch-${kind}-${mode}`]);
    const time = (mode: string) => milliseconds[`pytorch-${kind}-${mode}`]!;
    return able.sort((a, b) => time(a) - time(b))[0] ?? null;
  };
  const [sgd, sam] = [best('sgd'), best('sam')];
  return {
    pytorch_best_over_compiled_sgd: ratio(`pytorch-sgd-${sgd}`, 'compiled-sgd'),
    pytorch_best_over_compiled_sam: ratio(`pytorch-sam-${sam}`, 'compiled-sam'),
    pytorch_best_mode: { sgd, sam },
  };
}
