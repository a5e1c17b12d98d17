// Tarballs of data sets: downloaded, and unpacked.
import { discard, download, type Listener, type RemoteFile } from '../io/download.js';

/**
 * Downloads a tarball and unpacks some of its files.
 *
 * @param folder an existing folder; the files land directly in it
 * @param names the files to unpack, as they are called inside the tarball's one top folder
 * @throws what the network, the file system or a differing hash makes of it
 */
export async function unpackTarball(
  tarball: RemoteFile,
  folder: string,
  names: string[],
  listener: Listener,
): Promise<void> {
  const file = await download(tarball, listener);
  // Loaded only here, because most commands find the data in the cache.
  const { x: extract } = await import('tar');
  const wanted = new Set(names);
  // strict, because tar otherwise only warns of a file it could not write, such as on a full disk.
  await extract({ file, cwd: folder, strip: 1, strict: true, filter: (name) => wanted.has(inside(name)) });
  await discard(file);
}

/** A path in a tarball without its top folder. */
function inside(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
