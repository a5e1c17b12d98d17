// TensorFlow's C library by the downloader that comes with TensorFlow.js: older, and from one storage bucket.
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { isOffline } from '../io/download.js';
import { runCommand } from './command.js';
import type { LibrarySource } from './source.js';
import { copyPackage, packageEnvironment } from './tfjs_package.js';

export const tfjsDownloadSource: LibrarySource = {
  name: "TensorFlow.js's own download",
  version: '2.9.1',
  space: { cpu: 1e9, gpu: 4e9 },
  download: { cpu: 0.1e9, gpu: 0.6e9 },
  available: () => true,

  async fetch({ folder, work, device, signal }) {
    if (isOffline()) throw new Error('nothing is fetched offline');
    const copy = path.join(work, 'package');
    await mkdir(copy);
    await copyPackage(copy);
    await runCommand(process.execPath, [path.join('scripts', 'install.js'), device, 'download'], {
      step: 'tfjs download',
      cwd: copy,
      env: packageEnvironment(),
      signal,
    });
    for (const part of ['lib', 'include']) {
      const from = path.join(copy, 'deps', part);
      if (!existsSync(from)) throw new Error(`tfjs download ended without ${part}`);
      await rename(from, path.join(folder, part));
    }
  },
};
