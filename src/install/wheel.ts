// TensorFlow's C library out of the Python wheels that its makers publish.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import prettyBytes from 'pretty-bytes';
import { CommandError, runCommand } from './command.js';
import { folderBytes } from './sealed_folder.js';
import type { Device, LibrarySource } from './source.js';

const VERSION = '2.21.0';

/** The two libraries, and the folders of headers that the addon's source includes from; the rest is Python. */
const TENSORFLOW_MEMBERS = [
  'tensorflow/libtensorflow_(cc|framework)\\.so\\.2',
  'tensorflow/include/(tensorflow/c|tensorflow/core/platform|tsl/platform|xla/tsl/c)/.*\\.h',
];

/** CUDA's libraries, as NVIDIA's wheels hold them. */
const CUDA_MEMBERS = ['nvidia/.*\\.so[.0-9]*'];

/** The wheels of PyPI (or of the index that pip is set up for). */
export const wheelSource: LibrarySource = {
  name: 'PyPI wheel',
  version: VERSION,
  space: { cpu: 1.2e9, gpu: 12e9 },
  available: () => process.platform === 'linux',

  async fetch({ folder, work, device, say, signal }) {
    const wheels = await download(work, device, signal);
    say(
      `  downloaded ${prettyBytes(await folderBytes(path.dirname(wheels[0]!)))}; unpacking and verifying ...`,
    );
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
  },
};

/**
 * Downloads the wheels; pip checks them against the hashes of its index. The C library does not depend on Python, so
 * where there is no wheel for this machine's Python the one for 3.12 is taken.
 */
async function download(work: string, device: Device, signal: AbortSignal): Promise<string[]> {
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
