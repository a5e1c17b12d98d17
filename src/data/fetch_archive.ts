// The CIFAR data sets from their authors' own archives (Krizhevsky, 2009), which hold the official binary files as they are.
import type { Source } from './fetch_source.js';
import { unpackTarball } from './fetch_tarball.js';

const FOLDER = 'https://www.cs.toronto.edu/~kriz';

/**
 * An official archive. Written from its documentation and tried on a copy of its layout: the server itself could not
 * be reached where this was written.
 */
function archive(name: string, sha256: string, bytes: number): Source {
  const address = `${FOLDER}/${name}`;
  return {
    name: `official archive ${address}`,
    bytes,
    fetch: (folder, names, say = () => {}) =>
      unpackTarball({ name, bytes, sha256, address }, folder, names, { say }),
  };
}

/** CIFAR-10's. */
export const officialArchive = archive(
  'cifar-10-binary.tar.gz',
  'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
  170_052_171,
);

/** CIFAR-100's. */
export const officialArchive100 = archive(
  'cifar-100-binary.tar.gz',
  '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
  168_513_733,
);
