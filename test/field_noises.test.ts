// The noises of the field against their definitions: expected matrices are written out here, labels are CIFAR-10's.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { zipSync } from 'fflate';
import { register } from '../src/cli/noise.js';
import { run } from '../src/cli/run.js';
import { cifar10, loadCifar10 } from '../src/data/datasets/cifar10.js';
import { cifar100 } from '../src/data/datasets/cifar100.js';
import { DATASETS, type Dataset, type ImageSet } from '../src/data/datasets/dataset.js';
import { type Guesses, guessesOf } from '../src/data/guesses.js';
import { readLabelFile } from '../src/data/label_file.js';
import { measureNoise, noisyLabels } from '../src/data/noises/noise.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { describeProblem } from '../src/spec/problem.js';
import { runId } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import { loadSuite, parseSuite } from '../src/suite/load.js';
import { noiseSchema, noiseSettings } from '../src/suite/noise_setting.js';
import { type ResolvedSuite, resolveNoise } from '../src/suite/resolve.js';
import type { RunJob, Trainer } from '../src/training/job.js';
import { fakeEngine, fakeTrain, SUITE, suiteFile } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const PYTHONS = ['/tmp/torch/bin/python', 'python3'];
const python = PYTHONS.find((one) => spawnSync(one, ['-c', 'import numpy']).status === 0);
const HUMAN = path.join(PROJECT_ROOT, '..', 'shared', 'data', 'CIFAR-10_human.pt');

let train: ImageSet;
before(async function () {
  this.timeout(600_000);
  ({ train } = await loadCifar10({ say: () => {} }));
});

/** The labels of the only column of a noise, for all of CIFAR-10's training images or those that are given. */
async function labelsOf(
  noise: object,
  {
    seed = 1,
    images = train,
    dataset = 'cifar10',
    guesses,
  }: { seed?: number; images?: ImageSet; dataset?: string; guesses?: Guesses } = {},
): Promise<Uint8Array> {
  const parsed = noiseSchema.parse(noise);
  const resolved = await resolveNoise({ noise: parsed, data: { dataset } }, '.', {
    readLabels: readLabelFile,
  });
  const [column] = noiseSettings({ noise: resolved.noise, data: { dataset } });
  const data = { dataset, trainImages: images.count, testImages: 10, augment: 'none' };
  const indices = Int32Array.from(images.labels.keys());
  return noisyLabels({ noise: column!.noise, seed, data }, images, indices, resolved.labelSets, guesses);
}

/** Every share of a class's labels is the expected one within five standard deviations of the binomial distribution. */
function expectMatrix(labels: Uint8Array, expected: readonly (readonly number[])[], truth = train.labels) {
  const { transitions } = measureNoise(truth, labels, expected.length);
  for (const [t, row] of transitions.entries()) {
    const images = row.reduce((a, b) => a + b);
    for (const [g, count] of row.entries()) {
      const share = expected[t]![g]!;
      const tolerance = 5 * Math.sqrt((share * (1 - share)) / images);
      expect(count / images, `class ${t}, label ${g}`).to.be.closeTo(share, tolerance + 1e-12);
    }
  }
}

const rateOf = (labels: Uint8Array, truth = train.labels) => measureNoise(truth, labels, 256).rate;

