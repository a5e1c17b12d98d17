// Asks the installed engine about itself, in a process of its own: native code that crashes is then a finding, not our end.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Rank } from '@tensorflow/tfjs-node-gpu';
import type { NativeKernels } from '../engine/native/library.js';

/** What the engine says of itself. */
export interface EngineFacts {
  tfjs: string;
  tensorflow: string;
  usesGpu: boolean;
  /** Threads within one operation. */
  intraOpThreads: string;
  /** Operations at the same time. */
  interOpThreads: string;
  /** Whether TensorFlow gives whole operations to oneDNN; where not, it may still use oneDNN's matrix product. */
  oneDnn: boolean;
  /** Version of oneDNN, undefined if it is not used at all. */
  oneDnnVersion: string | undefined;
  /** The processor features that oneDNN uses. */
  oneDnnIsa: string | undefined;
  /** Whether the native kernels run here; if not, why. */
  native: NativeKernels;
}

const MARK = 'engine facts: ';

/**
 * Loads TensorFlow and computes a matrix product and a convolution.
 *
 * @throws an Error whose message is one line, if that does not work or gives wrong numbers
 */
export function probeEngine(): Promise<EngineFacts> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ONEDNN_VERBOSE: '1' };
    execFile(process.execPath, [fileURLToPath(import.meta.url)], { env }, (error, stdout, stderr) => {
      const lines = stdout.split('\n');
      const facts = lines.find((line) => line.startsWith(MARK));
      if (error || !facts) {
        const reason = stderr.split('\n').find((line) => /error/i.test(line)) ?? error?.signal ?? 'no answer';
        reject(new Error(String(reason).trim()));
        return;
      }
      const verbose = (pattern: RegExp) => lines.map((line) => pattern.exec(line)?.[1]).find(Boolean);
      resolve({
        ...JSON.parse(facts.slice(MARK.length)),
        oneDnn: lines.some((line) => /^onednn_verbose,.*exec,cpu,convolution,/.test(line)),
        oneDnnVersion: verbose(/^onednn_verbose,.*info,oneDNN v([\d.]+)/),
        oneDnnIsa: verbose(/^onednn_verbose,.*info,cpu,isa:(.*)/),
      });
    });
  });
}

async function answer(): Promise<void> {
  const { tf } = await import('../engine/tensorflow.js');
  const { nativeKernels } = await import('../engine/native/library.js');
  const product = tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0];
  if (product !== 11) throw new Error(`Wrong result: [1 2] x [3 4] gave ${product}, not 11`);
  const image = tf.ones<Rank.R4>([1, 8, 8, 16]);
  const sum = tf.conv2d(image, tf.ones<Rank.R4>([3, 3, 16, 16]), 1, 'valid').dataSync()[0];
  if (sum !== 144) throw new Error(`Wrong result: a convolution of ones gave ${sum}, not 144`);
  const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  const facts = {
    native: nativeKernels(),
    tfjs: tf.version.tfjs,
    tensorflow: backend.binding.TF_Version,
    usesGpu: backend.isUsingGpuDevice,
    intraOpThreads: process.env.TF_NUM_INTRAOP_THREADS ?? 'one per core',
    interOpThreads: process.env.TF_NUM_INTEROP_THREADS ?? 'one per core',
  };
  console.log(`\n${MARK}${JSON.stringify(facts)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await answer();
