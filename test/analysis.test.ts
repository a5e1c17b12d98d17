// The loss as a landscape: products with its Hessian, eigenvalues and density by Lanczos, sharpness; held against PyTorch in float64.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { type AnalysisJob, measurePiece, pointOf } from '../src/analysis/analysis.js';
import { ANALYSES, analysisNamed } from '../src/analysis/kinds.js';
import { spectrumOf } from '../src/analysis/spectrum.js';
import { type AnalyseOptions, analyse } from '../src/cli/analyse.js';
import type { Engine } from '../src/cli/engine.js';
import { run } from '../src/cli/run.js';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { imageForm, type LoadedDataset } from '../src/data/datasets/dataset.js';
import { npyOf, npyOfBytes, npyOfFloats } from '../src/data/npy.js';
import { ImagesOfRuns } from '../src/data/subset.js';
import { tf } from '../src/engine/tensorflow.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { integer, normal, stream } from '../src/io/random.js';
import { buildNetwork } from '../src/models/catalogue.js';
import { initialise } from '../src/models/initialise.js';
import { Layers, type Network, padChannels } from '../src/models/network.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { writeWeights } from '../src/results/weights.js';
import { ALIGNMENT, WATCHED } from '../src/spec/record.js';
import { lanczos, ritzValues, spectralDensity } from '../src/statistics/lanczos.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { alignmentOf } from '../src/training/alignment.js';
import { climbs, signs } from '../src/training/flatness.js';
import type { RunJob, Weights } from '../src/training/job.js';
import { type BatchNorm, Landscape } from '../src/training/landscape.js';
import { train } from '../src/training/train.js';
import { fakeEngine, SUITE, suiteFile } from './fakes.js';
import { FORM, relativeDistance, smoothWeights, TINY } from './support/programs.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { python } from './support/torch.js';

interface Reference {
  loss: number;
  gradient: number[];
  product: number[];
  /** Of the dense Hessian, largest first. */
  eigenvalues: number[];
  trace: number;
  sharpness: Record<string, number>;
  adaptive: Record<string, number>;
}

/** A small network, its weights, images and labels, and what PyTorch says of it in float64: reference/hessian.py. */
const fixture: Record<BatchNorm, Reference> & {
  weights: Record<string, { values: number[] }>;
  vector: number[];
  size: number;
  classes: number;
  pixels: number[];
  labels: number[];
} = JSON.parse(readFileSync(path.join(PROJECT_ROOT, 'test', 'fixtures', 'hessian.json'), 'utf8'));

const SMALL_FORM = { ...imageForm(cifar10), imageSize: fixture.size, classes: fixture.classes };

/** The fixture's: a pre-activation block that halves the image and widens. */
function smallNetwork(): Network {
  const layers = new Layers();
  const name = 'group2/block1';
  const stem = layers.conv('stem', 3, 4, 3, 1);
  const before = layers.activation(`${name}/before`, 4);
  const conv1 = layers.conv(`${name}/conv1`, 4, 6, 3, 2);
  const between = layers.activation(`${name}/between`, 6);
  const conv2 = layers.conv(`${name}/conv2`, 6, 6, 3, 1);
  const last = layers.activation('last', 6);
  const classify = layers.classifier('classifier', 6, fixture.classes);
  return layers.network((pass, images) => {
    const activated = before(pass, stem(pass, images));
    const residual = conv2(pass, between(pass, conv1(pass, activated)));
    const sum = tf.add(residual, padChannels(tf.avgPool(activated, 2, 2, 'valid'), 6)) as tf.Tensor4D;
    return classify(pass, last(pass, sum));
  });
}

const small = smallNetwork();
const vectorOf = (specs: Network['parameters']) =>
  Float32Array.from(Object.keys(specs).flatMap((name) => fixture.weights[name]!.values));
