// A process of its own that takes training steps when asked: {"variant", "steps"} a line in, their milliseconds a line out.
import { createInterface } from 'node:readline';
import { compiledSession } from '../engine/compile.js';
import { eagerSession } from '../engine/eager.js';
import type { Session } from '../engine/program.js';
import { buildNetwork } from '../models/build.js';
import { initialise } from '../models/initialise.js';
import type { Precision } from '../suite/spec.js';
import { type ProgramSpec, trainingProgram } from '../training/training_program.js';
import { matrixProduct } from './matrix_product.js';
import { firstImages, LEARNING_RATE, madeUpImages, programSpec, RHO } from './setting.js';
import { stockTrainer } from './stock_step.js';

const [depth, width, batch] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const precision = process.argv[5] as Precision;

type Step = () => void;

const VARIANTS: Record<string, () => Promise<Step>> = {
  'compiled-sgd': () => compiled(programSpec(depth, width, batch, 'plain')),
  'compiled-sam': () => compiled(programSpec(depth, width, batch, 'sam')),
  'eager-sgd': async () => {
    const spec = programSpec(depth, width, batch, 'plain');
    return stepOf(eagerSession(trainingProgram(spec)), spec);
  },
  'stock-sgd': async () => {
    const spec = programSpec(depth, width, batch, 'plain');
    const { images, labels } = madeUpImages(batch);
    const weights = initialise(buildNetwork(spec.model).parameters, 0);
    const trainer = stockTrainer(spec, weights, images, labels);
    return () => trainer.step(firstImages(batch), LEARNING_RATE);
  },
  'matrix-product': () => matrixProduct(precision),
};

async function compiled(spec: ProgramSpec): Promise<Step> {
  return stepOf(await compiledSession(trainingProgram(spec), precision), spec);
}

function stepOf(session: Session, spec: ProgramSpec): Step {
  const network = buildNetwork(spec.model);
  const { images, labels } = madeUpImages(spec.trainImages);
  const parameters = initialise(network.parameters, 0);
  session.write('train', { 'train/images': images, 'train/labels': Int32Array.from(labels) });
  session.write('model', {
    'model/parameters': parameters,
    'model/momentum': new Float32Array(parameters.length),
    'model/statistics': initialise(network.statistics, 0),
  });
  const inputs = {
    indices: firstImages(batch),
    learningRate: Float32Array.of(LEARNING_RATE),
    ...(spec.gradient === 'sam' ? { rho: Float32Array.of(RHO) } : {}),
  };
  return () => session.call('step', inputs);
}

function timed(step: Step): number {
  const started = performance.now();
  step();
  return performance.now() - started;
}

const made = new Map<string, Step>();
for await (const line of createInterface({ input: process.stdin })) {
  const { variant, steps } = JSON.parse(line) as { variant: string; steps: number };
  let answer: object;
  try {
    const step = made.get(variant) ?? (await VARIANTS[variant]!());
    made.set(variant, step);
    answer = { milliseconds: Array.from({ length: steps }, () => timed(step)) };
  } catch (error) {
    answer = { error: (error as Error).message.split('\n')[0] };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
