// One run of a plan into a results folder that other processes, on other machines, write other runs to.

import { checkUnlocked } from '../io/lock.js';
import { readOwnGraph } from '../results/manifest.js';
import { originOf } from '../results/provenance.js';
import { checkpointFile, readRecord, writeFailure, writeRecord } from '../results/store.js';
import { hasWeights, writeWeights } from '../results/weights.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import type { TrainingProgress } from '../training/job.js';
import type { Commission } from './commission.js';
import { DEFAULT_CHECKPOINT } from './execute.js';
import { makeRun } from './make_run.js';
import { Preparer } from './prepare.js';
import type { WorkerEngine } from './queue/worker.js';

export interface OneRun {
  commission: Commission;
  id: string;
  out: string;
  engine: WorkerEngine;
  dataDir?: string | undefined;
  onProgress(progress: TrainingProgress): void;
  signal: AbortSignal;
}

/**
 * Makes a run and writes its record, unless it is there. Nothing is locked: files of different runs are different files, each
 * written beside its place and renamed, which is whole or not at all on NFS too, and of one run all records say the same.
 *
 * @returns the record, and whether it was there
 * @throws InputError if OUT is not the suite's, or the run's teacher is not finished there
 */
export async function makeOneRun(one: OneRun): Promise<{ record: RunRecord; wasThere: boolean }> {
  const { commission, id, out, engine, dataDir, onProgress, signal } = one;
  const { suite } = commission.graph;
  const run = commission.byId.get(id);
  if (!run) throw new InputError(`--run ${id}: is none of the runs of ${suite.name}`);
  const own = await readOwnGraph(out);
  if (!own.runs.some((run) => run.id === id))
    throw new InputError(`${out}: is of another suite, or of other settings: it has no run ${id}`);
  await checkUnlocked(out);
  const found = await readRecord(out, run);
  if (found && !(run.keepsWeights && !hasWeights(out, id))) return { record: found, wasThere: true };
  const teachers = new Map<string, RunRecord>();
  for (const teacher of run.dependsOn) {
    const record = await readRecord(out, commission.byId.get(teacher)!);
    if (!record)
      throw new InputError(
        `${out}: has no record of the run ${teacher} that ${id} learns from; make that first`,
      );
    teachers.set(teacher, record);
  }
  const loaded = await engine.loadData(run.spec.data, dataDir);
  const origin = await originOf(await engine.versions());
  try {
    const record = await makeRun(run, (teacher) => teachers.get(teacher), {
      preparer: new Preparer(loaded, commission.labelSets, dataDir),
      origin,
      suite: suite.name,
      checkpoint: { file: checkpointFile(out, id), every: suite.checkpoint ?? DEFAULT_CHECKPOINT },
      keep: (weights) => writeWeights(out, id, weights),
      train: (job) => engine.train(job, onProgress, signal),
    });
    await writeRecord(out, record);
    return { record, wasThere: false };
  } catch (error) {
    if (!(error instanceof InputError) && !signal.aborted)
      await writeFailure(out, run, (error as Error).message.split('\n', 1)[0]!);
    throw error;
  }
}
