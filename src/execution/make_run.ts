// One run made, wherever that is: from its labels to its record.
import { datasetOf } from '../data/datasets/dataset.js';
import { type Origin, provenanceOf } from '../results/provenance.js';
import { encodeLabels } from '../spec/labels.js';
import type { RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import type { RunJob, TrainingOutcome } from '../training/job.js';
import type { Preparer } from './prepare.js';

/** What a run is made with. */
export interface Making {
  preparer: Preparer;
  origin: Origin;
  /** The suite's name, which the record tells. */
  suite: string;
  checkpoint?: RunJob['checkpoint'];
  train(job: RunJob): Promise<TrainingOutcome>;
}

/** @param teacher the record of the run whose predictions it learns, if it does */
export async function makeRun(
  run: RunNode,
  teacher: Pick<RunRecord, 'predictions'> | undefined,
  { preparer, origin, suite, checkpoint, train }: Making,
): Promise<RunRecord> {
  const { job, noise } = preparer.prepare(run, teacher);
  const { predictions, ...outcome } = await train({ ...job, ...(checkpoint && { checkpoint }) });
  return {
    id: run.id,
    spec: run.spec,
    method: run.method,
    noise,
    ...outcome,
    predictions: encodeLabels(predictions, datasetOf(run.spec.data).classNames.length),
    provenance: provenanceOf(origin, suite, run.spec),
  };
}
