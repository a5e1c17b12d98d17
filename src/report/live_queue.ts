// The page of a suite that a queue's workers are at.
import type { Commission } from '../execution/commission.js';
import type { RunQueue, Standing } from '../execution/queue/queue.js';
import type { RunRecord } from '../spec/record.js';
import type { LiveContent } from './live_server.js';
import { pageDataOf } from './page_data_of.js';
import { reportOf } from './report.js';

/** What a queue holds; results that were read before are not fetched again. */
export function queueContent(queue: RunQueue, commission: Commission): LiveContent {
  const { graph } = commission;
  const records = new Map<string, RunRecord>();
  let seen = '';
  return {
    async now() {
      const standing = await queue.standing(commission);
      seen = signOf(standing);
      const missing = graph.runs.filter(({ id }) => standing.results.has(id) && !records.has(id));
      const results = await queue.results(commission, missing);
      for (const [id, record] of results.records) records.set(id, record);
      const failures = new Map(standing.failures);
      for (const [id, damage] of results.refused) failures.set(id, `its result is refused: ${damage}`);
      const report = reportOf(graph, records, failures);
      const runStatus = { underWay: standing.underWay, failures };
      return pageDataOf([{ name: graph.suite.name, report, runStatus }], true);
    },
    hasChanged: async () => signOf(await queue.standing(commission)) !== seen,
  };
}

function signOf({ results, underWay, failures }: Standing): string {
  const shares = [...underWay].map(([id, { share, curve }]) => [id, share, curve.length]);
  return JSON.stringify([results.size, shares, [...failures]]);
}
