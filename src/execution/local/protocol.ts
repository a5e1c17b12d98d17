// What the scheduling process and its workers say to each other.
import type { AnalysisJob } from '../../analysis/analysis.js';
import type { WholeFile } from '../../data/datasets/official.js';
import type { EngineVersions } from '../../results/provenance.js';
import type { RunSpec } from '../../spec/run_spec.js';
import type { UserFile } from '../../suite/user_files.js';
import type { RunJob, TrainingJob, TrainingOutcome, TrainingProgress } from '../../training/job.js';
import type { StepTime } from '../../training/measure.js';
import type { Trajectory } from '../../training/trajectory.js';

/** What a worker can be asked for, and what it answers. */
export interface Tasks {
  // The images of a job are loaded where it is done, unless they are made up and come with it.
  train: { asked: RunJob | TrainingJob; answered: TrainingOutcome };
  trajectory: { asked: RunJob | TrainingJob; answered: Trajectory };
  measureStep: { asked: RunSpec; answered: StepTime };
  analyse: { asked: AnalysisJob | (AnalysisJob & TrainingJob); answered: unknown };
  versions: { asked: undefined; answered: EngineVersions };
}

export type Question = {
  [Task in keyof Tasks]: { task: Task; about: Tasks[Task]['asked'] };
}[keyof Tasks];

/** What goes with a question: the users' files that it is about, and the files of data that need not be verified again. */
export interface Enclosed {
  files: readonly UserFile[];
  whole: ReadonlyMap<string, WholeFile>;
}

/** To a worker: a question (one at a time), or the wish that it give up the one it is at. */
export type ToWorker = (Question & Enclosed) | { task: 'abort' };

/** From a worker: how it gets on, then the answer or what went wrong. */
export type FromWorker =
  | { kind: 'progress'; progress: TrainingProgress }
  | { kind: 'doing'; what: string }
  | { kind: 'answer'; answer: Tasks[keyof Tasks]['answered'] }
  | { kind: 'error'; message: string; stack: string | undefined; isInputError: boolean };