const at = { parameters: vectorOf(small.parameters), statistics: vectorOf(small.statistics) };
const images = fixture.labels.length;
const all = {
  places: Int32Array.from({ length: images }, (_, i) => i),
  labels: Uint8Array.from(fixture.labels),
};
const pixels = Uint8Array.from(fixture.pixels);
const smallLandscape = (batchNorm: BatchNorm, batch = images) =>
  Landscape.of({ network: small, form: SMALL_FORM, images, batch, batchNorm }, pixels);

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
const length = (a: ArrayLike<number>) => Math.sqrt(dot(a, a));
/** Of float32 against float64. */
const TOLERANCE = 1e-5;

for (const batchNorm of ['running', 'batch'] as const)
  describe(`the loss as a landscape, batch norm by ${batchNorm} statistics`, () => {
    const reference = fixture[batchNorm];
    let landscape: Landscape;
    before(async () => {
      landscape = await smallLandscape(batchNorm);
    });
    after(() => landscape.dispose());

    it("has PyTorch's loss, gradient and product of the Hessian with a vector", async () => {
      const { loss, gradient } = await landscape.gradient(all, at);
      expect(loss).to.be.closeTo(reference.loss, TOLERANCE);
      expect((await landscape.loss(all, at)).loss).to.be.closeTo(reference.loss, TOLERANCE);
      expect(relativeDistance(gradient, reference.gradient)).to.be.at.most(TOLERANCE);
      const product = await landscape.product(all, at, Float32Array.from(fixture.vector));
      expect(relativeDistance(product, reference.product)).to.be.at.most(TOLERANCE);
    });

    it('has products that are symmetric and linear to the precision of floats', async () => {
      const next = stream(1, 'test vectors');
      const [u, v] = [0, 1].map(() => new Float32Array(landscape.size).map(() => normal(next))) as [
        ...[Float32Array, Float32Array],
      ];
      const product = (vector: Float32Array) => landscape.product(all, at, vector);
      const [hu, hv, both] = [
        await product(u),
        await product(v),
        await product(u.map((x, i) => 2 * x - 3 * v[i]!)),
      ];
      expect(Math.abs(dot(hu, v) - dot(hv, u)) / (length(hu) * length(v))).to.be.at.most(1e-5);
      expect(
        relativeDistance(
          both,
          hu.map((x, i) => 2 * x - 3 * hv[i]!),
        ),
      ).to.be.at.most(1e-5);
    });

    it("has the dense Hessian's largest eigenvalues, trace and mean to 1e-3, and a density that integrates to 1", async () => {
      const product = (vector: Float32Array) => landscape.product(all, at, vector);
      const probes = [];
      for (let probe = 0; probe < 6; probe++)
        probes.push(await lanczos(product, signs(stream(1, 'test probe', probe), landscape.size), 60));
      const parts = probes.map((probe) => ({ images, loss: 0, size: landscape.size, probe }));
      const { largest, smallest, trace, ratio, density, sigma } = spectrumOf('train', parts);
      const { eigenvalues } = reference;
      for (const [i, { value }] of largest.slice(0, 5).entries())
        expect(value / eigenvalues[i]!, `lambda_${i + 1}`).to.be.closeTo(1, 1e-3);
      expect(smallest.value / eigenvalues.at(-1)!).to.be.closeTo(1, 1e-3);
      expect(ratio).to.be.closeTo(eigenvalues[0]! / eigenvalues[4]!, 1e-2);
      expect(Math.abs(trace.value - reference.trace)).to.be.at.most(4 * trace.error!);
      const step = density[1]![0] - density[0]![0];
      const integral = (of: (x: number) => number) =>
        density.reduce((sum, [x, y]) => sum + step * y * of(x), 0);
      expect(integral(() => 1)).to.be.closeTo(1, 1e-6);
      expect(integral((x) => x)).to.be.closeTo(trace.value / landscape.size, 1e-6);
      // Against the true spectrum, smoothed alike.
      const truth = (x: number) =>
        eigenvalues.reduce((sum, value) => sum + Math.exp(-0.5 * ((x - value) / sigma) ** 2), 0) /
        (eigenvalues.length * sigma * Math.sqrt(2 * Math.PI));
      const distance = density.reduce((sum, [x, y]) => sum + step * Math.abs(y - truth(x)), 0);
      expect(distance).to.be.at.most(0.25);
    });

    it("has PyTorch's sharpness by SAM's step and ASAM's, and at least as much by further steps", async () => {
      const plain = Object.keys(reference.sharpness).map(Number);
      const adaptive = Object.keys(reference.adaptive).map(Number);
      const ascents = [
        ...plain.map((rho) => ({ rho, further: 0, adaptive: false })),
        ...adaptive.map((rho) => ({ rho, further: 0, adaptive: true })),
      ];
      const wanted = [...Object.values(reference.sharpness), ...Object.values(reference.adaptive)];
      const { loss, rises } = await climbs(landscape, all, at, ascents);
      expect(loss).to.be.closeTo(reference.loss, TOLERANCE);
      for (const [i, rise] of rises.entries()) expect(rise / wanted[i]!).to.be.closeTo(1, 1e-3);
      const further = ascents.map((ascent) => ({ ...ascent, further: 10 }));
      const { rises: higher } = await climbs(landscape, all, at, further);
      for (const [i, rise] of higher.entries()) expect(rise).to.be.at.least(rises[i]! - 1e-6);
    });
  });

