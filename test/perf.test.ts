// What `labelnoise perf` counts, writes and refuses. How long anything takes decides no test.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { perf } from '../src/cli/perf.js';
import { eagerSession } from '../src/engine/eager.js';
import { buildNetwork } from '../src/models/catalogue.js';
import { initialise } from '../src/models/initialise.js';
import { Candidate } from '../src/perf/candidate.js';
import { pytorchModes } from '../src/perf/compare.js';
import { CONVOLUTIONS, convolutionsOf, nameOf } from '../src/perf/convolutions.js';
import { perfFile, readMethods } from '../src/perf/file.js';
import { forwardFlops, trainingFlops } from '../src/perf/flops.js';
import { kindOf, pytorchEnvironment, type SetInUse, setInUse } from '../src/perf/kind.js';
import { madeUpImages, modelOf } from '../src/perf/setting.js';
import { stockTrainer } from '../src/perf/stock_step.js';
import { comparisonTable, methodsTable } from '../src/perf/table.js';
import { InputError } from '../src/spec/errors.js';
import type { Precision } from '../src/spec/run_spec.js';
import { fastestPrecision } from '../src/training/precision.js';
import { trainingProgram } from '../src/training/training_program.js';
import { SUITE, suiteFile } from './fakes.js';
import { FORM, relativeDistance, TINY } from './support/programs.js';

describe('counting operations', () => {
  // Multiplications of WRN-16-4 on one image, layer by layer: 3x3 weights x inputs x outputs x pixels.
  const stem = 9 * 3 * 16 * 1024;
  const group1 = 9 * (16 * 64 + 3 * 64 * 64) * 1024;
  const group2 = 9 * (64 * 128 + 3 * 128 * 128) * 256;
  const group3 = 9 * (128 * 256 + 3 * 256 * 256) * 64;
  const total = 2 * (stem + group1 + group2 + group3 + 256 * 10);

  it('of WRN-16-4 forward gives what is counted by hand', () => {
    expect(total).to.equal(774_738_944);
    expect(forwardFlops(modelOf(16, 4))).to.deep.equal({ total, stem: 2 * stem });
  });

  it('of training counts forward, weight gradients and input gradients, but none for the image', () => {
    expect(trainingFlops(modelOf(16, 4))).to.equal(3 * total - 2 * stem);
  });

  it('counts 1x1 shortcuts and ResNets too', () => {
    const withShortcuts = forwardFlops({ kind: 'wide-resnet', depth: 16, width: 4, shortcut: 'conv' }).total;
    expect(withShortcuts - total).to.equal(2 * (16 * 64 * 1024 + 64 * 128 * 256 + 128 * 256 * 64));
    // ResNet-32 by hand: stem, then 30 convolutions in three groups, then 64 x 10.
    const groups = 9 * (10 * 16 * 16 * 1024 + (16 * 32 + 9 * 32 * 32) * 256 + (32 * 64 + 9 * 64 * 64) * 64);
    expect(forwardFlops({ kind: 'resnet', depth: 32 }).total).to.equal(2 * (stem + groups + 640));
  });
});

describe('convolutions that are measured', () => {
  it('are those of the networks', () => {
    const of = (...sizes: [number, number][]) =>
      convolutionsOf(sizes.map(([depth, width]) => modelOf(depth, width))).map(nameOf);
    const narrow = ['32x32-3-to-16', '32x32-16-to-16', '16x16-32-to-32', '8x8-64-to-64'];
    expect(of([10, 1])).to.deep.equal([...narrow, '32x32-16-to-32-stride-2', '16x16-32-to-64-stride-2']);
    const wide = ['32x32-3-to-16', '32x32-64-to-64', '16x16-128-to-128', '8x8-256-to-256'];
    expect(of([16, 4])).to.deep.equal(wide);
    expect(of([16, 1], [16, 4], [28, 10])).to.deep.equal(CONVOLUTIONS.map(nameOf));
  });
});

describe('the stock step', () => {
  it('trains as our own does', () => {
    const spec = { ...TINY, trainImages: 16 };
    const { images, labels } = madeUpImages(16);
    const network = buildNetwork(spec.model, FORM);
    const initial = initialise(network.parameters, 1);
    const session = eagerSession(trainingProgram(spec, {}));
    session.write('train', { 'train/images': images, 'train/labels': Int32Array.from(labels) });
    session.write('model', {
      'model/parameters': initial,
      'model/momentum': new Float32Array(initial.length),
      'model/statistics': initialise(network.statistics, 1),
    });
    const stock = stockTrainer(spec, initial, images, labels);
    for (const offset of [0, 8, 4]) {
      const indices = Int32Array.from({ length: 8 }, (_, i) => i + offset);
      const { loss } = session.call('step', { indices, learningRate: Float32Array.of(0.005) });
      expect(stock.step(indices, 0.005)).to.be.closeTo(loss![0]!, 1e-3);
    }
    const moved = (weights: ArrayLike<number>) => initial.map((w, i) => weights[i]! - w);
    const ours = moved(session.read('model')['model/parameters']!);
    expect(relativeDistance(moved(stock.parameters()), ours)).to.be.below(0.02);
    stock.dispose();
    session.dispose();
  });
});