describe('asymmetric noise', () => {
  it('flips truck -> automobile, bird -> airplane, deer -> horse, cat <-> dog', async () => {
    const labels = await labelsOf({ kind: 'asymmetric', rates: [0.4] });
    expectMatrix(labels, [
      // airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
      [0.4, 0, 0.6, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0.6, 0, 0.4, 0, 0, 0, 0],
      [0, 0, 0, 0, 0.6, 0, 0, 0.4, 0, 0],
      [0, 0, 0, 0.4, 0, 0.6, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
      [0, 0.4, 0, 0, 0, 0, 0, 0, 0, 0.6],
    ]);
    // Five of ten classes flip.
    expect(rateOf(labels)).to.equal(0.2);
  });

  it('has exactly its rate, from 0 to 0.9, the smaller being part of the larger', async () => {
    let smaller = await labelsOf({ kind: 'asymmetric', rates: [0] });
    expect(rateOf(smaller)).to.equal(0);
    for (const rate of [0.1, 0.3, 0.5, 0.9]) {
      const labels = await labelsOf({ kind: 'asymmetric', rates: [rate] });
      expect(rateOf(labels)).to.equal(rate / 2);
      for (const [i, label] of smaller.entries())
        if (label !== train.labels[i]) expect(labels[i]).to.equal(label);
      smaller = labels;
    }
  });

  it('flips within the superclasses of CIFAR-100, each class to the next', async () => {
    const labels = Uint8Array.from({ length: 50_000 }, (_, i) => i % 100);
    const images = { count: 50_000, labels, images: new Uint8Array() };
    const noisy = await labelsOf({ kind: 'asymmetric', rates: [0.2] }, { images, dataset: 'cifar100' });
    const { rate, transitions } = measureNoise(labels, noisy, 100);
    expect(rate).to.equal(0.2);
    // The data set's page: aquatic mammals are beaver, dolphin, otter, seal, whale.
    const mammals = ['beaver', 'dolphin', 'otter', 'seal', 'whale'].map((name) =>
      cifar100.classNames.indexOf(name),
    );
    expect(mammals).to.deep.equal([4, 30, 55, 72, 95]);
    for (const [i, label] of mammals.entries()) {
      const next = mammals[(i + 1) % 5]!;
      expect(transitions[label]![label]).to.equal(400);
      expect(transitions[label]![next]).to.equal(100);
    }
    // Twenty circles of five.
    const to = cifar100.similar!.to;
    for (const start of to.keys()) {
      const circle = [start];
      while (circle.length <= 5) circle.push(to[circle.at(-1)!]!);
      expect(new Set(circle).size, `from ${start}`).to.equal(5);
      expect(circle.at(-1)).to.equal(start);
    }
  });
});

describe('pair flip', () => {
  it('gives a share of every class the next label', async () => {
    const labels = await labelsOf({ kind: 'pair', rates: [0.45] });
    expectMatrix(labels, [
      [0.55, 0.45, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0.55, 0.45, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0.55, 0.45, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0.55, 0.45, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0.55, 0.45, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0.55, 0.45, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0.55, 0.45, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0.55, 0.45, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 0.55, 0.45],
      [0.45, 0, 0, 0, 0, 0, 0, 0, 0, 0.55],
    ]);
    expect(rateOf(labels)).to.equal(0.45);
  });
});

describe('symmetric noise', () => {
  it('has the matrix of either convention', async () => {
    for (const [redraw, diagonal, other] of [
      ['other', 0.6, 0.4 / 9],
      ['any', 0.64, 0.04],
    ] as const) {
      const expected = Array.from({ length: 10 }, (_, t) =>
        Array.from({ length: 10 }, (_, g) => (t === g ? diagonal : other)),
      );
      expectMatrix(await labelsOf({ kind: 'symmetric', rates: [0.4], redraw }), expected);
    }
  });

  it('goes from clean to 0.9', async () => {
    for (const rate of [0, 0.1, 0.5, 0.9])
      expect(rateOf(await labelsOf({ kind: 'symmetric', rates: [rate], redraw: 'other' }))).to.equal(rate);
  });
});

/** Rows of 10 numbers, none like another. */
const ROWS = Array.from({ length: 10 }, (_, t) =>
  Array.from({ length: 10 }, (_, g) =>
    t === g ? 0.5 + t / 100 : ((0.5 - t / 100) * (1 + ((t + g) % 3))) / norm(t),
  ),
);
function norm(t: number): number {
  return Array.from({ length: 10 }, (_, g) => (t === g ? 0 : 1 + ((t + g) % 3))).reduce((a, b) => a + b);
}

describe('noise by a matrix', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const csv = (rows: readonly (readonly number[])[]) => rows.map((row) => row.join(',')).join('\n');
  const refusal = async (noise: object, dataset = 'cifar10') => {
    try {
      await labelsOf(noise, { dataset });
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was taken');
  };

  it('has the matrix of a suite, a CSV file and NumPy', async () => {
    const inline = await labelsOf({ kind: 'matrix', matrices: { mine: ROWS } });
    expectMatrix(inline, ROWS);
    const read = await labelsOf({ kind: 'matrix', matrices: { mine: file('t.csv', csv(ROWS)) } });
    expect(read).to.deep.equal(inline);
  });

  it('has the matrix of a .npy file that NumPy wrote, in either order', async function () {
    if (!python) return this.skip();
    const inline = await labelsOf({ kind: 'matrix', matrices: { mine: ROWS } });
    for (const order of ['ascontiguousarray', 'asfortranarray']) {
      const name = path.join(folder, `${order}.npy`);
      const code = `import numpy, sys; numpy.save(sys.argv[1], numpy.${order}(numpy.array(${JSON.stringify(ROWS)})))`;
      expect(spawnSync(python, ['-c', code, name]).status).to.equal(0);
      expect(await labelsOf({ kind: 'matrix', matrices: { mine: name } })).to.deep.equal(inline);
    }
  });

  it('refuses rows that do not sum to 1, other class counts and what is no number', async () => {
    const uneven = ROWS.map((row, t) => (t === 3 ? row.map((v) => v * 0.9) : row));
    expect(await refusal({ kind: 'matrix', matrices: { mine: file('uneven.csv', csv(uneven)) } })).to.match(
      /uneven\.csv: allowed: rows that sum to 1; row 3 sums to 0\.9/,
    );
    const nine = ROWS.slice(0, 9).map((row) => row.slice(0, 9));
    expect(await refusal({ kind: 'matrix', matrices: { mine: file('nine.csv', csv(nine)) } })).to.match(
      /10 rows of 10 numbers.*there are 9 rows/,
    );
    expect(
      await refusal({
        kind: 'matrix',
        matrices: { mine: file('word.csv', csv(ROWS).replace('0.5', 'half')) },
      }),
    ).to.match(/row 0 has "half"; allowed: numbers/);
    expect(await refusal({ kind: 'matrix', matrices: { mine: path.join(folder, 'none.csv') } })).to.match(
      /ENOENT/,
    );
    const negative = ROWS.map((row, t) => (t === 0 ? [1.2, -0.2, 0, 0, 0, 0, 0, 0, 0, 0] : row));
    const { error } = noiseSchema.safeParse({ kind: 'matrix', matrices: { mine: negative } });
    expect(describeProblem(error!, {})).to.match(/numbers from 0 to 1; row 0 has 1\.2/);
  });

  it('refuses a suite whose matrix is of other classes', async () => {
    const text = JSON.stringify({
      ...SUITE,
      noise: {
        kind: 'matrix',
        matrices: {
          mine: [
            [1, 0],
            [0, 1],
          ],
        },
      },
    });
    expect(() => parseSuite(text, 'mine.json')).to.throw(/noise\.matrices .*10 rows of 10 numbers/);
  });
});

describe('instance-dependent noise', function () {
  this.timeout(600_000);
  const made = new Map<number, Promise<Uint8Array>>();
  const atRate = (rate: number) => {
    const labels = made.get(rate) ?? labelsOf({ kind: 'instance', rates: [rate] });
    made.set(rate, labels);
    return labels;
  };

  it('has the mean of the truncated normal distribution as its rate', async () => {
    // m + 0.1 (phi(m/0.1) - phi((1-m)/0.1)) / (Phi((1-m)/0.1) - Phi(-m/0.1)), by tables of the normal distribution
    for (const [rate, mean] of [
      [0.2, 0.2055248],
      [0.4, 0.4000134],
    ] as const) {
      const measured = rateOf(await atRate(rate));
      expect(measured).to.be.closeTo(mean, 5 * Math.sqrt((mean * (1 - mean)) / 50_000));
    }
  });

  it('takes equal images of a class for the same other class, which another seed changes', async () => {
    const copies = 200;
    const pixels = new Uint8Array(copies * 3072);
    for (let i = 0; i < copies; i++)
      pixels.set(train.images.subarray((i % 2) * 3072, ((i % 2) + 1) * 3072), i * 3072);
    const images = { count: copies, images: pixels, labels: new Uint8Array(copies).fill(6) };
    const targets = async (seed: number) => {
      const labels = await labelsOf({ kind: 'instance', rates: [0.5] }, { images, seed });
      return [0, 1].map((kind) => new Set([...labels].filter((label, i) => i % 2 === kind && label !== 6)));
    };
    const all = [];
    for (const seed of [1, 2, 3, 4]) {
      const [a, b] = await targets(seed);
      // Scores of 3072 products lie far apart, so that the softmax has one class.
      expect([a!.size, b!.size]).to.deep.equal([1, 1]);
      all.push(`${[...a!]} ${[...b!]}`);
    }
    expect(new Set(all).size).to.be.greaterThan(1);
    expect(all.some((pairs) => pairs[0] !== pairs[2])).to.equal(true);
  });

  it('is one noise for training and validation images', () => {
    const copies = 200;
    const pixels = new Uint8Array(copies * 3072);
    for (let i = 0; i < copies; i++) pixels.set(train.images.subarray(0, 3072), i * 3072);
    const indices = Int32Array.from({ length: copies }, (_, i) => i);
    const data = { dataset: 'cifar10', trainImages: copies, testImages: 10, augment: 'none' };
    const instance = { kind: 'instance', rate: 0.5 };
    const pair = { kind: 'pair', rate: 0 };
    for (const noise of [instance, { kind: 'blend', layers: [pair, instance] }])
      for (const label of [0, 3, 6, 9]) {
        const images = { count: copies, images: pixels, labels: new Uint8Array(copies).fill(label) };
        const of = (part: 'train' | 'held-out') =>
          noisyLabels({ noise, seed: 1, data }, images, indices, new Map(), undefined, part);
        const [trained, validation] = [of('train'), of('held-out')];
        // Which of the equal images are wrong differs; what they are taken for does not.
        expect(validation).not.to.deep.equal(trained);
        expect(new Set(validation)).to.deep.equal(new Set(trained));
      }
  });

  it('is nested: what is wrong at a lower rate is wrong in the same way at a higher one', async () => {
    const [low, high] = [await atRate(0.2), await atRate(0.4)];
    for (const [i, label] of low.entries()) if (label !== train.labels[i]) expect(high[i]).to.equal(label);
    expect(rateOf(await atRate(0))).to.equal(0);
  });
});

describe('feature-dependent noise', () => {
  it('flips to the second guess, with probabilities by the margin', async () => {
    const margins = Float32Array.from({ length: 50_000 }, (_, i) => (i % 2 ? 0.8 : 0));
    const classes = train.labels.map((label) => (label + 3) % 10);
    const labels = await labelsOf(
      { kind: 'feature', rates: [0.17], teacher: SUITE.training },
      { guesses: { classes, margins } },
    );
    const wrong = [...labels.keys()].filter((i) => labels[i] !== train.labels[i]);
    for (const i of wrong) expect(labels[i]).to.equal(classes[i]);
    // 1/2 - 0 and 1/2 - 0.64/2 = 0.18 have the mean 0.34, so that the factor is a half: 0.25 and 0.09.
    for (const [kind, chance] of [
      [0, 0.25],
      [1, 0.09],
    ] as const) {
      const share = wrong.filter((i) => i % 2 === kind).length / 25_000;
      expect(share).to.be.closeTo(chance, 5 * Math.sqrt((chance * (1 - chance)) / 25_000));
    }
  });

  it("takes a network's likeliest other class as its guess", () => {
    const p = [0.7, 0.2, 0.1, 0.3, 0.1, 0.6].map(Math.log);
    const { classes, margins } = guessesOf(Float32Array.from(p), Uint8Array.of(0, 0), 3);
    expect([...classes]).to.deep.equal([1, 2]);
    expect(margins[0]).to.be.closeTo(0.5, 1e-6);
    expect(margins[1]).to.be.closeTo(-0.3, 1e-6);
  });

  it('has its guesses from one more run a seed, on which all of its runs depend', async () => {
    const noise = { kind: 'feature', rates: [0.2, 0.4], teacher: { ...SUITE.training, epochs: 1 } };
    const { runs, cells } = expand({
      ...SUITE,
      noise,
      methods: { sgd: {}, mixup: { alpha: 1 }, 'bootstrap-mixup': { alpha: 1 } },
    } as ResolvedSuite);
    const [guesser, ...others] = runs.filter(({ keepsGuesses }) => keepsGuesses);
    expect(others).to.deep.equal([]);
    expect(guesser!.spec.noise).to.deep.equal({ kind: 'symmetric', rate: 0, redraw: 'other' });
    expect(guesser!.spec.training.epochs).to.equal(1);
    expect(runs).to.have.lengthOf(7);
    for (const { run } of cells) {
      const { dependsOn, spec } = run;
      expect(dependsOn.includes(guesser!.id)).to.equal(true);
      if (spec.labels.from === 'predictions') expect(dependsOn[0]).to.equal(spec.labels.teacher);
    }
  });
});

describe('a suite of feature-dependent noise', () => {
  /** Takes every image for its class by 0.6, and for the next by 0.3. */
  const guessing: Trainer<RunJob> = async (job, onProgress, signal) => ({
    ...(await fakeTrain(job, onProgress, signal)),
    ...(job.examined && {
      logProbabilities: [
        Float32Array.from({ length: 500 }, (_, at) => {
          const distance = ((at % 10) - job.noisyLabels[Math.floor(at / 10)]! + 10) % 10;
          return Math.log([0.6, 0.3][distance] ?? 0.1 / 8);
        }),
      ],
    }),
  });

  it('keeps the guesses in the record of the run without noise, makes its labels of them, and goes on from there', async () => {
    const noise = { kind: 'feature', rates: [0.4] };
    const suite = await suiteFile({ noise, methods: { sgd: {}, mixup: { alpha: 1 } } });
    const out = path.join(await temporaryFolder(), 'out');
    const jobs: RunJob[] = [];
    const using = {
      ...fakeEngine,
      train: ((job, onProgress, signal) => {
        jobs.push(job);
        return guessing(job, onProgress, signal);
      }) as Trainer<RunJob>,
    };
    const quiet = { begins() {}, finished() {}, stop() {} };
    const go = () => run(suite, { out }, using, quiet as never, () => {});
    expect(await go()).to.equal(0);
    const [guesser, ...others] = jobs;
    expect([jobs.length, guesser!.examined]).to.deep.equal([3, 'last']);
    for (const job of others) {
      expect(job.examined).to.equal(undefined);
      for (const [i, label] of job.noisyLabels.entries())
        if (label !== guesser!.noisyLabels[i]) expect(label).to.equal((guesser!.noisyLabels[i]! + 1) % 10);
      expect(job.noisyLabels).not.to.deep.equal(guesser!.noisyLabels);
      expect(job.noisyLabels).to.deep.equal(others[0]!.noisyLabels);
    }
    const file = path.join(out, 'runs', `${runId(guesser!.spec)}.json`);
    const { guesses } = JSON.parse(readFileSync(file, 'utf8'));
    expect(guesses.classes).to.have.lengthOf(100);
    expect(Buffer.from(guesses.margins, 'base64').readFloatLE(0)).to.be.closeTo(0.3, 1e-6);
    // What depends on it is made anew from the record alone.
    rmSync(path.join(out, 'runs', `${runId(others[0]!.spec)}.json`));
    jobs.length = 0;
    expect(await go()).to.equal(0);
    expect(jobs).to.have.lengthOf(1);
    expect(jobs[0]!.noisyLabels).to.deep.equal(others[0]!.noisyLabels);
  });
});

describe('one noise on another', () => {
  it('has the product of their matrices', async () => {
    const symmetric = { kind: 'symmetric', rates: [0.2], redraw: 'other' };
    const labels = await labelsOf({ kind: 'blend', layers: [symmetric, { kind: 'pair', rates: [0.3] }] });
    const first = (t: number, g: number) => (t === g ? 0.8 : 0.2 / 9);
    const expected = Array.from({ length: 10 }, (_, t) =>
      Array.from({ length: 10 }, (_, g) => 0.7 * first(t, g) + 0.3 * first(t, (g + 9) % 10)),
    );
    expectMatrix(labels, expected);
  });

  it('makes a curve over the rate of the upper one', () => {
    const layers = [
      { kind: 'asymmetric', rates: [0.2] },
      { kind: 'symmetric', rates: [0, 0.5, 0.9], redraw: 'other' },
    ];
    const columns = noiseSettings({ noise: noiseSchema.parse({ kind: 'blend', layers }), data: {} });
    expect(columns.map(({ label }) => label)).to.deep.equal(['20_0', '20_50', '20_90']);
    expect(columns.map(({ rate }) => rate)).to.deep.equal([0, 0.5, 0.9]);
    expect(new Set(columns.map(({ group }) => group)).size).to.equal(1);
  });

  it('has one network to guess at most', () => {
    const feature = { kind: 'feature', rates: [0.1] };
    const text = JSON.stringify({ ...SUITE, noise: { kind: 'blend', layers: [feature, feature] } });
    expect(() => parseSuite(text, 'mine.json')).to.throw(
      /noise\.layers .*feature once: there is one network whose guesses a run's labels are made of/,
    );
  });

  it('has what replaces all labels only below', () => {
    const layers = [
      { kind: 'pair', rates: [0.1] },
      { kind: 'file', files: { mine: 'a.npy' } },
    ];
    const text = JSON.stringify({ ...SUITE, noise: { kind: 'blend', layers } });
    expect(() => parseSuite(text, 'mine.json')).to.throw(/noise\.layers .*file as the first/);
  });
});

describe('human labels', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  after(() => rmSync(folder, { recursive: true }));

  it('are the five sets of CIFAR-10N at their published rates', async function () {
    if (!existsSync(HUMAN)) return this.skip();
    for (const [set, rate] of Object.entries({
      aggregate: 9.03,
      random1: 17.23,
      random2: 18.12,
      random3: 17.64,
      worst: 40.21,
    })) {
      const labels = await labelsOf({ kind: 'human', sets: [set], file: HUMAN });
      // Wei et al., Table 1; their 9.03 is 9.01 by the file.
      expect(100 * rateOf(labels)).to.be.closeTo(rate, 0.03);
    }
  });

  it('are refused if their order or number is another', async function () {
    if (!existsSync(HUMAN)) return this.skip();
    const bytes = readFileSync(HUMAN);
    const worst = (await readLabelFile(`${HUMAN}#worse_label`)).labels;
    // The labels lie in the pickle as int64: two neighbours that differ change places.
    const at = placeOf(bytes, worst);
    const i = worst.findIndex((label, k) => k > 100 && label !== worst[k + 1]);
    const changed = Buffer.from(bytes);
    [changed[at + 8 * i], changed[at + 8 * (i + 1)]] = [worst[i + 1]!, worst[i]!];
    const file = path.join(folder, 'changed.pt');
    writeFileSync(file, changed);
    const refused = await labelsOf({ kind: 'human', sets: ['worst'], file }).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    expect(refused).to.match(/worse_label of .*changed\.pt have the SHA-256 [0-9a-f]{64}; allowed: 11a306ed/);
    writeFileSync(file, bytes.subarray(0, bytes.length - 1000));
    expect(
      await labelsOf({ kind: 'human', sets: ['worst'], file }).catch((error: Error) => error.message),
    ).to.match(/changed\.pt/);
  });

  /** A .pt file of such arrays of int64, as torch.save writes it. */
  function pt(name: string, arrays: Record<string, Uint8Array>): string {
    const u32 = (n: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(n);
      return bytes;
    };
    const text = (value: string) => {
      const bytes = Buffer.from(value, 'utf8');
      return Buffer.concat([Buffer.from('X'), u32(bytes.length), bytes]);
    };
    const op = (code: string) => Buffer.from(code, 'latin1');
    const array = (labels: Uint8Array) => {
      const bytes = Buffer.from(BigInt64Array.from(labels, BigInt).buffer).toString('latin1');
      return [
        op('cnumpy.core.multiarray\n_reconstruct\n(K\0tR(K\x01'),
        Buffer.concat([op('J'), u32(labels.length), op('\x85')]),
        Buffer.concat([op('cnumpy\ndtype\n('), text('i8'), op('K\0K\x01tR\x89')]),
        Buffer.concat([op('c_codecs\nencode\n('), text(bytes), text('latin1'), op('tRtb')]),
      ];
    };
    const items = Object.entries(arrays).flatMap(([key, labels]) => [text(key), ...array(labels)]);
    const pickle = Buffer.concat([op('\x80\x02}('), ...items, op('u.')]);
    const file = path.join(folder, name);
    writeFileSync(file, zipSync({ 'archive/data.pkl': pickle }, { level: 0 }));
    return file;
  }
  const saying = (made: Promise<unknown>) =>
    made.then(
      () => 'taken',
      (error: Error) => error.message,
    );

  it('of CIFAR-10N must be the published ones', async () => {
    const labels = train.labels.slice();
    const file = pt('other.pt', { clean_label: labels, worse_label: labels.toReversed() });
    expect(await saying(labelsOf({ kind: 'human', sets: ['worst'], file }))).to.match(
      /the labels worse_label of .*other\.pt have the SHA-256 [0-9a-f]{64}; allowed: 11a306ed[0-9a-f]{56}, that of the published labels/,
    );
    const short = pt('short.pt', { clean_label: labels.subarray(1), worse_label: labels.subarray(1) });
    expect(await saying(labelsOf({ kind: 'human', sets: ['worst'], file: short }))).to.match(
      /short\.pt#clean_label has 49999 labels; it must have 50000/,
    );
  });

  it('of CIFAR-100N must be of the true labels in their order', async () => {
    const labels = Uint8Array.from({ length: 50_000 }, (_, i) => i % 100);
    const images = { count: 50_000, labels, images: new Uint8Array() };
    const noisy = labels.map((label, i) => (i % 5 ? label : (label + 7) % 100));
    const of = (clean: Uint8Array) => {
      const file = pt('fine.pt', { clean_label: clean, noisy_label: noisy });
      return labelsOf({ kind: 'human', sets: ['fine'], file }, { images, dataset: 'cifar100' });
    };
    expect(await of(labels)).to.deep.equal(noisy);
    expect(await saying(of(labels.toReversed()))).to.match(
      /has another true label than CIFAR-100 for image 0; allowed: labels in its official order/,
    );
  });

  it('are refused where the data set has none, and where the file is not', async () => {
    const text = JSON.stringify({ ...SUITE, noise: { kind: 'human', sets: ['fine'] } });
    expect(() => parseSuite(text, 'mine.json')).to.throw(/noise\.sets .*sets of CIFAR-10: aggregate/);
    const error = await labelsOf({ kind: 'human', sets: ['worst'], file: 'nowhere.pt' }).catch(
      (e: Error) => e.message,
    );
    expect(error).to.match(/nowhere\.pt is not there; allowed: CIFAR-10_human\.pt/);
  });
});