describe('a batch that is split', () => {
  it('has the same loss, gradient and product, whatever its parts', async () => {
    const [whole, parts] = [await smallLandscape('running'), await smallLandscape('running', 5)];
    const vector = Float32Array.from(fixture.vector);
    expect(
      relativeDistance(await parts.product(all, at, vector), await whole.product(all, at, vector)),
    ).to.be.at.most(1e-5);
    const [a, b] = [await parts.gradient(all, at), await whole.gradient(all, at)];
    expect(a.loss).to.be.closeTo(b.loss, 1e-5);
    expect(relativeDistance(a.gradient, b.gradient)).to.be.at.most(1e-5);
    const [c, d] = [await parts.loss(all, at), await whole.loss(all, at)];
    expect(relativeDistance(c.losses, d.losses)).to.be.at.most(1e-5);
    expect(c.predictions).to.deep.equal(d.predictions);
    for (const landscape of [whole, parts]) landscape.dispose();
  });

  it('by batch statistics has whole parts alone', async () => {
    const landscape = await smallLandscape('batch', 5);
    expect(landscape.counted(12)).to.equal(10);
    const { losses } = await landscape.loss(all, at);
    expect(losses).to.have.length(10);
    const few = { places: all.places.subarray(0, 4), labels: all.labels.subarray(0, 4) };
    const error = await landscape.loss(few, at).catch((e: Error) => e);
    expect((error as Error).message).to.match(/^4 images are no whole batch of 5, .*running statistics$/);
    landscape.dispose();
  });
});

