// `make mutation-test`: the suite `check` with a product broken in ten ways, each held against the sound product's baseline,
// bitwise and by statistics alone. MUTATION names a single one.
import path from 'node:path';
import { table } from 'table';
import { PROJECT_ROOT } from '../src/io/project.js';
import { baselineOf } from '../src/regression/baseline.js';
import { compare } from '../src/regression/compare.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { failedRuns, readStored } from '../src/results/store.js';
import { copyProduct, MUTATIONS, mutate, runCopy } from './support/mutations.js';
import { temporaryFolder } from './support/temporary_folder.js';

const tell = (line: string) => process.stdout.write(`${line}\n`);
const wanted = process.env.MUTATION;
const mutations = MUTATIONS.filter(({ name }) => !wanted || name === wanted);
if (!mutations.length)
  throw new Error(`no mutation "${wanted}": one of ${MUTATIONS.map(({ name }) => name).join(', ')}`);
const suite = path.join(PROJECT_ROOT, 'suites', 'check.json');
const folder = await temporaryFolder();

// All are made before any is run, so that one that does not fit the code is not found out after an hour.
for (const mutation of mutations) {
  await copyProduct(path.join(folder, mutation.name));
  await mutate(path.join(folder, mutation.name), mutation);
}

async function resultsIn(out: string) {
  const graph = await readOwnGraph(out);
  const { records } = await readStored(out, graph.runs);
  return { graph, records, failed: await failedRuns(out, graph.runs) };
}

tell('the sound product ...');
await copyProduct(path.join(folder, 'sound'));
const sound = path.join(folder, 'sound', 'out');
const failure = await runCopy(path.join(folder, 'sound'), suite, '--out', sound);
if (failure) throw new Error(failure);
const { graph, records } = await resultsIn(sound);
const baseline = baselineOf(graph, records, sound);
const rows: string[][] = [];
const caught = { bits: 0, failed: 0, noticed: 0 };
for (const { name } of mutations) {
  const copy = path.join(folder, name);
  await runCopy(copy, suite, '--out', path.join(copy, 'out'));
  const results = await resultsIn(path.join(copy, 'out'));
  const byBits = compare(baseline, 'the sound product', results);
  const byStatistics = compare(baseline, 'the sound product', results, true);
  if (!byBits.passed) caught.bits++;
  // What is called an improvement is noticed, but does not fail a check.
  const noticed = byStatistics.cells.filter(({ verdict }) => verdict !== 'pass');
  if (!byStatistics.passed) caught.failed++;
  if (noticed.length) caught.noticed++;
  const largest = byStatistics.cells.toSorted((a, b) => (a.p ?? 0) - (b.p ?? 0))[0]!;
  rows.push([
    name,
    `${byBits.cells.filter(({ verdict, defect }) => defect || verdict !== 'pass').length} of ${byBits.cells.length}`,
    noticed.map(({ method, verdict }) => `${method} ${verdict}`).join(', ') || 'none',
    `${largest.method} ${largest.difference?.toFixed(2) ?? 'missing'} (p ${largest.adjustedP?.toFixed(3) ?? '-'}, detectable ${largest.smallestDetectable?.toFixed(1) ?? '-'})`,
  ]);
  tell(rows.at(-1)!.join(' | '));
}
tell(table([['Mutation', 'Cells with other bits', 'By statistics', 'Clearest cell'], ...rows]).trimEnd());
tell(
  `of ${rows.length}: ${caught.bits} fail by exact equality; by statistics alone ${caught.noticed} are called changed, of which ${caught.failed} fail and the others are called improvements`,
);
if (caught.bits < rows.length) process.exitCode = 1;
