// `labelnoise score`: a row in a results folder's tables from predictions that another program made.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { datasetOf } from '../data/datasets/dataset.js';
import { readPredictions } from '../data/prediction_file.js';
import type { RunImages } from '../data/subset.js';
import { Preparer } from '../execution/prepare.js';
import { makeResultsFolder } from '../io/files.js';
import { checkUnlocked, lock } from '../io/lock.js';
import { unmakeFolders } from '../io/paths.js';
import { announceDamage, readReport } from '../report/report.js';
import { terminalTable } from '../report/table.js';
import { writeTables } from '../report/write.js';
import { firstDifference } from '../results/difference.js';
import {
  dataOf,
  isLink,
  isName,
  LINK_ALLOWED,
  NAME_ALLOWED,
  readExternal,
  rowOf,
  truthOf,
  withRow,
  writeExternal,
} from '../results/external.js';
import { checkManifest, claim, manifestFile, readOwnGraph } from '../results/manifest.js';
import { faultText, readStored } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import { encodeLabels } from '../spec/labels.js';
import { SEEDS } from '../spec/limits.js';
import { columnAndSeed, seedsToHave } from '../suite/cell.js';
import type { RunGraph } from '../suite/expand.js';
import { type Plan, planOf } from '../suite/plan.js';
import { EVERYTHING } from '../suite/select.js';
import { createEngine, type Engine } from './engine.js';
import { tell } from './tell.js';

export interface ScoreOptions {
  predictions: string;
  trainPredictions?: string;
  as: string;
  by?: string;
  link?: string;
  suite: string;
  noise: string;
  seed: string;
  out: string;
  replace?: boolean;
  dataDir?: string;
}

const HELP = `
FILE holds a prediction for each image of the exported test_indices.npy, in that order: .npy of shape (n,), int64, int32
or uint8 (classes), or of shape (n, classes), float32 or float64 (scores, the highest counts); or .csv with a column
prediction, or columns 0, 1, ... for the classes, and if wanted index, which is checked. --train-predictions is of train_indices.npy.

The row is marked as external in table4.md, table4.tex and report.html, with its differences to the rows of the table,
paired by seed; its figures are in external.csv. The other CSV files, records.jsonl, the agreement with the paper and
baselines stay without it. Rows lie in OUT/external.jsonl, which "labelnoise verify OUT" checks.

Examples:
  labelnoise export quick --noise 0.4 --seed 1 --out exported
  labelnoise score --predictions p.npy --as "My method" --suite quick --noise 0.4 --seed 1 --out results/quick
  labelnoise score --predictions p.csv --train-predictions t.csv --as "My method" --by "A. Name" \\
    --link https://example.org/paper --suite quick --noise 40 --seed 1 --out results/mine --replace`;

export function register(program: Command): void {
  program
    .command('score')
    .description('score predictions made elsewhere, as an external row of a results folder')
    .requiredOption('--predictions <file>', 'predictions for the test images')
    .requiredOption('--as <name>', "the method's name")
    .requiredOption('--suite <suite>', 'name or file of the suite')
    .requiredOption('--noise <rate>', 'noise rate, as a fraction or in percent, or the name of a label file')
    .requiredOption('--seed <number>', 'the seed whose labels it learned from')
    .requiredOption('--out <dir>', 'results folder, with runs in it or new')
    .option(
      '--train-predictions <file>',
      'predictions for the training images, for the memorised wrong labels',
    )
    .option('--by <name>', 'who made it')
    .option('--link <address>', 'where it is described')
    .option('--replace', 'put it in the place of the row of the same name, noise and seed')
    .option('--data-dir <dir>', "folder with the data set's files")
    .addHelpText('after', HELP)
    .action(async (options: ScoreOptions) => {
      const engine = createEngine();
      try {
        process.exitCode = await score(options, engine);
      } finally {
        engine.close();
      }
    });
}