describe('Lanczos', () => {
  /** A diagonal matrix. */
  const times = (values: readonly number[]) => async (vector: Float32Array) =>
    Float64Array.from(vector, (x, i) => x * values[i]!);

  it('of a quadratic has its eigenvalues, and by any vector of signs its trace', async () => {
    const values = Array.from({ length: 500 }, (_, i) => (i < 5 ? 100 / (i + 1) : Math.sin(i)));
    const probe = await lanczos(times(values), signs(stream(1, 'test'), 500), 80);
    const sorted = values.toSorted((a, b) => b - a);
    for (const [i, { value, error }] of ritzValues(probe).slice(0, 5).entries()) {
      expect(value).to.be.closeTo(sorted[i]!, 1e-4);
      expect(Math.abs(value - sorted[i]!)).to.be.at.most(error + 1e-4);
    }
    const trace = values.reduce((a, b) => a + b);
    expect(500 * probe.diagonal[0]!).to.be.closeTo(trace, 1e-3);
    const { density } = spectralDensity([probe]);
    const step = density[1]![0] - density[0]![0];
    expect(density.reduce((sum, [, y]) => sum + step * y, 0)).to.be.closeTo(1, 1e-6);
    expect(density.reduce((sum, [x, y]) => sum + step * x * y, 0)).to.be.closeTo(trace / 500, 1e-5);
  });

  it('makes no eigenvalue twice, however many steps it is given, and ends where there is no more', async () => {
    const few = [9, 4, 1, 0];
    const values = Array.from({ length: 100 }, (_, i) => few[i % 4]!);
    const found = ritzValues(await lanczos(times(values), signs(stream(2, 'test'), 100), 100));
    expect(found.map(({ value }) => Math.round(1e4 * value) / 1e4)).to.deep.equal(few);
    expect(found.every(({ error }) => error < 1e-4)).to.equal(true);
    for (const { weight } of found) expect(weight).to.be.closeTo(0.25, 1e-4);
  });

  it('keeps its vectors orthogonal where rounding would not', async () => {
    const values = Array.from({ length: 300 }, (_, i) => (i === 0 ? 1e4 : i / 300));
    const found = ritzValues(await lanczos(times(values), signs(stream(3, 'test'), 300), 150));
    expect(found.filter(({ value }) => value > 1.01)).to.have.length(1);
  });
});

describe('products with the Hessian of whole networks', () => {
  const CASES = [
    [TINY.model, 'batch'],
    [{ kind: 'wide-resnet', depth: 10, width: 1, shortcut: 'conv', stemStride: 2 }, 'running'],
    [{ kind: 'resnet', depth: 8 }, 'batch'],
  ] as const;
  for (const [model, batchNorm] of CASES)
    it(`are PyTorch's: ${JSON.stringify(model)}, ${batchNorm} statistics`, async function () {
      const interpreter = python(this);
      const network = buildNetwork(model, FORM);
      const next = stream(1, 'test data');
      const parameters = smoothWeights({ model }, 1);
      const statistics = initialise(network.statistics, 1).map((value) => value + 0.1 * next());
      const pixels = new Uint8Array(16 * 3072).map(() => integer(next, 256));
      const labels = new Uint8Array(16).map(() => integer(next, 10));
      const vector = new Float32Array(parameters.length).map(() => normal(next));
      const landscape = await Landscape.of({ network, form: FORM, images: 16, batch: 16, batchNorm }, pixels);
      const places = Int32Array.from({ length: 16 }, (_, i) => i);
      const ours = await landscape.product({ places, labels }, { parameters, statistics }, vector);
      landscape.dispose();
      const folder = await temporaryFolder();
      const file = (name: string) => path.join(folder, name);
      await writeFile(file('images.npy'), npyOfBytes(pixels, [16, 32, 32, 3]));
      await writeFile(file('labels.npy'), npyOf(labels));
      await writeFile(file('vector.npy'), npyOfFloats(vector, [vector.length]));
      await writeWeights(folder, 'asked', weightsIn(network, parameters, statistics));
      const asked = {
        model,
        weights: file('weights/asked.npz'),
        ...Object.fromEntries(['images', 'labels', 'vector'].map((name) => [name, file(`${name}.npy`)])),
        training: batchNorm === 'batch',
      };
      await writeFile(file('asked.json'), JSON.stringify(asked));
      const script = path.join(PROJECT_ROOT, 'reference', 'hessian.py');
      const { stdout } = await promisify(execFile)(interpreter, ['-B', script, file('asked.json')], {
        maxBuffer: 1e8,
      });
      expect(relativeDistance(ours, JSON.parse(stdout).product)).to.be.at.most(1e-4);
    });
});

const DATA: LoadedDataset = (() => {
  const next = stream(5, 'test images');
  const set = (count: number) => ({
    count,
    images: new Uint8Array(count * 3072).map(() => integer(next, 256)),
    labels: new Uint8Array(count).map((_, i) => i % 10),
  });
  return { train: set(100), test: set(40) };
})();
const ofRuns = new ImagesOfRuns(DATA);
const withImages = <Job extends RunJob>(job: Job) => {
  const { train, test } = ofRuns.of(job.spec);
  return { ...job, train, test };
};
const never = new AbortController().signal;

