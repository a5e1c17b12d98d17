// Walks over the loss landscape: lines between runs, and directions of which each filter is as long as the weights' own.
import { expect } from 'chai';
import type { Analysis, Common, Subject } from '../src/analysis/analysis.js';
import { type ExampleSet, lines, profiles, surfaces } from '../src/analysis/schema.js';
import { type Hashed, readAnalysis, writeAnalysis } from '../src/analysis/store.js';
import {
  barrierOf,
  filterNormalised,
  lineAnalysis,
  profileAnalysis,
  surfaceAnalysis,
} from '../src/analysis/walks.js';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { imageForm } from '../src/data/datasets/dataset.js';
import { integer, stream } from '../src/io/random.js';
import { initialise } from '../src/models/initialise.js';
import { Layers } from '../src/models/network.js';
import type { Alignment } from '../src/spec/record.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { alignmentOf } from '../src/training/alignment.js';
import { type Examples, Landscape, type Point } from '../src/training/landscape.js';
import { SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const FORM = { ...imageForm(cifar10), imageSize: 4, classes: 3 };
const IMAGES = 12;

const network = (() => {
  const layers = new Layers();
  const stem = layers.conv('stem', 3, 4, 3, 1);
  const last = layers.activation('last', 4);
  const classify = layers.classifier('classifier', 4, FORM.classes);
  return layers.network((pass, images) => classify(pass, last(pass, stem(pass, images))));
})();

const pointOf = (seed: number): Point => ({
  parameters: initialise(network.parameters, seed),
  statistics: initialise(network.statistics, seed),
});

/** Where each weight is in the vector of all. */
const ranges = (() => {
  let start = 0;
  return Object.entries(network.parameters).map(([name, { shape }]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    start += size;
    return { name, shape, from: start - size, to: start };
  });
})();

describe('a filter-normalised direction', () => {
  const { parameters: weights } = pointOf(1);
  const direction = filterNormalised(stream(1, 'test'), weights, network.parameters);
  const filters = (of: Float32Array, { shape, from, to }: (typeof ranges)[number]) =>
    Array.from({ length: shape.at(-1)! }, (_, output) =>
      of.slice(from, to).filter((_, i) => i % shape.at(-1)! === output),
    );
  const norm = (filter: Float32Array) => Math.hypot(...filter);

  it('has filters as long as those of the weights, and leads along no bias or batch norm', () => {
    for (const range of ranges)
      for (const [k, filter] of filters(direction, range).entries()) {
        const own = filters(weights, range)[k]!;
        if (range.shape.length === 1) expect(norm(filter), range.name).to.equal(0);
        else expect(norm(filter) / norm(own), range.name).to.be.closeTo(1, 1e-6);
      }
  });

  it('is of the same draws for other weights, and has no filter where they have none', () => {
    const other = weights.map((weight) => 3 * weight);
    const [stem] = ranges;
    for (let i = stem!.from; i < stem!.to; i += stem!.shape.at(-1)!) other[i] = 0;
    const again = filterNormalised(stream(1, 'test'), other, network.parameters);
    for (const range of ranges)
      for (const [k, filter] of filters(again, range).entries()) {
        const times = range.name === 'stem' && k === 0 ? 0 : 3;
        for (const [i, value] of filter.entries())
          expect(value).to.be.closeTo(times * filters(direction, range)[k]![i]!, 1e-6);
      }
  });
});

describe('a barrier', () => {
  it('is the highest rise above the straight line between the ends', () => {
    expect(barrierOf([1, 2, 4, 4])).to.equal(1);
    expect(barrierOf([0, 3, 1])).to.equal(2.5);
    expect(barrierOf([4, 0, 2]), 'a valley').to.equal(0);
    expect(barrierOf([1, null, 1])).to.equal(null);
  });
});

describe('walks', () => {
  const next = stream(7, 'pixels');
  const labels = Uint8Array.from({ length: IMAGES }, () => integer(next, FORM.classes));
  const sets: Record<ExampleSet, Examples> = {
    train: { places: Int32Array.from(labels.keys()), labels },
    clean: { places: Int32Array.of(0, 1, 2, 3, 4, 5, 6), labels: labels.slice(0, 7) },
    noisy: { places: Int32Array.of(7, 8, 9, 10, 11), labels: labels.slice(7) },
    test: { places: Int32Array.of(2, 3), labels: labels.slice(2, 4) },
  };
  const common: Common = {
    batchNorm: 'running',
    images: 0,
    batch: 5,
    examples: ['train', 'clean', 'noisy', 'test'],
  };
  const [first, run] = expand({ ...SUITE, methods: { sgd: {}, sam: { rho: 0.1 } } } as ResolvedSuite).runs;
  let landscape: Landscape;
  let subject: Subject;

  before(async () => {
    const pixels = Uint8Array.from({ length: IMAGES * 48 }, () => integer(next, 256));
    landscape = await Landscape.of(
      { network, form: FORM, images: IMAGES, batch: 5, batchNorm: 'running' },
      pixels,
    );
    subject = {
      ...{ spec: run!.spec, network, point: pointOf(1), others: { [first!.id]: pointOf(2) } },
      examples: (set) => sets[set],
      landscape: async () => landscape,
      pause: async () => {},
    };
  });
  after(() => landscape.dispose());

  /** All pieces of an analysis, in turn. */
  async function whole<A extends typeof lineAnalysis | typeof profileAnalysis | typeof surfaceAnalysis>(
    analysis: A,
    settings: object,
  ) {
    // Each kind has settings, pieces and parts of its own, which go together.
    const { pieces, measure, combine } = analysis as unknown as Analysis;
    const all = { ...common, ...settings };
    const parts = [];
    for (const piece of pieces(common.examples, all, [first!.id])) {
      const shares: number[] = [];
      parts.push({ piece, part: await measure(piece, subject, all, (share) => shares.push(share)) });
      expect(shares.at(-1)).to.equal(1);
    }
    return { ...all, of: combine(parts, all) };
  }

  it('lead in a straight line from the run of the first method to that of another', async () => {
    const found = lines.parse(await whole(lineAnalysis, { linePoints: 5 }));
    expect(found.of.map(({ examples }) => examples)).to.deep.equal(['train', 'clean', 'noisy', 'test']);
    const half: Point = {
      parameters: pointOf(1).parameters.map((value, i) => (value + pointOf(2).parameters[i]!) / 2),
      statistics: pointOf(1).statistics,
    };
    for (const { examples, from, at, loss, accuracy, images, barrier } of found.of) {
      const some = sets[examples];
      expect([from, images]).to.deep.equal([first!.id, some.places.length]);
      expect(at).to.deep.equal([0, 0.25, 0.5, 0.75, 1]);
      expect(barrier).to.equal(barrierOf(loss));
      for (const [i, point] of [pointOf(2), half, pointOf(1)].entries()) {
        const there = await landscape.loss(some, point);
        expect(loss[2 * i]).to.be.closeTo(there.loss, 1e-6);
        const right = there.predictions.filter((label, k) => label === some.labels[k]).length;
        expect(accuracy[2 * i]).to.be.closeTo((100 * right) / images, 1e-9);
      }
    }
  });

  it('are asked for again where the run at the beginning has other weights now', async () => {
    const out = await temporaryFolder();
    const result = await whole(lineAnalysis, { linePoints: 3 });
    const [own, other, changed] = [...'123'].map((digit) => ({
      id: digit === '1' ? 'own' : 'first',
      weightsSha256: digit.repeat(64),
    })) as [Hashed, Hashed, Hashed];
    const engine = { tensorflow: '2', kernels: 'native', isa: 'avx2' };
    await writeAnalysis(out, lineAnalysis, own, [other], engine, result);
    const read = (others?: Hashed[]) => readAnalysis(out, lineAnalysis, own, others);
    expect(await read()).to.deep.equal(result);
    expect(await read([other])).to.deep.equal(result);
    expect(await read([changed])).to.equal(undefined);
  });

  it('lead from the first method of the same noise and seed, and nowhere from that', () => {
    const graph = expand({ ...SUITE, seeds: [1, 2] } as ResolvedSuite);
    for (const { run, method, noiseSetting, seed } of graph.cells) {
      const others = lineAnalysis.others!(run, graph);
      const wanted = graph.cells.find(
        (cell) => cell.method === 'sgd' && cell.noiseSetting === noiseSetting && cell.seed === seed,
      )!;
      expect(others).to.deep.equal(method === 'sgd' ? [] : [wanted.run]);
    }
  });

  it('meet at the weights: a surface has the profile of the first direction in its middle row', async () => {
    const along = profiles.parse(
      await whole(profileAnalysis, { profilePoints: 5, reach: 0.5, directions: 2 }),
    );
    const plane = surfaces.parse(await whole(surfaceAnalysis, { surfacePoints: 5, reach: 0.5 }));
    expect(along.of).to.have.length(8);
    for (const { examples, at, loss, accuracy } of plane.of) {
      const [one, two] = along.of.filter((profile) => profile.examples === examples);
      const own = await landscape.loss(sets[examples], pointOf(1));
      expect(at).to.deep.equal([-0.5, -0.25, 0, 0.25, 0.5]);
      expect(one!.loss[2]).to.equal(own.loss);
      expect(loss.slice(10, 15)).to.deep.equal(one!.loss);
      expect(accuracy.slice(10, 15)).to.deep.equal(one!.accuracy);
      expect([2, 7, 12, 17, 22].map((i) => loss[i]!)).to.deep.equal(two!.loss);
      expect(one!.loss).not.to.deep.equal(two!.loss);
    }
    const [rise] = profileAnalysis.tables['profile_rises.csv']!(along) as { rise_at_half: number }[];
    const { loss } = along.of[0]!;
    expect(rise!.rise_at_half).to.be.closeTo((loss[1]! + loss[3]!) / 2 - loss[2]!, 1e-12);
    expect(surfaceAnalysis.tables['surface.csv']!(plane)).to.have.length(4 * 25);
  });

  it('tell the gradient of right labels from that of wrong ones, here and where SAM ascends to', async () => {
    const at = pointOf(1);
    const rho = 0.1;
    const { train, clean, noisy } = sets;
    const norm = (vector: Float64Array) => Math.hypot(...vector);
    const gradient = async (of: Examples, point: Point) => (await landscape.gradient(of, point)).gradient;
    const whole = await gradient(train, at);
    const above = {
      ...at,
      parameters: at.parameters.map((value, i) => value + (rho * whole[i]!) / norm(whole)),
    };
    const found = (await alignmentOf(landscape, clean, noisy, at, rho)) as Alignment;
    for (const [point, right, wrong, cosine] of [
      [at, found.rightGradient, found.wrongGradient, found.gradientCosine],
      [above, found.rightAscended, found.wrongAscended, found.cosineAscended],
    ] as const) {
      expect(right).to.be.closeTo((norm(await gradient(clean, point)) * 7) / 12, 1e-5);
      expect(wrong).to.be.closeTo((norm(await gradient(noisy, point)) * 5) / 12, 1e-5);
      // The two parts are the whole.
      const sum = norm(await gradient(train, point));
      expect(right ** 2 + wrong ** 2 + 2 * right * wrong * cosine).to.be.closeTo(sum ** 2, 1e-5);
    }
    const nobody = { places: new Int32Array(), labels: new Uint8Array() };
    expect(await alignmentOf(landscape, train, nobody, at, rho)).to.deep.equal({});
  });

  it('say where the loss is not finite', async () => {
    const { point } = subject;
    subject.others[first!.id] = { ...point, parameters: point.parameters.map(() => 1e38) };
    const { of } = lines.parse(await whole(lineAnalysis, { linePoints: 3 }));
    expect(of[0]!.loss.slice(0, 2)).to.deep.equal([null, null]);
    expect(of[0]!.barrier).to.equal(null);
    expect(lineAnalysis.tables['line.csv']!({ of, ...common, linePoints: 3 })[0]).to.include({ loss: '' });
  });
});
