// `labelnoise export`: writes what a suite's runs see at one noise and seed, for methods that are written elsewhere.
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { AUGMENTATIONS } from '../data/augmentation.js';
import { cifar10 } from '../data/datasets/cifar10.js';
import { type Dataset, datasetOf, type ImageSet } from '../data/datasets/dataset.js';
import { npyOf, npyOfBytes } from '../data/npy.js';
import { Preparer } from '../execution/prepare.js';
import { makeResultsFolder, removeUnfinished, UNFINISHED, writeWhole } from '../io/files.js';
import { readBounded, unmakeFolders } from '../io/paths.js';
import { PROJECT_ROOT, VERSION } from '../io/project.js';
import { methodTitle } from '../methods/catalogue.js';
import { architectureName } from '../models/catalogue.js';
import { InputError } from '../spec/errors.js';
import { SEEDS } from '../spec/limits.js';
import { type ColumnAndSeed, columnAndSeed, seedsToHave } from '../suite/cell.js';
import type { RunGraph } from '../suite/expand.js';
import { planOf } from '../suite/plan.js';
import { EVERYTHING } from '../suite/select.js';
import { createEngine, type Engine } from './engine.js';

/** Bumped when files are added to an export, or mean something else. */
const EXPORT_FORMAT = 1;

export interface ExportOptions {
  noise: string;
  seed: string;
  out: string;
  dataDir?: string;
}

const HELP = `
Writes into DIR what every run of the suite sees at this noise and seed:
  train_indices.npy, train_labels_given.npy (noisy), train_labels_true.npy; validation_indices.npy (clean images
  that no run trains on; empty if the suite holds none out); test_indices.npy; all int64, indices in the order of the
  official CIFAR-10 files; settings.json (network, training, augmentation, and each method's settings); load.py, which
  reads the images; manifest.json (version, counts, SHA-256 of each file and of the images).

DIR may be new, empty, or an earlier export of the same, which is completed.

Examples:
  labelnoise export quick --noise 0.4 --seed 1 --out exported
  python3 exported/load.py ~/cifar-10-batches-py
  labelnoise score --predictions predictions.npy --as "My method" --suite quick --noise 0.4 --seed 1 --out results/mine`;

export function register(program: Command): void {
  program
    .command('export')
    .description("write a suite's images, labels and settings for methods that are written elsewhere")
    .argument('<suite>', 'name or file of the suite')
    .requiredOption('--noise <rate>', 'noise rate, as a fraction or in percent, or the name of a label file')
    .requiredOption('--seed <number>', "one of the suite's seeds, or one after its largest, as with --seeds")
    .requiredOption('--out <dir>', 'folder to write')
    .option('--data-dir <dir>', "folder with the data set's files")
    .addHelpText('after', HELP)
    .action(async (suite: string, options: ExportOptions) => {
      const engine = createEngine();
      try {
        await exportCell(suite, options, engine);
      } finally {
        engine.close();
      }
    });
}

/** Writes the files, all or none, and prints what they are. @throws InputError */
export async function exportCell(
  nameOrPath: string,
  { noise, seed, out, dataDir }: ExportOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<void> {
  const plan = await planOf(nameOrPath, EVERYTHING, using);
  const seeds = seedsToHave(plan.whole.suite.seeds, seed);
  const isMore = seeds !== undefined && seeds > plan.whole.suite.seeds.length && seeds <= SEEDS;
  const { whole: graph, labelSets } = isMore
    ? await planOf(nameOrPath, { ...EVERYTHING, seeds }, using)
    : plan;
  const cell = columnAndSeed(graph, noise, seed);
  // Before the images are read, which takes longer.
  const held = await heldIn(out);
  const preparer = new Preparer(await using.loadData(cell.run.spec.data, dataDir), labelSets);
  const files = await filesOf(graph, cell, preparer);
  await writeFiles(out, held, files);
  const { trainImages, testImages, heldOut = 0 } = cell.run.spec.data;
  const said = (n: number, images: string) => `${n.toLocaleString('en')} ${images} images`;
  print(
    `Written to ${out}: ${Object.keys(files).join(', ')}\n` +
      `${said(trainImages, 'training')} with the labels that the runs of ${graph.suite.name} are given at noise ${cell.noiseSetting.key}, seed ${cell.seed}; ` +
      `${said(heldOut, 'validation')}; ${said(testImages, 'test')}\n`,
  );
}

/** An export's files by their names, the manifest last: it is there only when all others are. */
async function filesOf(
  graph: RunGraph,
  { noiseSetting, seed, run }: ColumnAndSeed,
  preparer: Preparer,
): Promise<Record<string, Buffer>> {
  const { suite } = graph;
  const { train, indices, test, testIndices, heldOut } = preparer.images.of(run.spec);
  const { noisyLabels } = preparer.prepare(run).job;
  const dataset = datasetOf(run.spec.data);
  const files: Record<string, Buffer> = {
    'train_indices.npy': npyOf(indices),
    'train_labels_given.npy': npyOf(noisyLabels),
    'train_labels_true.npy': npyOf(train.labels),
    'validation_indices.npy': npyOf(heldOut?.indices ?? new Int32Array()),
    'test_indices.npy': npyOf(testIndices),
    'settings.json': jsonOf(settingsAt(graph, noiseSetting.label, seed, dataset)),
    // Of a data set that the loader cannot read, the images are in the export.
    ...(dataset === cifar10 ? {} : imageFiles({ train, validation: heldOut?.set, test }, dataset)),
    'load.py': await readFile(path.join(PROJECT_ROOT, 'src', 'data', 'load.py')),
  };
  const split = (set: ImageSet | undefined, from: 'train' | 'test') => ({
    from,
    count: set?.count ?? 0,
    imagesSha256: sha256(set?.images ?? new Uint8Array()),
    labelsSha256: sha256(set?.labels ?? new Uint8Array()),
  });
  const manifest = {
    format: EXPORT_FORMAT,
    labelnoise: VERSION,
    suite: suite.name,
    dataset: dataset.name,
    imagesFrom: dataset === cifar10 ? 'cifar10' : 'export',
    noise: { name: noiseSetting.key, ...noiseSetting.noise },
    seed,
    givenLabelsSha256: sha256(noisyLabels),
    splits: {
      train: split(train, 'train'),
      validation: split(heldOut?.set, 'train'),
      test: split(test, heldOut && suite.data.testOn ? 'train' : 'test'),
    },
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)])),
  };
  return { ...files, 'manifest.json': jsonOf(manifest) };
}