/** Settings small enough for tests. */
const FEW = { images: 12, batch: 12, steps: 3, probes: 2, rho: [0.05], m: [0, 4], ascentSteps: 1 };
/** A network that is compiled sooner. */
const MODEL = { ...SUITE.model, stemStride: 2 };

/** A results folder of two runs that were trained here, and what there is to analyse it with. */
async function workplace(changes: object = { keepWeights: true }) {
  const file = await suiteFile({
    methods: { sgd: {} },
    noise: { kind: 'symmetric', rates: [0.4], redraw: 'other' },
    model: MODEL,
    training: { ...SUITE.training, epochs: 1 },
    ...changes,
  });
  const out = await temporaryFolder();
  const asked: AnalysisJob[] = [];
  const said: string[] = [];
  const using: Engine = {
    ...fakeEngine,
    loadData: async () => DATA,
    train: (job, ...rest) => train(withImages(job), ...rest),
    analyse: (job) => {
      asked.push(job);
      return measurePiece(
        analysisNamed(job.kind)!,
        withImages(job),
        () => {},
        async () => {},
      );
    },
    tell: (line) => said.push(line),
  };
  await run(file, { out }, using, { stop() {} }, () => {});
  const graph = await readOwnGraph(out);
  const go = async (options: AnalyseOptions = {}, engine: Partial<Engine> = {}) => {
    asked.length = 0;
    await analyse(out, { ...FEW, ...options }, { ...using, ...engine }, () => {});
  };
  const text = (name: string) => readFile(path.join(out, 'analysis', name), 'utf8');
  return { out, graph, using, asked, said, go, text };
}

