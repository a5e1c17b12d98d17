// Checkpoints: going on has the bits of never having stopped, and what is not a run's own good state is refused.
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { integer, stream } from '../src/io/random.js';
import { METHODS } from '../src/methods/catalogue.js';
import { combined, defineMethod } from '../src/methods/method.js';
import { mixup } from '../src/methods/mixup.js';
import { sam } from '../src/methods/sam.js';
import { fields } from '../src/spec/fields.js';
import type { Precision, RunSpec } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import {
  type Checkpoint,
  CheckpointClock,
  readCheckpoint,
  writeCheckpoint,
} from '../src/training/checkpoint.js';
import type { TrainingJob, TrainingProgress } from '../src/training/job.js';
import { train } from '../src/training/train.js';
import { SUITE } from './fakes.js';
import { needsBfloat16, STATEFUL } from './support/programs.js';
import { temporaryFolder } from './support/temporary_folder.js';

const [node] = expand(SUITE as ResolvedSuite).runs;
/** Everything that a recipe can have. */
const everything = defineMethod({
  name: 'everything',
  title: 'Everything',
  settings: fields({}),
  networks: 2,
  cost: () => 4,
  recipe: (_settings, dims) => ({
    ...combined(combined(mixup.recipe({ alpha: 1 }, dims), STATEFUL), sam.recipe({ rho: 0.05, m: 5 }, dims)),
    phases: { plain: { gradient: (objective, batch, weights) => objective(batch)(weights) } },
    phaseAt: ({ step }) => (step % 2 ? 'plain' : undefined),
    learningRate: ({ step, base }) => base * (step % 3 ? 1 : 0.5),
    // The eight tenths of the images that the second network is surest of, and one more step for every epoch.
    afterEpoch({ logProbabilities, labels, classes, memory, read, write, stream: named }) {
      const surest = logProbabilities(1);
      memory.epochs = Number(memory.epochs ?? 0) + 1;
      write('steps', Float32Array.of(read('steps')[0]! + named('hook')()));
      const order = [...labels.keys()].sort(
        (i, j) => surest[j * classes + labels[j]!]! - surest[i * classes + labels[i]!]!,
      );
      return { select: Int32Array.from(order.slice(0, 0.8 * labels.length)) };
    },
  }),
});

const KINDS: Record<string, Partial<RunSpec>> = {
  sgd: {},
  'a method of all parts, with augmentation': {
    batch: undefined,
    gradient: undefined,
    method: { name: 'everything', settings: {} },
    data: { ...node!.spec.data, augment: 'flip-crop' },
  },
};

function images(count: number, seed: number) {
  const next = stream(seed, 'test images');
  const labels = new Uint8Array(count).map((_, i) => i % 10);
  return { count, images: new Uint8Array(count * 3072).map(() => integer(next, 256)), labels };
}

/** Two epochs of five steps on random images. */
function job(kind: string, precision: Precision, file?: string): TrainingJob {
  const [train, test] = [images(50, 1), images(20, 2)];
  const spec: RunSpec = { ...node!.spec, ...KINDS[kind], precision };
  const checkpoint = file === undefined ? {} : { checkpoint: { file, every: { minutes: 60 } } };
  return { spec, train, test, noisyLabels: train.labels, targetLabels: train.labels, ...checkpoint };
}

const never = new AbortController().signal;

describe('a training', () => {
  it('reads the images that it will be tested on before its first step', async () => {
    const test: TrainingJob['test'] = {
      ...images(20, 2),
      get images(): Uint8Array {
        throw new Error('the file is gone');
      },
    };
    const seen: TrainingProgress[] = [];
    const error = await train(
      { ...job('sgd', 'float32'), test },
      (progress) => seen.push(progress),
      never,
    ).catch((e) => e);
    expect([error.message, seen]).to.deep.equal(['the file is gone', []]);
  });
});