describe('labelnoise perf', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-perf-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes ratios for every network, and where they come from, though a contender dies', async () => {
    const out = path.join(folder, 'out');
    // Takes steps of a day; by torch.compile two at first, so that it is out of the race, and dies at SAM's second one.
    const pytorch = path.join(folder, 'pytorch');
    const program = `#!${process.execPath}
      const taken = {};
      if (process.argv[2] === '-c') console.log('0.0');
      else require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { variant } = JSON.parse(line);
        taken[variant] = (taken[variant] ?? 0) + 1;
        const compiled = variant.endsWith('compiled');
        if (compiled && variant.startsWith('sam') && taken[variant] > 1) process.abort();
        const days = compiled ? (taken[variant] > 2 ? 0 : 2) : 1;
        console.log(JSON.stringify({ milliseconds: [days * 86400000] }));
      });`;
    writeFileSync(pytorch, program, { mode: 0o755 });
    const options = { out, models: 'WRN-10-1', batch: '4', rounds: '1', pytorch };
    const text = await perf(options, () => {});
    expect(text).to.include('WRN-10-1').and.to.include('Stock tfjs').and.not.to.include(' ms');
    const { models, kernels, pool_over_single, provenance } = JSON.parse(
      readFileSync(path.join(out, perfFile(kindOf(setInUse(), fastestPrecision()))), 'utf8'),
    );
    if (pool_over_single !== null) expect(pool_over_single).to.be.above(0);
    for (const ratios of Object.values<object>(kernels))
      expect(Object.keys(ratios)).to.deep.equal(convolutionsOf([modelOf(10, 1)]).map(nameOf));
    const figures = models['WRN-10-1'];
    const dead = Object.entries<string>(figures.failures);
    const compiled = pytorchModes(setInUse()).at(-1);
    expect(dead.map(([variant]) => variant)).to.deep.equal([`pytorch-sam-${compiled}`]);
    for (const [, why] of dead) expect(why).to.match(/^ended with SIGABRT/);
    const ratios = [
      'stock_over_compiled',
      'eager_over_compiled',
      'sam_over_sgd',
      'peak_fraction',
      'peak_rss_mib',
    ];
    for (const ratio of ratios) expect(figures[ratio], ratio).to.be.above(0);
    expect(figures.outside_tensorflow).to.be.within(0, 1);
    expect(figures.pytorch_best_over_compiled_sgd).to.be.above(1);
    for (const mode of Object.values(figures.pytorch_best_mode))
      expect(mode).to.match(/^(float32|bfloat16)$/);
    expect(figures.milliseconds[`pytorch-sgd-${compiled}`]).to.equal(2 * 86_400_000);
    expect(figures).to.include({ batch: 4, rounds: 1 });
    expect(provenance).to.include.keys('commit', 'cpu', 'threads', 'tensorflow', 'tfjs', 'node', 'precision');
  }).timeout(300_000);

  it("says what a step of each of a suite's methods takes, and what they do between epochs", async () => {
    const out = path.join(folder, 'out');
    const methods = await suiteFile({
      methods: { sgd: {}, elr: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 }, 'm-dyr-h': {} },
    });
    const text = await perf({ out, methods, rounds: '1' }, () => {});
    expect(text)
      .to.match(/M-DYR-H, mixup +│/)
      .and.not.to.include('Bootstrap');
    const [file] = await readMethods(out);
    expect(Object.keys(file!.methods)).to.deep.equal(['sgd', 'sam', 'elr', 'm-dyr-h']);
    for (const [name, { steps, between_epochs: between }] of Object.entries(file!.methods)) {
      expect(Object.keys(steps)).to.deep.equal(name === 'm-dyr-h' ? ['step', 'mixup'] : ['step']);
      for (const times of Object.values(steps)) expect(times).to.be.above(0);
      if (name === 'm-dyr-h') expect(between).to.be.within(0, 1);
      else expect(between).to.equal(null);
    }
    expect(file).to.include({ images: 50_000, batch: SUITE.training.batchSize });
    const markdown = methodsTable([file!]);
    expect(markdown).to.match(/^\| M-DYR-H, mixup \| {2}\| \d+\.\d\d \| {2}\|$/m);
  }).timeout(300_000);

  it('takes the modes of PyTorch that may be its best', () => {
    const modes = (isa: SetInUse['isa'], heldDown: boolean, support: 'native' | 'emulated') =>
      pytorchModes({ isa, heldDown }, support);
    const wide = ['float32', 'bfloat16', 'bfloat16-compiled'];
    const narrow = ['float32', 'float32-compiled'];
    expect(modes('amx', false, 'native')).to.deep.equal(wide);
    expect(modes('avx512', false, 'native')).to.deep.equal(wide);
    expect(modes('avx512', false, 'emulated')).to.deep.equal(narrow);
    expect(modes('avx512', true, 'native')).to.deep.equal(narrow);
    expect(modes('avx2', true, 'native')).to.deep.equal(narrow);
  });

  it('has a file for each instruction set, and of AVX-512 one for each precision', () => {
    const file = (isa: SetInUse['isa'], precision: Precision) =>
      perfFile(kindOf({ isa, heldDown: false }, precision));
    expect(file('avx2', 'float32')).to.equal('perf-avx2.json');
    expect(file('avx512', 'float32')).to.equal('perf-avx512-float32.json');
    expect(file('avx512', 'bfloat16')).to.equal('perf-avx512.json');
    expect(file('amx', 'bfloat16')).to.equal('perf-amx.json');
    expect(file('other', 'float32')).to.equal('perf-other.json');
  });

  it('has torch.compile start afresh where it is held to another instruction set', () => {
    const [narrow, wide] = [
      pytorchEnvironment({ isa: 'avx2', heldDown: true }),
      pytorchEnvironment({ isa: 'avx512', heldDown: false }),
    ];
    expect(narrow.ATEN_CPU_CAPABILITY).to.equal('avx2');
    expect(wide).not.to.have.property('ATEN_CPU_CAPABILITY');
    expect(narrow.TORCHINDUCTOR_CACHE_DIR).not.to.equal(wide.TORCHINDUCTOR_CACHE_DIR);
  });

  async function refused(said: string, options: object): Promise<void> {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    const before = readdirSync(folder);
    let error: unknown;
    try {
      await perf({ out: path.join(folder, 'out'), ...options }, () => {});
    } catch (thrown) {
      error = thrown;
    }
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message)
      .to.include(said)
      .and.not.to.include('\n');
    expect(readdirSync(folder)).to.deep.equal(before);
  }

  it('refuses an unknown network', async () => {
    await refused('--models: "VGG-16" is not known', { models: 'WRN-16-1,VGG-16' });
    await refused('--models: "WRN-15-1" is not known', { models: 'WRN-15-1' });
  });

  it('refuses a suite whose methods it cannot compare', async () => {
    await refused('is not known; allowed:', { methods: 'nope' });
    const methods = await suiteFile({ methods: { mixup: { alpha: 1 } } });
    await refused(`--methods ${methods}: has no sgd; allowed:`, { methods });
  });

  it('refuses numbers that are none', async () => {
    await refused('--batch is 0; allowed:', { batch: '0' });
    await refused('--rounds is many; allowed:', { rounds: 'many' });
  });

  it('refuses a Python that is not there or has no PyTorch', async () => {
    const missing = path.join(folder, 'python');
    await refused(`--pytorch: ${missing} cannot import torch (no such program)`, { pytorch: missing });
    await refused('cannot import torch', { pytorch: process.execPath });
  });

  it('refuses a folder that is a file', () =>
    refused('cannot write results to', { out: path.join(folder, 'file') }));

  it('says of a process that dies why, and of what it could not measure nothing', async () => {
    const candidate = new Candidate(process.execPath, ['-e', 'console.error("gone"); process.exit(3)']);
    expect(await candidate.take('any', 1)).to.deep.equal({ error: 'ended with exit code 3: gone' });
    await candidate.stop();
    const text = comparisonTable({
      'WRN-16-1': {
        batch: 128,
        rounds: 1,
        steps: {},
        stock_over_compiled: null,
        eager_over_compiled: 2,
        sam_over_sgd: 2,
        outside_tensorflow: 0.01,
        peak_fraction: 0.5,
        peak_rss_mib: 900,
        milliseconds: {},
        failures: { 'stock-sgd': 'killed' },
      },
    });
    expect(text)
      .to.include('WRN-16-1, stock-sgd: killed')
      .and.to.match(/Stock tfjs.* - /);
  });
});
