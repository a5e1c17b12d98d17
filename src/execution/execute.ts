// Runs a suite's graph: what is finished is kept, what fails stops only what depends on it.
import { onExit } from 'signal-exit';
import type { LoadedDataset } from '../data/datasets/dataset.js';
import { makeResultsFolder, quarantine } from '../io/files.js';
import { checkUnlocked, lock } from '../io/lock.js';
import { unmakeFolders } from '../io/paths.js';
import { architectureName } from '../models/catalogue.js';
import { checkManifest, claim } from '../results/manifest.js';
import type { Origin } from '../results/provenance.js';
import {
  archiveFile,
  checkpointFile,
  damagedFiles,
  faultText,
  readStored,
  refuseForeign,
  removeSuperseded,
  type Stored,
  writeFailure,
  writeRecord,
} from '../results/store.js';
import { writeWeights } from '../results/weights.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import { expand, type RunGraph, type RunNode } from '../suite/expand.js';
import type { LabelSets } from '../suite/resolve.js';
import {
  type CheckpointInterval,
  type RunJob,
  type Trainer,
  type TrainingOutcome,
  type TrainingProgress,
  WorkerEnded,
} from '../training/job.js';
import { longestFirst } from './longest_first.js';
import { makeRun } from './make_run.js';
import { Preparer } from './prepare.js';

/** How often a run's state is saved where its suite does not say. */
export const DEFAULT_CHECKPOINT: CheckpointInterval = { minutes: 2 };
/** How often a run whose worker ended is tried again. */
export const RETRIES = 2;

/** Hears what happens, as it happens. */
export interface Observer {
  /** Before the first run: the graph, which of its runs are there already, and what else is kept. */
  begins?(
    graph: RunGraph,
    finished: ReadonlyMap<string, RunRecord>,
    kept?: ReadonlyMap<string, RunRecord>,
  ): void;
  /** A record or checkpoint that could not be used was moved aside; its run is done again. */
  quarantined?(file: string, damage: string): void;
  /** Something to know about the results folder. */
  noted?(line: string): void;
  started?(run: RunNode): void;
  /** What is begun of a run that may take long. */
  doing?(run: RunNode, what: string): void;
  progressed?(run: RunNode, progress: TrainingProgress): void;
  finished?(run: RunNode, record: RunRecord): void;
  /** The worker ended; the run is tried again, from its last checkpoint. */
  retried?(run: RunNode, reason: string): void;
  failed?(run: RunNode, reason: string, error?: unknown): void;
  /** The execution was asked to stop, and has. */
  stopped?(): void;
}

/** Several observers as one, which tells each of them, in their order. */
export function observers(...all: Observer[]): Observer {
  const tell =
    <Event extends keyof Observer>(event: Event) =>
    (...news: Parameters<NonNullable<Observer[Event]>>) => {
      for (const observer of all) (observer[event] as ((...news: unknown[]) => void) | undefined)?.(...news);
    };
  return {
    begins: tell('begins'),
    quarantined: tell('quarantined'),
    noted: tell('noted'),
    started: tell('started'),
    doing: tell('doing'),
    progressed: tell('progressed'),
    finished: tell('finished'),
    retried: tell('retried'),
    failed: tell('failed'),
    stopped: tell('stopped'),
  };
}

/** What an execution needs. */
export interface Execution {
  graph: RunGraph;
  labelSets: LabelSets;
  /** The results folder; made if it is not there. */
  out: string;
  train: Trainer<RunJob>;
  /** Runs to train at once. */
  parallel: number;
  /** Called once, and only if there is something to train. */
  loadData(): Promise<LoadedDataset>;
  /** The folder that it is loaded from, if it was named. */
  dataDir?: string | undefined;
  /** Called once, likewise. */
  origin(): Promise<Origin>;
  /** Writes the tables from what is there; called when runs have finished, and when all is over. */
  writeTables(state: ExecutionState, isOver: boolean): Promise<void>;
  observer: Observer;
  signal: AbortSignal;
}

/** Where an execution stands. */
export interface ExecutionState {
  records: Map<string, RunRecord>;
  /** What the folder holds besides: records of the suite's other runs, and those of the archive until they are made here. */
  kept: Map<string, RunRecord>;
  /** Why runs have no record: they failed, or their teacher did. */
  failures: Map<string, string>;
}

/**
 * Runs everything of the graph that has no record in OUT/runs yet, several at once, and writes each record when it
 * is there. The archive's records are what was published: runs are made here all the same, but for those whose record in
 * OUT/runs is damaged. Once `signal` is aborted, runs under way stop at their next step with a checkpoint, and it returns
 * what is finished.
 *
 * @throws InputError if OUT is another suite's, in use or cannot be written, its archive could lose a record, or the data
 *   cannot be had
 */
