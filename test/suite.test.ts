// Suites: what is accepted, what is said about the rest, and the runs a suite expands to.
import { expect } from 'chai';
import { z } from 'zod';
import { METHODS } from '../src/methods/catalogue.js';
import { InputError } from '../src/spec/errors.js';
import { fields } from '../src/spec/fields.js';
import { describeProblem } from '../src/spec/problem.js';
import type { Precision } from '../src/spec/run_spec.js';
import { expand, totalCost } from '../src/suite/expand.js';
import { knownSuites, loadSuite, parseSuite } from '../src/suite/load.js';
import { type ResolvedSuite, resolveSuite } from '../src/suite/resolve.js';
import type { Suite } from '../src/suite/schema.js';
import { SUITE } from './fakes.js';

const suite = SUITE as ResolvedSuite;

/** The one line said about the tiny suite with fields set to other values, or without them (undefined). */
function complaint(changes: Record<string, unknown>): string {
  const changed = structuredClone(SUITE) as object;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('/');
    const last = keys.pop()!;
    const parent = keys.reduce<object>((v, key) => (v as Record<string, object>)[key]!, changed);
    Object.assign(parent, { [last]: value });
  }
  try {
    parseSuite(JSON.stringify(changed), 'tiny.json');
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).not.to.include('\n');
    return (error as Error).message;
  }
  return 'accepted';
}

