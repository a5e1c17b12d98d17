// Downloads a tarball as npm would (the user's registry, proxy, certificates, sign-in), checks it and unpacks it.
import { pipeline } from 'node:stream/promises';
import { PROJECT_ROOT } from '../io/project.js';

/**
 * Downloads a tarball and unpacks some of its files.
 *
 * @param spec what npm would call it: `name@version`, or an address
 * @param integrity the hash of the tarball in npm's notation (`sha512-...`); the download fails if it differs
 * @param folder an existing folder; the files land directly in it
 * @param names the files to unpack, as they are called inside the tarball's one top folder
 * @throws what the network, the file system or a differing hash makes of it
 */
export async function unpackTarball(
  spec: string,
  integrity: string,
  folder: string,
  names: string[],
): Promise<void> {
  // npm's libraries are loaded only here, because most commands find the data in the cache
  const { default: pacote } = await import('pacote');
  const { x: extract } = await import('tar');
  const wanted = new Set(names);
  await pacote.tarball.stream(
    spec,
    async (tarball) => {
      // strict, because tar otherwise only warns of a file it could not write, such as on a full disk
      const unpack = extract({
        cwd: folder,
        strip: 1,
        strict: true,
        filter: (name) => wanted.has(inside(name)),
      });
      await pipeline(tarball, unpack);
    },
    {
      ...(await npmSettings()),
      integrity,
      // npm would otherwise keep a second copy of a data set that lies in this project's own cache
      cache: undefined,
      // npm's own waits add up to more than a minute before it says that there is no network
      retry: { retries: 2, factor: 2, minTimeout: 1000 },
    },
  );
}

/** A path in a tarball without its top folder. */
function inside(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** The settings of the user's npm, from the environment and every .npmrc; pacote itself reads none of them. */
async function npmSettings(): Promise<Record<string, unknown>> {
  const { default: Config } = await import('@npmcli/config');
  const { default: npmDefinitions } = await import('@npmcli/config/lib/definitions/index.js');
  // a copy of the environment, because loading writes npm's settings into it
  const config = new Config({ ...npmDefinitions, npmPath: PROJECT_ROOT, env: { ...process.env }, argv: [] });
  await config.load();
  return config.flat;
}
