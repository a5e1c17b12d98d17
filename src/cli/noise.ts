// `labelnoise noise`: writes the noisy labels of a rate and seed to files that others can read.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { table } from 'table';
import { loadCifar10 } from '../data/cifar10.js';
import { labelFiles } from '../data/label_file.js';
import { measureNoise, symmetricNoise } from '../data/noise.js';
import { InputError } from '../errors.js';
import { LABEL_FILE_BYTES } from '../limits.js';
import { readBounded, unmakeFolders } from '../paths.js';
import { stream } from '../random.js';
import { makeResultsFolder, writeWhole } from '../results/files.js';

const HELP = `
Writes FILE.npy (int64, shape (50000,)) and FILE.csv (index, true_label, noisy_label), both in the
official order of CIFAR-10's training images, and prints the measured rate and the
transition matrix: how many images of each true class were given each label.

Exactly round(rate x 50000) images are chosen. "40 % symmetric noise" means two things in the literature:
  --redraw other   a new label is one of the other nine classes: 40 % of the labels are wrong (default)
  --redraw any     it is one of all ten, the right one included: about 36 % of the labels are wrong

The labels are those of a run on all 50,000 images with the same rate, redraw and seed; a run on a
subset draws its own, so that its rate is exact too. At one seed, the images chosen at a
lower rate are also chosen at a higher one, and get the same labels.

Examples:
  labelnoise noise --rate 0.4 --seed 1 --out noise/sym40-seed1
  python3 -c "import numpy; print(numpy.load('noise/sym40-seed1.npy')[:10])"`;

interface Options {
  rate: string;
  seed: string;
  redraw: string;
  out: string;
  dataDir?: string;
  force?: true;
}

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('noise')
    .description('write the noisy training labels of a rate and seed as .npy and .csv')
    .requiredOption('--rate <fraction>', 'share of the images chosen for a new label: 0 <= rate < 1')
    .requiredOption('--seed <number>', 'whole number that the draws follow from')
    .requiredOption('--out <file>', 'files to write, .npy and .csv being added')
    .option('--redraw <classes>', 'where a new label is drawn from: other or any', 'other')
    .option('--data-dir <dir>', 'folder with the official binary files, instead of the cache')
    .option('--force', 'overwrite files that have other contents')
    .addHelpText('after', HELP)
    .action(writeNoise);
}

async function writeNoise(options: Options): Promise<void> {
  const { redraw } = options;
  const rate = number('--rate', options.rate, (n) => n < 1, 'a fraction, 0 <= rate < 1 (0.4 is 40 %)');
  const seed = number(
    '--seed',
    options.seed,
    Number.isSafeInteger,
    `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
  const out = await nameOf(options.out);
  if (redraw !== 'other' && redraw !== 'any') {
    throw new InputError(`--redraw ${redraw}: must be other (the nine wrong classes) or any (all ten)`);
  }
  const { train } = await loadCifar10({ dataDir: options.dataDir });
  const labels = symmetricNoise(train.labels, { rate, redraw }, stream(seed, 'noise'));
  const written = await writeFiles(out, labelFiles(train.labels, labels), options.force === true);
  const { rate: measured, transitions } = measureNoise(train.labels, labels);
  const heading = ['true \\ given', ...transitions.keys()];
  process.stdout.write(
    `${written.join(' and ')}: ${(100 * measured).toFixed(2)} % of ${train.count} labels are wrong\n` +
      `${table([heading, ...transitions.map((row, truth) => [truth, ...row])], { columnDefault: { alignment: 'right' } })}`,
  );
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
        throw error;
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
