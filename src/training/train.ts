// The training loop: one run from its initial weights to its record's figures.
import { setImmediate } from 'node:timers/promises';
import { flipAndCrop } from '../data/augmentation.js';
import type { Session, Values } from '../engine/program.js';
import { drawLambda } from '../methods/mixup.js';
import { buildNetwork } from '../models/build.js';
import { initialise } from '../models/initialise.js';
import { weightCount } from '../models/network.js';
import { permutation, stream } from '../random.js';
import type { Evaluation } from '../results/record.js';
import type { RunSpec } from '../suite/spec.js';
import { evaluationOf, predict } from './evaluation.js';
import type { Trainer, TrainingJob } from './job.js';
import { cosineRate } from './schedule.js';
import { sessionFor } from './sessions.js';

/** Trains one run. The result depends on the job alone: all draws come from streams named after the run's seed and epoch. */
export const train: Trainer = async (job, onProgress, signal) => {
  const started = performance.now();
  const { spec } = job;
  const { epochs, batchSize, learningRate, evaluateEvery } = spec.training;
  const network = buildNetwork(spec.model);
  const session = await sessionFor(spec);
  load(session, job);

  const stepsPerEpoch = Math.floor(job.train.count / batchSize);
  const steps = epochs * stepsPerEpoch;
  const curve: Evaluation[] = [];
  const recent: number[] = [];
  let predictions: Uint8Array = new Uint8Array();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let epochLoss = 0;
    let step = (epoch - 1) * stepsPerEpoch;
    for (const inputs of batchesOf(spec, epoch, job.train.count)) {
      // Lets signals and the display have their turn.
      await setImmediate();
      signal.throwIfAborted();
      const rate = cosineRate(learningRate, step, steps);
      const loss = session.call('step', { ...inputs, learningRate: Float32Array.of(rate) }).loss![0]!;
      recent.push(loss);
      if (recent.length > 5) recent.shift();
      if (!Number.isFinite(loss)) throw new Error(divergence(step + 1, rate, recent));
      epochLoss += loss;
      step++;
      onProgress({ epoch, epochs, step, steps, loss });
    }
    if (epoch % evaluateEvery === 0 || epoch === epochs) {
      const onTrain = predict(session, 'train', job.train.count);
      const onTest = predict(session, 'test', job.test.count);
      predictions = onTrain.predictions;
      const evaluation = evaluationOf(job, epoch, epochLoss / stepsPerEpoch, predictions, onTest);
      curve.push(evaluation);
      const loss = recent.at(-1)!;
      onProgress({ epoch, epochs, step, steps, loss, evaluation });
    }
  }
  const wallSeconds = (performance.now() - started) / 1000;
  return { curve, predictions, parameters: weightCount(network.parameters), wallSeconds };
};

/** Puts the job's data and initial weights into the session. */
export function load(session: Session, { spec, train, test, targetLabels }: TrainingJob): void {
  const network = buildNetwork(spec.model);
  const parameters = initialise(network.parameters, spec.seed);
  session.write('train', { 'train/images': train.images, 'train/labels': Int32Array.from(targetLabels) });
  session.write('test', { 'test/images': test.images, 'test/labels': Int32Array.from(test.labels) });
  session.write('model', {
    'model/parameters': parameters,
    'model/momentum': new Float32Array(parameters.length),
    'model/statistics': initialise(network.statistics, spec.seed),
  });
}

/** The inputs of an epoch's steps, but for the learning rate. A last, partial batch is dropped. */
export function* batchesOf(spec: RunSpec, epoch: number, count: number): Generator<Values> {
  const { batchSize } = spec.training;
  const order = permutation(stream(spec.seed, 'order', epoch), count);
  const augment = stream(spec.seed, 'augment', epoch);
  const mixup = stream(spec.seed, 'mixup', epoch);
  for (let start = 0; start + batchSize <= count; start += batchSize)
    yield {
      indices: order.slice(start, start + batchSize),
      ...(spec.data.augment === 'flip-crop' ? flipAndCrop(batchSize, augment) : {}),
      ...(spec.batch.kind === 'mixup'
        ? { lambda: Float32Array.of(drawLambda(mixup, spec.batch.alpha)) }
        : {}),
      ...(spec.gradient.kind === 'sam' ? { rho: Float32Array.of(spec.gradient.rho) } : {}),
    };
}

function divergence(step: number, rate: number, recent: number[]): string {
  const losses = recent.map((loss) => loss.toPrecision(4)).join(', ');
  return `the loss is not finite at step ${step} (learning rate ${rate.toPrecision(3)}, last losses ${losses}); a smaller learning rate or rho may help`;
}
