// The training loop: one run from its initial weights to its record's figures.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { augmentationOf } from '../data/augmentation.js';
import { type ImageSet, imageFormOf } from '../data/datasets/dataset.js';
import { noiseIn } from '../data/noises/noise.js';
import type { Session, Values } from '../engine/program.js';
import { engineVersions } from '../engine/versions.js';
import { permutation, type Stream, stream } from '../io/random.js';
import { methodOfSpec } from '../methods/catalogue.js';
import { cosineRate, type EpochView, type Recipe } from '../methods/method.js';
import { buildNetwork } from '../models/catalogue.js';
import { initialise } from '../models/initialise.js';
import { type Network, weightCount } from '../models/network.js';
import { InputError } from '../spec/errors.js';
import type { Evaluation, LabelFit, NoiseMeasurement } from '../spec/record.js';
import { type RunSpec, runId } from '../spec/run_spec.js';
import { CheckpointClock, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { evaluationOf, examine, featuresOf, labelFit, type Predictions, predict } from './evaluation.js';
import { Watcher } from './flatness.js';
import type { Doing, Trainer, TrainingJob, TrainingOutcome, TrainingProgress, Weights } from './job.js';
import type { Point } from './landscape.js';
import { programSpecOf, recipeOf } from './program_spec.js';
import { sessionFor } from './sessions.js';
import { methodState, modelState, stepEntryName } from './training_program.js';

/**
 * Trains one run, from its checkpoint if it has one. The result depends on the job alone: all draws come from streams
 * named after the run's seed and epoch.
 */
export const train: Trainer = async (job, onProgress, signal, onDoing) =>
  trainIn(await sessionFor(job.spec, onDoing), job, onProgress, signal, onDoing);

/** `train` in a session for runs of the job's kind, which is all that it trains with. */
export async function trainIn(
  session: Session,
  job: TrainingJob,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
  onDoing: Doing = () => {},
): Promise<TrainingOutcome> {
  const watcher = new Watcher(job.watch ?? [], job);
  try {
    return await trainWatched(session, job, watcher, onProgress, signal, onDoing);
  } finally {
    watcher.dispose();
  }
}

async function trainWatched(
  session: Session,
  job: TrainingJob,
  watcher: Watcher,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
  onDoing: Doing,
): Promise<TrainingOutcome> {
  const started = performance.now();
  const { spec } = job;
  const { epochs, batchSize, learningRate, evaluateEvery } = spec.training;
  const program = programSpecOf(spec);
  const { networks } = program;
  const recipe = recipeOf(spec, job.only?.length);
  const network = buildNetwork(spec.model, imageFormOf(spec.data));
  load(session, job);
  // Read now, if they have not been: after an epoch, a file that is gone by then would cost the run.
  for (const set of [job.test, job.heldOut]) void set?.images;

  const stepsPerEpoch = Math.floor((job.only?.length ?? job.train.count) / batchSize);
  const steps = epochs * stepsPerEpoch;
  const { tensorflow, kernels, kernelsVersion, isa, oneDnn } = engineVersions();
  const of = `${runId(spec)} by TensorFlow ${tensorflow}, kernels of ${kernels} ${kernelsVersion}, ${isa}, oneDNN ${oneDnn}`;
  const found = job.checkpoint ? await readCheckpoint(job.checkpoint.file, of) : {};
  const from = found.checkpoint;
  const clock = job.checkpoint && new CheckpointClock(job.checkpoint.every);
  const curve: Evaluation[] = from?.curve ?? [];
  const recent: number[] = from?.recent ?? [];
  const wallSeconds = () => (from?.wallSeconds ?? 0) + (performance.now() - started) / 1000;
  let { quarantined } = found;
  let select = from?.select ?? job.only;
  const logProbabilities: Float32Array[] = [];
  const memory = from?.memory ?? {};
  const notes = from?.notes ?? [];
  const seen: Seen = { session, job, recipe, memory, notes };
  if (from) {
    session.write('model', from.model);
    if (from.method) session.write('method', from.method);
    const step = (from.epoch - 1) * stepsPerEpoch + from.stepsDone;
    onProgress({ epoch: from.epoch, epochs, step, steps, loss: recent.at(-1)!, resumed: true });
  }
  /** Lets signals and the display have their turn, and gives up if told to: with the state saved, if there is anything to save. */
  const turn = async (epoch: number, stepsDone: number, epochLoss: number, isTime: boolean) => {
    await setImmediate();
    if (job.checkpoint && recent.length && (signal.aborted || isTime)) {
      await writeCheckpoint(job.checkpoint.file, {
        ...{ of, epoch, stepsDone, epochLoss, recent, curve, wallSeconds: wallSeconds() },
        model: session.read('model'),
        ...(hasState(recipe) && { method: session.read('method') }),
        ...(select && { select }),
        memory,
        notes,
      });
    }
    signal.throwIfAborted();
  };
  let predictions: Uint8Array = new Uint8Array();
  let fit: LabelFit | undefined;
  onDoing('taking the first step');
  for (let epoch = from?.epoch ?? 1; epoch <= epochs; epoch++) {
    const resumed = epoch === from?.epoch ? from : undefined;
    let epochLoss = resumed?.epochLoss ?? 0;
    let stepsDone = resumed?.stepsDone ?? 0;
    for (const inputs of skipping(stepsDone, batchesOf(spec, recipe, epoch, job.train, select))) {
      await turn(epoch, stepsDone, epochLoss, !!clock?.isTime(epoch, stepsDone));
      const step = (epoch - 1) * stepsPerEpoch + stepsDone;
      const rate =
        recipe.learningRate?.({ step, steps, epoch, epochs, base: learningRate }) ??
        cosineRate(learningRate, step, steps);
      const entry = stepEntryName(recipe.phaseAt?.({ step, epoch }));
      const loss = session.call(entry, { ...inputs, learningRate: Float32Array.of(rate) }).loss![0]!;
      recent.push(loss);
      if (recent.length > 5) recent.shift();
      if (!Number.isFinite(loss)) throw new Error(divergence(step + 1, rate, recent));
      epochLoss += loss;
      stepsDone++;
      onProgress({ epoch, epochs, step: step + 1, steps, loss, ...(quarantined && { quarantined }) });
      quarantined = undefined;
    }
    if (epoch % evaluateEvery === 0 || epoch === epochs) {
      const { train, test, heldOut } = job;
      const images = train.count + test.count + (heldOut?.count ?? 0);
      onDoing(`evaluating on ${images.toLocaleString('en')} images`);
      // A state with all steps of its epoch done goes on with this evaluation.
      const pause = () => turn(epoch, stepsDone, epochLoss, false);
      const on = await predictionsOf(seen, epoch, pause);
      predictions = on.train.predictions;
      if (epoch === epochs) fit = labelFit(job, on.train);
      const evaluation = {
        ...evaluationOf(job, epoch, epochLoss / stepsDone, on),
        ...(job.watch && (await watcher.figures(pointOf(session.read('model')), pause))),
      };
      curve.push(evaluation);
      if (job.examined === 'all' || (job.examined && epoch === epochs))
        logProbabilities.push(meanProbabilities(examine(session, program, job.train)));
      onProgress({ epoch, epochs, step: epoch * stepsPerEpoch, steps, loss: recent.at(-1)!, evaluation });
    }
    if (recipe.afterEpoch && epoch < epochs) {
      const plan = recipe.afterEpoch(viewOf(seen, epoch));
      if (plan?.select && job.only)
        throw new InputError(
          `${methodOfSpec(spec).method.title} chooses itself which images it learns, and cannot be kept from some of them; allowed: a run of another method`,
        );
      if (plan?.select) select = checkedSelection(plan.select, job.train.count, batchSize);
      if (plan?.restart) session.write('model', initialModel(spec, epoch));
    }
  }
  const parameters = networks * weightCount(network.parameters);
  const weightsSha256 = hashOf(session.read('model'), networks);
  return {
    ...{ curve, predictions, parameters, weightsSha256, wallSeconds: wallSeconds() },
    ...(fit && { fit }),
    ...(notes.length && { notes }),
    ...(job.examined && { logProbabilities }),
    ...(job.keepWeights && { weights: weightsOf(session.read('model'), network, networks) }),
  };
}

/** Of several networks that predict together, the logarithm of the mean of their probabilities. */
function meanProbabilities(found: Float32Array[]): Float32Array {
  const [first] = found as [Float32Array];
  if (found.length === 1) return first;
  return first.map((_, i) => Math.log(found.reduce((sum, one) => sum + Math.exp(one[i]!), 0) / found.length));
}

/** Where the first network is. */
function pointOf(model: Values): Point {
  const part = (name: 'parameters' | 'statistics') => model[modelState(name)] as Float32Array;
  return { parameters: part('parameters'), statistics: part('statistics') };
}

/** The rest of an epoch's batches: those of the steps done are drawn, since the later draws follow from them, but not used. */
function* skipping(stepsDone: number, batches: Generator<Values>): Generator<Values> {
  for (let step = 0; step < stepsDone; step++) batches.next();
  yield* batches;
}

function hashOf(model: Values, networks: number): string {
  const hash = createHash('sha256');
  for (let k = 0; k < networks; k++)
    for (const part of ['parameters', 'statistics'] as const) {
      const { buffer, byteOffset, byteLength } = model[modelState(part, k)]!;
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  return hash.digest('hex');
}

/** The weights in the order that their hash is of. */
function weightsOf(model: Values, network: Network, networks: number): Weights {
  const weights: Weights = new Map();
  for (let k = 0; k < networks; k++)
    for (const part of ['parameters', 'statistics'] as const) {
      const all = model[modelState(part, k)] as Float32Array;
      let start = 0;
      for (const [name, spec] of Object.entries(network[part])) {
        const size = weightCount({ [name]: spec });
        const values = all.slice(start, start + size);
        weights.set(k === 0 ? name : `${k + 1}/${name}`, { shape: spec.shape, values });
        start += size;
      }
    }
  return weights;
}

function hasState({ state = {}, examples = {} }: Recipe): boolean {
  return Object.keys({ ...state, ...examples }).length > 0;
}

/** A run under way, as its recipe sees it between epochs. */
interface Seen {
  session: Session;
  job: TrainingJob;
  recipe: Recipe;
  memory: Record<string, unknown>;
  notes: string[];
}

/** What is predicted for each set; after the last epoch by the recipe's own classifier, if it has one. */
async function predictionsOf(
  { session, job, recipe, notes }: Seen,
  epoch: number,
  pause: () => Promise<void>,
): Promise<Predictions> {
  const { test, heldOut, spec, targetLabels: labels } = job;
  const program = programSpecOf(spec);
  const train = { ...job.train, labels };
  const predictions: Predictions = {
    train: await predict(session, program, train, pause),
    test: await predict(session, program, test, pause),
    ...(heldOut && { heldOut: await predict(session, program, heldOut, pause) }),
  };
  if (!recipe.classifier || epoch < spec.training.epochs) return predictions;
  const { classes } = program.form;
  const features = featuresOf(session, program, train);
  const classify = recipe.classifier({
    classes,
    labels,
    features,
    stream: (name) => stream(spec.seed, name, epoch),
    note: (text) => notes.push(text),
  });
  const classified = (set: ImageSet, found = featuresOf(session, program, set)) =>
    checkedLabels(classify(found), set.count, classes);
  predictions.train.predictions = classified(train, features);
  predictions.test.predictions = classified(test);
  if (heldOut) predictions.heldOut!.predictions = classified(heldOut);
  return predictions;
}

/** What a recipe sees of a run after an epoch. */
function viewOf({ session, job, memory, notes }: Seen, epoch: number): EpochView {
  const { spec, train, targetLabels } = job;
  const program = programSpecOf(spec);
  const examined = new Map<number, Float32Array>();
  return {
    epoch,
    epochs: spec.training.epochs,
    classes: program.form.classes,
    labels: targetLabels,
    get noise() {
      return noiseIn(spec.data, train, targetLabels);
    },
    logProbabilities(network = 0) {
      if (!examined.size)
        for (const [k, found] of examine(session, program, train).entries()) examined.set(k, found);
      return examined.get(network)!;
    },
    read(name) {
      return session.read('method')[methodState(name)]!;
    },
    write(name, values) {
      session.write('method', { ...session.read('method'), [methodState(name)]: values });
    },
    stream: (name) => stream(spec.seed, name, epoch),
    memory,
    note: (text) => notes.push(text),
  };
}

/** @throws Error if there is not one for each image, or one of no class */
function checkedLabels(labels: Uint8Array, count: number, classes: number): Uint8Array {
  const wrong = labels.find((label) => label >= classes);
  if (labels.length !== count || wrong !== undefined)
    throw new Error(
      `the classifier gives ${labels.length} labels${wrong === undefined ? '' : `, one of them ${wrong}`}; expected: ${count}, from 0 to ${classes - 1}`,
    );
  return labels;
}

/** @throws Error if it is not of images, or of fewer than a batch has */
function checkedSelection(select: Int32Array, count: number, batchSize: number): Int32Array {
  const isRight = select.length >= batchSize && select.every((i) => i >= 0 && i < count);
  if (!isRight || new Set(select).size < select.length)
    throw new Error(
      `afterEpoch selects ${select.length} images; expected: at least a batch of ${batchSize}, each once, of 0 to ${count - 1}`,
    );
  return select;
}

/** Puts what a job learns from and its initial weights into the session. */
export function load(
  session: Session,
  { spec, train, targetLabels }: Pick<TrainingJob, 'spec' | 'train' | 'targetLabels'>,
): void {
  session.write('train', { 'train/images': train.images, 'train/labels': Int32Array.from(targetLabels) });
  session.write('model', initialModel(spec));
  const recipe = recipeOf(spec);
  if (!hasState(recipe)) return;
  const noise = noiseIn(spec.data, train, targetLabels);
  session.write('method', initialState(recipe, spec.seed, targetLabels, noise));
}

/** The weights that networks start with. @param epoch after which they start anew; 0 is the run's beginning */
function initialModel(spec: RunSpec, epoch = 0): Values {
  const network = buildNetwork(spec.model, imageFormOf(spec.data));
  const { networks } = programSpecOf(spec);
  const model: Values = {};
  for (let k = 0; k < networks; k++) {
    const parameters = initialise(network.parameters, spec.seed, k + networks * epoch);
    model[modelState('parameters', k)] = parameters;
    model[modelState('momentum', k)] = new Float32Array(parameters.length);
    model[modelState('statistics', k)] = initialise(network.statistics, spec.seed, k);
  }
  return model;
}

/** What a recipe's own state starts with. @throws Error if it is of another size than the recipe says */
function initialState(
  { state = {}, examples = {} }: Recipe,
  seed: number,
  labels: Uint8Array,
  noise: NoiseMeasurement,
): Values {
  const values = Object.entries({ ...state, ...examples }).map(([name, { shape, dtype, init }]) => {
    const rows = name in examples ? labels.length : 1;
    const size = shape.reduce((product, n) => product * n, rows);
    const made = init?.(stream(seed, 'state', name), labels, noise);
    if (made && made.length !== size)
      throw new Error(`the state ${name} starts with ${made.length} values; expected: ${size}`);
    return [methodState(name), made ?? (dtype === 'int32' ? new Int32Array(size) : new Float32Array(size))];
  });
  return Object.fromEntries(values);
}

/**
 * The inputs of an epoch's steps, but for the learning rate. A last, partial batch is dropped.
 *
 * @param train the training images
 * @param select places of the images that are trained on; all of them unless given
 */
export function* batchesOf(
  spec: RunSpec,
  recipe: Recipe,
  epoch: number,
  train: ImageSet,
  select?: Int32Array,
): Generator<Values> {
  const { batchSize } = spec.training;
  const places = permutation(stream(spec.seed, 'order', epoch), select?.length ?? train.count);
  const order = select ? places.map((place) => select[place]!) : places;
  const augment = stream(spec.seed, 'augment', epoch);
  const augmentation = augmentationOf(spec.data);
  const form = imageFormOf(spec.data);
  const bytes = form.imageSize ** 2 * form.channels;
  const draw = recipe.draws?.((name): Stream => stream(spec.seed, name, epoch), epoch);
  for (let start = 0; start + batchSize <= order.length; start += batchSize) {
    const indices = order.slice(start, start + batchSize);
    const image = (i: number) => train.images.subarray(indices[i]! * bytes, (indices[i]! + 1) * bytes);
    yield {
      indices,
      ...augmentation.draw(augment, batchSize, form.imageSize, { form, image }),
      ...draw?.(start / batchSize),
    };
  }
}

function divergence(step: number, rate: number, recent: number[]): string {
  const losses = recent.map((loss) => loss.toPrecision(4)).join(', ');
  return `the loss is not finite at step ${step} (learning rate ${rate.toPrecision(3)}, last losses ${losses}); a smaller learning rate or rho may help`;
}
