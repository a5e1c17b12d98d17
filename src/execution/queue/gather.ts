// A queue's results into a results folder, as they would be there had the runs been made here.
import { setTimeout } from 'node:timers/promises';
import { makeResultsFolder } from '../../io/files.js';
import { checkUnlocked, lock } from '../../io/lock.js';
import { unmakeFolders } from '../../io/paths.js';
import { checkManifest, claim } from '../../results/manifest.js';
import { writeFailure, writeRecord } from '../../results/store.js';
import type { RunGraph } from '../../suite/expand.js';
import type { Commission } from '../commission.js';
import { checkStored, type ExecutionState, type Observer, stateOf } from '../execute.js';
import type { RunQueue, Standing } from './queue.js';

/** How often a queue that is followed is looked at. */
const LOOK_MILLISECONDS = 1000;

export interface Gathering {
  queue: RunQueue;
  commission: Commission;
  /** The runs to fetch. */
  graph: RunGraph;
  out: string;
  /** Goes on until all of them are over, instead of fetching what is there. */
  follow: boolean;
  /** Called after whatever is new, and when all is over. */
  writeTables(state: ExecutionState, isOver: boolean): Promise<void>;
  observer: Observer;
  signal: AbortSignal;
}

export interface Gathered extends ExecutionState {
  /** Why results were not taken. */
  refused: Map<string, string>;
  standing: Standing;
}

/**
 * Fetches the results that are not in OUT yet. What it holds already stays.
 *
 * @throws InputError if OUT is another suite's, in use or cannot be written; what is in the queue stays there
 */
export async function gather(gathering: Gathering): Promise<Gathered> {
  const { graph, out, observer } = gathering;
  await checkManifest(out, graph.suite);
  await checkUnlocked(out);
  await checkStored(out, graph);
  const made = makeResultsFolder(out);
  try {
    const unlock = await lock(out, (line) => observer.noted?.(line));
    try {
      const stored = await checkStored(out, graph);
      await claim(out, graph.suite);
      return await gatherLocked(gathering, stateOf(stored, graph));
    } finally {
      await unlock();
    }
  } catch (error) {
    unmakeFolders(made);
    throw error;
  }
}

async function gatherLocked(gathering: Gathering, state: ExecutionState): Promise<Gathered> {
  const { queue, commission, graph, out, follow, observer, signal } = gathering;
  const asked = new Map(graph.runs.map((run) => [run.id, run]));
  const refused = new Map<string, string>();
  const seen = new Map<string, number>();
  observer.begins?.(graph, state.records, state.kept);
  for (;;) {
    const standing = await queue.standing(commission);
    for (const [id, { epoch, epochs, share, loss, curve }] of standing.underWay) {
      const run = asked.get(id);
      if (!run || seen.get(id) === share) continue;
      if (!seen.has(id)) observer.started?.(run);
      seen.set(id, share);
      if (epochs)
        observer.progressed?.(run, {
          ...{ epoch, epochs, step: share, steps: 1, loss: loss ?? Number.NaN },
          ...(curve.length && { evaluation: curve.at(-1)! }),
        });
    }
    const missing = graph.runs.filter(({ id }) => standing.results.has(id) && !state.records.has(id));
    const results = await queue.results(commission, missing);
    for (const [id, record] of results.records) {
      await writeRecord(out, record);
      state.records.set(id, record);
      refused.delete(id);
      observer.finished?.(asked.get(id)!, record);
    }
    for (const [id, damage] of results.refused) {
      if (!refused.has(id)) observer.failed?.(asked.get(id)!, `its result is refused: ${damage}`);
      refused.set(id, damage);
    }
    for (const [id, reason] of standing.failures) {
      const run = asked.get(id);
      if (!run || state.failures.has(id)) continue;
      state.failures.set(id, reason);
      await writeFailure(out, run, reason);
      observer.failed?.(run, reason);
    }
    const isOpen = ({ id }: { id: string }) => standing.underWay.has(id) || standing.waiting.has(id);
    const isOver = !follow || signal.aborted || !graph.runs.some(isOpen);
    if (results.records.size || isOver) await gathering.writeTables(state, isOver);
    if (isOver) {
      if (signal.aborted) observer.stopped?.();
      return { ...state, refused, standing };
    }
    await setTimeout(LOOK_MILLISECONDS, undefined, { signal }).catch(() => {});
  }
}
