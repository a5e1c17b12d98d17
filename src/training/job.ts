// The seam between what schedules runs and what trains them.
import type { ImageSet } from '../data/datasets/dataset.js';
import type { Evaluation, LabelFit, Watched } from '../spec/record.js';
import type { RunSpec } from '../spec/run_spec.js';

/** How often a run's state is saved: after so many minutes, or so many epochs. */
export interface CheckpointInterval {
  minutes?: number;
  epochs?: number;
}

/** What one training is told. Whoever trains has the images of the spec's data set, or loads them. */
export interface RunJob {
  spec: RunSpec;
  /** The noisy labels of the training subset (what the memorisation figures are about). */
  noisyLabels: Uint8Array;
  /** The labels that are learned: the noisy ones, or a teacher's predictions. */
  targetLabels: Uint8Array;
  /** Noisy labels of the validation images, on which an epoch can be chosen; absent where these are tested on. */
  heldOutLabels?: Uint8Array;
  /** Where its state is saved, and looked for when it begins; changes no result. */
  checkpoint?: { file: string; every: CheckpointInterval };
  /** The folder that the data set is loaded from; its usual place if absent. */
  dataDir?: string;
  /** Places of the training images that are trained on, of all of them unless given; what is asked of a network about images it has not seen. */
  only?: Int32Array;
  /** Set if the outcome is to have what evaluations say of all training images: each of them, or the last. */
  examined?: 'all' | 'last';
  /** What evaluations are to have besides. */
  watch?: readonly Watched[];
  /** Whether the outcome is to have the final weights. */
  keepWeights?: true;
}

/** Everything one training needs. */
export interface TrainingJob extends RunJob {
  /** The training subset with its TRUE labels (for the figures only, never learned from). */
  train: ImageSet;
  /** The clean test images. */
  test: ImageSet;
  /** The validation images with their NOISY labels. */
  heldOut?: ImageSet;
}

/** Sent after every training step and every evaluation, and when a training goes on from a checkpoint. */
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
  /** Set when the training has not begun at its first step, but here. */
  resumed?: true;
  /** Set once if a checkpoint could not be used: it was moved aside, and the training begun anew. */
  quarantined?: { file: string; damage: string };
}

/** Told what is begun that may take long, in words. */
export type Doing = (what: string) => void;

/** What trained a run is gone, through no fault of the run's that is known: it may be tried again. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
}

/** A network's weights by name, in its order: parameters, then running statistics. Of several networks, the second's are `2/NAME`. */
export type Weights = Map<string, { shape: number[]; values: Float32Array }>;

export interface TrainingOutcome {
  curve: Evaluation[];
  /** Labels the final network predicts for the training images, in subset order. */
  predictions: Uint8Array;
  /** What the final network makes of the labels that it learned from. */
  fit?: LabelFit;
  /** If asked for: logarithms of the class probabilities of all training images, images x classes, at each of these evaluations. */
  logProbabilities?: Float32Array[];
  /** If asked for: the final weights. */
  weights?: Weights;
  /** Trainable parameters of the network. */
  parameters: number;
  /** SHA-256 of the final parameters and batch-norm statistics, as float32. */
  weightsSha256: string;
  /** What the method had to say of the run, such as an estimate that failed. */
  notes?: string[];
  /** Time spent training; what was lost by interruptions is not in it. */
  wallSeconds: number;
}

/**
 * Trains one run to its end; stops with an AbortError at the next step once `signal` is aborted, with its state saved.
 *
 * @throws InputError if the checkpoint cannot be written @throws WorkerEnded
 */
export type Trainer<Job extends RunJob = TrainingJob> = (
  job: Job,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
  onDoing?: Doing,
) => Promise<TrainingOutcome>;
