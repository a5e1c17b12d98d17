// What `labelnoise verify` finds of external rows: whether they are whole, of the suite, and what their predictions come to.
import { access } from 'node:fs/promises';
import path from 'node:path';
import { cacheStatus, cifar10, loadCifar10 } from '../data/datasets/cifar10.js';
import { datasetOf } from '../data/datasets/dataset.js';
import { noiseOf } from '../data/noises/noise.js';
import { Preparer } from '../execution/prepare.js';
import { copyAside, quarantine, writeWhole } from '../io/files.js';
import { readReport } from '../report/report.js';
import { tableTexts } from '../report/write.js';
import { firstDifference } from '../results/difference.js';
import {
  EXTERNAL_TABLE,
  type ExternalRow,
  externalFile,
  isAt,
  readExternal,
  rowOf,
  truthOf,
  writeExternal,
} from '../results/external.js';
import { faultText } from '../results/store.js';
import type { RunGraph } from '../suite/expand.js';

export interface ExternalFindings {
  /** A line each. */
  faults: string[];
  repairs: { what: string; act(): Promise<unknown> }[];
  /** Whether rows are damaged: tables are without them then. */
  isDamaged: boolean;
  /** What was looked at, to be put behind a number of records; empty without rows. */
  seen: string;
}

/** Checks a folder's external rows. Their figures are checked where CIFAR-10 is in the cache. */
export async function externalFindings(out: string, graph: RunGraph): Promise<ExternalFindings> {
  const file = externalFile(out);
  const { rows, faults, whole } = await readExternal(out, graph);
  if (faults.length)
    return {
      faults: [...faults.map(faultText), `${out}: tables are not compared: external rows cannot be read`],
      repairs: whole ? [mending(out, whole)] : [],
      isDamaged: true,
      seen: '',
    };
  if (!rows.length) return staleTable(path.join(out, EXTERNAL_TABLE));
  const wrong = await figureFaults(graph, rows);
  const count = `, ${rows.length} external row${rows.length === 1 ? '' : 's'}`;
  return {
    faults: (wrong ?? []).map(({ line, damage }) => faultText({ file, line, damage, run: undefined })),
    repairs: [],
    isDamaged: false,
    seen: wrong ? count : `${count} (their figures are not checked: the data set is not in the cache)`,
  };
}

function mending(out: string, whole: readonly ExternalRow[]): ExternalFindings['repairs'][0] {
  const file = externalFile(out);
  return {
    what: `${file}: put aside, written again of the ${whole.length} rows that are whole, and tables drawn with these`,
    act: async () => {
      // What is damaged stays in its place until the rows that are whole are written.
      await (whole.length ? copyAside(file) : quarantine(file));
      if (whole.length) await writeExternal(out, whole);
      const { report } = await readReport(out);
      for (const [name, text] of Object.entries(tableTexts(report)))
        await writeWhole(path.join(out, name), text);
    },
  };
}

/** Without rows there is no table of them. */
async function staleTable(file: string): Promise<ExternalFindings> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  const none = { isDamaged: false, seen: '' };
  if (!isThere) return { faults: [], repairs: [], ...none };
  return {
    faults: [`${file}: is there, but there are no external rows; right: none`],
    repairs: [{ what: `${file}: moved aside`, act: () => quarantine(file, 'replaced') }],
    ...none,
  };
}

/** Where figures are not what the predictions come to by CIFAR-10's labels; undefined where these are not in the cache, or those of another data set. */
async function figureFaults(
  graph: RunGraph,
  rows: readonly ExternalRow[],
): Promise<{ line: number; damage: string }[] | undefined> {
  if (datasetOf(rows[0]!.data) !== cifar10) return undefined;
  if ((await cacheStatus()).files.some(({ state }) => state !== 'ok')) return undefined;
  const preparer = new Preparer(await loadCifar10({ say() {} }), new Map());
  return rows.flatMap((row, i) => {
    const run = graph.runs.find(
      ({ spec, noiseSetting }) => spec.seed === row.seed && isAt(row, noiseSetting),
    )!;
    const images = preparer.images.of(run.spec);
    // Labels from a file are not at hand: what was learned from, and fitted of it, is taken as it is said.
    const isGiven = !noiseOf(row.noise).resolve;
    const given = isGiven ? preparer.prepare(run).job.noisyLabels : images.train.labels;
    const again = rowOf(row, truthOf(run, images, given), row.predictions, row.train?.predictions);
    const { testAccuracy } = again;
    const right = isGiven ? again : { ...row, testAccuracy };
    const found = firstDifference(row, right);
    const is = found && [found.before, found.after].map((value) => JSON.stringify(value));
    return found && is
      ? [{ line: i + 1, damage: `${found.path} is ${is[0]}; by CIFAR-10's labels ${is[1]}` }]
      : [];
  });
}
