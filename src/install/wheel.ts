// TensorFlow's C library out of the Python wheels that its makers publish.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { discard, download, downloadsFolder, isOffline, type RemoteFile } from '../io/download.js';
import { InputError } from '../spec/errors.js';
import { CommandError, runCommand } from './command.js';
import type { Device, LibrarySource } from './source.js';

const VERSION = '2.21.0';

/** The two libraries, and the folders of headers that the addon's source includes from; the rest is Python. */
const TENSORFLOW_MEMBERS = [
  'tensorflow/libtensorflow_(cc|framework)\\.so\\.2',
  'tensorflow/include/(tensorflow/c|tensorflow/core/platform|tsl/platform|xla/tsl/c)/.*\\.h',
];

/** CUDA's libraries, as NVIDIA's wheels hold them. */
const CUDA_MEMBERS = ['nvidia/.*\\.so[.0-9]*'];

/** The wheel for processors of the x86-64 kind: whatever Python is here, for the C library does not depend on it. */
const WHEEL = {
  name: `tensorflow_cpu-${VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`,
  bytes: 273_829_956,
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

/** The wheels of PyPI (or of the index that pip is set up for). */
export const wheelSource: LibrarySource = {
  name: 'PyPI wheel',
  version: VERSION,
  space: { cpu: 1.2e9, gpu: 12e9 },
  download: { cpu: WHEEL.bytes, gpu: 3.5e9 },
  available: () => process.platform === 'linux',

  async fetch({ folder, work, device, say, signal }) {
    const known = device === 'cpu' && process.arch === 'x64';
    if (!known && isOffline())
      throw new Error(
        `nothing is fetched offline, and the wheels of TensorFlow ${VERSION} for this machine are not known by their hashes; ` +
          'copy the folder of the cache from a machine like this one',
      );
    const wheels = (known && (await knownWheel(say, signal))) || (await pipDownload(work, device, signal));
    say('  unpacking and verifying ...');
    const unpacked = path.join(work, 'unpacked');
    for (const wheel of wheels) {
      const name = path.basename(wheel);
      if (name.startsWith('tensorflow')) await unpackWheel(wheel, TENSORFLOW_MEMBERS, unpacked, signal);
      else if (name.startsWith('nvidia_')) await unpackWheel(wheel, CUDA_MEMBERS, unpacked, signal);
    }
    const lib = path.join(folder, 'lib');
    await mkdir(lib);
    for (const [link, library] of [
      ['libtensorflow.so', 'libtensorflow_cc.so.2'],
      ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
    ] as const) {
      await rename(path.join(unpacked, 'tensorflow', library), path.join(lib, library));
      await symlink(library, path.join(lib, link));
    }
    await rename(path.join(unpacked, 'tensorflow', 'include'), path.join(folder, 'include'));
    // The CUDA build looks for NVIDIA's libraries in ../nvidia beside its own folder.
    if (device === 'gpu') await rename(path.join(unpacked, 'nvidia'), path.join(folder, 'nvidia'));
    if (path.dirname(wheels[0]!) === downloadsFolder()) await discard(wheels[0]!);
  },
};

/** Asks pip, as it is set up (index, sign-in, certificates), where a wheel is. These are no public functions of pip's. */
const WHERE = `
import sys
from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands import create_command
from pip._vendor.packaging.specifiers import SpecifierSet
version, python = sys.argv[1:]
command = create_command('download')
options, _ = command.parse_args(['-q', '-q', '--python-version', python, '--only-binary=:all:', '--no-deps', 'tensorflow-cpu'])
with command.main_context():
    session = command.get_default_session(options)
    finder = command._build_package_finder(options=options, session=session, target_python=make_target_python(options))
    best = finder.find_best_candidate('tensorflow-cpu', SpecifierSet('==' + version)).best_candidate
    if best is None:
        sys.exit('the index has no wheel of TensorFlow ' + version + ' for Python ' + python)
    link = best.link
    print(link.hash, link.url_without_fragment)
`;

/** The wheel whose hash is known, over a download that can go on; undefined where pip has to fetch it itself. */
async function knownWheel(
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<[wheel: string] | undefined> {
  let local: string | undefined;
  const byPip = (why: string) => {
    say(`  left to pip, which says nothing on the way and begins anew if it breaks off: ${why}`);
    return undefined;
  };
  const address = async () => {
    const told = await runCommand('python3', ['-c', WHERE, VERSION, '3.11'], { step: 'pip index', signal });
    const [hash, url] = told.trim().split('\n').at(-1)!.split(' ');
    if (hash !== WHEEL.sha256)
      throw new Error(`the index has a wheel with the SHA-256 ${hash}, right: ${WHEEL.sha256}`);
    if (url!.startsWith('file:')) local = fileURLToPath(url!);
    return url!;
  };
  const wheel: RemoteFile = { ...WHEEL, address };
  const there = path.join(downloadsFolder(), WHEEL.name);
  const isThere =
    isOffline() ||
    (await access(there).then(
      () => true,
      () => false,
    ));
  if (!isThere) {
    // Before anything is said of sizes: what lies on this machine is taken from there.
    try {
      const url = await address();
      if (local !== undefined) return [local];
      wheel.address = url;
    } catch (error) {
      signal.throwIfAborted();
      return byPip((error as Error).message);
    }
  }
  try {
    return [await download(wheel, { say, signal })];
  } catch (error) {
    signal.throwIfAborted();
    if (isOffline() || error instanceof InputError) throw error;
    // A server that wants to know who asks, and certificates, may be known to pip alone.
    return byPip((error as Error).message);
  }
}

/** Downloads the wheels; pip checks them against the hashes of its index. Where there is no wheel for this machine's Python the one for 3.12 is taken. */
async function pipDownload(work: string, device: Device, signal: AbortSignal): Promise<string[]> {
  const folder = path.join(work, 'wheels');
  // GPU: written from TensorFlow's and pip's documentation, never run by the authors of this project.
  const what =
    device === 'cpu' ? ['--no-deps', `tensorflow-cpu==${VERSION}`] : [`tensorflow[and-cuda]==${VERSION}`];
  const pip = [
    '-m',
    'pip',
    'download',
    '--disable-pip-version-check',
    '--no-cache-dir',
    '--progress-bar',
    'off',
  ];
  const run = (...more: string[]) =>
    runCommand('python3', [...pip, '--only-binary=:all:', '--dest', folder, ...more, ...what], {
      step: 'pip download',
      signal,
      env: { ...process.env, TMPDIR: work },
    });
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CommandError && error.message.includes('No matching distribution'))) throw error;
    await run('--python-version', '3.12');
  }
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.whl')).map((name) => path.join(folder, name));
}

