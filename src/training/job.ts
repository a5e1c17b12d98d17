// The seam between what schedules runs and what trains them.
import type { ImageSet } from '../data/dataset.js';
import type { Evaluation } from '../results/record.js';
import type { RunSpec } from '../suite/spec.js';

/** Everything one training needs. */
export interface TrainingJob {
  spec: RunSpec;
  /** The training subset with its TRUE labels (for the figures only, never learned from). */
  train: ImageSet;
  /** The clean test images. */
  test: ImageSet;
  /** The noisy labels of the training subset (what the memorisation figures are about). */
  noisyLabels: Uint8Array;
  /** The labels that are learned: the noisy ones, or a teacher's predictions. */
  targetLabels: Uint8Array;
}

/** Sent after every training step and every evaluation. */
export interface TrainingProgress {
  /** Epoch under way, counted from 1. */
  epoch: number;
  epochs: number;
  /** Steps done over the whole run. */
  step: number;
  steps: number;
  /** Loss of the last step. */
  loss: number;
  /** Set when an evaluation was just made. */
  evaluation?: Evaluation;
}

export interface TrainingOutcome {
  curve: Evaluation[];
  /** Labels the final network predicts for the training images, in subset order. */
  predictions: Uint8Array;
  /** Trainable parameters of the network. */
  parameters: number;
  wallSeconds: number;
}

/** Trains one run to its end; stops with an AbortError at the next step once `signal` is aborted. */
export type Trainer = (
  job: TrainingJob,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
) => Promise<TrainingOutcome>;
