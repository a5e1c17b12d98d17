// Augmentations: operations on pixels are Pillow's, what is drawn follows from the stream, and the compiled step does what the eager one does.
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { AUGMENTATIONS } from '../src/data/augmentation.js';
import { cifar10, loadCifar10 } from '../src/data/datasets/cifar10.js';
import { DATASETS, type ImageSet } from '../src/data/datasets/dataset.js';
import {
  autoAugmented,
  OPERATIONS,
  type Operation,
  type OperationName,
  type Picture,
  randAugmented,
} from '../src/data/pixels.js';
import { compiledSession } from '../src/engine/compile.js';
import { eagerSession } from '../src/engine/eager.js';
import { stream } from '../src/io/random.js';
import { parseSuite } from '../src/suite/load.js';
import { trainingProgram } from '../src/training/training_program.js';
import { SUITE } from './fakes.js';
import { BATCH, FORM, fill, stepInputs, TINY } from './support/programs.js';

/** Magnitudes, and the SHA-256 of what Pillow 12.3 makes of CIFAR-10's first twenty images with each (its first 16 digits). */
const PILLOW: Record<OperationName, [number[], string]> = {
  ShearX: [[0.24, -0.09], 'bc9d1027a5bb41b3'],
  ShearY: [[0.24, -0.09], '8586abca0a353d28'],
  TranslateX: [[7, -9], '30c5f48a93df955a'],
  TranslateY: [[7, -9], '40b590bc08935943'],
  Rotate: [[6, -27], '77895b00c833cfc0'],
  AutoContrast: [[0], '2a6158056033ac06'],
  Equalize: [[0], '98e431eb54a40080'],
  Invert: [[0], '294de8b7863c8239'],
  Solarize: [[26, 128], '77de334d8f8e6385'],
  Posterize: [[2, 3], 'a414c22049cfdac1'],
  Contrast: [[0.28, 1.72], '6284a0338518175e'],
  Color: [[0.28, 1.72], '84dc95ca2214335f'],
  Brightness: [[0.28, 1.72], '7ed2bc7ef7ab0935'],
  Sharpness: [[0.28, 1.72], '7fc30140762a5ec0'],
};
/** The mean colour, in place of what lies outside. */
const FILL = [125, 123, 114];

let train: ImageSet;
before(async function () {
  this.timeout(600_000);
  ({ train } = await loadCifar10({ say: () => {} }));
});
const bytesOf = (i: number) => train.images.subarray(i * 3072, (i + 1) * 3072);
const picture = (i: number): Picture => ({ bytes: bytesOf(i), size: 32, fill: FILL });

describe('operations on pixels', () => {
  for (const [name, [magnitudes, expected]] of Object.entries(PILLOW))
    it(`${name} is as in Pillow`, () => {
      const hash = createHash('sha256');
      for (const magnitude of magnitudes)
        for (let i = 0; i < 20; i++)
          hash.update((OPERATIONS[name as OperationName] as Operation)(picture(i), magnitude));
      expect(hash.digest('hex').slice(0, 16)).to.equal(expected);
    });

  it('leave the images alone', () => {
    const before = bytesOf(3).slice();
    const next = stream(1, 'test');
    for (let n = 0; n < 300; n++) {
      autoAugmented(picture(3), next);
      randAugmented(picture(3), 3, 5, next);
    }
    expect(bytesOf(3)).to.deep.equal(before);
  });

  it("AutoAugment's policy stretches the contrast and does nothing else as often as its table says", () => {
    const next = stream(2, 'test');
    const of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const flat = Array.from({ length: 100 }, (_, i) => picture(i)).find(
      (one) =>
        one.bytes.every((value) => value > 20 && value < 230) || one.bytes.every((value) => value > 30),
    )!;
    const wanted = of(OPERATIONS.AutoContrast(flat));
    const n = 20_000;
    let seen = 0;
    for (let i = 0; i < n; i++) if (of(autoAugmented(flat, next).bytes) === wanted) seen++;
    // Cubuk et al., Table 7, of 25 parts: 4 (.5 x .1), 11 (.7 x .4), 15 (.8 x .6), 18 (.8 x .8), 20 (.6 x .9), 22 (.9 x .2), 24 (.3 x .9).
    const share = (0.05 + 0.28 + 0.48 + 0.64 + 0.54 + 0.18 + 0.27) / 25;
    expect(seen / n).to.be.closeTo(share, 5 * Math.sqrt(share / n));
  });
});

