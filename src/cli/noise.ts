// `labelnoise noise`: writes the noisy labels of a column and seed to files that others can read.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { table } from 'table';
import { DEFAULT_DATASET, datasetInSpec, datasetNamed, loadDataset } from '../data/datasets/dataset.js';
import { decodeGuesses, type Guesses } from '../data/guesses.js';
import { labelFiles, readLabelFile } from '../data/label_file.js';
import { measureNoise, noisyLabels } from '../data/noises/noise.js';
import { readExaminable } from '../execution/examine.js';
import { makeResultsFolder, writeWhole } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { readBounded, unmakeFolders } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { LABEL_FILE_BYTES } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import type { NoiseSpec } from '../spec/run_spec.js';
import { noiseSchema, noiseSettings, noisesOf } from '../suite/noise_setting.js';
import { type LabelSets, resolveNoise } from '../suite/resolve.js';
import { datasetGiven } from './data.js';
import { tell } from './tell.js';

const HELP = `
Writes FILE.npy (int64, one dimension) and FILE.csv (index, true_label, noisy_label), both in the
official order of the data set's training images, and prints the measured rate and the
transition matrix: how many images of each true class were given each label.

With --rate exactly round(rate x images) of CIFAR-10's 50,000 are chosen. "40 % symmetric noise" means two things in the literature:
  --redraw other   a new label is one of the other nine classes: 40 % of the labels are wrong (default)
  --redraw any     it is one of all ten, the right one included: about 36 % of the labels are wrong

--noise takes any noise as a suite has it, of one column; docs/noises.md describes them.

The labels are those of a run on all training images with the same noise and seed; a run on a
subset draws its own, so that its rate is exact too. At one seed, the images chosen at a
lower rate are also chosen at a higher one, and get the same labels.

Examples:
  labelnoise noise --rate 0.4 --seed 1 --out noise/sym40-seed1
  labelnoise noise --noise '{"kind": "symmetric", "rates": [0.4], "redraw": "any"}' --seed 1 --out any40
  labelnoise noise --noise '{"kind": "asymmetric", "rates": [0.4]}' --seed 1 --out asym40
  python3 -c "import numpy; print(numpy.load('noise/sym40-seed1.npy')[:10])"`;

interface Options {
  rate?: string;
  noise?: string;
  dataset: string;
  seed: string;
  redraw?: string;
  out: string;
  dataDir?: string;
  force?: true;
  guesses?: string;
}

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('noise')
    .description('write the noisy training labels of a noise and seed as .npy and .csv')
    .option('--rate <fraction>', 'symmetric noise: share of the images chosen for a new label, 0 <= rate < 1')
    .option('--noise <json>', 'instead of --rate: a noise as a suite has it, of one column')
    .option('--dataset <name>', 'whose labels', DEFAULT_DATASET)
    .requiredOption('--seed <number>', 'whole number that the draws follow from')
    .requiredOption('--out <file>', 'files to write, .npy and .csv being added')
    .option('--redraw <classes>', 'with --rate, where a new label is drawn from: other (default) or any')
    .option('--data-dir <dir>', "folder with the data set's files, instead of the cache")
    .option(
      '--guesses <run>',
      'for feature noise: a finished run that keeps its guesses of all images, OUT/ID',
    )
    .option('--force', 'overwrite files that have other contents')
    .addHelpText('after', HELP)
    .action(writeNoise);
}

