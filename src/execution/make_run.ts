// One run made, wherever that is: from its labels to its record.
import { datasetOf } from '../data/datasets/dataset.js';
import { encodeGuesses, guessesOf } from '../data/guesses.js';
import { type Origin, provenanceOf } from '../results/provenance.js';
import { encodeLabels } from '../spec/labels.js';
import type { RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import type { RunJob, TrainingOutcome, Weights } from '../training/job.js';
import type { Preparer, TeacherRecord } from './prepare.js';

/** What a run is made with. */
export interface Making {
  preparer: Preparer;
  origin: Origin;
  /** The suite's name, which the record tells. */
  suite: string;
  checkpoint?: RunJob['checkpoint'];
  /** Called before there is a record, with the final weights if the run keeps them. */
  keep?(weights: Weights): Promise<void>;
  train(job: RunJob): Promise<TrainingOutcome>;
}

/** @param recordOf gives the records of the runs it depends on */
export async function makeRun(
  run: RunNode,
  recordOf: (id: string) => TeacherRecord | undefined,
  { preparer, origin, suite, checkpoint, keep, train }: Making,
): Promise<RunRecord> {
  const { job, noise } = preparer.prepare(run, recordOf);
  const { predictions, logProbabilities, weights, ...outcome } = await train({
    ...job,
    ...(checkpoint && { checkpoint }),
  });
  if (weights) await keep?.(weights);
  const classes = datasetOf(run.spec.data).classNames.length;
  const last = logProbabilities?.at(-1);
  return {
    id: run.id,
    spec: run.spec,
    method: run.method,
    noise,
    ...outcome,
    predictions: encodeLabels(predictions, classes),
    ...(last && { guesses: encodeGuesses(guessesOf(last, job.noisyLabels, classes)) }),
    provenance: provenanceOf(origin, suite, run.spec),
  };
}