describe('a training that goes on from a checkpoint', () => {
  before(() => METHODS.add(everything));
  after(() => METHODS.remove('everything'));

  for (const precision of ['float32', 'bfloat16'] as const)
    for (const kind of Object.keys(KINDS))
      it(`has the bits of one that was never stopped: ${kind}, ${precision}`, async function () {
        if (precision === 'bfloat16') needsBfloat16(this);
        const whole = await train(job(kind, precision), () => {}, never);
        const file = path.join(await temporaryFolder(), 'checkpoints', 'run.ckpt');
        const seen: number[] = [];
        // After the fifth, and of one kind after the ninth, it is about to evaluate.
        const stops = [1, 4, 5, 8, 9];
        for (const stopAfter of stops) {
          const stop = new AbortController();
          const hear = ({ step, resumed }: TrainingProgress) => {
            if (resumed) seen.push(step);
            else if (step === stopAfter) stop.abort();
          };
          const error = await train(job(kind, precision, file), hear, stop.signal).catch((e: Error) => e);
          expect((error as Error).name).to.equal('AbortError');
        }
        const { wallSeconds: _, ...rest } = await train(
          job(kind, precision, file),
          ({ step, resumed }) => resumed && seen.push(step),
          never,
        );
        const { wallSeconds: __, ...expected } = whole;
        expect(rest).to.deep.equal(expected);
        expect(seen).to.deep.equal(stops);
      });

  it('is saved now and then, and begins anew when its checkpoint is of no use', async () => {
    const file = path.join(await temporaryFolder(), 'run.ckpt');
    const often = job('sgd', 'float32', file);
    often.checkpoint!.every = { epochs: 1 };
    const whole = await train(often, () => {}, never);
    const steps: number[] = [];
    const hear = ({ step, resumed }: TrainingProgress) => resumed && steps.push(step);
    expect((await train(often, hear, never)).weightsSha256).to.equal(whole.weightsSha256);
    expect(steps).to.deep.equal([5]);
    await writeFile(file, (await readFile(file)).subarray(0, 1000));
    const moved: unknown[] = [];
    const again = await train(often, ({ quarantined }) => quarantined && moved.push(quarantined), never);
    expect(again.weightsSha256).to.equal(whole.weightsSha256);
    expect(moved).to.deep.equal([{ file: `${file}.damaged`, damage: 'its checksum is wrong' }]);
  });
});

describe('checkpoint files', () => {
  const checkpoint: Checkpoint = {
    of: 'a',
    epoch: 2,
    stepsDone: 3,
    epochLoss: 0.1 + 0.2,
    recent: [1, 2],
    curve: [],
    wallSeconds: 1.5,
    model: { weights: Float32Array.of(1, -0, 1e-42) },
  };

  it('come back as they were written, and nothing is left beside them', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'a.ckpt');
    expect(await readCheckpoint(file, 'a')).to.deep.equal({});
    await writeCheckpoint(file, { ...checkpoint, epoch: 1 });
    await writeCheckpoint(file, checkpoint);
    expect(await readCheckpoint(file, 'a')).to.deep.equal({ checkpoint });
    expect(await readdir(folder)).to.deep.equal(['a.ckpt']);
  });

  it('that are cut short, changed in a bit or of another run are moved aside', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'a.ckpt');
    await writeCheckpoint(file, checkpoint);
    const good = await readFile(file);
    const bad = [0, 31, 32, 33, good.length - 1].map((length) => good.subarray(0, length));
    for (let bit = 0; bit < 8 * good.length; bit += 37) {
      const flipped = Buffer.from(good);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      bad.push(flipped);
    }
    for (const bytes of bad) {
      await writeFile(file, bytes);
      const { quarantined } = await readCheckpoint(file, 'a');
      expect(quarantined).to.deep.equal({ file: `${file}.damaged`, damage: 'its checksum is wrong' });
      expect(await readdir(folder)).to.deep.equal(['a.ckpt.damaged']);
      await rm(quarantined!.file);
    }
    expect(spawnSync('mkfifo', [file]).status).to.equal(0);
    expect((await readCheckpoint(file, 'a')).quarantined?.damage).to.equal('it is no regular file');
    await writeFile(file, good);
    expect((await readCheckpoint(file, 'b')).quarantined?.damage).to.equal('it is of a, not of b');
  });

  it('are due after epochs or minutes', () => {
    const byEpochs = new CheckpointClock({ epochs: 2 });
    const due = (epoch: number, step: number) => byEpochs.isTime(epoch, step);
    expect([due(1, 0), due(2, 0), due(3, 0), due(3, 1), due(5, 0)]).to.deep.equal([
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(new CheckpointClock({ minutes: 60 }).isTime(1, 1)).to.equal(false);
    expect(new CheckpointClock({ minutes: 1e-9 }).isTime(1, 1)).to.equal(true);
  });
});