const NEW = ['cutout', 'autoaugment', 'randaugment'];
const drawn = (name: string, seed: number) =>
  AUGMENTATIONS.named(name).draw(stream(seed, 'augment', 1), BATCH, 32, { form: FORM, image: bytesOf });

describe('augmentations', function () {
  this.timeout(600_000);

  it('follow from their stream', () => {
    for (const name of NEW) {
      expect(drawn(name, 1), name).to.deep.equal(drawn(name, 1));
      expect(drawn(name, 1), name).not.to.deep.equal(drawn(name, 2));
    }
  });

  it('crops stay inside of images that are smaller than the padding', () => {
    const cropped = AUGMENTATIONS.named('flip-crop');
    for (const size of [1, 2, 4, 5, 32]) {
      const { rows, columns } = cropped.draw(stream(1, 'crops'), 200, size, undefined as never);
      for (const places of [rows!, columns!]) {
        expect(Math.min(...places)).to.equal(0);
        expect(Math.max(...places)).to.equal(size - 1);
      }
    }
  });

  it('Cutout blanks a square of 16 pixels around a pixel, cut off at the edges', () => {
    const batch = 4000;
    const { kept } = AUGMENTATIONS.named('cutout').draw(stream(1, 'cutout'), batch, 32, {
      form: FORM,
      image: bytesOf,
    });
    let blank = 0;
    for (let i = 0; i < batch; i++) {
      const mask = kept!.subarray(i * 1024, (i + 1) * 1024);
      const places = [...mask.keys()].filter((at) => mask[at] === 0);
      const [rows, columns] = [places.map((at) => Math.floor(at / 32)), places.map((at) => at % 32)];
      const [height, width] = [rows, columns].map((all) => Math.max(...all) - Math.min(...all) + 1) as [
        number,
        number,
      ];
      expect(places.length).to.equal(height * width);
      expect(Math.max(height, width)).to.be.at.most(16);
      blank += places.length;
    }
    // Centres at 0 to 31: sides of 8 to 15, then 16 (17 times), then 15 to 9.
    const side = (8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 * 17 + 15 + 14 + 13 + 12 + 11 + 10 + 9) / 32;
    expect(blank / batch).to.be.closeTo(side ** 2, 3);
  });

  it('blank with the mean colour, which is zero for the network', async () => {
    const { tf } = await import('../src/engine/tensorflow.js');
    const inputs = drawn('cutout', 1);
    const images = tf.tensor4d(
      Int32Array.from(train.images.subarray(0, BATCH * 3072)),
      [BATCH, 32, 32, 3],
      'int32',
    );
    const fed = {
      rows: tf.tensor(inputs.rows!, [BATCH, 32], 'int32'),
      columns: tf.tensor(inputs.columns!, [BATCH, 32], 'int32'),
      kept: tf.tensor(inputs.kept!, [BATCH, 32, 32, 1]),
    };
    const made = AUGMENTATIONS.named('cutout').apply(images, fed, FORM).dataSync();
    for (const [at, keeps] of inputs.kept!.entries())
      if (!keeps)
        for (const [channel, mean] of cifar10.mean.entries())
          expect(made[at * 3 + channel]).to.be.closeTo(255 * mean, 1e-3);
  });

  for (const name of NEW)
    it(`${name}: a compiled step is the eager one`, async () => {
      const spec = { ...TINY, augment: name };
      const program = trainingProgram(spec, {});
      const losses = [];
      for (const session of [await compiledSession(program, 'float32'), eagerSession(program)]) {
        fill(session, spec);
        const { loss } = session.call('step', { ...stepInputs(spec, {}, 1), ...drawn(name, 1) });
        losses.push(loss![0]!);
        session.dispose();
      }
      expect(losses[0]).to.be.closeTo(losses[1]!, 1e-4 * losses[1]!);
    });

  it('of colours are refused where images have none', () => {
    DATASETS.add({ ...cifar10, name: 'grey', channels: 1 });
    try {
      const text = JSON.stringify({
        ...SUITE,
        data: { ...SUITE.data, dataset: 'grey', augment: 'autoaugment' },
      });
      expect(() => parseSuite(text, 's.json')).to.throw(
        /data\.augment is "autoaugment"; allowed: an augmentation of images of 1 channel/,
      );
    } finally {
      DATASETS.remove('grey');
    }
  });
});
