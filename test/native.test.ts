// The native kernels against TensorFlow's, and their promise: the same bits whatever the threads and the load.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deserialize } from 'node:v8';
import { expect } from 'chai';
import { type Attribute, Graph, type Value, writeSavedModel } from '../src/engine/graph.js';
import { NATIVE_LIBRARY, nativeFolder } from '../src/engine/native/folder.js';
import {
  bfloat16Support,
  chosenInstructionSet,
  instructionSets,
  instructionSetsOf,
  isHeldFromBfloat16,
  oneDnnMistakesCaches,
  oneDnnSetting,
} from '../src/engine/native/instruction_set.js';
import { nativeKernels } from '../src/engine/native/library.js';
import { NativeOperations } from '../src/engine/native/operations.js';
import { nativeBackend, tf } from '../src/engine/tensorflow.js';
import { PROJECT_ROOT, TFJS_FOLDER } from '../src/io/project.js';
import { InputError } from '../src/spec/errors.js';
import type { Precision } from '../src/spec/run_spec.js';
import { fastestPrecision } from '../src/training/precision.js';
import { keptEnvironment } from './support/environment.js';
import { needsBfloat16, relativeDistance } from './support/programs.js';

type Attributes = Record<string, Attribute>;

/** bfloat16 keeps 8 bits, and rounding brings some numbers over ReLU's kink; without oneDNN, TensorFlow in one thread even sums in it (0.024). */
const TOLERANCE = oneDnnSetting().value === '0' ? 0.03 : 0.02;