export async function execute(execution: Execution): Promise<ExecutionState> {
  const { graph, out, observer } = execution;
  await checkManifest(out, graph.suite);
  await checkUnlocked(out);
  const stored = await checkStored(out, graph);
  const state = stateOf(stored, graph);
  if (graph.runs.every((run) => state.records.has(run.id))) {
    const unlock = await lock(out, (line) => observer.noted?.(line));
    try {
      const stored = await checkStored(out, graph);
      const state = stateOf(stored, graph);
      for (const { instead, text } of damagedFiles(stored)) if (instead) observer.noted?.(text);
      for (const id of stored.runs.placed.keys()) await removeSuperseded(out, id);
      await execution.writeTables(state, true);
      return state;
    } finally {
      await unlock();
    }
  }
  // Before anything that takes long. Where nothing comes of it, nothing is left of it.
  const made = makeResultsFolder(out);
  // After the lock is given back, which is done when the process exits too.
  const forget = onExit(() => unmakeFolders(made), { alwaysLast: true });
  try {
    const preparer = new Preparer(await execution.loadData(), execution.labelSets, execution.dataDir);
    const origin = await execution.origin();
    const unlock = await lock(out, (line) => observer.noted?.(line));
    try {
      const { foreign } = (await checkStored(out, graph)).archive;
      if (foreign.length) {
        const aside = await quarantine(archiveFile(out), 'replaced');
        const are = `${foreign.length} of its records are of none of the suite's runs`;
        observer.noted?.(
          `${archiveFile(out)}: ${are}; all runs are made anew, and the file is kept as ${aside}`,
        );
      }
      await claim(out, graph.suite);
      const state = await executeLocked(execution, preparer, origin);
      await execution.writeTables(state, true);
      return state;
    } finally {
      await unlock();
    }
  } catch (error) {
    unmakeFolders(made);
    throw error;
  } finally {
    forget();
  }
}

/**
 * What OUT holds of the whole suite.
 *
 * @throws InputError if a record could be lost: the archive is damaged, or holds records of other settings, unless the whole
 *   suite is to be made and none of it is yet
 */
export async function checkStored(out: string, graph: RunGraph): Promise<Stored> {
  const whole = expand(graph.suite).runs;
  const stored = await readStored(out, whole);
  const [fault] = stored.archive.damaged;
  if (fault)
    throw new InputError(`${faultText(fault)}; "labelnoise verify ${out} --repair" says what can be done`);
  const anew = graph.runs.length === whole.length && !stored.runs.placed.size && !stored.runs.foreign.length;
  if (!anew) refuseForeign(stored, whole);
  return stored;
}

/** Of what is stored: what is finished of these runs, and what else is kept. */
export function stateOf({ records, runs: files, unweighted }: Stored, graph: RunGraph): ExecutionState {
  const damaged = new Set(files.damaged.map(({ run }) => run));
  const isFinished = (id: string) =>
    (files.placed.has(id) || (records.has(id) && damaged.has(id))) && !unweighted.has(id);
  const state: ExecutionState = { records: new Map(), kept: new Map(), failures: new Map() };
  const asked = new Set(graph.runs.map(({ id }) => id));
  for (const [id, record] of records)
    (asked.has(id) && isFinished(id) ? state.records : state.kept).set(id, record);
  return state;
}

