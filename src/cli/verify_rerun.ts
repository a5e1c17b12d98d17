// `labelnoise verify FOLDER --rerun N`: some of a folder's runs are trained again and compared with their records.
import { makeRun } from '../execution/make_run.js';
import { Preparer } from '../execution/prepare.js';
import { drawRuns, rerunOf } from '../regression/rerun.js';
import { runTitle } from '../report/wording.js';
import { originOf } from '../results/provenance.js';
import { addReruns, type Rerun, type RerunVerdict, readReruns } from '../results/submission.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import type { Engine } from './engine.js';

export interface RerunOptions {
  /** How many runs. */
  rerun: number;
  /** What they are drawn by. */
  seed: number;
  /** Who trains them; the outcome is kept in the folder if it is given. */
  by?: string | undefined;
}

const SAID: Record<RerunVerdict, string> = {
  same: 'the same bits',
  agrees: 'within what seeds differ by',
  differs: 'DIFFERS',
  unjudged: 'not judged: there is one seed, which does not tell by how much they differ',
};

/**
 * Trains runs again, from their specs and, where they learn from a teacher, from that one's record.
 *
 * @returns whether none came out otherwise
 * @throws InputError if there is nothing that can be trained again
 */
export async function rerun(
  out: string,
  graph: RunGraph,
  records: ReadonlyMap<string, RunRecord>,
  { rerun: number, seed, by }: RerunOptions,
  engine: Engine,
  print: (line: string) => void,
  say: (line: string) => void,
): Promise<boolean> {
  const runs = drawRuns(graph, records, number, seed);
  if (!runs.length)
    throw new InputError(
      `${out}: has no run that can be trained again: of this version's algorithm, with a record, of no file that is somebody's own`,
    );
  if (runs.length < number) say(`${out}: only ${runs.length} runs can be trained again`);
  const preparer = new Preparer(await engine.loadData(runs[0]!.spec.data), new Map());
  const origin = await originOf(await engine.versions());
  // A signal ends the process: there is nothing to save.
  const { signal } = new AbortController();
  const reruns: Rerun[] = [];
  const waiting = runs.values();
  const work = async () => {
    for (const run of waiting) {
      say(`training again: ${runTitle(run)}`);
      const after = await makeRun(run, (id) => records.get(id), {
        preparer,
        origin,
        suite: graph.suite.name,
        train: (job) => engine.train(job, () => {}, signal),
      });
      const found = rerunOf(run, after, graph, records, by ?? 'nobody');
      reruns.push(found);
      print(textOf(run, found));
    }
  };
  const workers = Math.min(runs.length, engine.parallelRuns(graph.suite.threads));
  await Promise.all(Array.from({ length: workers }, work));
  if (by !== undefined) await addReruns(out, (await readReruns(out, records)).reruns, reruns);
  return reruns.every(({ verdict }) => verdict !== 'differs');
}

function textOf(run: RunNode, { before, after, differs, verdict }: Rerun): string {
  const change = after.accuracy - before.accuracy;
  const signed = `${change < 0 ? '' : '+'}${change.toFixed(2)} percentage points`;
  const where = differs ? `; ${differs.field} is ${differs.after}, was ${differs.before}` : '';
  return `${run.id} (${runTitle(run)}): ${before.accuracy.toFixed(2)} %, now ${after.accuracy.toFixed(2)} % (${signed}): ${SAID[verdict]}${where}`;
}