describe('suite files', () => {
  it('that come with the project are valid and named as their file', async () => {
    const names = await knownSuites();
    expect(names).to.include.members(['smoke', 'quick', 'table4', 'table4-resnet32']);
    for (const name of names) expect((await loadSuite(name)).suite.name).to.equal(name);
  });

  it('come out as they went in, methods in the order of the catalogue', () => {
    const methods = Object.fromEntries(Object.entries(SUITE.methods).reverse());
    const parsed = parseSuite(JSON.stringify({ ...SUITE, methods }), 'tiny.json');
    expect(parsed).to.deep.equal(SUITE);
    const known = METHODS.names.filter((name) => name in methods);
    expect(Object.keys(parsed.methods)).to.deep.equal(known);
  });

  const cases: [string, Record<string, unknown>, string][] = [
    [
      'a noise rate of 1.2',
      { 'noise/rates/1': 1.2 },
      'tiny.json: noise.rates[1] is 1.2; allowed: a fraction from 0 up to 1, e.g. 0.4',
    ],
    [
      'a noise rate of 40',
      { 'noise/rates/0': 40 },
      'noise.rates[0] is 40; allowed: a fraction from 0 up to 1, e.g. 0.4',
    ],
    [
      'a rate given twice',
      { 'noise/rates/4': 0.2 },
      'noise.rates is [0.2,0.4,0.6,0.8,0.2]; allowed: a list of fractions from 0 up to 1, e.g. [0.2, 0.4], each once',
    ],
    [
      'another kind of noise',
      { noise: { kind: 'salt' } },
      'noise.kind is "salt"; allowed: one of symmetric, asymmetric, pair, matrix, instance, feature, human, file, blend, given',
    ],
    [
      'no noise',
      { noise: undefined },
      'noise is missing; allowed: an object with kind one of symmetric, asymmetric, pair, matrix, instance, feature, human, file, blend, given',
    ],
    [
      'checkpoints by minutes and epochs',
      { checkpoint: { minutes: 2, epochs: 1 } },
      'checkpoint is {"minutes":2,"epochs":1}; allowed: either minutes or epochs, e.g. {"minutes": 2}',
    ],
    [
      'checkpoints all the time',
      { checkpoint: { minutes: 0 } },
      'checkpoint.minutes is 0; allowed: a number above 0',
    ],
    [
      'stem stride 3',
      { 'model/stemStride': 3 },
      'model.stemStride is 3; allowed: 2, or nothing for a stem of stride 1',
    ],
    ['depth 15', { 'model/depth': 15 }, 'model.depth is 15; allowed: 6n+4: 10, 16, 22, 28, 34, 40, ...'],
    [
      'a ResNet of depth 30',
      { model: { kind: 'resnet', depth: 30 } },
      'model.depth is 30; allowed: 6n+2: 8, 14, 20, 26, 32, ...',
    ],
    ['width 1e9', { 'model/width': 1e9 }, 'model.width is 1000000000; allowed: a whole number from 1 to 100'],
    [
      'more weights than memory holds',
      { 'model/width': 100 },
      'model.width is 100; allowed: with depth 10 a whole number from 1 to 71',
    ],
    ['depth 600000004', { 'model/depth': 600000004 }, 'model.depth is 600000004; allowed: 6n+4: 10, 16, 22,'],
    ['a million threads', { threads: 1e6 }, 'threads is 1000000; allowed: a whole number from 1 to 1024'],
    [
      '100,000 seeds',
      { seeds: Array.from({ length: 100_000 }, (_, i) => i) },
      '...; allowed: a list of seeds, e.g. [1, 2, 3], at most 1000',
    ],
    [
      'a table too large',
      { seeds: Array.from({ length: 501 }, (_, i) => i) },
      '...; allowed: a table of at most 10000 cells, not 501 seeds x 4 noise settings x 5 methods',
    ],
    ['width 0', { 'model/width': 0 }, 'model.width is 0; allowed: a whole number from 1'],
    [
      'an unknown field',
      { 'training/lr': 1 },
      'training.lr is not known; allowed: one of epochs, batchSize, learningRate, momentum, weightDecay, clipNorm, evaluateEvery',
    ],
    [
      'an unknown method',
      { 'methods/adam': {} },
      'methods.adam is not known; allowed: one of sgd, mixup, bootstrap-mixup, sam, bootstrap-sam',
    ],
    [
      'a variant without a name',
      { 'methods/sam@': { rho: 0.1 } },
      ', or a variant of one, e.g. "sam@rho 0.2"',
    ],
    ['a variant ..', { 'methods/sgd@..': {} }, 'methods["sgd@.."] is not known; allowed: one of sgd'],
    [
      'a method with a control character',
      { 'methods/sgd\u001b[31m': {} },
      'methods["sgd\\u001b[31m"] is not known; allowed: one of sgd',
    ],
    [
      'a long unknown field',
      { ['x'.repeat(1e5)]: 1 },
      `tiny.json: ${'x'.repeat(57)}... is not known; allowed: one of name`,
    ],
    ...['', 'a\u001b[31m', 'a\nb', '..', '=1+1', '__proto__', 'x'.repeat(65)].map(
      (name): [string, Record<string, unknown>, string] => [
        `a label file named ${JSON.stringify(name)}`,
        { noise: { kind: 'file', files: Object.fromEntries([[name, 'x.npy']]) } },
        'is "x.npy"; allowed: names of letters, digits, ".", "_" and "-", beginning with a letter or digit',
      ],
    ),
    [
      'a label file without a path',
      { noise: { kind: 'file', files: { x: '' } } },
      'noise.files.x is ""; allowed: the path of a label file',
    ],
    ['a NUL in a text', { description: 'a\0b' }, 'description is "a\\u0000b"; allowed: a sentence, at most'],
    [
      'a very long text',
      { description: 'x'.repeat(2001) },
      '...; allowed: a sentence, at most 2000 characters',
    ],
    [
      'a variant without its setting',
      { 'methods/sam@small m': { m: 5 } },
      'methods["sam@small m"].rho is missing; allowed: a number from 0',
    ],
    [
      'more held out than is left',
      { 'data/heldOut': 10000, 'data/trainImages': 45000 },
      'data.trainImages is 45000; allowed: at most 40000, those that are not held out',
    ],
    [
      'a test on what is not held out',
      { 'data/testOn': 'held-out' },
      'data.heldOut is missing; allowed: how many images are held out, because data.testOn is "held-out"',
    ],
    ['rho for SGD', { 'methods/sgd/rho': 1 }, 'methods.sgd.rho is not known; allowed: one of training'],
    [
      'Mixup without alpha',
      { 'methods/mixup/alpha': undefined },
      'methods.mixup.alpha is missing; allowed: a number above 0',
    ],
    [
      'a rate without its rho',
      { 'methods/sam/rho/0.8': undefined },
      'methods.sam.rho["0.8"] is missing; allowed: a number for each of 0.2, 0.4, 0.6, 0.8',
    ],
    [
      'a learning rate for a rate that is not there',
      {
        'methods/sgd/training': {
          learningRate: { '0.2': 0.1, '0.4': 0.1, '0.6': 0.1, '0.8': 0.1, '0.9': 0.1 },
        },
      },
      'methods.sgd.training.learningRate["0.9"] is 0.1; allowed: a number for each of 0.2, 0.4, 0.6, 0.8, and for nothing else',
    ],
    [
      'rho for a rate that is not there',
      { 'methods/sam/rho/0.5': 1 },
      'methods.sam.rho["0.5"] is 1; allowed: a number for each of 0.2, 0.4, 0.6, 0.8',
    ],
    [
      'an m that does not divide the batch',
      { 'methods/sam/m': 3 },
      'methods.sam.m is 3; allowed: a divisor of the batch size 10',
    ],
    [
      'a batch larger than the data',
      { 'training/batchSize': 51 },
      'training.batchSize is 51; allowed: at most data.trainImages, 50',
    ],
    ['no epochs', { 'training/epochs': 0 }, 'training.epochs is 0; allowed: a whole number from 1'],
    [
      'a seed given twice',
      { seeds: [1, 1] },
      'seeds is [1,1]; allowed: a list of seeds, e.g. [1, 2, 3], each once',
    ],
    ['several problems', { seeds: [], 'model/depth': 15, 'training/epochs': 0 }, '(and 2 more problems)'],
    ['a number for a name', { name: 3 }, 'name is 3; allowed: letters'],
  ];
  for (const [what, change, said] of cases)
    it(`complain about ${what} in one line`, () => expect(complaint(change)).to.include(said));

  it('that are no JSON are named', () => {
    expect(() => parseSuite('{', 'tiny.json')).to.throw(InputError, 'tiny.json: is not JSON');
    expect(() => parseSuite('3', 'tiny.json')).to.throw(
      InputError,
      'tiny.json: the content is 3; allowed: an object',
    );
    expect(() => parseSuite('{"a": 1,\n"b" 2}', 'tiny.json')).to.throw(
      InputError,
      'tiny.json: is not JSON: colon expected in line 2, column 5',
    );
    expect(() => parseSuite('{} // mine', 'tiny.json')).to.throw(
      InputError,
      'invalid comment token in line 1',
    );
  });

  const text = JSON.stringify(SUITE, null, 2);

  it('may begin with a byte order mark', () => {
    expect(parseSuite(`\uFEFF${text}`, 'tiny.json')).to.deep.equal(SUITE);
  });

  it('that say something twice are refused, naming it and the lines', () => {
    const twice = text.replace('"momentum"', '"epochs": 7,\n    "momentum"');
    const line = (part: string) => twice.slice(0, twice.indexOf(part)).split('\n').length;
    expect(() => parseSuite(twice, 'tiny.json')).to.throw(
      InputError,
      `tiny.json: training.epochs is given twice, in lines ${line('"epochs": 2')} and ${line('"epochs": 7')}; allowed: once`,
    );
    expect(() => parseSuite(text.replace('{', '{"seeds": [9],'), 'tiny.json')).to.throw(
      InputError,
      'tiny.json: seeds is given twice, in lines 1 and',
    );
  });

  it('with a number that no computer holds are refused, naming it', () => {
    const huge = text.replace('"learningRate": 0.1', '"learningRate": 1e400');
    expect(() => parseSuite(huge, 'tiny.json')).to.throw(
      InputError,
      'tiny.json: training.learningRate is 1e400; allowed: numbers up to 1.79',
    );
  });

  it('that are nested without end are refused', () => {
    for (const deep of ['['.repeat(200_000), '{"a":'.repeat(200_000)])
      expect(() => parseSuite(deep, 'tiny.json')).to.throw(
        InputError,
        'is nested 33 levels deep in line 1; allowed: at most 32',
      );
  });

  it('that do not exist lead to the list of those that do', async () => {
    const error = await loadSuite('nosuch').catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(/^suite "nosuch" is not known; allowed: .*quick, .*smoke/);
  });

  it('with label files name them by the hash of their labels', async () => {
    const noise = { kind: 'file' as const, files: { worst: 'a.npy', copy: 'b.csv' } };
    const file = { file: '/suites/x.json', suite: { ...SUITE, noise, precision: 'auto' as const } };
    const asked: string[] = [];
    const resolved = await resolveSuite(file, {
      fastestPrecision: () => 'bfloat16',
      emulatesBfloat16: () => false,
      tell() {},
      readLabels: async (name) => {
        asked.push(name);
        return { labels: new Uint8Array(3), sha256: 'ab' };
      },
    });
    expect(asked).to.deep.equal(['/suites/a.npy', '/suites/b.csv']);
    expect(resolved.suite.precision).to.equal('bfloat16');
    expect(resolved.suite.noise).to.deep.equal({ kind: 'file', files: { worst: 'ab', copy: 'ab' } });
    expect([...resolved.labelSets.keys()]).to.deep.equal(['ab']);
  });

  it('get the precision that is fastest here, or the one they ask for with a warning where it is emulated', async () => {
    const resolve = async (precision: Suite['precision'], fastest: Precision, emulated: boolean) => {
      const said: string[] = [];
      const resolver = {
        fastestPrecision: () => fastest,
        emulatesBfloat16: () => emulated,
        tell: (line: string) => said.push(line),
        readLabels: () => Promise.reject(new Error('not asked for')),
      };
      const { suite } = await resolveSuite({ file: 'x.json', suite: { ...SUITE, precision } }, resolver);
      return [suite.precision, ...said];
    };
    expect(await resolve('auto', 'bfloat16', false)).to.deep.equal(['bfloat16']);
    expect(await resolve('auto', 'float32', true)).to.deep.equal(['float32']);
    expect(await resolve('float32', 'bfloat16', false)).to.deep.equal(['float32']);
    expect(await resolve('bfloat16', 'float32', false)).to.deep.equal(['bfloat16']);
    const [precision, warning] = await resolve('bfloat16', 'float32', true);
    expect(precision).to.equal('bfloat16');
    expect(warning).to.include('emulated');
  });
});

