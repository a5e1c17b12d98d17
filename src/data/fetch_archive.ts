// CIFAR-10 from its authors' own archive (Krizhevsky, 2009), which holds the official binary files as they are.
import type { Source } from './fetch_source.js';
import { unpackTarball } from './fetch_tarball.js';

const ADDRESS = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz';
const SHA256 = 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd';

/**
 * The official archive. Written from its documentation and tried on a copy of its layout: the server itself could not
 * be reached where this was written.
 */
export const officialArchive: Source = {
  name: `official archive ${ADDRESS}`,
  bytes: 170_052_171,
  fetch: (folder, names) =>
    unpackTarball(ADDRESS, `sha256-${Buffer.from(SHA256, 'hex').toString('base64')}`, folder, names),
};
