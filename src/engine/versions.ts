// What computes here: the engine's versions, whose kernels it uses, and with how many threads.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { KERNELS_VERSION } from '../spec/kernels.js';
import { chosenInstructionSet, type InstructionSet } from './native/instruction_set.js';
import { nativeKernels } from './native/library.js';
import { nativeBackend } from './tensorflow.js';

/** Versions of what computes, how, and how many threads one operation may use. */
export function engineVersions(): {
  tensorflow: string;
  tfjs: string;
  kernels: 'native' | 'tensorflow';
  /** Of native kernels. */
  kernelsVersion?: number;
  /** The instruction set that kernels are limited to; none on processors other than x86-64. */
  isa?: InstructionSet;
  oneDnn: boolean;
  /** TF_XLA_FLAGS, if they are set. */
  xla?: string;
  threads: number;
} {
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const isa = chosenInstructionSet();
  const isNative = nativeKernels().inUse;
  return {
    tensorflow: nativeBackend().binding.TF_Version,
    tfjs: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version,
    kernels: isNative ? 'native' : 'tensorflow',
    ...(isNative && { kernelsVersion: KERNELS_VERSION }),
    ...(isa && { isa }),
    oneDnn: process.env.TF_ENABLE_ONEDNN_OPTS === '1',
    ...(process.env.TF_XLA_FLAGS && { xla: process.env.TF_XLA_FLAGS }),
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS),
  };
}
