// The compiled engine computes what the eager one does, on every method, and repeats itself to the bit.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { compiledSession } from '../src/engine/compile.js';
import { eagerSession } from '../src/engine/eager.js';
import type { Program, Session } from '../src/engine/program.js';
import { tf } from '../src/engine/tensorflow.js';
import { stream } from '../src/io/random.js';
import { combined, type Recipe } from '../src/methods/method.js';
import { mixup } from '../src/methods/mixup.js';
import { sam } from '../src/methods/sam.js';
import { sgd } from '../src/methods/sgd.js';
import { examine, predict } from '../src/training/evaluation.js';
import { evaluationBatch, type ProgramSpec, trainingProgram } from '../src/training/training_program.js';
import {
  evaluationInputs,
  fill,
  needsBfloat16,
  parameterDistance,
  relativeDistance,
  STATEFUL,
  stepInputs,
  TINY,
  TINY_DIMS,
} from './support/programs.js';

/** Of float32, where no activation comes near ReLU's kink. */
const TOLERANCE = 1e-4;
/** Of a parameter's gradient alone: what is left of a subtraction of means has few of float32's digits, thousandths. */
const PARAMETER_TOLERANCE = 1e-2;

const plain = sgd.recipe({}, TINY_DIMS);
const onMixup = mixup.recipe({ alpha: 1 }, TINY_DIMS);
const withSam = (m = 0) => sam.recipe({ rho: 0.05, m }, TINY_DIMS);
const kinds: Record<string, { recipe: Recipe } & Partial<ProgramSpec>> = {
  'plain gradient': { recipe: plain },
  'plain gradient with augmentation': { recipe: plain, augment: 'flip-crop' },
  mixup: { recipe: onMixup },
  sam: { recipe: withSam() },
  'sam in groups of 4': { recipe: withSam(4) },
  'sam on mixup with 1x1 shortcuts': {
    recipe: combined(onMixup, withSam()),
    model: { kind: 'wide-resnet', depth: 10, width: 2, shortcut: 'conv' },
  },
  'plain gradient on ResNet-8': { recipe: plain, model: { kind: 'resnet', depth: 8 } },
  'two networks, with state of the recipe and of every example': { recipe: STATEFUL, networks: 2 },
  'two networks by sam in groups, with state': { recipe: combined(STATEFUL, withSam(4)), networks: 2 },
};