describe('labelnoise analyse', () => {
  it('writes what it finds of every run and kind, and CSV of all; what is there is not made again', async () => {
    const { out, graph, asked, go, text } = await workplace();
    const both = { what: ['spectrum', 'sharpness'] };
    await go(both);
    // Of each set two probes of the spectrum and two group sizes of the sharpness.
    expect(asked).to.have.length(4 * (2 + 2));
    const rows = parse(await text('spectrum.csv'), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ noise_rate, examples }) => `${noise_rate} ${examples}`)).to.deep.equal(
      ['train', 'clean', 'noisy', 'test'].map((set) => `40 ${set}`),
    );
    const [first] = graph.runs as [(typeof graph.runs)[0]];
    expect(rows[0]).to.include({ run_id: first.id, method: 'sgd', images: '12', batch_norm: 'running' });
    const sharp = parse(await text('sharpness.csv'), { columns: true }) as Record<string, string>[];
    expect(sharp).to.have.length(4 * 2 * 4);
    for (const { ascent, ball, rho } of sharp) {
      expect(ascent).to.be.oneOf(['one-step', 'projected']);
      expect(rho).to.equal(ball === 'plain' ? '0.05' : '0.5');
    }
    const before = await text(`${first.id}.spectrum.json`);
    await go(both);
    expect(asked).to.have.length(0);
    await go({ what: ['spectrum'], examples: ['test'] });
    expect(asked.map(({ kind, piece }) => [kind, piece])).to.deep.equal(
      [0, 1].map((probe) => ['spectrum', { examples: 'test', probe }]),
    );
    await go({ what: ['spectrum'] });
    expect(await text(`${first.id}.spectrum.json`)).to.equal(before);
    const error = await analyse(`${out}/0123456789abcdef`, {}, fakeEngine).catch((e: Error) => e);
    expect((error as Error).message).to.include('has no run 0123456789abcdef');
  }).timeout(60_000);

  it('goes on after an interruption with what is missing, to the same bytes', async () => {
    const { graph, asked, go, text, using } = await workplace();
    const what = { what: ['spectrum'], examples: ['train' as const, 'noisy' as const] };
    const { id } = graph.runs[0]!;
    const broken = {
      analyse: (...given: Parameters<Engine['analyse']>) => {
        if (asked.length === 3) throw new Error('stopped');
        return using.analyse(...given);
      },
    };
    const error = await go(what, broken).catch((e: Error) => e);
    expect((error as Error).message).to.equal('stopped');
    expect(JSON.parse(await text(`${id}.spectrum.partial.json`)).parts).to.have.keys(
      ...['train', 'noisy'].flatMap((examples) =>
        [0, 1].slice(0, examples === 'train' ? 2 : 1).map((probe) => JSON.stringify({ examples, probe })),
      ),
    );
    await go(what);
    expect(asked).to.have.length(4 - 3);
    const resumed = await text(`${id}.spectrum.json`);
    expect((await text(`${id}.spectrum.partial.json`).catch((e) => e)).code).to.equal('ENOENT');
    await go({ ...what, again: true });
    expect(asked).to.have.length(4);
    expect(await text(`${id}.spectrum.json`)).to.equal(resumed);
  }).timeout(60_000);

  it('splits a batch that memory does not do, unless batch norm has its statistics from it', async () => {
    const { graph, go, text, using, said } = await workplace();
    const analyse: Engine['analyse'] = (job, ...rest) => {
      if (job.settings.batch > 5) throw new Error('OOM when allocating tensor');
      return using.analyse(job, ...rest);
    };
    const few = { what: ['spectrum'], examples: ['train' as const] };
    await go(few, { analyse });
    const split = JSON.parse(await text(`${graph.runs[0]!.id}.spectrum.json`)).result;
    expect(said).to.include('--batch 12: there is not enough memory; going on with 6');
    expect(split.batch).to.equal(3);
    await go({ ...few, again: true });
    const whole = JSON.parse(await text(`${graph.runs[0]!.id}.spectrum.json`)).result;
    expect(split.of[0].largest[0].value / whole.of[0].largest[0].value).to.be.closeTo(1, 1e-3);
    const error = await go({ ...few, batchNorm: 'batch' }, { analyse }).catch((e: Error) => e);
    expect((error as Error).message).to.match(/^--batch 12: there is not enough memory.*running$/);
  }).timeout(60_000);

  it('leaves a sharpness that is not finite empty, here at a radius that float32 does not hold, and keeps it so when it goes on', async () => {
    const { graph, go, text } = await workplace();
    const far = { what: ['sharpness'], examples: ['train' as const], rho: [0.05, 1e300], m: [0] };
    await go(far);
    const rows = parse(await text('sharpness.csv'), { columns: true }) as Record<string, string>[];
    const [near, distant] = ['0.05', '1e+300'].map((rho) => rows.find((row) => row.rho === rho)!);
    expect(Number(near!.sharpness)).to.be.above(0);
    expect(distant!.sharpness).to.equal('');
    const file = await text(`${graph.runs[0]!.id}.sharpness.json`);
    await go(far);
    expect(await text(`${graph.runs[0]!.id}.sharpness.json`)).to.equal(file);
  }).timeout(60_000);

  it('says in a line what it cannot do: how weights are had, which kinds there are, whose analysis a file is', async () => {
    const { out, graph, go } = await workplace({});
    const refusal = async (options: AnalyseOptions = {}) =>
      ((await go(options).catch((e: Error) => e)) as Error).message;
    expect(await refusal()).to.equal(
      `${out}/weights/${graph.runs[0]!.id}.npz: there are no weights; a suite with "keepWeights": true keeps them: add it, and the same "labelnoise run" makes the run again`,
    );
    expect(await refusal({ what: ['flatness'] })).to.equal(
      `--what flatness: is no kind of analysis; allowed: ${ANALYSES.map(({ name }) => name).join(', ')}`,
    );
    const kept = await workplace();
    await kept.go({ what: ['spectrum'], examples: ['test'] });
    const file = path.join(kept.out, 'analysis', `${graph.runs[0]!.id}.spectrum.json`);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"steps":3', '"steps":4'));
    const error = await kept.go({ what: ['spectrum'] }).catch((e: Error) => e);
    expect((error as Error).message).to.match(
      /spectrum\.json: sha256 is .*; remove it, and "labelnoise analyse/,
    );
  }).timeout(60_000);
});

