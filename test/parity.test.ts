// Our training steps against those of an implementation that is not ours: perf/pytorch/parity.py, in float64.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { compiledSession } from '../src/engine/compile.js';
import { eagerSession } from '../src/engine/eager.js';
import type { Program, Session } from '../src/engine/program.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { combined, type Recipe } from '../src/methods/method.js';
import { mixup } from '../src/methods/mixup.js';
import { sam } from '../src/methods/sam.js';
import { buildNetwork } from '../src/models/catalogue.js';
import { initialise } from '../src/models/initialise.js';
import type { Shortcut } from '../src/models/wide_resnet.js';
import { type ProgramSpec, trainingProgram } from '../src/training/training_program.js';
import { readNpz } from './support/npz.js';
import { FORM, parameterDistance, relativeDistance } from './support/programs.js';

interface Fixture {
  /** Every how many values of weights and momentum are stored. */
  stride: number;
  /** By case, how far from ReLU's kink every activation of every step stays. */
  margins: Record<string, number>;
  settings: {
    depth: number;
    width: number;
    images: number;
    batchSize: number;
    steps: number;
    momentum: number;
    weightDecay: number;
    learningRate: number;
    rho: number;
  };
  cases: Record<string, { shortcut: Shortcut; batch: string; gradient: string; clipNorm: number }>;
  /** Shape of every parameter, in the order in which the fixture's vectors hold them. */
  parameters: Record<Shortcut, Record<string, string>>;
}

/** Of float32 after ten steps at weights where no activation comes near ReLU's kink; mistakes are tens of times larger. */
const TOLERANCE = 1e-4;
/** Of a parameter's gradient alone: what is left of a subtraction of means has few of float32's digits, thousandths. */
const PARAMETER_TOLERANCE = 1e-2;
const FOLDER = path.join(PROJECT_ROOT, 'test', 'fixtures', 'parity');
const fixture: Fixture = JSON.parse(readFileSync(path.join(FOLDER, 'parity.json'), 'utf8'));
const arrays = readNpz(path.join(FOLDER, 'parity.npz'));
const { settings } = fixture;

function array(name: string) {
  const found = arrays.get(name);
  if (!found) throw new Error(`the fixture has no ${name}`);
  return found;
}

function specOf({ shortcut, clipNorm }: Fixture['cases'][string]): ProgramSpec {
  const { depth, width, images, batchSize, momentum, weightDecay } = settings;
  return {
    model: { kind: 'wide-resnet', depth, width, shortcut },
    form: FORM,
    networks: 1,
    batchSize,
    augment: 'none',
    trainImages: images,
    evaluationBatch: 4,
    momentum,
    weightDecay,
    clipNorm,
  };
}

/** What lambda is drawn is in the fixture. */
function recipeOf({ batch, gradient }: Fixture['cases'][string]): Recipe {
  const dims = {
    batchSize: settings.batchSize,
    trainImages: settings.images,
    classes: 10,
    epochs: 1,
    stepsPerEpoch: 1,
  };
  const first = batch === 'mixup' ? mixup.recipe({ alpha: 1 }, dims) : {};
  return combined(first, gradient === 'sam' ? sam.recipe({ rho: settings.rho, m: 0 }, dims) : {});
}

