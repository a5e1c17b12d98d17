// Label noise: exact counts, both conventions, nested rates, what is measured, and the command that writes it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { register } from '../src/cli/noise.js';
import { cifar10, loadCifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages } from '../src/data/datasets/dataset.js';
import { readLabelFile } from '../src/data/label_file.js';
import { measureNoise, noisyLabels } from '../src/data/noises/noise.js';
import { symmetricNoise } from '../src/data/noises/symmetric.js';
import { stream } from '../src/io/random.js';
import { InputError } from '../src/spec/errors.js';
import type { NoiseSpec } from '../src/spec/run_spec.js';

/** As many labels as CIFAR-10 has, 5,000 of each class. */
const truth = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 3) % 10);
const everything = Int32Array.from(truth.keys());
const noise = (rate: number, redraw: 'other' | 'any' = 'other', seed = 1) =>
  symmetricNoise(truth, { rate, redraw }, stream(seed, 'noise'), 10);
const wrong = (labels: Uint8Array) => [...labels.keys()].filter((i) => labels[i] !== truth[i]);

describe('symmetric noise', () => {
  it('makes exactly round(rate x n) labels wrong when redrawn from the other classes', () => {
    for (const rate of [0, 0.2, 0.4, 0.6, 0.8, 0.123456]) {
      const labels = noise(rate);
      expect(wrong(labels)).to.have.lengthOf(Math.round(rate * 50_000));
      expect(measureNoise(truth, labels, 10).rate).to.equal(Math.round(rate * 50_000) / 50_000);
    }
    const few = truth.subarray(0, 7);
    const labels = symmetricNoise(few, { rate: 0.5, redraw: 'other' }, stream(1), 10);
    expect(measureNoise(few, labels, 10).rate).to.equal(4 / 7);
  });

  it('keeps about a tenth of the chosen labels right when redrawn from all classes', () => {
    for (const rate of [0.2, 0.4, 0.6, 0.8]) {
      const count = wrong(noise(rate, 'any')).length;
      // five standard deviations of the binomial distribution
      const deviation = Math.sqrt(rate * 50_000 * 0.09);
      expect(count).to.be.closeTo(0.9 * rate * 50_000, 5 * deviation);
      expect(count).to.be.lessThan(rate * 50_000);
    }
  });

  it('spreads the wrong labels evenly over the other classes', () => {
    for (const redraw of ['other', 'any'] as const) {
      const { transitions } = measureNoise(truth, noise(0.4, redraw), 10);
      for (const [t, row] of transitions.entries()) {
        expect(row.reduce((a, b) => a + b)).to.equal(5_000);
        const offDiagonal = redraw === 'other' ? (5_000 * 0.4) / 9 : (5_000 * 0.4) / 10;
        for (const [g, count] of row.entries()) {
          if (g !== t) expect(count).to.be.closeTo(offDiagonal, 5 * Math.sqrt(offDiagonal));
        }
      }
    }
  });

  it('is the same for the same seed and another for another', () => {
    expect(noise(0.4)).to.deep.equal(noise(0.4));
    const other = noise(0.4, 'other', 2);
    const both = wrong(noise(0.4)).filter((i) => other[i] !== truth[i]);
    // two independent draws of 40 % share 16 % of the images
    expect(both.length).to.be.closeTo(0.16 * 50_000, 500);
  });

  it('is nested: what is wrong at a lower rate is wrong in the same way at a higher one', () => {
    for (const redraw of ['other', 'any'] as const) {
      const [low, high] = [noise(0.2, redraw), noise(0.8, redraw)];
      for (const i of wrong(low)) expect(high[i]).to.equal(low[i]);
    }
  });

  it('leaves the true labels alone', () => {
    const before = Uint8Array.from(truth);
    noise(0.8);
    expect(truth).to.deep.equal(before);
  });

  it('refuses rates that are none', () => {
    for (const rate of [1.2, 1, -0.1, Number.NaN]) expect(() => noise(rate)).to.throw(InputError, `${rate}`);
  });
});

describe('measured noise', () => {
  it('counts given labels by true class', () => {
    const { rate, transitions } = measureNoise(Uint8Array.of(0, 0, 0, 3), Uint8Array.of(0, 1, 1, 3), 10);
    expect(rate).to.equal(0.5);
    expect(transitions[0]!.slice(0, 3)).to.deep.equal([1, 2, 0]);
    expect(transitions[3]![3]).to.equal(1);
    expect(transitions.flat().reduce((a, b) => a + b)).to.equal(4);
  });
});