describe('a suite as a graph of runs', () => {
  it('costs as much as 7 runs by SGD for each noise rate: teachers are trained once', () => {
    const { runs, cells } = expand(suite);
    expect(cells).to.have.length(20);
    expect(runs).to.have.length(20);
    expect(totalCost(runs)).to.equal(28);
    for (const label of ['20', '40', '60', '80'])
      expect(totalCost(runs.filter((run) => run.noiseSetting.label === label))).to.equal(7);
  });

  it('has every run after those it depends on, in the same order every time', () => {
    const { runs } = expand({ ...suite, seeds: [1, 2] });
    runs.forEach((run, i) => {
      for (const id of run.dependsOn) expect(runs.findIndex((r) => r.id === id)).to.be.within(0, i - 1);
    });
    const again = expand(structuredClone({ ...suite, seeds: [1, 2] }));
    expect(again.runs.map((run) => run.id)).to.deep.equal(runs.map((run) => run.id));
    expect(new Set(runs.map((run) => run.id)).size).to.equal(40);
  });

  it('teaches a bootstrap run by the run of its base method at the same noise and seed', () => {
    const { runs } = expand({ ...suite, seeds: [1, 2] });
    for (const run of runs.filter((r) => r.method.startsWith('bootstrap-'))) {
      const teacher = runs.find((r) => r.id === run.dependsOn[0])!;
      expect(teacher.method).to.equal(run.method.replace('bootstrap-', ''));
      expect(run.spec.labels).to.deep.equal({ from: 'predictions', teacher: teacher.id });
      expect([teacher.spec.seed, teacher.spec.noise]).to.deep.equal([run.spec.seed, run.spec.noise]);
    }
  });

  it('trains a teacher that is no row of the table too', () => {
    const { cells, runs } = expand({ ...suite, methods: { 'bootstrap-sam': { rho: 0.1 } } });
    expect(cells).to.have.length(4);
    expect(runs.map((run) => run.method)).to.deep.equal(Array(4).fill(['sam', 'bootstrap-sam']).flat());
  });

  it('has a row for each variant of a method, taught by the variant of the same name or else by the plain method', () => {
    const { sam, 'bootstrap-sam': student } = suite.methods;
    const methods = {
      sam: sam!,
      'sam@wide': { rho: 0.5 },
      'bootstrap-sam@wide': { rho: 0.5 },
      'bootstrap-sam@other': student!,
    };
    const noise = { kind: 'symmetric' as const, rates: [0.4], redraw: 'other' as const };
    const { runs, cells } = expand({ ...suite, noise, methods });
    expect(cells.map(({ method }) => method)).to.deep.equal(Object.keys(methods));
    const teachers = runs.map((run) => runs.find(({ id }) => id === run.dependsOn[0])?.method);
    expect(teachers).to.deep.equal([undefined, undefined, 'sam@wide', 'sam']);
  });

  it('gives each noise rate its own settings, and a method its own training', () => {
    const learningRate = { '0.2': 0.1, '0.4': 0.2, '0.6': 0.1, '0.8': 0.1 };
    const methods = { ...suite.methods, sgd: { training: { epochs: 6, learningRate } } };
    const { runs } = expand({ ...suite, methods });
    const rhos = runs.flatMap(({ spec }) => (spec.gradient?.kind === 'sam' ? [spec.gradient.rho] : []));
    expect(rhos).to.deep.equal([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]);
    const sgd = runs.find((run) => run.method === 'sgd')!;
    expect([sgd.spec.training.epochs, sgd.cost]).to.deep.equal([6, 3]);
    const rates = runs.filter(({ method }) => method === 'sgd').map(({ spec }) => spec.training.learningRate);
    expect(rates).to.deep.equal([0.1, 0.2, 0.1, 0.1]);
  });
});