/** The part of an execution that must be alone in OUT. */
async function executeLocked(
  execution: Execution,
  preparer: Preparer,
  origin: Origin,
): Promise<ExecutionState> {
  const { graph, out, observer } = execution;
  const stored = await checkStored(out, graph);
  const state = stateOf(stored, graph);
  const { records } = state;
  for (const id of stored.runs.placed.keys()) if (records.has(id)) await removeSuperseded(out, id);
  const missing = longestFirst(graph.runs.filter((run) => !records.has(run.id)));
  observer.begins?.(graph, records, state.kept);
  for (const { instead, text } of damagedFiles(stored)) if (instead) observer.noted?.(text);
  const published = [...stored.archive.placed.keys()].filter(
    (id) => state.kept.has(id) && !stored.runs.placed.has(id),
  );
  const unweighted = missing.filter(({ id }) => stored.unweighted.has(id) && stored.runs.placed.has(id));
  if (unweighted.length)
    observer.noted?.(
      `${out}: ${unweighted.length} finished runs have no weights, which "keepWeights" asks for; they are made again`,
    );
  if (published.length)
    observer.noted?.(
      `${archiveFile(out)}: ${published.length} records are kept, until their runs are made here`,
    );
  for (const { file, damage, run } of stored.runs.damaged)
    if (missing.some(({ id }) => id === run)) observer.quarantined?.(await quarantine(file), damage);
  // What cannot be written by one run cannot be written by the others under way either: they stop too.
  const stop = new AbortController();
  const signal = AbortSignal.any([execution.signal, stop.signal]);
  let tables = Promise.resolve();
  let isDue = false;
  // Runs go on meanwhile, and those that finish until it comes to them are written with it.
  const writeSoon = () => {
    if (isDue) return;
    isDue = true;
    tables = tables.then(async () => {
      if (!isDue) return;
      isDue = false;
      await execution.writeTables(state, false);
    });
    tables.catch((error) => stop.abort(error));
  };
  try {
    await runAll(missing, execution.parallel, signal, async (run) => {
      try {
        await runOne(run, { ...execution, signal }, state, preparer, origin);
        writeSoon();
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
  } finally {
    // The last tables are written when all is over.
    isDue = false;
    await tables;
  }
  if (execution.signal.aborted) observer.stopped?.();
  return state;
}

/** Makes the runs in their order, each once those it depends on are over, and up to `parallel` at once. */
async function runAll(
  runs: readonly RunNode[],
  parallel: number,
  signal: AbortSignal,
  make: (run: RunNode) => Promise<void>,
): Promise<void> {
  const waiting = new Map(runs.map((run) => [run.id, run]));
  const underWay = new Map<string, Promise<void>>();
  const isOver = (id: string) => !waiting.has(id) && !underWay.has(id);
  let failure: unknown;
  for (;;) {
    const ready = [...waiting.values()].find(({ dependsOn }) => dependsOn.every(isOver));
    if (ready && !signal.aborted && underWay.size < parallel) {
      waiting.delete(ready.id);
      const made = make(ready).catch((error) => {
        failure ??= error;
      });
      underWay.set(
        ready.id,
        made.finally(() => underWay.delete(ready.id)),
      );
    } else if (underWay.size) await Promise.race(underWay.values());
    else break;
  }
  if (failure !== undefined) throw failure;
}

/** Trains one run and keeps its record, or notes why there is none. */
async function runOne(
  run: RunNode,
  execution: Execution,
  state: ExecutionState,
  preparer: Preparer,
  origin: Origin,
): Promise<void> {
  const { graph, out, observer, signal } = execution;
  const fail = (reason: string, error?: unknown) => {
    state.failures.set(run.id, reason);
    observer.failed?.(run, reason, error);
  };
  const explain = async (error: Error) => {
    const { model, training } = run.spec;
    const reason = `${error.message.split('\n', 1)[0]} [${architectureName(model)}, batches of ${training.batchSize}]`;
    await writeFailure(out, run, reason);
    fail(reason, error);
  };
  const without = run.dependsOn.find((id) => !state.records.has(id));
  if (without !== undefined) return fail(`its teacher ${without} failed`);
  observer.started?.(run);
  try {
    const every = graph.suite.checkpoint ?? DEFAULT_CHECKPOINT;
    const record = await makeRun(run, (id) => state.records.get(id), {
      preparer,
      origin,
      suite: graph.suite.name,
      checkpoint: { file: checkpointFile(out, run.id), every },
      keep: (weights) => writeWeights(out, run.id, weights),
      train: (job) => trained(run, job, execution),
    });
    await writeRecord(out, record);
    state.records.set(run.id, record);
    observer.finished?.(run, record);
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (signal.aborted) {
      if (error instanceof WorkerEnded)
        observer.noted?.(
          `run ${run.id} (${run.method}): did not come to the end of its step in time; what was done since its last checkpoint is lost`,
        );
      return;
    }
    await explain(error as Error);
  }
}

/** Trains a run; one whose worker ends is tried again, a few times, and goes on from its checkpoint. */
async function trained(
  run: RunNode,
  job: RunJob,
  { train, observer, signal }: Execution,
): Promise<TrainingOutcome> {
  const onProgress = (progress: TrainingProgress) => {
    if (progress.quarantined) observer.quarantined?.(progress.quarantined.file, progress.quarantined.damage);
    observer.progressed?.(run, progress);
  };
  for (let retries = 0; ; retries++)
    try {
      return await train(job, onProgress, signal, (what) => observer.doing?.(run, what));
    } catch (error) {
      if (!(error instanceof WorkerEnded) || signal.aborted || retries === RETRIES) throw error;
      observer.retried?.(run, error.message);
    }
}
