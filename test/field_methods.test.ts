// Every method of the field: a tiny training that is stopped and goes on with equal bits; SAM's switches; rates that are not known.
import path from 'node:path';
import { expect } from 'chai';
import { tf } from '../src/engine/tensorflow.js';
import { integer, stream } from '../src/io/random.js';
import { METHODS, methodSpec } from '../src/methods/catalogue.js';
import type { Method, Recipe } from '../src/methods/method.js';
import { InputError } from '../src/spec/errors.js';
import { fields } from '../src/spec/fields.js';
import type { RunSpec } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import type { TrainingJob, TrainingOutcome, TrainingProgress } from '../src/training/job.js';
import { programKey } from '../src/training/program_spec.js';
import { train } from '../src/training/train.js';
import { trajectoryOf } from '../src/training/trajectory.js';
import { SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const [node] = expand(SUITE as ResolvedSuite).runs;
const EPOCHS = 6;
const DIMS = { batchSize: 10, trainImages: 50, classes: 10, epochs: EPOCHS, stepsPerEpoch: 5 };

/** What has no default, and values at which every stage has its turn in so few epochs. */
const GIVEN: Record<string, Record<string, unknown>> = {
  mixup: { alpha: 1 },
  sam: { rho: 0.1 },
  'mixup-sam': { alpha: 1, rho: 0.1 },
  'unnormalised-sam': { rho: 0.1 },
  gsam: { rho: 0.1 },
  'sam-every-k': { rho: 0.1 },
  saner: { rho: 0.1 },
  'jacobian-sam': { rho: 0.1 },
  'logit-sam': { rho: 0.1 },
};

function images(count: number, seed: number) {
  const next = stream(seed, 'test images');
  const labels = new Uint8Array(count).map((_, i) => i % 10);
  return { count, images: new Uint8Array(count * 3072).map(() => integer(next, 256)), labels };
}

const [TRAIN, TEST] = [images(50, 1), images(20, 2)];

/** Six epochs of five steps on random images, two fifths of them mislabelled. */
function job(name: string, settings: Record<string, unknown> = {}, file?: string): TrainingJob {
  const method = METHODS.named(name);
  const noisyLabels = TRAIN.labels.map((label, i) => (i % 5 < 2 ? (label + 1) % 10 : label));
  const { batch: _, gradient: __, ...base } = node!.spec;
  const spec: RunSpec = {
    ...base,
    ...methodSpec(method, method.settings.parse({ ...GIVEN[name], ...settings })),
    // A quarter of the pixels: what is asked here is the methods'.
    model: { ...base.model, stemStride: 2 },
    training: { ...base.training, epochs: EPOCHS },
    precision: 'float32',
  };
  const checkpoint = file === undefined ? {} : { checkpoint: { file, every: { minutes: 60 } } };
  return { spec, train: TRAIN, test: TEST, noisyLabels, targetLabels: noisyLabels, ...checkpoint };
}

const never = new AbortController().signal;
const run = (...of: Parameters<typeof job>) => train(job(...of), () => {}, never);
const known = new Map<string, Promise<TrainingOutcome>>();
/** A method's training by its own settings, for all tests that ask. */
function once(name: string): Promise<TrainingOutcome> {
  const outcome = known.get(name) ?? run(name);
  known.set(name, outcome);
  return outcome;
}

const timeless = ({ wallSeconds: _, ...rest }: TrainingOutcome) => rest;

describe('every method of the field', () => {
  for (const { name } of METHODS.entries.filter(({ teacher }) => !teacher))
    it(`trains, and goes on from checkpoints with equal bits: ${name}`, async () => {
      const whole = await once(name);
      expect(whole.curve.every(({ trainLoss }) => Number.isFinite(trainLoss))).to.equal(true);
      const file = path.join(await temporaryFolder(), 'run.ckpt');
      for (const stopAfter of [3, 23]) {
        const stop = new AbortController();
        const hear = ({ step, resumed }: TrainingProgress) => {
          if (!resumed && step === stopAfter) stop.abort();
        };
        const error = await train(job(name, {}, file), hear, stop.signal).catch((e: Error) => e);
        expect((error as Error).name).to.equal('AbortError');
      }
      expect(timeless(await run(name, {}, file))).to.deep.equal(timeless(whole));
    });
});

describe('SAM and its switches', () => {
  it('at rho 0 has the bits of SGD, whatever way it is taken', async () => {
    const { weightsSha256 } = await once('sgd');
    expect((await run('sam', { rho: 0 })).weightsSha256).to.equal(weightsSha256);
    expect((await run('sam-every-k', { rho: 0 })).weightsSha256).to.equal(weightsSha256);
    expect((await once('sam')).weightsSha256).not.to.equal(weightsSha256);
  });

  it('every step is SAM itself', async () => {
    const { weightsSha256 } = await once('sam');
    expect((await run('sam-every-k', { every: 1 })).weightsSha256).to.equal(weightsSha256);
  });

  it('leave the spec of the paper’s SAM alone, and change the bits otherwise', async () => {
    const plain = job('sam').spec;
    const asInPaper = { l2: 'inside', statistics: 'first', norm: 'all' };
    expect(job('sam', asInPaper).spec).to.deep.equal(plain);
    const seen = new Set([(await once('sam')).weightsSha256]);
    for (const other of [
      { l2: 'outside' },
      { statistics: 'second' },
      { statistics: 'both' },
      { norm: 'without-batch-norm' },
    ]) {
      expect(job('sam', other).spec.gradient).to.deep.equal({ kind: 'sam', rho: 0.1, m: 0, ...other });
      seen.add((await run('sam', other)).weightsSha256);
    }
    expect(seen.size).to.equal(5);
  });
});

describe('Mixup + SAM', () => {
  it('is one compiled step whatever its lambda and rho are drawn from', () => {
    const keys = [
      { alpha: 1, rho: 0.1 },
      { alpha: 8, rho: 0.2 },
    ].map((settings) => programKey(job('mixup-sam', settings).spec));
    expect(keys[1]).to.equal(keys[0]);
    expect(programKey(job('mixup-sam', { l2: 'outside' }).spec)).not.to.equal(keys[0]);
  });
});

describe('a part of the images', () => {
  const only = Int32Array.from({ length: 25 }, (_, i) => 2 * i);

  it('has schedules over its own steps', async () => {
    const { steps } = await trajectoryOf({ ...job('gsam'), only });
    // Two steps an epoch, so that eleven of twelve are done before the last.
    expect(steps).to.have.length(12);
    expect(steps.at(-1)!.given.rho).to.be.closeTo(0.05 * (1 + Math.cos((Math.PI * 11) / 12)), 1e-6);
  });

  it('is not left by a method that chooses its images', async () => {
    const error = await train({ ...job('o2u-net'), only }, () => {}, never).catch((e: Error) => e);
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).to.include('O2U-Net chooses itself which images it learns');
  });
});

