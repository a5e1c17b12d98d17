// What computes here: the engine's versions, whose kernels it uses, and with how many threads.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { nativeKernels } from './native/library.js';
import { nativeBackend } from './tensorflow.js';

/** Versions of what computes, and how many threads one operation may use. */
export function engineVersions(): {
  tensorflow: string;
  tfjs: string;
  kernels: 'native' | 'tensorflow';
  threads: number;
} {
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  return {
    tensorflow: nativeBackend().binding.TF_Version,
    tfjs: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version,
    kernels: nativeKernels().inUse ? 'native' : 'tensorflow',
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS),
  };
}
