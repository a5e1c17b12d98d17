// The record of a finished run: what results are made of. Knows nothing of TensorFlow.
import type { RunSpec } from './run_spec.js';

/** What can be watched while a run trains; an evaluation calls it so, but of `alignment` it has the figures below. */
export const WATCHED = ['sharpness', 'lambda1', 'alignment'] as const;
export type Watched = (typeof WATCHED)[number];

/**
 * How the gradient of a mean loss is made up: the length of the part that is of rightly labelled examples, that of the wrongly labelled
 * ones, and the cosine between the two; at the weights, and where SAM's ascent leads from there.
 */
export const ALIGNMENT = [
  ...(['rightGradient', 'wrongGradient', 'gradientCosine'] as const),
  ...(['rightAscended', 'wrongAscended', 'cosineAscended'] as const),
];
export type Alignment = Record<(typeof ALIGNMENT)[number], number>;

/** Figures of one evaluation; accuracies in percent. Those of `alignment` are of the loss that sharpness is of, where it is watched. */
export interface Evaluation extends Partial<Alignment> {
  /** Epochs done, counted from 1. */
  epoch: number;
  /** Mean training loss over the batches of this epoch, L2 penalty included. */
  trainLoss: number;
  /** Accuracy on the clean test images. */
  testAccuracy: number;
  /** Mean cross-entropy on the clean test images. */
  testLoss: number;
  /** Of the training images with a wrong label: how many are predicted as that wrong label (null: there are none). */
  wrongLabelsFitted: number | null;
  /** Of the training images with a wrong label: how many are predicted as their true class (null: there are none). */
  trueLabelsRecovered: number | null;
  /** Accuracy on the training images against their true labels (null: nobody knows them). */
  trainAccuracyTrue: number | null;
  /** Accuracy on the validation images against NOISY labels, by which an epoch can be chosen; where there are such images. */
  noisyHeldOutAccuracy?: number;
  /** SAM's sharpness at rho 0.05, of training images with the labels that are learned; where it is watched. */
  sharpness?: number;
  /** The largest eigenvalue of the Hessian of the same loss; where it is watched. */
  lambda1?: number;
}

/** What was seen of the label noise. */
export interface NoiseMeasurement {
  /** Share of training images whose label is not the true one, 0 to 1 (null: nobody knows). */
  rate: number | null;
  /** counts[t][g]: training images of true class t given label g; of the class in the data where the true one is not known. */
  transitions: number[][];
}

/** Where a record comes from. */
export interface Provenance {
  suite: string;
  /** ISO 8601, UTC. */
  finished: string;
  /** Version control commit of the code, with `-dirty` if changed; `unknown` outside a checkout. */
  commit: string;
  version: string;
  node: string;
  tensorflow: string;
  tfjs: string;
  /** Whose kernels computed; not in records made before there were native ones. */
  kernels?: 'native' | 'tensorflow';
  /** Of native kernels: `KERNELS_VERSION`; not in records of the first. */
  kernelsVersion?: number;
  /** The instruction set that kernels were limited to; not in records made before there were native ones in float32. */
  isa?: 'avx2' | 'avx512' | 'amx';
  /** Whether TensorFlow's own kernels were oneDNN's; recorded together with `isa`. */
  oneDnn?: boolean;
  /** What TensorFlow's compiler XLA was told (TF_XLA_FLAGS), if it was. */
  xla?: string;
  platform: string;
  cpu: string;
  /** The CPU's instruction sets that kernels are chosen by; absent where they are not known. */
  instructions?: string;
  threads: number;
  precision: string;
}

/** Guesses as a record keeps them: two hexadecimal digits an image, and the bytes of the margins (little-endian float32) in base64. */
export interface EncodedGuesses {
  classes: string;
  margins: string;
}

/** What a final network makes of the labels that it learned from. */
export interface LabelFit {
  /**
   * Training images by their loss against the label learned: LOSS_BINS bins of LOSS_BIN each, the last one open. Right labels are
   * the true class. Absent where nobody knows the true classes.
   */
  losses?: { right: number[]; wrong: number[] };
  /** counts[g][p]: training images given the noisy label g that are predicted as p. */
  confusion: number[][];
}

export const LOSS_BINS = 32;
/** Width of a bin, in nats. */
export const LOSS_BIN = 0.25;

/** One finished run. */
export interface RunRecord {
  id: string;
  spec: RunSpec;
  /** Method name of the cell, e.g. `bootstrap-sam`. */
  method: string;
  parameters: number;
  noise: NoiseMeasurement;
  /** One entry per evaluated epoch, the last one final. */
  curve: Evaluation[];
  /** Labels the final network predicts for the training images, in subset order, as `encodeLabels` writes them; what a student run learns from. */
  predictions: string;
  /** Where a noise is made of them: what the final network takes the training images for beside their labels, in subset order. */
  guesses?: EncodedGuesses;
  /** Not in records made before it was kept. */
  fit?: LabelFit;
  /** SHA-256 of the final parameters and batch-norm statistics, as float32. */
  weightsSha256?: string;
  /** What the method had to say of the run, such as an estimate that failed. */
  notes?: string[];
  /** Time spent training; what was lost by interruptions is not in it. */
  wallSeconds: number;
  provenance: Provenance;
}