describe('what a network says of its images', () => {
  it('is kept of all evaluations, or of the last alone: of long trainings all are more than memory holds', async () => {
    const said = async (examined: 'all' | 'last') =>
      (await train({ ...job('sgd'), examined }, () => {}, never)).logProbabilities!;
    const [all, last] = [await said('all'), await said('last')];
    expect([all.length, last.length]).to.deep.equal([EPOCHS, 1]);
    expect(last[0]).to.deep.equal(all.at(-1));
  });
});

describe('what a method makes of the last layer', () => {
  const own = (name: string, networks: number, recipe: Recipe): Method => ({
    ...{ name, title: name, settings: fields({}), cost: () => 1, networks },
    recipe: () => recipe,
  });
  afterEach(() => {
    for (const name of ['short', 'far']) METHODS.remove(name);
  });

  it('is one label of a class for each image', async () => {
    for (const labels of [new Uint8Array(3), new Uint8Array(50).fill(10)]) {
      METHODS.add(own('short', 1, { classifier: () => () => labels }));
      const error = await run('short').catch((e: Error) => e);
      expect((error as Error).message).to.match(/^the classifier gives .*; expected: 50, from 0 to 9$/);
    }
  });

  it('has a loss where two networks hold the other classes for impossible', async () => {
    const push = [-1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    METHODS.add(
      own('far', 2, {
        loss: (logits) => ({ losses: logits.map((some) => tf.mul(tf.sum(tf.mul(some, push), 1), 100)) }),
      }),
    );
    const { curve } = await run('far');
    expect(curve.at(-1)!.testLoss).to.be.greaterThan(50).and.to.be.lessThan(100);
  });
});

describe('a noise rate', () => {
  for (const name of ['co-teaching', 'o2u-net', 'incv', 'forward'])
    it(`is the true one, a stated one or estimated: ${name}`, async () => {
      const method = METHODS.named(name);
      const { rate: own } = method.settings.parse({});
      const by = (rate: string | number) => (rate === own ? once(name) : run(name, { rate }));
      const truth = await by('true');
      const stated = await by(0.4);
      const estimated = await by('estimated');
      // Forward correction's truth is the whole transition: each wrong label is the next class.
      if (name === 'forward') expect(stated.weightsSha256).not.to.equal(truth.weightsSha256);
      else expect(stated.weightsSha256).to.equal(truth.weightsSha256);
      if (name !== 'forward') expect(estimated.notes?.join()).to.match(/estimated/);
      expect(method.settings.safeParse({ rate: 1.5 }).error?.issues[0]?.message).to.equal(
        '"true", "estimated", or a number from 0 up to 1',
      );
      const recipe = method.recipe({ ...method.settings.parse({}), rate: 'true' }, DIMS);
      const { init } = Object.values(recipe.state!)[0]!;
      const unknown = {
        rate: null,
        transitions: [
          [5, 0],
          [0, 5],
        ],
      };
      expect(() => init!(stream(1, 'state'), Uint8Array.of(0, 1), unknown)).to.throw(
        InputError,
        /nobody knows the true labels/,
      );
    });
});