describe('the native kernels', function () {
  // Many processes, each with TensorFlow, on a machine that may have other things to do.
  this.timeout(600_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-native-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  interface Computed {
    hash: string;
    values: Record<string, Float32Array>;
  }
  const known = new Map<string, Computed>();

  /** What a process of its own computes; tests with the same question share it. */
  function compute(precision: Precision, env: NodeJS.ProcessEnv): Computed {
    const key = JSON.stringify([precision, env]);
    let computed = known.get(key);
    if (!computed) {
      const script = path.join(PROJECT_ROOT, 'dist', 'test', 'support', 'native_results.js');
      const file = path.join(folder, 'results');
      const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, precision, file], options);
      expect(status, stderr).to.equal(0);
      computed = { hash: stdout.trim(), values: deserialize(readFileSync(file)) };
      known.set(key, computed);
    }
    return computed;
  }

  const OFF = { LABELNOISE_NATIVE: 'off' };

  it('agree with those of TensorFlow in float32, for every instruction set that this processor has', () => {
    const own = compute('float32', OFF).values;
    for (const isa of instructionSets())
      for (const [name, values] of Object.entries(compute('float32', { LABELNOISE_ISA: isa }).values))
        expect(relativeDistance(values, own[name]!), `${name}, ${isa}`).to.be.below(1e-4);
  });

  it('agree with float32 in bfloat16, within its rounding', function () {
    needsBfloat16(this);
    const exact = compute('float32', OFF).values;
    for (const env of [{ LABELNOISE_NATIVE: 'on' }, OFF]) {
      const rounded = compute('bfloat16', env).values;
      expect(Object.keys(rounded)).to.deep.equal(Object.keys(exact));
      // A network's first convolution is TensorFlow's in bfloat16, whatever is on.
      for (const [name, values] of Object.entries(rounded).filter(([name]) => !name.startsWith('stem')))
        expect(
          relativeDistance(values, exact[name]!),
          `${name}, native ${env.LABELNOISE_NATIVE}`,
        ).to.be.below(TOLERANCE);
    }
  });

  it('give the same bits with any number of threads, and each time', function () {
    const kernels = nativeKernels();
    if (!kernels.inUse) {
      console.log(`      native kernels are not in use: ${kernels.why}`);
      this.skip();
    }
    const kinds: [Precision, NodeJS.ProcessEnv][] = instructionSets().map((isa) => [
      'float32',
      { LABELNOISE_ISA: isa },
    ]);
    if (fastestPrecision() === 'bfloat16') kinds.push(['bfloat16', {}]);
    for (const [precision, env] of kinds) {
      // As many as here, which other tests ask for too, and other numbers.
      const others = ['1', '2', '3'].filter((count) => count !== process.env.TF_NUM_INTRAOP_THREADS);
      const threads = others.map((count) => ({ TF_NUM_INTRAOP_THREADS: count }));
      const bits = [{}, ...threads].map((more) => compute(precision, { ...env, ...more }).hash);
      expect(new Set(bits).size, `${precision}, ${env.LABELNOISE_ISA}`).to.equal(1);
      expect(compute(precision, OFF).hash).not.to.equal(bits[0]);
    }
  });

  it('are for the highest instruction set that the processor has, or a lower one that is asked for', () => {
    const avx512 = 'avx2 fma avx512f avx512bw avx512dq avx512vl';
    expect(instructionSetsOf('sse2 avx')).to.deep.equal([]);
    expect(instructionSetsOf('avx2')).to.deep.equal([]);
    expect(instructionSetsOf('avx2 fma')).to.deep.equal(['avx2']);
    expect(instructionSetsOf(`${avx512} amx_tile amx_bf16`)).to.deep.equal(['avx2', 'avx512']);
    expect(instructionSetsOf(`${avx512} avx512_bf16 amx_tile amx_bf16`)).to.have.length(3);
    const restore = keptEnvironment();
    try {
      delete process.env.LABELNOISE_ISA;
      expect(chosenInstructionSet([])).to.equal(undefined);
      expect(chosenInstructionSet(['avx2', 'avx512'])).to.equal('avx512');
      process.env.LABELNOISE_ISA = 'avx2';
      expect(chosenInstructionSet(['avx2', 'avx512'])).to.equal('avx2');
      process.env.LABELNOISE_ISA = 'amx';
      expect(() => chosenInstructionSet(['avx2', 'avx512'])).to.throw(
        InputError,
        'LABELNOISE_ISA is "amx"; it must be one of those that this processor has: avx2, avx512',
      );
    } finally {
      restore();
    }
  });

  it("are for float32 unless bfloat16 is the processor's and may be used", () => {
    const restore = keptEnvironment();
    try {
      const holding = {
        TF_ENABLE_ONEDNN_OPTS: '0',
        LABELNOISE_ISA: 'avx2',
        ONEDNN_MAX_CPU_ISA: 'avx2',
        DNNL_MAX_CPU_ISA: 'SSE41',
      };
      for (const [variable, value] of Object.entries(holding)) {
        for (const name of Object.keys(holding)) delete process.env[name];
        const has = bfloat16Support() === 'native' && !oneDnnMistakesCaches();
        expect(fastestPrecision()).to.equal(has ? 'bfloat16' : 'float32');
        if (variable === 'LABELNOISE_ISA' && !instructionSets().length) continue;
        process.env[variable] = value;
        expect(fastestPrecision(), variable).to.equal('float32');
        if (variable.endsWith('MAX_CPU_ISA')) expect(isHeldFromBfloat16(), variable).to.equal(true);
      }
    } finally {
      restore();
    }
  });

  it("are without oneDNN where an AMD processor's caches are hidden, whatever is asked", () => {
    const amd = 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 topoext fma\n';
    expect(oneDnnMistakesCaches(amd, true)).to.equal(false);
    expect(oneDnnMistakesCaches(amd, false)).to.equal(true);
    expect(oneDnnMistakesCaches(amd.replace(' topoext', ''), true)).to.equal(true);
    expect(oneDnnMistakesCaches(amd.replace('AuthenticAMD', 'GenuineIntel'), false)).to.equal(false);
    const restore = keptEnvironment();
    try {
      delete process.env.TF_ENABLE_ONEDNN_OPTS;
      if (process.arch !== 'x64') return;
      const hidden = oneDnnMistakesCaches();
      expect(oneDnnSetting().value).to.equal(hidden ? '0' : '1');
      process.env.TF_ENABLE_ONEDNN_OPTS = '1';
      expect(oneDnnSetting().value).to.equal(hidden ? '0' : '1');
      process.env.TF_ENABLE_ONEDNN_OPTS = '0';
      expect(oneDnnSetting().value).to.equal('0');
      // What is set for TensorFlow is not taken for what the user asked.
      expect(oneDnnSetting().why).to.match(hidden ? /caches/ : /^TF_ENABLE_ONEDNN_OPTS=0$/);
    } finally {
      restore();
    }
  });

  it('are left out, in words, where their library is none, and training goes on', function () {
    const isa = instructionSets().at(-1);
    if (!isa) {
      console.log('      this processor has none of the instruction sets');
      this.skip();
    }
    const { content } = nativeFolder(path.join(TFJS_FOLDER, 'deps'), isa);
    const cache = path.join(folder, 'cache');
    mkdirSync(path.join(cache, 'tensorflow', content), { recursive: true });
    writeFileSync(path.join(cache, 'tensorflow', content, NATIVE_LIBRARY), 'no library');
    const env = { LABELNOISE_CACHE: cache, LABELNOISE_ISA: isa, LABELNOISE_NATIVE: 'on' };
    const main = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
    const { stdout } = spawnSync(process.execPath, [main, 'doctor'], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    expect(stdout).to.match(/Native kernels +not used: they do not load \(.+\)\n/);
    expect(compute('float32', env).hash).to.equal(compute('float32', OFF).hash);
  });

  it('refuse operands that do not fit, naming operation and shape, before they compute', async function () {
    const kernels = nativeKernels();
    if (!kernels.inUse) {
      console.log(`      native kernels are not in use: ${kernels.why}`);
      this.skip();
    }
    const graph = new Graph();
    const T: Attributes = { T: { type: 'float32' } };
    const stride = { stride: { int: 1 } };
    const convolution = { ...stride, moments: { bool: false } };
    const gradient = { residuals: { int: 0 } };
    const normalised: Attributes = { ...T, relu: { bool: false }, epsilon: { float: 1e-5 } };
    const x = [2, 8, 8, 16];
    const c = [16];
    const cases: [op: string, attributes: Attributes, shapes: number[][], said: string][] = [
      [
        'Convolution',
        { ...T, ...convolution },
        [x, [3, 3, 32, 16]],
        'filter [3,3,32,16] must be [3,3,16,16]',
      ],
      [
        'Convolution',
        { ...T, ...convolution },
        [x, [1, 1, 16, 16]],
        'filter [1,1,16,16] must be [3,3,16,16]',
      ],
      [
        'Convolution',
        { ...T, ...convolution },
        [
          [8, 8, 16],
          [3, 3, 16, 16],
        ],
        'images [8,8,16] must have 4 axes',
      ],
      [
        'Convolution',
        { ...T, ...convolution, stride: { int: 2 } },
        [x, [3, 3, 16, 16]],
        'is not served: the stride must be 1',
      ],
      [
        'Convolution',
        { ...T, ...convolution, stride: { int: 3 } },
        [x, [3, 3, 16, 16]],
        'the stride must be 1 or 2',
      ],
      [
        'Convolution',
        { ...T, ...convolution },
        [
          [2, 0, 8, 16],
          [3, 3, 16, 16],
        ],
        'has an empty axis',
      ],
      [
        'ImageGradient',
        { ...T, ...stride, height: { int: 8 }, width: { int: 9 } },
        [x, [3, 3, 16, 16]],
        'gradient [2,8,8,16] must be [2,8,9,16]',
      ],
      [
        'ConvolutionSum',
        { ...T, ...convolution },
        [x, [3, 3, 16, 16], [2, 8, 8, 8]],
        'residual [2,8,8,8] must be [2,8,8,16]',
      ],
      [
        'ConvolutionSum',
        { ...T, ...stride, moments: { bool: true } },
        [
          [0, 8, 8, 16],
          [3, 3, 16, 16],
          [0, 8, 8, 16],
        ],
        'there are no results to take the mean of',
      ],
      ['FilterGradient', { ...T, ...stride }, [x, [3, 8, 8, 16]], 'gradient [3,8,8,16] must be [2,8,8,16]'],
      ['DirectConvolution', { ...T, ...stride }, [x, [3, 3, 3, 16]], 'filter [3,3,3,16] must be [3,3,16,16]'],
      [
        'DirectConvolution',
        { ...T, ...stride },
        [
          [2, 0, 8, 16],
          [3, 3, 16, 16],
        ],
        'has an empty axis',
      ],
      [
        'DirectImageGradient',
        { ...T, stride: { int: 2 }, height: { int: 8 }, width: { int: 8 } },
        [x, [3, 3, 16, 16]],
        'gradient [2,8,8,16] must be [2,4,4,16]',
      ],
      [
        'DirectFilterGradient',
        { ...T, stride: { int: 2 } },
        [x, [2, 8, 8, 16]],
        'gradient [2,8,8,16] must be [2,4,4,16]',
      ],
      ['Moments', T, [[2, 8, 8, 20]], 'x [2,8,8,20] must have a multiple of 16 channels'],
      ['Moments', T, [[0, 8, 8, 16]], 'x [0,8,8,16] has no rows'],
      ['Moments', T, [[]], 'x [] must have an axis of channels'],
      [
        'Normalise',
        normalised,
        [x, c, c, [32], c],
        'scale [32] must be [16], a number for each channel of x',
      ],
      [
        'Normalise',
        { ...normalised, epsilon: { float: -1 } },
        [x, c, c, c, c],
        'epsilon must not be negative',
      ],
      [
        'NormaliseGradient',
        { ...normalised, ...gradient },
        [[2, 8, 4, 16], x, c, c, c, c],
        'gradient [2,8,4,16] must be [2,8,8,16]',
      ],
      ['Add', T, [x, [2, 8, 8, 8]], 'b [2,8,8,8] must be [2,8,8,16], as a is'],
      ['ReluGradient', T, [x, [2, 8, 16, 8]], 'activation [2,8,16,8] must be [2,8,8,16]'],
      ['SumOfSquares', {}, [[2, 8]], 'x [2,8] must have 1 axes'],
      ['PlusScaled', {}, [[8], [9], []], 'b [9] must be [8], as a is'],
      ['PlusScaled', {}, [[8], [8], [1]], 'factor [1] must be [], a scalar'],
      ['Descend', {}, [[8], [8], [7], [], [], []], 'momentum [7] must be [8], as the weights are'],
      // What fits is computed, so that the refusals are not of the whole graph.
      ['Add', T, [x, x], ''],
    ];
    // Placeholders that say nothing of their shapes, so that only the kernels look at them.
    const operand = (i: number) => ({ ref: `operand${i}`, dtype: 'float32' as const, shape: [] });
    for (let i = 0; i < 6; i++) graph.add('Placeholder', [], { dtype: { type: 'float32' } }, `operand${i}`);
    for (const [i, [op, attributes, shapes]] of cases.entries())
      graph.add(
        `Labelnoise${op}`,
        shapes.map((_, k) => operand(k)),
        attributes,
        `case${i}`,
      );
    const model = path.join(folder, 'refusals');
    writeSavedModel(graph, model);
    const backend = nativeBackend();
    const session = backend.loadSavedModelMetaGraph(model, 'serve');
    try {
      for (const [i, [op, , shapes, said]] of cases.entries()) {
        const fed = shapes.map((shape) => tf.ones(shape));
        const names = shapes.map((_, k) => ({ name: `operand${k}:0` }));
        const run = () => backend.runSavedModel(session, fed, names, [`case${i}:0`])[0]!.dataSync()[0];
        if (said) expect(run, `${op} of ${shapes.join(' and ')}`).to.throw(said);
        else expect(run()).to.equal(2);
      }
    } finally {
      backend.deleteSavedModel(session);
    }
  });

  it('refuse a setting that is neither on nor off', () => {
    const script = path.join(PROJECT_ROOT, 'dist', 'test', 'support', 'native_results.js');
    const env = { ...process.env, LABELNOISE_NATIVE: 'no' };
    const { stderr } = spawnSync(process.execPath, [script, 'float32'], { env, encoding: 'utf8' });
    expect(stderr).to.contain('LABELNOISE_NATIVE is "no"; it must be on or off');
  });

  describe('are recorded', () => {
    const value = (ref: string, shape: number[], dtype: Value['dtype'] = 'bfloat16'): Value => ({
      ref,
      dtype,
      shape,
    });
    const images = value('images', [4, 8, 8, 32]);
    const filter = value('filter', [3, 3, 32, 32]);

    it('on AMX in bfloat16 for 3x3 convolutions of whole tiles', () => {
      const native = new NativeOperations(new Graph(), 'amx');
      expect(native.convolution(images, filter, [1, 1], images.shape)).to.include({ dtype: 'bfloat16' });
      expect(native.imageGradient(images, filter, [2, 2], [4, 16, 16, 32])).to.include({ dtype: 'bfloat16' });
      const others: [Value, Value][] = [
        [images, value('filter', [1, 1, 32, 32])],
        [images, value('filter', [3, 3, 32, 40])],
        [value('images', [4, 6, 6, 32]), filter],
      ];
      for (const [x, f] of others) expect(native.convolution(x, f, [1, 1], x.shape)).to.equal(undefined);
      const off = new NativeOperations(new Graph(), undefined);
      expect(off.convolution(images, filter, [1, 1], images.shape)).to.equal(undefined);
    });

    /** Instruction sets and types of numbers with which convolutions are by Winograd, and those on tiles. */
    const BY_WINOGRAD = [
      ...(['avx2', 'avx512', 'amx'] as const).map((isa) => [isa, 'float32'] as const),
      ...(['avx2', 'avx512'] as const).map((isa) => [isa, 'bfloat16'] as const),
    ];
    const KINDS = [...BY_WINOGRAD, ['amx', 'bfloat16'] as const];

    it('elsewhere for 3x3 convolutions of stride 1 and 16 channels or more', () => {
      for (const [isa, dtype] of BY_WINOGRAD) {
        const x = value('images', [4, 6, 6, 24], dtype);
        const f = value('filter', [3, 3, 24, 40], dtype);
        const native = new NativeOperations(new Graph(), isa);
        const shape = [4, 6, 6, 40];
        expect(native.convolution(x, f, [1, 1], shape)).to.deep.include({ dtype, shape });
        expect(native.imageGradient(value('dy', shape, dtype), f, [1, 1], x.shape)).to.include({ dtype });
        expect(native.filterGradient(x, value('dy', shape, dtype), [1, 1], f.shape)).to.include({
          dtype: 'float32',
        });
        const other = value('filter', f.shape, dtype === 'float32' ? 'bfloat16' : 'float32');
        expect(native.convolution(x, other, [1, 1], shape)).to.equal(undefined);
      }
    });

    it('in float32 for other 3x3 convolutions, of stride 2 or few channels', () => {
      for (const [isa, dtype] of KINDS) {
        const graph = new Graph();
        const native = new NativeOperations(graph, isa);
        /** The operations of the three products, for images of 6x6. */
        const operations = (inputs: number, outputs: number, stride: number) => {
          const x = value('x', [4, 6, 6, inputs], dtype);
          const f = value('f', [3, 3, inputs, outputs], dtype);
          const dy = value('dy', [4, 6 / stride, 6 / stride, outputs], dtype);
          const strides = [stride, stride];
          return [
            native.convolution(x, f, strides, dy.shape),
            native.imageGradient(dy, f, strides, x.shape),
            native.filterGradient(x, dy, strides, f.shape),
          ].map((result) => result && graph.node(result)!.op.replace('LabelnoiseDirect', ''));
        };
        const [none, own] = [
          [undefined, undefined, undefined],
          ['Convolution', 'ImageGradient', 'FilterGradient'],
        ];
        const isServed = dtype === 'float32';
        expect(operations(24, 40, 2), `${isa} ${dtype}`).to.deep.equal(isServed ? own : none);
        // What is learned from images themselves has no use for their gradient.
        for (const stride of [1, 2])
          expect(operations(3, 16, stride)).to.deep.equal(isServed ? [own[0], undefined, own[2]] : none);
        expect(operations(320, 640, 2)).to.deep.equal(isServed ? own : none);
        expect(operations(24, 40, 3)).to.deep.equal(none);
      }
    });

    it('with a sum and with moments as parts of the convolution before them, by Winograd', () => {
      for (const [isa, dtype] of KINDS) {
        const graph = new Graph();
        const native = new NativeOperations(graph, isa);
        const isFused = isa !== 'amx' || dtype === 'float32';
        const x = value('x', images.shape, dtype);
        const y = native.convolution(x, value('filter', filter.shape, dtype), [1, 1], x.shape)!;
        const residual = value('residual', x.shape, dtype);
        for (const sum of [native.add(y, residual)!, native.add(residual, y)!]) {
          const node = graph.node(sum)!;
          expect(node.op).to.equal(isFused ? 'LabelnoiseConvolutionSum' : 'LabelnoiseAdd');
          if (isFused) expect(node.inputs).to.deep.equal(['x', 'filter', 'residual']);
          const { mean, variance } = native.moments(sum)!;
          if (isFused) {
            expect([mean.ref, variance.ref]).to.deep.equal([`${sum.ref}:1`, `${sum.ref}:2`]);
            expect(node.attributes.moments).to.deep.equal({ bool: true });
          } else expect(graph.node(mean)!.op).to.equal('LabelnoiseMoments');
        }
        // What else is made of the convolution stays what it was.
        expect(graph.node(y)).to.deep.include({ op: 'LabelnoiseConvolution', inputs: ['x', 'filter'] });
      }
    });

    it("with a sum as a part of a normalisation's gradient, but on AMX in bfloat16", () => {
      for (const [isa, dtype] of KINDS) {
        const graph = new Graph();
        const native = new NativeOperations(graph, isa);
        const isFused = isa !== 'amx' || dtype === 'float32';
        const vectors = ['mean', 'variance', 'scale', 'offset'].map((name) => value(name, [32], 'float32'));
        const [dy, x, residual] = ['dy', 'x', 'residual'].map((name) => value(name, images.shape, dtype));
        const name = native.normaliseGradient(dy!, x!, vectors, 1e-5)!;
        const sum = native.add(residual!, value(name, images.shape, dtype))!;
        expect(sum.ref === `${name}:3`).to.equal(isFused);
        if (isFused) expect(graph.node(name)!.inputs.at(-1)).to.equal('residual');
        // It has room for one.
        expect(graph.node(native.add(sum, residual!)!)?.op).to.equal('LabelnoiseAdd');
        expect(graph.node(native.add(value(name, images.shape, dtype), dy!)!)?.op).to.equal('LabelnoiseAdd');
      }
    });

    it('with ReLU as a part of the normalisation before it, and of its gradient', () => {
      const graph = new Graph();
      const native = new NativeOperations(graph, 'amx');
      const vectors = ['mean', 'variance', 'scale', 'offset'].map((name) => value(name, [32], 'float32'));
      const y = native.relu(native.normalise(images, vectors, 1e-5)!)!;
      expect(graph.node(y)).to.deep.include({ op: 'LabelnoiseNormalise' });
      expect(graph.node(y)!.attributes.relu).to.deep.equal({ bool: true });
      // As tfjs normalises by given statistics.
      const given = native.normalise(images, vectors, 1e-5)!;
      const shaped = graph.node(native.relu(graph.reshape(given, given.shape))!)!;
      expect(shaped.op).to.equal('Reshape');
      expect(graph.node(shaped.inputs[0]!)).to.deep.include({ op: 'LabelnoiseNormalise' });
      expect(graph.node(shaped.inputs[0]!)!.attributes.relu).to.deep.equal({ bool: true });
      const dy = native.reluGradient(value('dy', images.shape), y)!;
      const own = graph.node(native.normaliseGradient(dy, images, vectors, 1e-5)!)!;
      expect(own.attributes.relu).to.deep.equal({ bool: true });
      expect(own.inputs[0]).to.equal('dy');
      // The activation of another normalisation is no part of this one.
      const other = value('other', images.shape);
      const foreign = graph.node(native.normaliseGradient(dy, other, vectors, 1e-5)!)!;
      expect(foreign.attributes.relu).to.deep.equal({ bool: false });
      expect(foreign.inputs[0]).to.equal(dy.ref);
    });
  });
});