/** The initial weights as one vector: stored multiples of a unit, or scales of 1 and offsets of 0 as networks begin with. */
function initialWeights(shortcut: Shortcut, natural = false): Float32Array {
  const parts = Object.keys(fixture.parameters[shortcut]).map((name) => {
    const values = array(`initial/${name}`);
    const unit = array(`initial/${name}/unit`)[0]!;
    if (natural && name.endsWith('/scale')) return new Float32Array(values.length).fill(1);
    if (natural && name.endsWith('/offset')) return new Float32Array(values.length);
    return Float32Array.from(values, (value) => value * unit);
  });
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function load(session: Session, spec: ProgramSpec, weights: Float32Array): void {
  session.write('train', {
    'train/images': array('images') as Uint8Array,
    'train/labels': array('labels') as Int32Array,
  });
  session.write('model', {
    'model/parameters': weights,
    'model/momentum': new Float32Array(weights.length),
    'model/statistics': initialise(buildNetwork(spec.model, FORM).statistics, 0),
  });
}

function expectState(session: Session, name: string, step: number, initial: Float32Array): void {
  const state = session.read('model');
  const stored = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => i % fixture.stride === 0);
  // The weights have hardly moved, so what they moved by says more.
  const found = {
    change: stored(Float64Array.from(state['model/parameters']!, (value, i) => value - initial[i]!)),
    momentum: stored(state['model/momentum']!),
    statistics: state['model/statistics']!,
  };
  for (const [what, values] of Object.entries(found))
    expect(relativeDistance(values, array(`${name}/${what}-${step}`)), `${what} after ${step}`).to.be.at.most(
      TOLERANCE,
    );
  const expected = array(`${name}/momentum-${step}`);
  const apart = parameterDistance(found.momentum, expected, specOf(fixture.cases[name]!), fixture.stride);
  expect(apart, `momentum of one parameter after ${step}`).to.be.at.most(PARAMETER_TOLERANCE);
}

function take(session: Session, { batch, gradient }: Fixture['cases'][string], n: number): number {
  const { batchSize, learningRate, rho } = settings;
  const { loss } = session.call('step', {
    indices: array('indices').slice(n * batchSize, (n + 1) * batchSize) as Int32Array,
    learningRate: Float32Array.of(learningRate),
    ...(batch === 'mixup' ? { lambda: Float32Array.of(array('lambda')[n]!) } : {}),
    ...(gradient === 'sam' ? { rho: Float32Array.of(rho) } : {}),
  });
  return loss![0]!;
}

const engines: Record<string, (program: Program) => Promise<Session>> = {
  'the eager engine': async (program) => eagerSession(program),
  'the compiled engine': (program) => compiledSession(program, 'float32'),
};

describe('parity with PyTorch', () => {
  it('is about the same parameters in the same order', () => {
    for (const [shortcut, parameters] of Object.entries(fixture.parameters)) {
      const { depth, width } = settings;
      const model = { kind: 'wide-resnet', depth, width, shortcut: shortcut as Shortcut } as const;
      const ours = Object.entries(buildNetwork(model, FORM).parameters).map(([name, { shape }]) => [
        name,
        shape.join('x'),
      ]);
      expect(Object.entries(parameters)).to.deep.equal(ours);
    }
  });

  it('is at weights whose activations keep away from the kink of ReLU', () => {
    expect(Object.keys(fixture.margins)).to.deep.equal(Object.keys(fixture.cases));
    for (const margin of Object.values(fixture.margins)) expect(margin).to.be.at.least(0.05);
  });

  for (const [engine, open] of Object.entries(engines))
    for (const [name, kind] of Object.entries(fixture.cases))
      it(`${engine} takes the same steps: ${name}, ${kind.shortcut} shortcuts`, async () => {
        const spec = specOf(kind);
        const session = await open(trainingProgram(spec, recipeOf(kind)));
        const initial = initialWeights(kind.shortcut);
        load(session, spec, initial);
        const losses: number[] = [];
        for (let n = 0; n < settings.steps; n++) {
          losses.push(take(session, kind, n));
          if (n === 0) expectState(session, name, 1, initial);
        }
        expectState(session, name, settings.steps, initial);
        expect(relativeDistance(losses, array(`${name}/losses`))).to.be.at.most(TOLERANCE);

        // At the scales and offsets that networks begin with, gradients jump by rounding; loss and statistics do not.
        load(session, spec, initialWeights(kind.shortcut, true));
        expect(take(session, kind, 0)).to.be.closeTo(array(`${name}/natural-loss`)[0]!, TOLERANCE);
        const { 'model/statistics': statistics } = session.read('model');
        expect(relativeDistance(statistics!, array(`${name}/natural-statistics`))).to.be.at.most(TOLERANCE);
        session.dispose();
      });
});