async function writeNoise(options: Options): Promise<void> {
  const dataset = datasetGiven(options.dataset);
  const { noise, labelSets } = await noiseAsked(options);
  const seed = number(
    '--seed',
    options.seed,
    Number.isSafeInteger,
    `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
  const out = await nameOf(options.out);
  const { train, test } = await loadDataset(dataset, { dataDir: options.dataDir });
  const [trainImages, testImages] = [train.count, test.count];
  const data = { ...datasetInSpec(options.dataset), trainImages, testImages, augment: 'none' as const };
  tell('drawing labels, and writing them');
  const guesses = options.guesses === undefined ? undefined : await guessesIn(options.guesses);
  const indices = Int32Array.from(train.labels.keys());
  const labels = noisyLabels({ noise, seed, data }, train, indices, labelSets, guesses);
  const written = await writeFiles(out, labelFiles(train.labels, labels), options.force === true);
  const { rate: measured, transitions } = measureNoise(train.labels, labels, dataset.classNames.length);
  const heading = ['true \\ given', ...transitions.keys()];
  process.stdout.write(
    `${written.join(' and ')}: ${(100 * measured).toFixed(2)} % of ${train.count} labels are wrong\n` +
      `SHA-256 of the labels, a byte each: ${createHash('sha256').update(labels).digest('hex')}\n` +
      `${table([heading, ...transitions.map((row, truth) => [truth, ...row])], { columnDefault: { alignment: 'right' } })}`,
  );
}

/** The guesses that a finished run's record keeps. @throws InputError if it has none */
async function guessesIn(run: string): Promise<Guesses> {
  const { runs } = await readExaminable(run);
  const record = runs.map(({ record }) => record).find((one) => one.guesses);
  if (!record?.guesses)
    throw new InputError(
      `--guesses ${run}: has no guesses; allowed: the run without noise of a suite with feature noise`,
    );
  return decodeGuesses(record.guesses);
}

/** The noise of one column that the flags ask for. @throws InputError */
async function noiseAsked({
  rate,
  noise,
  redraw = 'other',
  dataset,
}: Options): Promise<{ noise: NoiseSpec; labelSets: LabelSets }> {
  if ((rate === undefined) === (noise === undefined))
    throw new InputError('noise: needs --rate or --noise, and only one of them');
  if (rate !== undefined) {
    if (redraw !== 'other' && redraw !== 'any')
      throw new InputError(`--redraw ${redraw}: must be other (the wrong classes) or any (all classes)`);
    const fraction = number('--rate', rate, (n) => n < 1, 'a fraction, 0 <= rate < 1 (0.4 is 40 %)');
    return { noise: { kind: 'symmetric', rate: fraction, redraw }, labelSets: new Map() };
  }
  const given = parseJson(noise!, '--noise');
  const { data, error } = noiseSchema.safeParse(given);
  if (error) throw new InputError(`--noise: ${describeProblem(error, given)}`);
  for (const { entry, settings } of noisesOf({ noise: data, data: { dataset } })) {
    const problem = entry.check?.(settings, datasetNamed(dataset));
    if (problem) throw new InputError(`--noise: ${problem.setting}; allowed: ${problem.allowed}`);
  }
  const resolved = await resolveNoise({ noise: data, data: { dataset } }, '.', { readLabels: readLabelFile });
  const columns = noiseSettings({ noise: resolved.noise, data: { dataset } });
  const [column] = columns;
  if (!column || columns.length > 1)
    throw new InputError(
      `--noise: has ${columns.length} columns (${columns.map(({ label }) => label).join(', ')}); allowed: one`,
    );
  return { noise: column.noise, labelSets: resolved.labelSets };
}

function number(flag: string, text: string, accept: (n: number) => boolean, right: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || !accept(value)) {
    throw new InputError(`${flag} ${text}: must be ${right}`);
  }
  return value;
}

/** The name that both files have without their endings, where it is one. */
async function nameOf(out: string): Promise<string> {
  const name = out.replace(/(?<=[^/])\.(npy|csv)$/, '');
  const isNone = /(^|\/)(\.{0,2}|\.npy|\.csv)$/.test(name);
  if (isNone || (await stat(name).catch(() => undefined))?.isDirectory()) {
    const within = /\.(npy|csv)$/.test(name) ? path.dirname(name) : name;
    throw new InputError(`--out ${out}: is no name of a file; allowed: e.g. ${path.join(within, 'labels')}`);
  }
  // Before the labels are drawn, which takes longer.
  unmakeFolders(makeResultsFolder(path.dirname(name)));
  return name;
}

/** Writes the files `out` + ending, or none of them. */
async function writeFiles(out: string, files: Record<string, Buffer>, force: boolean): Promise<string[]> {
  const names = Object.keys(files).map((ending) => out + ending);
  const contents = Object.values(files);
  try {
    for (const [i, name] of names.entries()) {
      const existing = await readBounded(name, LABEL_FILE_BYTES).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw new InputError(`--out ${out}: ${name} cannot be read: ${error.message}`);
      });
      if (existing && !existing.equals(contents[i]!) && !force) {
        throw new InputError(
          `--out ${out}: ${name} exists with other contents; name another file or add --force`,
        );
      }
    }
    for (const [i, name] of names.entries()) await writeWhole(name, contents[i]!);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`--out ${out}: cannot be written: ${(error as Error).message}`);
  }
  return names;
}
