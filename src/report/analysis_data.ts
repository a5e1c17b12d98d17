// What the page shows of analyses of final weights, as plain JSON.

/** Images that a loss is of, see `EXAMPLES`. */
export type ExamplesName = 'train' | 'clean' | 'noisy' | 'test';

/** What all analyses of a run have in common. */
interface Analysed {
  method: string;
  noiseSetting: string;
  seed: number;
  batchNorm: 'running' | 'batch';
}

/** The Hessian's spectrum at a run's weights. */
export interface SpectrumData extends Analysed {
  of: {
    examples: ExamplesName;
    /** Images that the loss is the mean of. */
    images: number;
    /** Largest eigenvalues, largest first. */
    largest: number[];
    /** lambda_1 / lambda_5. */
    ratio: number | null;
    trace: number;
    /** [eigenvalue, density], ascending. */
    density: [number, number][];
  }[];
}

/** How far up the loss goes near a run's weights. */
export interface SharpnessData extends Analysed {
  of: {
    examples: ExamplesName;
    images: number;
    /** Examples of an ascent; 0: all together. */
    m: number;
    rho: number;
    ascent: 'one-step' | 'projected';
    adaptive: boolean;
    sharpness: number;
  }[];
}

/** At some points: mean loss, and percent of the labels that are predicted. Null is not finite. */
export interface SeenData {
  examples: ExamplesName;
  images: number;
  loss: (number | null)[];
  accuracy: number[];
}

export type SeenQuantity = 'loss' | 'accuracy';

/** The line from the weights of one method's run (0) to those of another's (1). */
export interface LineData extends Analysed {
  /** The method at its beginning. */
  from: string;
  at: number[];
  /** `barrier`: how far the loss rises above the straight line between its values at the ends. */
  of: (SeenData & { barrier: number | null })[];
}

/** Along random directions from a run's weights. */
export interface ProfileData extends Analysed {
  at: number[];
  of: (SeenData & { direction: number })[];
}

/** Over the plane of two random directions: row by row, a row for each place along the second. */
export interface SurfaceData extends Analysed {
  at: number[];
  of: SeenData[];
}

/** What is watched while a run trains, see `Evaluation`; the gradient's parts are those of rightly and of wrongly labelled examples. */
export type WatchedQuantity =
  | 'sharpness'
  | 'lambda1'
  | 'cosine'
  | 'ascendedCosine'
  | 'wrongToRight'
  | 'ascendedWrongToRight';

/** What was watched of a run; a list has a value for each evaluation, null where it has none. */
export interface WatchedData {
  method: string;
  noiseSetting: string;
  seed: number;
  epochs: number[];
  values: Partial<Record<WatchedQuantity, (number | null)[]>>;
}

/** All that was found in a folder. */
export interface AnalysesData {
  spectra: SpectrumData[];
  sharpness: SharpnessData[];
  lines: LineData[];
  profiles: ProfileData[];
  surfaces: SurfaceData[];
  watched: WatchedData[];
  /** Files that could not be used, a line each. */
  faults: string[];
}