describe('a problem with what somebody wrote', () => {
  const problem = (schema: z.ZodType, input: unknown) =>
    describeProblem(schema.safeParse(input).error!, input);

  it('names the field, its value and what is right, also where a schema says no more than Zod', () => {
    const schema = z.object({ rates: z.array(z.number()), name: z.string(), mode: z.enum(['a', 'b']) });
    const right = { rates: [1], name: 'x', mode: 'a' };
    expect(problem(schema, { ...right, rates: [1, '2'] })).to.equal('rates[1] is "2"; allowed: number');
    expect(problem(schema, { ...right, name: 3 })).to.equal('name is 3; allowed: string');
    expect(problem(schema, { ...right, mode: 'c' })).to.equal('mode is "c"; allowed: one of "a"|"b"');
    expect(problem(schema, { rates: [1], mode: 'a' })).to.equal('name is missing; allowed: string');
    expect(problem(schema, [])).to.equal('the content is []; allowed: object');
  });

  it('counts the others, and cuts what is long', () => {
    const schema = fields({ a: z.string(), b: z.string() });
    expect(problem(schema, { a: 1, b: 2 })).to.match(/^a is 1; .* \(and 1 more problem\)$/);
    expect(problem(schema, { a: 'x', b: 'y', ['c'.repeat(99)]: 1 })).to.match(
      /^c{57}\.\.\. is not known; allowed: one of a, b$/,
    );
  });
});
