// What analyses of weights say, one schema for each kind: OUT/analysis/<run id>.<kind>.json, of which CSV, report and docs are made.
import path from 'node:path';
import { z } from 'zod';

/** Bumped when the form of these files changes. */
export const ANALYSIS_FORMAT = 1;

/** The folder of analyses in a results folder. */
export const ANALYSIS_FOLDER = 'analysis';

/** Where the analysis of a kind of one run is. */
export const analysisFile = (out: string, run: string, kind: string) =>
  path.join(out, ANALYSIS_FOLDER, `${run}.${kind}.json`);

/**
 * Images that a loss is of, with the labels that it is of. `train`: what the run learned, of a student its teacher's predictions;
 * `clean`: training images whose given label is right; `noisy`: those that are mislabelled, with the wrong label; `test`: the images
 * that it is evaluated on.
 */
export const EXAMPLES = ['train', 'clean', 'noisy', 'test'] as const;
export type ExampleSet = (typeof EXAMPLES)[number];

/** What batch norm normalises by: the running statistics, as in evaluation, or those of the batch, as in training. */
export const BATCH_NORMS = ['running', 'batch'] as const;

const count = z.int().min(0);
/** A mean and the standard error of it; null where one draw says nothing of its spread. */
const estimate = z.strictObject({ value: z.number(), error: z.number().min(0).nullable() });

/** What all analyses have in common. */
export const measured = z.strictObject({
  batchNorm: z.enum(BATCH_NORMS),
  /** The most images of each set that are looked at; 0 is all. */
  images: count,
  /** Images of one call; where there was no memory for as many, fewer. */
  batch: z.int().min(1),
  examples: z.array(z.enum(EXAMPLES)).min(1),
});

/** One probe of the Lanczos process: the tridiagonal matrix that the Hessian is in the basis of the probe. */
const probe = z.strictObject({ diagonal: z.array(z.number()), offDiagonal: z.array(z.number()) });

/** The Hessian of one loss, without the L2 penalty, which would add the weight decay to each eigenvalue. */
export const spectrum = z.strictObject({
  examples: z.enum(EXAMPLES),
  /** Images that the loss is the mean of. */
  images: z.int().min(1),
  loss: z.number(),
  /** Weights, so eigenvalues. */
  size: z.int().min(1),
  /** Largest first; the error is the norm of the residual ||Hv - lambda v||, within which there is an eigenvalue. */
  largest: z.array(z.strictObject({ value: z.number(), error: z.number().min(0) })).min(1),
  smallest: z.strictObject({ value: z.number(), error: z.number().min(0) }),
  /** lambda_1 / lambda_5; null where there are no five, or the fifth is not positive. */
  ratio: z.number().nullable(),
  trace: estimate,
  /** Standard deviation of the Gaussian that the density is smoothed with. */
  sigma: z.number().min(0),
  /** [eigenvalue, density], ascending; the density integrates to 1. */
  density: z.array(z.tuple([z.number(), z.number()])),
  probes: z.array(probe).min(1),
});
export type Spectrum = z.infer<typeof spectrum>;

export const spectra = measured.extend({
  steps: z.int().min(1),
  probes: z.int().min(1),
  of: z.array(spectrum).min(1),
});
export type Spectra = z.infer<typeof spectra>;

/** How far up the loss goes nearby. */
export const sharpness = z.strictObject({
  examples: z.enum(EXAMPLES),
  images: z.int().min(1),
  /** Examples that one ascent is of (m); 0: all of them together. */
  m: count,
  rho: z.number().min(0),
  /** `one-step`: SAM's own w + rho g / ||g||; `projected`: the largest loss on the way of several steps that stay in the ball. */
  ascent: z.enum(['one-step', 'projected']),
  /** Whether the ball is ASAM's: each weight in shares of its size. */
  adaptive: z.boolean(),
  /** Mean loss at the weights themselves. */
  loss: z.number(),
  /** Mean over groups of how much higher it is; null where it is not finite for one of them. */
  sharpness: z.number().nullable(),
  /** Its standard error over groups; null where there is one group, or no mean. */
  error: z.number().min(0).nullable(),
});
export type Sharpness = z.infer<typeof sharpness>;

export const sharpnesses = measured.extend({
  rho: z.array(z.number().min(0)).min(1),
  m: z.array(count).min(1),
  ascentSteps: z.int().min(1),
  of: z.array(sharpness).min(1),
});
export type Sharpnesses = z.infer<typeof sharpnesses>;

/** Mean loss, and percent of the labels that are predicted: of noisy examples those that are memorised. Null is not finite. */
const seen = {
  examples: z.enum(EXAMPLES),
  images: z.int().min(1),
  loss: z.array(z.number().nullable()).min(1),
  accuracy: z.array(z.number().min(0).max(100)).min(1),
};

/** Places along a line or a direction, ascending. */
const places = z.array(z.number()).min(2);

/** The straight line from another run's weights (0) to the run's own (1). */
export const line = z.strictObject({
  ...seen,
  /** The run at its beginning. */
  from: z.string(),
  at: places,
  /** How far the loss rises above the straight line between its values at the two ends, at most; null where it is not finite. */
  barrier: z.number().nullable(),
});
export type Line = z.infer<typeof line>;

export const lines = measured.extend({ linePoints: z.int().min(2), of: z.array(line) });
export type Lines = z.infer<typeof lines>;

/** Along one random direction, filter by filter as long as the weights (0 is the weights themselves). */
export const profile = z.strictObject({ ...seen, direction: z.int().min(1), at: places });
export type Profile = z.infer<typeof profile>;

const reach = z.number().min(0);

export const profiles = measured.extend({
  reach,
  profilePoints: z.int().min(3),
  directions: z.int().min(1),
  of: z.array(profile).min(1),
});
export type Profiles = z.infer<typeof profiles>;

/** Along two such directions: `at` along either; a row for each place along the second. */
export const surface = z.strictObject({ ...seen, at: places });
export type Surface = z.infer<typeof surface>;

export const surfaces = measured.extend({
  reach,
  surfacePoints: z.int().min(3),
  of: z.array(surface).min(1),
});
export type Surfaces = z.infer<typeof surfaces>;

/** A file of an analysis: which weights, what they were asked, what came of it. */
export const analysisOf = <Result extends z.ZodType>(kind: string, result: Result) =>
  z.strictObject({
    format: z.literal(ANALYSIS_FORMAT, { error: String(ANALYSIS_FORMAT) }),
    kind: z.literal(kind),
    run: z.string(),
    weightsSha256: z.hash('sha256'),
    /** Of other runs that it needed, by their ids. */
    others: z.record(z.string(), z.hash('sha256')).optional(),
    /** Whose kernels computed. */
    engine: z.strictObject({ tensorflow: z.string(), kernels: z.string(), isa: z.string() }),
    result,
  });
