// A process of its own that takes training steps when asked: {"variant", "steps"} a line in, their milliseconds a line out.
import { createInterface } from 'node:readline';
import { compiledSession } from '../engine/compile.js';
import { eagerSession } from '../engine/eager.js';
import type { Session } from '../engine/program.js';
import { stream } from '../io/random.js';
import type { Recipe } from '../methods/method.js';
import { sam } from '../methods/sam.js';
import { sgd } from '../methods/sgd.js';
import { buildNetwork } from '../models/catalogue.js';
import { initialise } from '../models/initialise.js';
import type { Precision } from '../spec/run_spec.js';
import { trainingProgram } from '../training/training_program.js';
import { matrixProduct } from './matrix_product.js';
import { firstImages, LEARNING_RATE, madeUpImages, programSpec, RHO } from './setting.js';
import { stockTrainer } from './stock_step.js';

const [depth, width, batch] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const precision = process.argv[5] as Precision;

type Step = () => void;

const spec = programSpec(depth, width, batch);
const dims = {
  batchSize: batch,
  trainImages: spec.trainImages,
  classes: spec.form.classes,
  epochs: 1,
  stepsPerEpoch: 1,
};
const recipes = { sgd: sgd.recipe({}, dims), sam: sam.recipe({ rho: RHO, m: 0 }, dims) };

const VARIANTS: Record<string, () => Promise<Step>> = {
  'compiled-sgd': () => compiled(recipes.sgd),
  'compiled-sam': () => compiled(recipes.sam),
  'eager-sgd': async () => stepOf(eagerSession(trainingProgram(spec, recipes.sgd)), recipes.sgd),
  'stock-sgd': async () => {
    const { images, labels } = madeUpImages(batch);
    const weights = initialise(buildNetwork(spec.model, spec.form).parameters, 0);
    const trainer = stockTrainer(spec, weights, images, labels);
    return () => trainer.step(firstImages(batch), LEARNING_RATE);
  },
  'matrix-product': () => matrixProduct(precision),
};

async function compiled(recipe: Recipe): Promise<Step> {
  return stepOf(await compiledSession(trainingProgram(spec, recipe), precision), recipe);
}

function stepOf(session: Session, recipe: Recipe): Step {
  const network = buildNetwork(spec.model, spec.form);
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
    ...recipe.draws?.((name) => stream(0, name), 1)(0),
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
