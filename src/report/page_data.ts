// What the page shows, as plain JSON: made from reports, drawn by the page's components on either side.

import type { AnalysesData } from './analysis_data.js';

/** The page's content. */
export interface PageData {
  title: string;
  /** Of this project. */
  version: string;
  /** Whether the page is served while a suite runs, and follows it. */
  live: boolean;
  /** One results folder, or several to compare. */
  folders: FolderData[];
  /** The cells of folders after the first beside those of the first. */
  differences: DifferenceData[];
}

/** One results folder. */
export interface FolderData {
  /** What tells it from the others of the page. */
  name: string;
  suite: string;
  description: string;
  scaledDown: string | null;
  seeds: number[];
  /** What was run, in a few words each. */
  facts: NamedText[];
  /** As in the other tables of the folder. */
  caption: { title: string; noise: string; about: string[] };
  /** Rows of the table. */
  methods: MethodData[];
  /** Of the data set, in the order of the labels. */
  classNames: readonly string[];
  /** Columns of the table. */
  noiseSettings: NoiseSettingData[];
  /** Every cell after the last epoch, methods in table order, each with the columns in order. */
  cells: CellData[];
  /** The same by the other ways to take a run's accuracy, as far as they can be told. */
  otherWays: { way: Exclude<Way, 'last'>; cells: CellData[] }[];
  /** The title of the method that the others' differences in the cells are to, if there is one. */
  baseline: string | null;
  /** Methods that were scored, not run. */
  external: ExternalData[];
  agreement: AgreementData;
  published: PublishedData[];
  curves: CurveData[];
  /** What the final networks make of the labels they learned, where the records tell. */
  fits: FitData[];
  /** Of methods whose rows differ in rho or m. */
  rho: RhoData[];
  analyses: AnalysesData;
  transitions: TransitionData[];
  runs: RunData[];
  /** Where the records come from; several values where they are not all from the same. */
  provenance: { name: string; values: { value: string; runs: number }[] }[];
  settings: { differing: string[]; shared: string };
  /** suite.json. */
  suiteJson: string;
  /** Contents of CSV files by their names. */
  csv: Record<string, string>;
}

export interface NamedText {
  name: string;
  text: string;
}

export interface MethodData {
  name: string;
  /** The method it is a variant of, or itself. */
  base: string;
  title: string;
  /** Which colour and marker are its own, the same in every folder. */
  style: number;
}

export interface NoiseSettingData {
  label: string;
  title: string;
  /** Noise rate in percent; null where the columns are not all rates of one noise. */
  rate: number | null;
  /** What noise settings that differ in their rate alone have in common. */
  group: string;
}

/** After the last epoch, at the best one (by the test images: an oracle), or at the one chosen on noisy validation labels. */
export type Way = 'last' | 'best' | 'chosen';

/** Accuracies in percent. */
export interface CellData {
  method: string;
  noiseSetting: string;
  seeds: number;
  failed: number;
  damaged: number;
  mean: number | null;
  /** Half the width of the 95 % interval of the mean; null below two seeds. */
  half: number | null;
  paper: number | null;
  /** Whether it is above every other method under this noise setting by a paired 95 % interval. */
  leads: boolean;
  /** Its place among the methods that the paper has too, from 1, and theirs in the paper; null where there are none. */
  rank: { ours: number; paper: number; of: number } | null;
  /** Above the baseline, paired by seed. */
  aboveBaseline: MethodDifference | null;
  /** Of a run and the teachers it needs, in trainings with plain SGD. */
  cost: number;
}

/** A row of Table 4 as published, beside our run of the same method; lists have an entry for each noise setting. */
export interface PublishedData {
  title: string;
  /** Quoted by the paper's authors, or trained by them. */
  block: 'literature' | 'paper';
  source: string;
  /** Percent. */
  accuracies: (number | null)[];
  /** What the method's authors say elsewhere. */
  own: { source: string; accuracies: (number | null)[] }[];
  /** Ours of the same method, if it is a row of the table. */
  ours: { title: string; cells: ({ mean: number; half: number | null } | null)[] } | null;
}

