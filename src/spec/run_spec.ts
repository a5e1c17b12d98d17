// What a run is: the complete description that its result is a pure function of, and the id derived from it.
import { createHash } from 'node:crypto';

/** Bumped whenever a change of the code changes results, so that old records are not taken for new ones. */
export const ALGORITHM_VERSION = 2;

/** How wrong labels are made: a noise by its name, and one column's setting of it as `columns` of the noise gives it. */
export interface NoiseSpec {
  kind: string;
  /** SHA-256 of the file that the noise comes from, if that is a user's. */
  source?: string;
  [setting: string]: unknown;
}

/** Where a run's training labels come from: the noisy set, or what another run (by its id) predicts for it. */
export type LabelsSpec = { from: 'noise' } | { from: 'predictions'; teacher: string };

/** A part of one of the oldest methods, with its settings. */
export type PartSpec = { kind: string; [setting: string]: string | number };

/**
 * How a run trains: a method by its name and settings, and where it is of a user's file the SHA-256 of that. The oldest methods are told
 * by their parts instead: what happens to a batch, and how the gradient is taken.
 */
export interface MethodSpec {
  method?: { name: string; settings: Record<string, unknown>; source?: string };
  batch?: PartSpec;
  gradient?: PartSpec;
}

/** A network: its kind with its settings, and where it is of a user's file the SHA-256 of that. */
export interface Architecture {
  kind: string;
  source?: string;
  [setting: string]: unknown;
}

export type Precision = 'float32' | 'bfloat16';

/** The complete description of one training run. Same spec, same bits out. */
export interface RunSpec extends MethodSpec {
  algorithm: number;
  labels: LabelsSpec;
  noise: NoiseSpec;
  seed: number;
  data: {
    /** The data set's name. */
    dataset: string;
    /** SHA-256 of the file that the data set comes from, if that is a user's. */
    source?: string;
    /** Size of the class-balanced training subset. */
    trainImages: number;
    /** Size of the class-balanced test subset. */
    testImages: number;
    /**
     * Size of a class-balanced part of the training set, the same for every seed and suite, that no run of the suite is
     * trained on. Settings are chosen on it.
     */
    heldOut?: number;
    /** What is tested on: the test set, or if given the validation set. */
    testOn?: 'held-out';
    /** An augmentation, and where it is of a user's file the SHA-256 of that. */
    augment: string;
    augmentSource?: string;
  };
  model: Architecture;
  training: {
    epochs: number;
    batchSize: number;
    learningRate: number;
    momentum: number;
    /** Factor of the L2 penalty 0.5 * weightDecay * ||w||^2 over all parameters, inside the loss. */
    weightDecay: number;
    /** Largest global norm of the gradient; 0 turns clipping off. */
    clipNorm: number;
    /** Epochs between evaluations; the last epoch is always evaluated. */
    evaluateEvery: number;
  };
  precision: Precision;
  /** Threads of one operation. Sums are split among them, so their number is part of what the bits depend on. */
  threads: number;
}

/** JSON with sorted keys and no white space: equal values, equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v) =>
    v && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}

/** The id of a run: the first 16 hex digits of the SHA-256 of its canonical spec. */
export function runId(spec: RunSpec): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex').slice(0, 16);
}