/** Scores predictions, adds the row and draws the tables again. @returns the exit code @throws InputError, and nothing is changed */
export async function score(
  options: ScoreOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
): Promise<number> {
  const { out, noise, seed, as: name, by = null, link = null } = options;
  for (const [flag, text] of [
    ['--as', name],
    ['--by', by],
  ] as const)
    if (text !== null && !isName(text))
      throw new InputError(`${flag} ${JSON.stringify(text)}: allowed: ${NAME_ALLOWED}`);
  if (link !== null && !isLink(link))
    throw new InputError(`--link ${JSON.stringify(link.slice(0, 100))}: allowed: ${LINK_ALLOWED}`);
  await checkUnlocked(out);
  const { graph, labelSets, isNew } = await placeIn(out, options, using);
  const cell = columnAndSeed(graph, noise, seed);
  await refuseFaults(out, graph);

  const preparer = new Preparer(await using.loadData(cell.run.spec.data, options.dataDir), labelSets);
  const images = preparer.images.of(cell.run.spec);
  const { noisyLabels } = preparer.prepare(cell.run).job;
  const classes = datasetOf(cell.run.spec.data).classNames.length;
  const splits = splitsOf(images, noisyLabels);
  const predictions = await read('test', options.predictions, splits, classes);
  const trainPredictions =
    options.trainPredictions === undefined
      ? undefined
      : await read('training', options.trainPredictions, splits, classes);
  const row = rowOf(
    { name, by, link },
    truthOf(cell.run, images, noisyLabels),
    encodeLabels(predictions, classes),
    trainPredictions && encodeLabels(trainPredictions, classes),
  );

  const made = makeResultsFolder(out);
  const unlock = await lock(out, say);
  try {
    const rows = withRow(out, await refuseFaults(out, graph), row, options.replace === true, graph);
    if (isNew) await claim(out, graph.suite);
    await writeExternal(out, rows);
    const written = await readReport(out);
    const damage = announceDamage(out, written, say);
    await writeTables(out, written.report, false);
    print(terminalTable(written.report));
    print(
      `${name}: ${row.testAccuracy.toFixed(2)} % of ${predictions.length.toLocaleString('en')} test images at noise ${cell.noiseSetting.key}, seed ${cell.seed}; written to ${out}\n`,
    );
    return damage ? 1 : 0;
  } finally {
    await unlock();
    unmakeFolders(made);
  }
}

/** The graph of the folder, or of the suite for one that is new, and the suite's label files. @throws InputError if they are not of one suite */
async function placeIn(
  out: string,
  { suite: nameOrPath, seed }: ScoreOptions,
  using: Engine,
): Promise<{ graph: RunGraph; labelSets: Plan['labelSets']; isNew: boolean }> {
  const plan = await planOf(nameOrPath, EVERYTHING, using);
  const { labelSets } = plan;
  const isOwned = await stat(manifestFile(out)).catch(() => undefined);
  const owned = isOwned ? await readOwnGraph(out) : undefined;
  if (owned) {
    const essence = ({ suite: { name, noise }, runs }: RunGraph) => ({
      name,
      noise,
      data: dataOf(runs[0]!.spec),
    });
    const found = firstDifference(essence(owned), essence(plan.whole));
    if (found)
      throw new InputError(
        `${out}: its suite has ${found.path} = ${JSON.stringify(found.before)}, the suite ${nameOrPath} ${JSON.stringify(found.after)}: choose another folder with --out`,
      );
    const { records, lost } = await readStored(out, owned.runs);
    if (records.size || lost.size) return { graph: owned, labelSets, isNew: false };
  } else await checkManifest(out, plan.whole.suite);
  // Of a folder without runs the suite may have as many seeds as are scored.
  const known = owned ?? plan.whole;
  const seeds = seedsToHave(known.suite.seeds, seed);
  if (seeds === undefined || seeds > SEEDS || seeds <= known.suite.seeds.length)
    return { graph: known, labelSets, isNew: !owned };
  const { whole } = await planOf(nameOrPath, { ...EVERYTHING, seeds }, using);
  return { graph: whole, labelSets, isNew: true };
}

/** The folder's rows. @throws InputError if they are damaged, or not the suite's */
async function refuseFaults(out: string, graph: RunGraph) {
  const { rows, faults } = await readExternal(out, graph);
  if (faults[0])
    throw new InputError(
      `${faultText(faults[0])}; "labelnoise verify ${out} --repair" says what can be done`,
    );
  return rows;
}

/** Images that predictions may be of, and what they may agree with. */
interface Split {
  images: string;
  indices: Int32Array;
  labels: Uint8Array[];
}

function splitsOf({ train, indices, test, testIndices, heldOut }: RunImages, given: Uint8Array): Split[] {
  return [
    { images: 'test images', indices: testIndices, labels: [test.labels] },
    { images: 'training images', indices, labels: [given, train.labels] },
    ...(heldOut
      ? [{ images: 'validation images', indices: heldOut.indices, labels: [heldOut.set.labels] }]
      : []),
  ];
}

/** Reads predictions of a split. @throws InputError if they are none, or are of another split */
async function read(
  of: 'test' | 'training',
  file: string,
  splits: readonly Split[],
  classes: number,
): Promise<Uint8Array> {
  const split = splits.find(({ images }) => images === `${of} images`)!;
  const predictions = await readPredictions(file, { ...split, classes });
  const best = ({ labels }: Split) =>
    Math.max(
      ...labels.map((all) => all.reduce((sum, label, i) => sum + Number(label === predictions[i]), 0)),
    );
  const n = predictions.length;
  // By chance one of so many classes agrees; five standard deviations more are no chance.
  const chance = n / classes + 5 * Math.sqrt((n / classes) * (1 - 1 / classes));
  const other = splits.find((s) => s !== split && s.indices.length === n && best(s) > chance);
  if (other && best(split) <= chance)
    throw new InputError(
      `predictions ${file} agree with ${best(other).toLocaleString('en')} labels of the ${n.toLocaleString('en')} ${other.images}, and with ${best(split).toLocaleString('en')} of the ${split.images}; they must be of the ${split.images}, in the order of the exported indices`,
    );
  return predictions;
}
