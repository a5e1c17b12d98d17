// Our training steps against those of an implementation that is not ours: perf/pytorch/parity.py, in float64.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { compiledSession } from '../src/engine/compile.js';
import { eagerSession } from '../src/engine/eager.js';
import type { Program, Session } from '../src/engine/program.js';
import type { Shortcut } from '../src/models/architecture.js';
import { buildNetwork } from '../src/models/build.js';
import { initialise } from '../src/models/initialise.js';
import { PROJECT_ROOT } from '../src/project.js';
import { type ProgramSpec, trainingProgram } from '../src/training/training_program.js';
import { readNpz } from './support/npz.js';
import { relativeDistance } from './support/programs.js';

interface Fixture {
  momentumStride: number;
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
  cases: Record<string, { shortcut: Shortcut } & Pick<ProgramSpec, 'batch' | 'gradient' | 'clipNorm'>>;
  /** Shape of every parameter, in the order in which the fixture's vectors hold them. */
  parameters: Record<Shortcut, Record<string, string>>;
}

const TOLERANCE = 1e-4;
/** Of gradients after ten steps: an activation that rounding brings over ReLU's kink changes them by thousandths. */
const LATER_TOLERANCE = 2e-2;
const FOLDER = path.join(PROJECT_ROOT, 'test', 'fixtures', 'parity');
const fixture: Fixture = JSON.parse(readFileSync(path.join(FOLDER, 'parity.json'), 'utf8'));
const arrays = readNpz(path.join(FOLDER, 'parity.npz'));
const { settings } = fixture;

function array(name: string) {
  const found = arrays.get(name);
  if (!found) throw new Error(`the fixture has no ${name}`);
  return found;
}

function specOf({ shortcut, batch, gradient, clipNorm }: Fixture['cases'][string]): ProgramSpec {
  const { depth, width, images, batchSize, momentum, weightDecay } = settings;
  return {
    model: { kind: 'wide-resnet', depth, width, shortcut },
    batchSize,
    batch,
    gradient,
    groupSize: 0,
    augment: false,
    trainImages: images,
    testImages: 4,
    momentum,
    weightDecay,
    clipNorm,
  };
}

/** The initial weights as one vector: stored multiples of a unit, around 1 for scales and 0 for all else. */
function initialWeights(shortcut: Shortcut): Float32Array {
  const parts = Object.keys(fixture.parameters[shortcut]).map((name) => {
    const unit = array(`initial/${name}/unit`)[0]!;
    const center = name.endsWith('/scale') ? 1 : 0;
    // Rounded after the product, as NumPy does in float32.
    return Float32Array.from(array(`initial/${name}`), (value) => Math.fround(value * unit) + center);
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
    'model/statistics': initialise(buildNetwork(spec.model).statistics, 0),
  });
}

function expectState(session: Session, name: string, step: number, initial: Float32Array): void {
  const state = session.read('model');
  const unit = array(`${name}/weights-${step}/unit`)[0]!;
  const change = Float64Array.from(array(`${name}/weights-${step}`), (value) => value * unit);
  const weights = change.map((value, i) => initial[i]! + value);
  const parameters = state['model/parameters']!;
  expect(relativeDistance(parameters, weights), `weights after ${step}`).to.be.at.most(TOLERANCE);
  // The weights have hardly moved, so what they moved by says more; 16 bits of it are stored.
  const moved = Float64Array.from(parameters, (value, i) => value - initial[i]!);
  const [changeLimit, momentumLimit] = step === 1 ? [1e-3, TOLERANCE] : [LATER_TOLERANCE, LATER_TOLERANCE];
  expect(relativeDistance(moved, change), `change after ${step}`).to.be.at.most(changeLimit);
  const momentum = state['model/momentum']!.filter((_, i) => i % fixture.momentumStride === 0);
  expect(
    relativeDistance(momentum, array(`${name}/momentum-${step}`)),
    `momentum after ${step}`,
  ).to.be.at.most(momentumLimit);
  const statistics = array(`${name}/statistics-${step}`);
  expect(relativeDistance(state['model/statistics']!, statistics), `statistics after ${step}`).to.be.at.most(
    TOLERANCE,
  );
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
      const ours = Object.entries(buildNetwork(model).parameters).map(([name, { shape }]) => [
        name,
        shape.join('x'),
      ]);
      expect(Object.entries(parameters)).to.deep.equal(ours);
    }
  });

  for (const [engine, open] of Object.entries(engines))
    for (const [name, kind] of Object.entries(fixture.cases))
      it(`${engine} takes the same steps: ${name}, ${kind.shortcut} shortcuts`, async () => {
        const spec = specOf(kind);
        const session = await open(trainingProgram(spec));
        const initial = initialWeights(kind.shortcut);
        load(session, spec, initial);
        const { batchSize, learningRate, rho } = settings;
        const losses: number[] = [];
        for (let n = 0; n < settings.steps; n++) {
          const { loss } = session.call('step', {
            indices: array(`${name}/indices`).slice(n * batchSize, (n + 1) * batchSize) as Int32Array,
            learningRate: Float32Array.of(learningRate),
            ...(kind.batch === 'mixup' ? { lambda: Float32Array.of(array(`${name}/lambda`)[n]!) } : {}),
            ...(kind.gradient === 'sam' ? { rho: Float32Array.of(rho) } : {}),
          });
          losses.push(loss![0]!);
          if (n === 0) expectState(session, name, 1, initial);
        }
        expectState(session, name, settings.steps, initial);
        expect(relativeDistance(losses, array(`${name}/losses`))).to.be.at.most(TOLERANCE);
        session.dispose();
      });
});
