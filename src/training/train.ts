// The training loop: one run from its initial weights to its record's figures.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { flipAndCrop } from '../data/augmentation.js';
import type { Session, Values } from '../engine/program.js';
import { engineVersions } from '../engine/versions.js';
import { drawLambda } from '../methods/mixup.js';
import { buildNetwork } from '../models/build.js';
import { initialise } from '../models/initialise.js';
import { weightCount } from '../models/network.js';
import { permutation, stream } from '../random.js';
import type { Evaluation } from '../results/record.js';
import { type RunSpec, runId } from '../suite/spec.js';
import { CheckpointClock, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { evaluationOf, predict } from './evaluation.js';
import type { Trainer, TrainingJob, TrainingOutcome, TrainingProgress } from './job.js';
import { cosineRate } from './schedule.js';
import { sessionFor } from './sessions.js';

/**
 * Trains one run, from its checkpoint if it has one. The result depends on the job alone: all draws come from streams
 * named after the run's seed and epoch.
 */
export const train: Trainer = async (job, onProgress, signal) =>
  trainIn(await sessionFor(job.spec), job, onProgress, signal);

/** `train` in a session for runs of the job's kind, which is all that it computes with. */
export async function trainIn(
  session: Session,
  job: TrainingJob,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const started = performance.now();
  const { spec } = job;
  const { epochs, batchSize, learningRate, evaluateEvery } = spec.training;
  const network = buildNetwork(spec.model);
  load(session, job);

  const stepsPerEpoch = Math.floor(job.train.count / batchSize);
  const steps = epochs * stepsPerEpoch;
  const { tensorflow, kernels, isa, oneDnn } = engineVersions();
  const of = `${runId(spec)} by TensorFlow ${tensorflow}, kernels of ${kernels}, ${isa}, oneDNN ${oneDnn}`;
  const found = job.checkpoint ? await readCheckpoint(job.checkpoint.file, of) : {};
  const from = found.checkpoint;
  const clock = job.checkpoint && new CheckpointClock(job.checkpoint.every);
  const curve: Evaluation[] = from?.curve ?? [];
  const recent: number[] = from?.recent ?? [];
  const wallSeconds = () => (from?.wallSeconds ?? 0) + (performance.now() - started) / 1000;
  let { setAside } = found;
  if (from) {
    session.write('model', from.model);
    const step = (from.epoch - 1) * stepsPerEpoch + from.stepsDone;
    onProgress({ epoch: from.epoch, epochs, step, steps, loss: recent.at(-1)!, resumed: true });
  }
  /** Lets signals and the display have their turn, and gives up if told to: with the state saved, if there is anything to save. */
  const turn = async (epoch: number, stepsDone: number, epochLoss: number, isTime: boolean) => {
    await setImmediate();
    if (job.checkpoint && recent.length && (signal.aborted || isTime)) {
      const model = session.read('model');
      const state = { of, epoch, stepsDone, epochLoss, recent, curve, wallSeconds: wallSeconds(), model };
      await writeCheckpoint(job.checkpoint.file, state);
    }
    signal.throwIfAborted();
  };
  let predictions: Uint8Array = new Uint8Array();
  for (let epoch = from?.epoch ?? 1; epoch <= epochs; epoch++) {
    const resumed = epoch === from?.epoch ? from : undefined;
    let epochLoss = resumed?.epochLoss ?? 0;
    let stepsDone = resumed?.stepsDone ?? 0;
    for (const inputs of skipping(stepsDone, batchesOf(spec, epoch, job.train.count))) {
      await turn(epoch, stepsDone, epochLoss, !!clock?.isTime(epoch, stepsDone));
      const step = (epoch - 1) * stepsPerEpoch + stepsDone;
      const rate = cosineRate(learningRate, step, steps);
      const loss = session.call('step', { ...inputs, learningRate: Float32Array.of(rate) }).loss![0]!;
      recent.push(loss);
      if (recent.length > 5) recent.shift();
      if (!Number.isFinite(loss)) throw new Error(divergence(step + 1, rate, recent));
      epochLoss += loss;
      stepsDone++;
      onProgress({ epoch, epochs, step: step + 1, steps, loss, ...(setAside && { setAside }) });
      setAside = undefined;
    }
    if (epoch % evaluateEvery === 0 || epoch === epochs) {
      // A state with all steps of its epoch done goes on with this evaluation.
      const pause = () => turn(epoch, stepsDone, epochLoss, false);
      const onTrain = await predict(session, 'train', job.train.count, pause);
      const onTest = await predict(session, 'test', job.test.count, pause);
      predictions = onTrain.predictions;
      const evaluation = evaluationOf(job, epoch, epochLoss / stepsPerEpoch, predictions, onTest);
      curve.push(evaluation);
      onProgress({ epoch, epochs, step: epoch * stepsPerEpoch, steps, loss: recent.at(-1)!, evaluation });
    }
  }
  const parameters = weightCount(network.parameters);
  const weightsSha256 = hashOf(session.read('model'));
  return { curve, predictions, parameters, weightsSha256, wallSeconds: wallSeconds() };
}

/** The rest of an epoch's batches: those of the steps done are drawn, since the later draws follow from them, but not used. */
function* skipping(stepsDone: number, batches: Generator<Values>): Generator<Values> {
  for (let step = 0; step < stepsDone; step++) batches.next();
  yield* batches;
}

function hashOf(model: Values): string {
  const hash = createHash('sha256');
  for (const name of ['model/parameters', 'model/statistics']) {
    const { buffer, byteOffset, byteLength } = model[name]!;
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

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