/** The labels of a run on images with these true labels. */
function labelsOf(
  noise: NoiseSpec,
  labels: Uint8Array,
  indices: Int32Array,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Uint8Array {
  const data = { dataset: 'cifar10', trainImages: labels.length, testImages: 10, augment: 'none' } as const;
  return noisyLabels({ noise, seed: 1, data }, { ...blankImages(cifar10, 1), labels }, indices, files);
}

describe("a run's labels", () => {
  it('depend on noise and seed alone, whatever else draws from the seed', () => {
    const spec = { kind: 'symmetric', rate: 0.4, redraw: 'other' } as const;
    const first = labelsOf(spec, truth, everything);
    for (const name of ['init', 'order', 'augment', 'mixup']) stream(1, name)();
    expect(labelsOf(spec, truth, everything)).to.deep.equal(first);
    expect(first).to.deep.equal(noise(0.4));
  });

  it('have the exact rate on a subset', () => {
    const spec = { kind: 'symmetric', rate: 0.6, redraw: 'other' } as const;
    const indices = Int32Array.from({ length: 2_000 }, (_, i) => i * 25);
    const labels = truth.filter((_, i) => i % 25 === 0);
    expect(measureNoise(labels, labelsOf(spec, labels, indices), 10).rate).to.equal(0.6);
  });

  it("are the file's labels at the subset's places", () => {
    const spec = { kind: 'file', sha256: 'abc' } as const;
    const indices = Int32Array.of(3, 10, 49_999);
    const whole = noise(0.4, 'any', 2);
    const files = new Map([['abc', whole]]);
    const labels = labelsOf(spec, truth.subarray(0, 3), indices, files);
    expect([...labels]).to.deep.equal([...indices].map((i) => whole[i]));
    expect(() => labelsOf(spec, truth, everything)).to.throw(InputError, 'abc');
  });
});

describe('labelnoise noise', function () {
  this.timeout(600_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs the command; its standard output. */
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
  async function problem(...flags: string[]): Promise<string> {
    try {
      await command(...flags);
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error('no problem was found');
  }

  it('writes the labels of a run on all images, and says what was measured', async () => {
    const out = path.join(folder, 'new', 'sym40-seed1');
    const output = await command('--rate', '0.4', '--seed', '1', '--out', out);
    expect(output).to.include('40.00 % of 50000 labels are wrong').and.include('true \\ given');
    const { train } = await loadCifar10();
    const expected = labelsOf({ kind: 'symmetric', rate: 0.4, redraw: 'other' }, train.labels, everything);
    const npy = await readLabelFile(`${out}.npy`);
    expect(npy.labels).to.deep.equal(expected);
    expect(await readLabelFile(`${out}.csv`)).to.deep.equal(npy);
  });

  it('does not write over other contents unless forced', async () => {
    const out = path.join(folder, 'kept');
    await command('--rate', '0.2', '--seed', '1', '--out', out);
    const before = readFileSync(`${out}.npy`);
    await command('--rate', '0.2', '--seed', '1', '--out', out);
    expect(await problem('--rate', '0.2', '--seed', '2', '--out', out)).to.include(`${out}.npy`);
    expect(readFileSync(`${out}.npy`).equals(before)).to.equal(true);
    await command('--rate', '0.2', '--seed', '2', '--out', out, '--force');
    expect(readFileSync(`${out}.npy`).equals(before)).to.equal(false);
  });

  it('refuses wrong flags and writes nothing', async () => {
    const out = path.join(folder, 'none');
    expect(await problem('--rate', '1.2', '--seed', '1', '--out', out)).to.include('--rate 1.2');
    expect(await problem('--rate', 'x', '--seed', '1', '--out', out)).to.include('--rate x');
    expect(await problem('--rate', '0.4', '--seed', '1.5', '--out', out)).to.include('--seed 1.5');
    expect(await problem('--rate', '0.4', '--seed', '1', '--out', out, '--redraw', 'all')).to.include(
      '--redraw all',
    );
    expect(existsSync(`${out}.npy`) || existsSync(`${out}.csv`)).to.equal(false);
  });
});