/** What the suite's own runs of a column and seed are trained with. */
function settingsAt(
  { suite, cells, runs }: RunGraph,
  column: string,
  seed: number,
  { mean, deviation, classNames }: Dataset,
): object {
  const methodOf = new Map(runs.map(({ id, method }) => [id, method]));
  const here = cells.filter((cell) => cell.noiseSetting.label === column && cell.seed === seed);
  return {
    suite: suite.name,
    network: { title: architectureName(suite.model), ...suite.model },
    training: suite.training,
    augmentation: { name: suite.data.augment, title: AUGMENTATIONS.named(suite.data.augment).title },
    pixels: { mean, deviation, of: 'bytes divided by 255, by channel' },
    classes: classNames,
    conventions: [
      'SGD with Nesterov momentum; the learning rate falls to zero by a cosine, without warm-up',
      'weightDecay: 0.5 * weightDecay * ||w||^2 over all parameters, inside the loss',
      'clipNorm: largest global norm of the gradient; 0: not clipped',
      'flip-crop: flips, and crops of 32 x 32 after 4 pixels of reflect padding; none: no augmentation',
      'the last partial batch of an epoch is dropped; accuracy is that after the last epoch',
    ],
    methods: here.map(({ method, run: node }) => {
      const {
        algorithm: _a,
        noise: _n,
        seed: _s,
        data: _d,
        model: _m,
        precision: _p,
        threads: _t,
        ...own
      } = node.spec;
      const [teacher] = node.dependsOn;
      const labels = teacher === undefined ? own.labels : { ...own.labels, teacher: methodOf.get(teacher) };
      return { name: method, title: methodTitle(method), ...own, labels };
    }),
  };
}

/** Images and true labels of splits: bytes, n x size x size x channels, and int64. */
function imageFiles(splits: Record<string, ImageSet | undefined>, { imageSize, channels }: Dataset) {
  return Object.fromEntries(
    Object.entries(splits).flatMap(([split, set]) => {
      const shape = [set?.count ?? 0, imageSize, imageSize, channels];
      return [
        [`${split}_images.npy`, npyOfBytes(set?.images ?? new Uint8Array(), shape)],
        ...(split === 'train' ? [] : [[`${split}_labels.npy`, npyOf(set?.labels ?? new Uint8Array())]]),
      ];
    }),
  );
}

const jsonOf = (value: object) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What is in the folder already. @throws InputError if it is a file, or cannot be made */
async function heldIn(out: string): Promise<string[]> {
  const made = makeResultsFolder(out);
  unmakeFolders(made);
  if (made.length) return [];
  return (await readdir(out)).filter((name) => !UNFINISHED.test(name));
}

/** Writes what is not there yet. What is there must be the same, and nothing else. */
async function writeFiles(
  out: string,
  held: readonly string[],
  files: Readonly<Record<string, Buffer>>,
): Promise<void> {
  const refuse = (what: string) =>
    new InputError(`--out ${out}: ${what}; allowed: a folder that is new, empty, or holds the same export`);
  for (const name of held) {
    const wanted = files[name];
    if (!wanted) throw refuse(`holds ${name}, which is no file of an export`);
    const found = await readBounded(path.join(out, name), wanted.length).catch((error: Error) => {
      throw refuse(`${name} cannot be read: ${error.message}`);
    });
    if (!found.equals(wanted)) throw refuse(`holds another ${name}, of another suite, noise or seed`);
  }
  const made = makeResultsFolder(out);
  await removeUnfinished(out);
  const written: string[] = [];
  try {
    for (const [name, content] of Object.entries(files)) {
      if (held.includes(name)) continue;
      await writeWhole(path.join(out, name), content);
      written.push(name);
    }
  } catch (error) {
    for (const name of written) await rm(path.join(out, name), { force: true });
    unmakeFolders(made);
    throw error;
  }
}