const UNPACK = `
import re, sys, zipfile
wheel, folder, *patterns = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    z.extractall(folder, [m for m in z.namelist() if any(re.fullmatch(p, m) for p in patterns)])
`;

/** Unpacks chosen files of a wheel and checks each against the SHA-256 in the wheel's own RECORD. */
export async function unpackWheel(
  wheel: string,
  members: string[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const name = path.basename(wheel).split('-').slice(0, 2).join('-');
  const record = `${name}.dist-info/RECORD`;
  await runCommand('python3', ['-c', UNPACK, wheel, folder, ...members, record.replaceAll('.', '\\.')], {
    step: 'unpack',
    signal,
  });
  const wanted = members.map((pattern) => new RegExp(`^(${pattern})$`));
  for (const line of (await readFile(path.join(folder, record), 'utf8')).split('\n')) {
    const [member, hash] = line.trim().split(',');
    if (!member || !wanted.some((pattern) => pattern.test(member))) continue;
    const sha256 = createHash('sha256');
    for await (const chunk of createReadStream(path.join(folder, member), { signal })) sha256.update(chunk);
    if (hash !== `sha256=${sha256.digest('base64url')}`) {
      throw new Error(`${member} in ${path.basename(wheel)} does not have the SHA-256 that its RECORD names`);
    }
  }
}
