// Runs a suite's graph: what is finished is kept, what fails stops only what depends on it.
import type { Cifar10 } from '../data/dataset.js';
import { InputError } from '../errors.js';
import { architectureName } from '../models/architecture.js';
import { checkOwner, claim } from '../results/ownership.js';
import { encodeLabels } from '../results/predictions.js';
import { type Origin, provenanceOf } from '../results/provenance.js';
import type { RunRecord } from '../results/record.js';
import { readRecords, setAside, writeFailure, writeRecord } from '../results/store.js';
import type { Trainer, TrainingProgress } from '../training/job.js';
import type { RunGraph, RunNode } from './expand.js';
import { Preparer } from './prepare.js';
import type { LabelSets } from './resolve.js';

/** Hears what happens, as it happens. */
export interface Observer {
  /** Before the first run: the graph, and how many of its runs are there already. */
  begins?(graph: RunGraph, finished: ReadonlyMap<string, RunRecord>): void;
  /** A record that could not be used was moved aside; its run is done again. */
  setAside?(file: string, damage: string): void;
  started?(run: RunNode): void;
  progressed?(run: RunNode, progress: TrainingProgress): void;
  finished?(run: RunNode, record: RunRecord): void;
  failed?(run: RunNode, reason: string, error?: unknown): void;
}

/** What an execution needs. */
export interface Execution {
  graph: RunGraph;
  labelSets: LabelSets;
  /** The results folder; made if it is not there. */
  out: string;
  train: Trainer;
  /** Runs to train at once. */
  parallel: number;
  /** Called once, and only if there is something to train. */
  loadData(): Promise<Cifar10>;
  /** Called once, likewise. */
  origin(): Promise<Origin>;
  /** Writes the tables from what is there; called after every run. */
  writeTables(state: ExecutionState): Promise<void>;
  observer: Observer;
  signal: AbortSignal;
}

/** Where an execution stands. */
export interface ExecutionState {
  records: Map<string, RunRecord>;
  /** Why runs have no record: they failed, or their teacher did. */
  failures: Map<string, string>;
}

/**
 * Runs everything of the graph that has no record in OUT/runs yet, several at once, and writes each record when it
 * is there. Once `signal` is aborted it stops at the next training step and returns what is finished.
 *
 * @throws InputError if OUT is another suite's or cannot be written, or the data cannot be had
 */
export async function execute(execution: Execution): Promise<ExecutionState> {
  const { graph, out, observer } = execution;
  await checkOwner(out, graph.suite);
  const { records, damaged } = await readRecords(out, graph.runs);
  const state: ExecutionState = { records, failures: new Map() };
  const missing = graph.runs.filter((run) => !records.has(run.id));
  if (!missing.length) {
    await execution.writeTables(state);
    return state;
  }
  const preparer = new Preparer(await execution.loadData(), execution.labelSets);
  const origin = await execution.origin();
  await claim(out, graph.suite);
  for (const { file, damage } of damaged) observer.setAside?.(await setAside(file), damage);
  observer.begins?.(graph, records);
  // What cannot be written by one run cannot be written by the others under way either: they stop too.
  const stop = new AbortController();
  const signal = AbortSignal.any([execution.signal, stop.signal]);
  await runAll(missing, execution.parallel, signal, async (run) => {
    try {
      await runOne(run, { ...execution, signal }, state, preparer, origin);
      await execution.writeTables(state);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
  return state;
}

/** Makes the runs in the order of the graph, each once those it depends on are over, and up to `parallel` at once. */
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
  { graph, out, train, observer, signal }: Execution,
  state: ExecutionState,
  preparer: Preparer,
  origin: Origin,
): Promise<void> {
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
  const [teacherId] = run.dependsOn;
  const teacher = teacherId === undefined ? undefined : state.records.get(teacherId);
  if (teacherId !== undefined && !teacher) return fail(`its teacher ${teacherId} failed`);
  observer.started?.(run);
  try {
    const { job, noise } = preparer.prepare(run, teacher);
    const { predictions, ...outcome } = await train(job, (p) => observer.progressed?.(run, p), signal);
    const record: RunRecord = {
      id: run.id,
      spec: run.spec,
      method: run.method,
      noise,
      ...outcome,
      predictions: encodeLabels(predictions),
      provenance: provenanceOf(origin, graph.suite.name, run.spec),
    };
    await writeRecord(out, record);
    state.records.set(run.id, record);
    observer.finished?.(run, record);
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (signal.aborted) return;
    await explain(error as Error);
  }
}