/** A convolution with padding SAME by its definition, in float64, and the gradients of images and filter for `dy`. */
function convolutionOf(
  { x, filter, dy }: Record<'x' | 'filter' | 'dy', Float32Array>,
  shapes: Record<'x' | 'filter' | 'dy', number[]>,
  stride: number,
): Record<'y' | 'images' | 'filters', Float64Array> {
  const [batch, size, , inputs] = shapes.x as [number, number, number, number];
  const [side, , , outputs] = shapes.filter as [number, number, number, number];
  const out = shapes.dy[1]!;
  const before = Math.floor(Math.max((out - 1) * stride + side - size, 0) / 2);
  const [y, images, filters] = [dy, x, filter].map(({ length }) => new Float64Array(length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const each = (of: number) => Array.from({ length: of }, (_, i) => i);
  for (const n of each(batch))
    for (const row of each(out))
      for (const column of each(out))
        for (const i of each(side))
          for (const j of each(side)) {
            const [down, right] = [row * stride + i - before, column * stride + j - before];
            if (down < 0 || right < 0 || down >= size || right >= size) continue;
            for (const a of each(inputs))
              for (const b of each(outputs)) {
                const [from, by] = [
                  ((n * size + down) * size + right) * inputs + a,
                  ((i * side + j) * inputs + a) * outputs + b,
                ];
                const to = ((n * out + row) * out + column) * outputs + b;
                y[to]! += x[from]! * filter[by]!;
                images[from]! += dy[to]! * filter[by]!;
                filters[by]! += dy[to]! * x[from]!;
              }
          }
  return { y, images, filters };
}

function parametersOf(session: Session): Float32Array {
  return session.read('model')['model/parameters'] as Float32Array;
}

describe('the compiled engine', () => {
  for (const [name, { recipe, ...change }] of Object.entries(kinds))
    it(`in float32 follows the eager engine step by step for ten steps: ${name}`, async () => {
      const spec = { ...TINY, ...change };
      const eager = eagerSession(trainingProgram(spec, recipe));
      const compiled = await compiledSession(trainingProgram(spec, recipe), 'float32');
      for (const session of [eager, compiled]) fill(session, spec);
      for (let n = 0; n < 10; n++) {
        // From the same weights each time: rounding must not be amplified by the training itself.
        compiled.write('model', eager.read('model'));
        const before = parametersOf(eager);
        const expected = eager.call('step', stepInputs(spec, recipe, n));
        const actual = compiled.call('step', stepInputs(spec, recipe, n));
        expect(actual.loss![0]).to.be.closeTo(expected.loss![0]!, 1e-4);
        const momentum = (session: Session) => session.read('model')['model/momentum']!;
        expect(parameterDistance(momentum(compiled), momentum(eager), spec)).to.be.below(PARAMETER_TOLERANCE);
        const moved = (session: Session) => parametersOf(session).map((w, i) => w - before[i]!);
        expect(relativeDistance(moved(compiled), moved(eager))).to.be.below(TOLERANCE);
        for (const part of ['model/momentum', 'model/statistics'] as const)
          expect(relativeDistance(compiled.read('model')[part]!, eager.read('model')[part]!)).to.be.below(
            TOLERANCE,
          );
      }
      const evaluations = [eager, compiled].map(
        (session) => session.call('evaluate', evaluationInputs(spec)).losses!,
      );
      expect(relativeDistance(evaluations[1]!, evaluations[0]!)).to.be.below(TOLERANCE);
      eager.dispose();
      compiled.dispose();
    });

  it('in bfloat16 stays near float32 and keeps weights in full precision', async function () {
    needsBfloat16(this);
    const sessions = [
      await compiledSession(trainingProgram(TINY, plain), 'float32'),
      await compiledSession(trainingProgram(TINY, plain), 'bfloat16'),
    ] as const;
    const losses = sessions.map((session) => {
      fill(session, TINY);
      return Array.from({ length: 5 }, (_, n) => session.call('step', stepInputs(TINY, plain, n)).loss![0]!);
    });
    expect(relativeDistance(losses[1]!, losses[0]!)).to.be.below(0.02);
    const weights = parametersOf(sessions[1]);
    const rounded = weights.map((w) => {
      const bits = new Uint32Array(Float32Array.of(w).buffer);
      bits[0]! &= 0xffff0000;
      return new Float32Array(bits.buffer)[0]!;
    });
    expect(weights).not.to.deep.equal(rounded);
    for (const session of sessions) session.dispose();
  });

  for (const precision of ['float32', 'bfloat16'] as const)
    it(`repeats itself to the bit in ${precision}`, async function () {
      if (precision === 'bfloat16') needsBfloat16(this);
      const spec = { ...TINY, augment: 'flip-crop' };
      const recipe = withSam();
      const run = async () => {
        const session = await compiledSession(trainingProgram(spec, recipe), precision);
        fill(session, spec);
        for (let n = 0; n < 5; n++) session.call('step', stepInputs(spec, recipe, n));
        const weights = parametersOf(session);
        session.dispose();
        return weights;
      };
      expect(await run()).to.deep.equal(await run());
    });

  it('resumes to the bit from the state it was read out of', async () => {
    const session = await compiledSession(trainingProgram(TINY, plain), 'float32');
    fill(session, TINY);
    session.call('step', stepInputs(TINY, plain, 0));
    const saved = session.read('model') as Record<string, Float32Array>;
    session.call('step', stepInputs(TINY, plain, 1));
    const straight = parametersOf(session);
    session.write('model', saved);
    session.call('step', stepInputs(TINY, plain, 1));
    expect(parametersOf(session)).to.deep.equal(straight);
    session.dispose();
  });

  it('evaluates a set in batches, the last perhaps not full, to the same figures', async () => {
    const drawn = evaluationInputs({ ...TINY, evaluationBatch: 23 });
    const set = { count: 23, images: drawn.images, labels: Uint8Array.from(drawn.labels) };
    const [whole, parted] = await Promise.all([23, 10].map((batch) => evaluated(batch)));
    async function evaluated(evaluationBatch: number) {
      const spec = { ...TINY, evaluationBatch };
      const session = eagerSession(trainingProgram(spec, plain));
      fill(session, spec);
      const [logProbabilities] = examine(session, spec, set) as [Float32Array];
      const found = { ...(await predict(session, spec, set)), logProbabilities };
      session.dispose();
      return found;
    }
    expect(parted!.predictions).to.deep.equal(whole!.predictions);
    expect(new Set(whole!.losses)).to.have.property('size', 23);
    expect(relativeDistance(parted!.losses, whole!.losses)).to.be.below(1e-6);
    expect(relativeDistance(parted!.logProbabilities, whole!.logProbabilities)).to.be.below(1e-6);
    for (const [i, label] of set.labels.entries())
      expect(-whole!.logProbabilities[10 * i + label]!).to.be.closeTo(whole!.losses[i]!, 1e-5);
    expect(whole!.loss).to.be.closeTo(whole!.losses.reduce((a, b) => a + b) / 23, 1e-5);
    // Small sets are not filled up by much, large ones not cut into small calls.
    const sizes = [
      [512, 1000],
      [74, 250],
      [10, 50_000],
      [20, 12],
    ].map((counts) => evaluationBatch(...counts));
    expect(sizes).to.deep.equal([250, 74, 50, 20]);
  });

  it('takes and keeps bytes exactly', async function () {
    needsBfloat16(this);
    const values = Uint8Array.from({ length: 256 }, (_, i) => i);
    const program: Program = {
      state: { 'data/bytes': { shape: [256], dtype: 'int32', bytes: true } },
      entries: {
        pick: {
          inputs: {
            indices: { shape: [3], dtype: 'int32' },
            given: { shape: [4], dtype: 'int32', bytes: true },
          },
          state: ['data/bytes'],
          run: ({ indices, given }, state) => ({
            outputs: {
              picked: tf.cast(tf.gather(state['data/bytes']!, indices!), 'float32'),
              again: tf.cast(given!, 'float32'),
            },
          }),
        },
      },
    };
    const session = await compiledSession(program, 'bfloat16');
    session.write('data', { 'data/bytes': values });
    // Not where integers begin.
    const given = Uint8Array.of(9, 0, 127, 201, 255).subarray(1);
    const { picked, again } = session.call('pick', { indices: Int32Array.of(0, 200, 255), given });
    expect([...picked!]).to.deep.equal([0, 200, 255]);
    expect([...again!]).to.deep.equal([...given]);
    session.dispose();
  });

  it('computes the operations that methods are written with as the eager engine does, and their gradients', async () => {
    type Of = (x: tf.Tensor2D, y: tf.Tensor2D) => tf.Tensor;
    const smooth: Record<string, Of> = {
      powers: (x, y) => tf.add(tf.sqrt(tf.abs(x)), tf.pow(y.abs(), 1.5)),
      exponentials: (x, y) => tf.add(tf.expm1(x), tf.log1p(tf.square(y))),
      trigonometry: (x, y) => tf.add(tf.sin(x), tf.atan(y)),
      activations: (x, y) => tf.addN([tf.sigmoid(x), tf.tanh(y), tf.softplus(x), tf.elu(y), tf.relu(x)]),
      'leaky relu': (x) => tf.leakyRelu(x, 0.1),
      clipping: (x) => tf.clipByValue(x, -0.3, 0.4),
      'log softmax': (x) => tf.logSoftmax(x),
      'squared difference': (x, y) => tf.squaredDifference(x, y),
      gathering: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')),
      tiling: (x) => tf.tile(tf.expandDims(x, 0), [2, 1, 1]),
      stacking: (x, y) => tf.stack([x, y], 1),
      unstacking: (x) => tf.unstack(x, 1)[1]!,
      splitting: (x) => tf.split(x, [2, 3], 1)[1]!,
      choosing: (x, y) => tf.where(tf.greater(y, 0), x, tf.mul(y, 2)),
      reductions: (x, y) => tf.add(tf.max(x, 1), tf.logSumExp(y, 1)),
      products: (x, y) => tf.matMul(x, y, false, true),
      'running sums': (x) => tf.cumsum(x, 1),
    };
    const coarse: Record<string, Of> = {
      rounding: (x, y) => tf.addN([tf.floor(x), tf.ceil(y), tf.round(tf.mul(x, 3)), tf.sign(y)]),
      logic: (x, y) =>
        tf.cast(
          tf.logicalOr(tf.logicalAnd(tf.greater(x, 0), tf.less(y, 0)), tf.logicalNot(tf.isNaN(x))),
          'float32',
        ),
      quantifiers: (x) =>
        tf.cast(tf.concat([tf.any(tf.greater(x, 1), 1), tf.all(tf.less(x, 1), 1)]), 'float32'),
      'largest of a row': (x) => tf.topk(x, 2).values,
      'places of the largest': (x) => tf.cast(tf.topk(x, 2).indices, 'float32'),
      'least of a row': (x) => tf.cast(tf.argMin(x, 1), 'float32'),
      step: (x) => tf.step(x, 0.25),
      remainders: (x, y) => tf.mod(x, tf.add(tf.abs(y), 0.5)),
    };
    const input = { shape: [4, 5], dtype: 'float32' as const };
    const program: Program = {
      state: {},
      entries: {
        all: {
          inputs: { x: input, y: input },
          state: [],
          run({ x, y }) {
            const [a, b] = [x as tf.Tensor2D, y as tf.Tensor2D];
            const outputs: Record<string, tf.Tensor> = {};
            for (const [name, of] of Object.entries({ ...smooth, ...coarse }))
              outputs[name.replaceAll(' ', '-')] = of(a, b);
            for (const [name, of] of Object.entries(smooth))
              outputs[`slope-of-${name.replaceAll(' ', '-')}`] = tf.grad((at) => of(at as tf.Tensor2D, b))(a);
            return { outputs };
          },
        },
      },
    };
    const next = stream(1, 'operations');
    const values = () => Float32Array.from({ length: 20 }, () => 2 * next() - 1);
    const inputs = { x: values(), y: values() };
    const [expected, found] = [eagerSession(program), await compiledSession(program, 'float32')].map(
      (session) => {
        const outputs = session.call('all', inputs);
        session.dispose();
        return outputs;
      },
    );
    for (const [name, wanted] of Object.entries(expected!)) {
      const got = found![name]!;
      expect(got.length, name).to.equal(wanted.length);
      for (const [i, value] of wanted.entries()) expect(got[i], name).to.be.closeTo(value, 1e-5);
    }
  });

  for (const precision of ['float32', 'bfloat16'] as const)
    it(`convolves any number of channels as the definition says in ${precision}`, async function () {
      if (precision === 'bfloat16') needsBfloat16(this);
      for (const [size, inputs, outputs, side, stride] of [
        [8, 3, 16, 3, 1],
        [8, 3, 16, 3, 2],
        [4, 1, 8, 3, 1],
        [4, 15, 5, 1, 1],
        [5, 48, 16, 3, 2],
        [9, 33, 64, 1, 1],
        [1, 5, 8, 3, 2],
      ] as const) {
        const shapes = {
          x: [2, size, size, inputs],
          filter: [side, side, inputs, outputs],
          dy: [2, Math.ceil(size / stride), Math.ceil(size / stride), outputs],
        };
        const operand = (shape: number[]) => ({ shape, dtype: 'float32' as const });
        const program: Program = {
          state: {},
          entries: {
            convolve: {
              inputs: { x: operand(shapes.x), filter: operand(shapes.filter), dy: operand(shapes.dy) },
              state: [],
              run({ x, filter, dy }) {
                const y = (a: tf.Tensor, b: tf.Tensor) =>
                  tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, 'same');
                const slopes = tf.grads((a, b) => tf.sum(tf.mul(y(a!, b!), dy!)));
                const [images, filters] = slopes([x!, filter!]);
                return { outputs: { y: y(x!, filter!), images: images!, filters: filters! } };
              },
            },
          },
        };
        const next = stream(size * inputs, 'convolutions');
        // Sixteenths are exact in bfloat16 too.
        const values = (shape: number[]) =>
          Float32Array.from(
            { length: shape.reduce((a, b) => a * b) },
            () => Math.round(32 * next() - 16) / 16,
          );
        const given = { x: values(shapes.x), filter: values(shapes.filter), dy: values(shapes.dy) };
        const session = await compiledSession(program, precision);
        const found = session.call('convolve', given);
        session.dispose();
        for (const [name, wanted] of Object.entries(convolutionOf(given, shapes, stride)))
          expect(
            relativeDistance(found[name]!, wanted),
            `${name} of ${shapes.x} by ${shapes.filter}`,
          ).to.be.below(precision === 'float32' ? 1e-6 : 0.05);
      }
    });

  it('names an operation that it does not know, goes back to TensorFlow, and leaves no files', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('labelnoise-graph-'));
    const program: Program = {
      state: {},
      entries: {
        unknown: {
          inputs: { x: { shape: [2, 2, 2], dtype: 'float32' } },
          state: [],
          run: ({ x }) => ({ outputs: { y: tf.image.resizeBilinear(x as tf.Tensor3D, [4, 4]) } }),
        },
      },
    };
    let message = '';
    try {
      await compiledSession(program, 'float32');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).to.include("'ResizeBilinear'").and.to.include('recorded_kernels');
    expect(tf.getBackend()).to.equal('tensorflow');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('labelnoise-graph-'))).to.deep.equal(
      before,
    );
  });
});