/** Where these labels lie in the file, as int64. */
function placeOf(bytes: Buffer, labels: Uint8Array): number {
  const start = Buffer.alloc(8 * 200);
  for (let i = 0; i < 200; i++) start.writeBigInt64LE(BigInt(labels[i]!), 8 * i);
  const at = bytes.indexOf(start);
  if (at < 0) throw new Error('the labels are not in the file as int64');
  return at;
}

describe('noises in suites', () => {
  it('that a data set has no definition for are refused', () => {
    const bare: Dataset = { ...cifar10, name: 'bare', title: 'Bare', load: cifar10.load };
    delete bare.similar;
    delete bare.human;
    DATASETS.add(bare);
    try {
      for (const noise of [
        { kind: 'asymmetric', rates: [0.4] },
        { kind: 'human', sets: ['worst'] },
      ]) {
        const text = JSON.stringify({ ...SUITE, data: { ...SUITE.data, dataset: 'bare' }, noise });
        expect(() => parseSuite(text, 'mine.json')).to.throw(/noise\.kind .*another noise: .*Bare/);
      }
    } finally {
      DATASETS.remove('bare');
    }
  });

  it('have rates below 1', () => {
    for (const kind of ['asymmetric', 'pair', 'instance'])
      expect(() =>
        parseSuite(JSON.stringify({ ...SUITE, noise: { kind, rates: [0.2, 1.4] } }), 's.json'),
      ).to.throw(/noise\.rates\[1\] is 1\.4; allowed: a fraction from 0 up to 1/);
  });

  it('can be read from a file', async () => {
    const methods = { sgd: {} };
    for (const noise of [
      { kind: 'asymmetric', rates: [0.4] },
      { kind: 'feature', rates: [0.4] },
      { kind: 'given' },
    ])
      expect((await loadSuite(await suiteFile({ noise, methods }))).suite.noise).to.include({
        kind: noise.kind,
      });
  });
});

