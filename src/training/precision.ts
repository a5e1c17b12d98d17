// Which precision trains fastest on this machine: measured once, then remembered.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { z } from 'zod';
import { cacheFolder } from '../cache.js';
import { compiledSession } from '../engine/compile.js';
import { engineVersions } from '../engine/versions.js';
import { buildNetwork } from '../models/build.js';
import { initialise } from '../models/initialise.js';
import { writeWhole } from '../results/files.js';
import type { Precision } from '../suite/spec.js';
import { type ProgramSpec, trainingProgram } from './training_program.js';

/** A network small enough to be quick and wide enough that convolutions decide, as in the networks of the suites. */
const PROBE: ProgramSpec = {
  model: { kind: 'wide-resnet', depth: 10, width: 4, shortcut: 'pool-pad' },
  batchSize: 64,
  batch: 'plain',
  gradient: 'plain',
  groupSize: 0,
  augment: false,
  trainImages: 64,
  testImages: 4,
  momentum: 0.9,
  weightDecay: 0,
  clipNorm: 0,
};
const ROUNDS = 5;

const probeSchema = z.strictObject({ float32: z.number(), bfloat16: z.number() });

/** Median milliseconds of a training step in each precision. */
export type PrecisionTimes = z.infer<typeof probeSchema>;

/** The precision whose steps are faster on this machine. */
export async function fastestPrecision(): Promise<Precision> {
  const times = await precisionTimes();
  return times.bfloat16 < times.float32 ? 'bfloat16' : 'float32';
}

/** The measured times, from the cache if this machine, TensorFlow and thread count were measured before. */
export async function precisionTimes(): Promise<PrecisionTimes> {
  const { tensorflow, kernels, threads } = engineVersions();
  const machine = `${cpus()[0]?.model}; ${threads} threads; TensorFlow ${tensorflow}; oneDNN ${process.env.TF_ENABLE_ONEDNN_OPTS ?? 'default'}; kernels ${kernels}`;
  const file = cacheFolder('precision.json');
  const known = readKnown(file);
  const found = known[machine];
  if (found) return found;
  const times = await measure();
  try {
    await writeWhole(file, `${JSON.stringify({ ...known, [machine]: times }, null, 2)}\n`);
  } catch {
    // An unwritable cache only means measuring again next time.
  }
  return times;
}

function readKnown(file: string): Record<string, PrecisionTimes> {
  try {
    return z.record(z.string(), probeSchema).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}

/** Interleaved, so that what else the machine does falls on both alike. */
async function measure(): Promise<PrecisionTimes> {
  const network = buildNetwork(PROBE.model);
  const weights = {
    'model/parameters': initialise(network.parameters, 0),
    'model/momentum': initialise(network.parameters, 0).fill(0),
    'model/statistics': initialise(network.statistics, 0),
  };
  const inputs = {
    indices: Int32Array.from({ length: PROBE.batchSize }, (_, i) => i),
    learningRate: Float32Array.of(0),
  };
  const times: Record<Precision, number[]> = { float32: [], bfloat16: [] };
  const sessions = {
    float32: await compiledSession(trainingProgram(PROBE), 'float32'),
    bfloat16: await compiledSession(trainingProgram(PROBE), 'bfloat16'),
  };
  for (const session of Object.values(sessions)) session.write('model', weights);
  for (let round = 0; round <= ROUNDS; round++)
    for (const precision of ['float32', 'bfloat16'] as const) {
      const started = performance.now();
      sessions[precision].call('step', inputs);
      // The first round pays for TensorFlow's preparations.
      if (round > 0) times[precision].push(performance.now() - started);
    }
  for (const session of Object.values(sessions)) session.dispose();
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return { float32: median(times.float32), bfloat16: median(times.bfloat16) };
}