describe('what is watched while a run trains', () => {
  const SHORT = { methods: { sgd: {} }, model: MODEL };

  it('is in the curve, is what an analysis finds, and changes nothing else of the run', async () => {
    const [node] = expand({ ...SUITE, ...SHORT, watch: [...WATCHED] } as ResolvedSuite).runs;
    expect(node!.id).to.equal(expand({ ...SUITE, ...SHORT } as ResolvedSuite).runs[0]!.id);
    const { train: images, test } = ofRuns.of(node!.spec);
    const noisyLabels = images.labels.map((label, i) => (i % 5 < 2 ? (label + 1) % 10 : label));
    const job = { spec: node!.spec, train: images, test, noisyLabels, targetLabels: noisyLabels };
    const plain = await train(job, () => {}, never);
    const watched = await train({ ...job, keepWeights: true, watch: node!.watches! }, () => {}, never);
    expect(watched.weightsSha256).to.equal(plain.weightsSha256);
    const figures: string[] = ['sharpness', 'lambda1', ...ALIGNMENT];
    const without = (evaluation: object) =>
      Object.fromEntries(Object.entries(evaluation).filter(([name]) => !figures.includes(name)));
    expect(watched.curve.map(without)).to.deep.equal(plain.curve);
    const network = buildNetwork(node!.spec.model, FORM);
    const point = pointOf(network, watched.weights!);
    const landscape = await Landscape.of(
      { network, form: FORM, images: 50, batch: 25, batchNorm: 'running' },
      images.images,
    );
    const of = { places: Int32Array.from({ length: 50 }, (_, i) => i), labels: noisyLabels };
    const { rises } = await climbs(landscape, of, point, [{ rho: 0.05, further: 0, adaptive: false }]);
    const product = (vector: Float32Array) => landscape.product(of, point, vector);
    const [largest] = ritzValues(await lanczos(product, signs(stream(9, 'test'), landscape.size), 30));
    const last = watched.curve.at(-1)!;
    const part = (isRight: boolean) => {
      const places = of.places.filter((i) => (noisyLabels[i] === images.labels[i]) === isRight);
      return { places, labels: Uint8Array.from(places, (i) => noisyLabels[i]!) };
    };
    const aligned = await alignmentOf(landscape, part(true), part(false), point, 0.05);
    landscape.dispose();
    for (const name of ALIGNMENT) expect(last[name]! / aligned[name]!, name).to.be.closeTo(1, 1e-3);
    expect(last.sharpness! / rises[0]!).to.be.closeTo(1, 1e-3);
    expect(last.lambda1! / largest!.value).to.be.closeTo(1, 1e-2);
    expect(watched.curve.every(({ sharpness, lambda1 }) => sharpness! > 0 && lambda1! > 0)).to.equal(true);
  });

  it('is refused where it is nothing that can be watched', async () => {
    const error = await run(await suiteFile({ watch: ['loss'] }), {}, fakeEngine).catch((e: Error) => e);
    expect((error as Error).message).to.include(
      'watch[0] is "loss"; allowed: one of sharpness, lambda1, alignment',
    );
  });
});

/** Vectors as weights by name. */
function weightsIn(network: Network, parameters: Float32Array, statistics: Float32Array): Weights {
  const weights: Weights = new Map();
  for (const [specs, values] of [
    [network.parameters, parameters],
    [network.statistics, statistics],
  ] as const) {
    let start = 0;
    for (const [name, { shape }] of Object.entries(specs)) {
      const size = shape.reduce((product, n) => product * n, 1);
      weights.set(name, { shape, values: values.slice(start, start + size) });
      start += size;
    }
  }
  return weights;
}
