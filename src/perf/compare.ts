// Measures one network: everyone takes a few steps in turn, round after round, and medians are compared.
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bfloat16Support } from '../engine/native/instruction_set.js';
import { PROJECT_ROOT } from '../io/project.js';
import type { Precision } from '../spec/run_spec.js';
import { median } from '../statistics/statistics.js';
import { type Answer, Candidate } from './candidate.js';
import { MATRIX_PRODUCT_FLOPS, trainingFlops } from './flops.js';
import { pytorchEnvironment, type SetInUse } from './kind.js';
import { modelOf } from './setting.js';
import type { LoopFigures } from './training_loop.js';
import { outOfTheRace, takesPart, turnsOf } from './turns.js';

/** What is to be compared. */
export interface Comparison {
  depth: number;
  width: number;
  batch: number;
  rounds: number;
  precision: Precision;
  threads: number;
  /** The instruction set that all are held to. */
  set: SetInUse;
  /** A Python that has PyTorch. */
  pytorch?: string;
}

/** Ratios of median times; larger means that the compiled step is faster. Null where someone could not go on. */
export interface ModelFigures {
  batch: number;
  /** At most; slow variants take part in fewer, see `steps`. */
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
  /** Steps that each of these medians is of; one where PyTorch's mode was out of the race. */
  steps: Record<string, number>;
  /** Why a variant has no figures. */
  failures: Record<string, string>;
}

/**
 * Ways to run PyTorch: element type, and whether torch.compile is used. Where bfloat16 is emulated it is no rival, as a step takes many times as
 * long; where it is not, torch.compile does not bring float32 near it, and takes minutes to compile.
 */
export function pytorchModes({ isa, heldDown }: SetInUse, support = bfloat16Support()): string[] {
  // oneDNN held down to AVX-512 has no bfloat16.
  const isNative = isa === 'amx' || (isa === 'avx512' && !heldDown && support === 'native');
  return isNative ? ['float32', 'bfloat16', 'bfloat16-compiled'] : ['float32', 'float32-compiled'];
}

/** Threads of whoever has just finished may spin for a moment and would disturb the next. */
const REST_MILLISECONDS = 100;
/** Steps of the training loop whose share outside TensorFlow is measured; large networks spend next to nothing there. */
const LOOP_STEPS = { small: 10, large: 3 };
/** Operations of a step from which a network is large here. */
const LARGE_STEP_FLOPS = 5e11;

/**
 * Compares the ways to train one network. Whoever cannot go on is left out, with the reason among `failures`.
 *
 * @param tell is told what is under way
 */
export async function compare(what: Comparison, tell: (what: string) => void): Promise<ModelFigures> {
  const { depth, width, batch, rounds } = what;
  tell('a training loop, for its time outside TensorFlow');
  const loop = await trainingLoop(what);

  const candidates = candidatesOf(what);
  const times: Record<string, number[]> = {};
  const failures: Record<string, string> = 'error' in loop ? { 'training-loop': loop.error } : {};
  const take = async (candidate: Candidate, variant: string, steps: number): Promise<number[]> => {
    if (failures[variant]) return [];
    const answer: Answer = await candidate.take(variant.replace(/^pytorch-/, ''), steps);
    if ('error' in answer) failures[variant] = answer.error;
    return 'error' in answer ? [] : answer.milliseconds;
  };
  const alone = async (candidate: Candidate, variant: string, steps: number): Promise<number[]> => {
    const taken = await take(candidate, variant, steps);
    await setTimeout(REST_MILLISECONDS);
    return taken;
  };
  try {
    tell('a first step of all, which compiles it');
    await Promise.all(
      candidates.map(async ({ candidate, variants }) => {
        for (const variant of variants) await take(candidate, variant, 1);
      }),
    );
    const all = candidates.flatMap(({ candidate, variants }) =>
      variants.map((variant) => ({ candidate, variant })),
    );
    const warm: Record<string, number> = {};
    for (const { candidate, variant } of all) {
      tell(`warming up ${variant}`);
      for (const step of await alone(candidate, variant, 1)) warm[variant] = step;
    }
    const contenders = all.flatMap((one) => {
      const step = warm[one.variant];
      if (step === undefined) return [];
      const out = outOfTheRace(one.variant, warm);
      times[one.variant] = out ? [step] : [];
      return out ? [] : { ...one, turns: turnsOf(step, rounds, /^(compiled|pytorch)-/.test(one.variant)) };
    });
    for (let round = 1; round <= rounds; round++) {
      tell(`round ${round} of ${rounds}`);
      for (const { candidate, variant, turns } of contenders)
        if (takesPart(round, turns.rounds, rounds))
          times[variant]!.push(...(await alone(candidate, variant, turns.steps)));
    }
  } finally {
    await Promise.all(candidates.map(({ candidate }) => candidate.stop()));
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

async function trainingLoop({
  depth,
  width,
  batch,
  precision,
}: Comparison): Promise<LoopFigures | { error: string }> {
  const large = trainingFlops(modelOf(depth, width)) * batch > LARGE_STEP_FLOPS;
  const args = [depth, width, batch, precision, large ? LOOP_STEPS.large : LOOP_STEPS.small].map(String);
  const loop = new Candidate(process.execPath, [script('training_loop.js'), ...args]);
  const line = await loop.next();
  await loop.stop();
  return typeof line === 'string' ? (JSON.parse(line) as LoopFigures) : line;
}

function script(name: string): string {
  return path.join(PROJECT_ROOT, 'dist', 'src', 'perf', name);
}

/** Processes and what each is asked for. */
function candidatesOf({ depth, width, batch, precision, threads, set, pytorch }: Comparison) {
  const size = [depth, width, batch].map(String);
  const ours = (...variants: string[]) => ({
    candidate: new Candidate(process.execPath, [script('worker.js'), ...size, precision]),
    variants,
  });
  const all = [ours('compiled-sgd', 'compiled-sam', 'matrix-product'), ours('eager-sgd'), ours('stock-sgd')];
  if (pytorch) {
    const bench = path.join(PROJECT_ROOT, 'perf', 'pytorch', 'bench.py');
    const env = { ...process.env, ...pytorchEnvironment(set), PYTHONDONTWRITEBYTECODE: '1' };
    // A process for each mode, as one that dies takes all that it was to measure with it.
    for (const mode of pytorchModes(set))
      all.push({
        candidate: new Candidate(pytorch, [bench, ...size, String(threads)], env),
        variants: ['sgd', 'sam'].map((step) => `pytorch-${step}-${mode}`),
      });
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
    const prefix = `pytorch-${kind}-`;
    const able = Object.keys(milliseconds).filter((variant) => variant.startsWith(prefix));
    able.sort((a, b) => milliseconds[a]! - milliseconds[b]!);
    return able[0]?.slice(prefix.length) ?? null;
  };
  const [sgd, sam] = [best('sgd'), best('sam')];
  return {
    pytorch_best_over_compiled_sgd: ratio(`pytorch-sgd-${sgd}`, 'compiled-sgd'),
    pytorch_best_over_compiled_sam: ratio(`pytorch-sam-${sam}`, 'compiled-sam'),
    pytorch_best_mode: { sgd, sam },
  };
}