describe('exported noise', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  after(() => rmSync(folder, { recursive: true }));

  it('is read by NumPy, and has the hash that is told', async function () {
    if (!python) return this.skip();
    const noises: Record<string, object> = {
      asymmetric: { kind: 'asymmetric', rates: [0.4] },
      pair: { kind: 'pair', rates: [0.45] },
      matrix: { kind: 'matrix', matrices: { mine: ROWS } },
      instance: { kind: 'instance', rates: [0.1] },
      blend: {
        kind: 'blend',
        layers: [
          { kind: 'pair', rates: [0.1] },
          { kind: 'symmetric', rates: [0.2], redraw: 'any' },
        ],
      },
      ...(existsSync(HUMAN) && { human: { kind: 'human', sets: ['worst'], file: HUMAN } }),
    };
    for (const [name, noise] of Object.entries(noises)) {
      const out = path.join(folder, name);
      const told = await command('--noise', JSON.stringify(noise), '--seed', '1', '--out', out);
      const hash = /SHA-256 of the labels, a byte each: ([0-9a-f]{64})/.exec(told)?.[1];
      const rate = /: (\d+\.\d\d) % of 50000 labels are wrong/.exec(told)?.[1];
      const code =
        'import csv, hashlib, numpy, sys; a = numpy.load(sys.argv[1] + ".npy"); rows = list(csv.DictReader(open(sys.argv[1] + ".csv")));' +
        'same = all(int(r["noisy_label"]) == v and int(r["index"]) == i for i, (r, v) in enumerate(zip(rows, a)));' +
        'wrong = numpy.mean([int(r["true_label"]) != v for r, v in zip(rows, a)]);' +
        'print(a.dtype, a.shape, same, hashlib.sha256(a.astype("uint8").tobytes()).hexdigest(), "%.2f" % (100 * wrong))';
      const { stdout, stderr } = spawnSync(python, ['-c', code, out], { encoding: 'utf8' });
      expect(stdout, stderr).to.equal(`int64 (50000,) True ${hash} ${rate}\n`);
      expect(await labelsOf(noise)).to.deep.equal((await readLabelFile(`${out}.npy`)).labels);
    }
  });

  it('needs a network where it is feature-dependent', async () => {
    const noise = JSON.stringify({ kind: 'feature', rates: [0.4] });
    const error = await command('--noise', noise, '--seed', '1', '--out', path.join(folder, 'f')).catch(
      (e: Error) => e,
    );
    expect((error as Error).message).to.match(
      /made of a network's guesses, which come into being when a suite is run/,
    );
    expect(existsSync(path.join(folder, 'f.npy'))).to.equal(false);
  });

  async function command(...flags: string[]): Promise<string> {
    const program = new Command().exitOverride();
    register(program);
    const { write } = process.stdout;
    let output = '';
    process.stdout.write = (text: string | Uint8Array) => {
      output += text;
      return true;
    };
    try {
      await program.parseAsync(['node', 'labelnoise', 'noise', ...flags]);
    } finally {
      process.stdout.write = write;
    }
    return output;
  }
});