/** A method that was scored, not run; lists have an entry for each noise setting. */
export interface ExternalData {
  name: string;
  by: string | null;
  link: string | null;
  /** Accuracies in percent; null where it has none. */
  cells: ({ mean: number; half: number | null; seeds: number } | null)[];
  fitted: (number | null)[];
  /** Points above the methods of the table, of the seeds that both have. */
  differences: { title: string; columns: (MethodDifference | null)[]; overall: MethodDifference | null }[];
}

/** How far the results agree with the paper's table; lists have an entry for each noise setting. */
export interface AgreementData {
  /** Kendall's tau-b of our order of the methods and the paper's; null where there is nothing to order. */
  tau: (number | null)[];
  tauOverall: number | null;
  /** Differences between methods that are positive in the paper. */
  orderings: { title: string; differences: (MethodDifference | null)[]; overall: MethodDifference | null }[];
  /** Wrong labels that are predicted after the last epoch, percent of them, by method; why a row is like its teacher's. */
  fitted: {
    title: string;
    shares: ({ mean: number; half: number | null } | null)[];
    alike: string | null;
  }[];
}

/** Percentage points of accuracy. */
export interface MethodDifference {
  difference: number;
  half: number | null;
  /** The paper's. */
  paper: number | null;
}

/** What a method came to over rho and noise, a panel for each m. */
export interface RhoData {
  title: string;
  panels: {
    /** Examples of an ascent step. */
    m: number;
    isWholeBatch: boolean;
    cells: {
      rho: number;
      noiseSetting: string;
      seeds: number;
      /** Accuracy in percent, mean over seeds; null without a result. */
      mean: number | null;
      half: number | null;
      /** Memorised wrong labels in percent. */
      fitted: number | null;
    }[];
  }[];
}

/** A run's evaluations, in percent; the four lists run in parallel. */
export interface CurveData {
  method: string;
  noiseSetting: string;
  seed: number;
  epochs: number[];
  testAccuracy: number[];
  wrongLabelsFitted: (number | null)[];
  trueLabelsRecovered: (number | null)[];
}

/** The quantities of a curve. */
export type CurveQuantity = 'testAccuracy' | 'wrongLabelsFitted' | 'trueLabelsRecovered';

/** What the final networks of a cell make of the training labels, over all seeds that tell it. */
export interface FitData {
  method: string;
  noiseSetting: string;
  seeds: number;
  /** Training images by their loss, of right and of wrong labels; null where nobody knows which are right. */
  losses: { right: number[]; wrong: number[] } | null;
  /** counts[g][p]: training images given label g that are predicted as p; null where there are too many classes to show. */
  confusion: number[][] | null;
}

/** counts[t][g]: training images of true class t given label g, over all seeds. */
export interface TransitionData {
  noiseSetting: string;
  /** Settings of the same number have wrong labels that go the same way, whatever their share. */
  alike: number;
  seeds: number;
  counts: number[][];
}

export type RunState = 'finished' | 'running' | 'begun' | 'to do' | 'failed' | 'teacher failed' | 'damaged';

export interface RunData {
  id: string;
  method: string;
  noiseSetting: string;
  /** The noise setting's title; a teacher's may be none of the table's columns. */
  column: string;
  seed: number;
  state: RunState;
  /** Why it failed, or how far it is. */
  note: string;
  /** Of its steps, how many are done, 0 to 1. */
  share: number;
  accuracy: number | null;
  wrongLabelsFitted: number | null;
  trueLabelsRecovered: number | null;
  seconds: number | null;
  /** `seconds` as people say it. */
  duration: string;
  /** Its cost in trainings with plain SGD. */
  cost: number;
  dependsOn: string[];
}

/** A cell of a later folder beside that of the first, in percentage points of accuracy. */
export interface DifferenceData {
  /** Names of the two folders. */
  from: string;
  to: string;
  method: string;
  noiseSetting: string;
  /** Means over the seeds, percent. */
  before: number;
  after: number;
  difference: number;
  /** Half the width of the 95 % interval of the difference; null if the seeds are too few. */
  half: number | null;
  /** Paired by seed, or two samples. */
  paired: boolean;
}
