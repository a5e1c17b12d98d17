// A noise and a data set of others': registered here as a user's would be, and run, reported and verified like the project's own.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { z } from 'zod';
import type { Engine } from '../src/cli/engine.js';
import { listed } from '../src/cli/registries.js';
import { run } from '../src/cli/run.js';
import { verify } from '../src/cli/verify.js';
import {
  blankImages,
  DATASETS,
  type Dataset,
  datasetOf,
  type ImageSet,
  loadDataset,
} from '../src/data/datasets/dataset.js';
import { NOISES, type Noise } from '../src/data/noises/noise.js';
import { ImagesOfRuns } from '../src/data/subset.js';
import { comparisonCsv } from '../src/report/csv.js';
import type { FolderData } from '../src/report/page_data.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import type { Report } from '../src/report/report.js';
import { InputError } from '../src/spec/errors.js';
import { decodeLabels, encodeLabels } from '../src/spec/labels.js';
import type { RunRecord } from '../src/spec/record.js';
import { Registry } from '../src/spec/registry.js';
import { expand } from '../src/suite/expand.js';
import { parseSuite } from '../src/suite/load.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { EVERYTHING, select } from '../src/suite/select.js';
import { evaluationOf } from '../src/training/evaluation.js';
import type { RunJob, Trainer } from '../src/training/job.js';
import { fakeEngine, SUITE, suiteFile } from './fakes.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

describe('a registry', () => {
  const own = { name: 'a' };
  const mine = { name: 'a' };
  const registry = new Registry('letter', own, { name: 'b' });

  it('knows its entries in order, and says which when asked for another', () => {
    expect(registry.names).to.deep.equal(['a', 'b']);
    expect(registry.named('a')).to.equal(own);
    expect(() => registry.named('c')).to.throw('letter "c" is not known; allowed: one of a, b');
  });

  it("tells a user's entry from one of the same name by its file", () => {
    registry.add(mine, { path: './mine.ts', sha256: 'ab' });
    expect(registry.names).to.deep.equal(['a', 'b', './mine.ts']);
    expect(registry.named('./mine.ts')).to.equal(mine);
    expect(registry.inSpec('a')).to.equal(own);
    expect(registry.inSpec('a', 'ab')).to.equal(mine);
    expect(registry.sourceOf(mine)).to.deep.equal({ source: 'ab' });
    expect(registry.sourceOf(own)).to.deep.equal({});
    expect(() => registry.inSpec('a', 'cd')).to.throw('"a of the file cd" is not known');
  });
});

describe('labels as text', () => {
  it('are a digit each up to ten classes, and two hexadecimal ones beyond', () => {
    expect(encodeLabels(Uint8Array.of(3, 0, 9), 10)).to.equal('309');
    expect(encodeLabels(Uint8Array.of(3, 0, 99), 100)).to.equal('030063');
    for (const classes of [2, 10, 11, 256]) {
      const labels = Uint8Array.from({ length: classes }, (_, i) => i);
      expect(decodeLabels(encodeLabels(labels, classes), classes)).to.deep.equal(labels);
    }
    expect(() => encodeLabels(Uint8Array.of(2), 2)).to.throw(RangeError);
  });
});

const COUNTS = { trainImages: 240, testImages: 120 };
const classNames = Array.from({ length: 12 }, (_, i) => `month ${i + 1}`);

const months: Dataset = {
  name: 'months',
  title: 'Months',
  cite: 'nobody',
  classNames,
  imageSize: 4,
  channels: 1,
  mean: [0.5],
  deviation: [0.2],
  ...COUNTS,
  load: async () => ({
    train: blankImages(months, COUNTS.trainImages),
    test: blankImages(months, COUNTS.testImages),
  }),
};

/** The darkest images get the next class; those with the same pixels are drawn among. */
const shift: Noise<z.ZodObject<{ rates: z.ZodArray<z.ZodNumber> }>, { rate: number }> = {
  name: 'shift',
  title: 'shift',
  cite: 'nobody',
  settings: z.object({ rates: z.array(z.number().max(1, 'rates up to 1')) }),
  columns: ({ rates }) =>
    rates.map((rate) => ({
      key: `shift-${rate}`,
      label: `shift-${100 * rate}`,
      title: `shift ${100 * rate} %`,
      setting: { rate },
      rate,
      group: 'shift',
    })),
  labels({ setting: { rate }, trueLabels, images, indices, dataset, stream }) {
    const pixels = images();
    const size = dataset.imageSize ** 2 * dataset.channels;
    if (pixels.length !== indices.length * size) throw new Error('other images');
    const next = stream('ties');
    const keys = trueLabels.map((_, i) => pixels[i * size]! + next());
    const order = [...trueLabels.keys()].sort((a, b) => keys[a]! - keys[b]! || a - b);
    const chosen = new Set(order.slice(0, Math.round(rate * order.length)));
    return trueLabels.map((label, i) => (chosen.has(i) ? (label + 1) % dataset.classNames.length : label));
  },
  describe: (_, titles) => `${titles.join(', ')} of the labels moved to the next class`,
  wrongLabels: ({ rate }, images) => [Math.round(rate * images), Math.round(rate * images)],
};

const NOISE = [
  { kind: 'symmetric', rates: [0.2, 0.4], redraw: 'other' },
  { kind: 'symmetric', name: 'any', rates: [0.4], redraw: 'any' },
  { kind: 'file', files: { people: 'people.npy' } },
  { kind: 'shift', rates: [0.4] },
];
const LABELS = ['20', '40', 'any-40', 'people', 'shift-40'];
const KEYS = ['0.2', '0.4', 'any-0.4', 'people', 'shift-0.4'];
const atEach = (values: number[]) => Object.fromEntries(KEYS.map((key, i) => [key, values[i]!]));
const METHODS = {
  sgd: { training: { learningRate: atEach([0.1, 0.2, 0.3, 0.4, 0.5]) } },
  sam: { rho: 0.1 },
  'bootstrap-sam': { rho: atEach([1, 2, 3, 4, 5]) },
};
const DATA = { dataset: 'months', trainImages: 120, testImages: 60, heldOut: 24, augment: 'none' };

describe("a noise and a data set of others'", () => {
  before(() => {
    NOISES.add(shift);
    DATASETS.add(months);
  });
  after(() => {
    NOISES.remove('shift');
    DATASETS.remove('months');
  });

  /** Learns the labels it is given by heart. */
  const train: Trainer<RunJob> = async (job) => {
    const images = new ImagesOfRuns(await months.load({})).of(job.spec);
    const predictions = job.targetLabels;
    const tested = { predictions: images.test.labels, loss: 1 };
    const on = { train: { predictions, loss: 1 }, test: tested };
    const about = { ...job, train: images.train, test: images.test };
    const curve = [1, 2].map((epoch) => evaluationOf(about, epoch, 2, on));
    return { curve, predictions, parameters: 100, weightsSha256: '0'.repeat(64), wallSeconds: 1 };
  };
  const engine: Engine = {
    ...fakeEngine,
    train,
    loadData: (data) => loadDataset(datasetOf(data), {}),
    readLabels: async (_, dataset) => ({
      labels: new Uint8Array(dataset.trainImages).fill(11),
      sha256: 'cd'.repeat(32),
    }),
  };

  it('run a suite whose columns are of several noises', async () => {
    const suite = await suiteFile({ data: DATA, noise: NOISE, methods: METHODS });
    const out = path.join(await temporaryFolder(), 'out');
    let printed = '';
    const print = (text: string) => {
      printed += text;
    };
    expect(await run(suite, { out }, engine, { stop() {} }, print)).to.equal(0);
    expect(printed).to.include('clean-test accuracy on Months');
    const text = (name: string) => readFile(path.join(out, name), 'utf8');
    const table = (await text('table4.csv')).trim().split('\n');
    expect(table[0]).to.equal(`method,${LABELS.join(',')}`);
    expect(table[1]).to.equal(`sgd${',100.00'.repeat(5)}`);
    const noise = (await text('table4.md')).split('\n').find((line) => line.startsWith('Noise:'));
    expect(noise).to.equal(
      'Noise: 20 %, 40 % of the labels replaced by one of the other 11 classes (21.8 %, 43.6 % where new labels are drawn from all 12); any 40 % of the labels drawn anew from all 12 classes, so that about one in 12 of them stay right (36.7 % where they are drawn from the other 11); training labels from files: people; shift 40 % of the labels moved to the next class; measured wrong: 20.0 %, 40.0 %, ' +
        /measured wrong: 20.0 %, 40.0 %, (.*)/.exec(noise!)![1],
    );
    expect(noise).to.match(/, 91\.7 %, 40\.0 %\.$/);
    // The paper has no numbers of it.
    expect(await text('table4.md'))
      .not.to.include('(84.8)')
      .and.not.to.include("The paper's numbers");
    const rows = (await text('runs.csv')).trim().split('\n').slice(1, 16);
    const named = rows.filter((row) => row.includes(',sgd,')).map((row) => row.split(',').slice(3, 5));
    expect(named).to.deep.equal([
      ['symmetric-other', '20'],
      ['symmetric-other', '40'],
      ['symmetric-any', '40'],
      ['people', ''],
      ['shift', '40'],
    ]);
    const records: RunRecord[] = (await text('records.jsonl'))
      .split('\n')
      .filter((line) => line.includes('"spec"'))
      .map((line) => JSON.parse(line));
    expect(records).to.have.length(15);
    const moved = records.find(({ method, spec }) => method === 'sgd' && spec.noise.kind === 'shift')!;
    expect(moved.spec.noise).to.deep.equal({ kind: 'shift', rate: 0.4 });
    expect(moved.noise.rate).to.equal(0.4);
    expect(moved.noise.transitions.map((row, t) => row[(t + 1) % 12]!).reduce((a, b) => a + b)).to.equal(48);
    expect(moved.spec.training.learningRate).to.equal(0.5);
    expect(moved.spec.data.dataset).to.equal('months');
    expect(moved.predictions).to.have.length(240);
    const page = await text('report.html');
    expect(page)
      .to.include('month 12')
      .and.to.include('<th scope="col">month 1</th>')
      .and.not.to.include('airplane');
    let said = '';
    expect(
      await verify([out], {}, (line) => {
        said += line;
      }),
      said,
    ).to.equal(0);
  });

  it('have the numbers of the paper beside symmetric rates of CIFAR-10 alone, and no axis of rates', () => {
    const report = synthetic({ noise: NOISE, methods: { sgd: {} } });
    const papers = comparisonCsv(report)
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(',')[5]);
    expect(papers).to.deep.equal(['84.80', '68.80', '68.80', '', '']);
    const ratesOf = ({ noiseSettings }: FolderData) => noiseSettings.map(({ rate }) => rate);
    const folder = (one: Report) => pageDataOf([{ name: 'out', report: one }]).folders[0]!;
    expect(ratesOf(folder(report))).to.deep.equal([null, null, null, null, null]);
    expect(folder(report).published[0]!.accuracies.slice(3)).to.deep.equal([null, null]);
    expect(ratesOf(folder(synthetic({ noise: NOISE[0]!, methods: { sgd: {} } })))).to.deep.equal([20, 40]);
  });

  it('are held against what they say: other noise in a record is a fault', async () => {
    const suite = await suiteFile({ data: DATA, noise: NOISE[3]!, methods: { sgd: {} } });
    const out = path.join(await temporaryFolder(), 'out');
    expect(await run(suite, { out }, engine, { stop() {} }, () => {})).to.equal(0);
    const less = { ...shift, wrongLabels: () => [50, 50] as const };
    NOISES.add(less);
    let said = '';
    const code = await verify([out], {}, (line) => {
      said += line;
    });
    NOISES.add(shift);
    expect(code).to.equal(1);
    expect(said).to.match(/noise\.rate is 0\.4; right: 0\.416+7?, the share of 50 labels of 120/);
  });

  it('are chosen of a suite by label or key', () => {
    const suite = { ...SUITE, data: DATA, noise: NOISE, methods: METHODS };
    const graph = expand(suite as unknown as ResolvedSuite);
    const labels = (noise: string[]) =>
      select(graph, { ...EVERYTHING, noise }).noiseSettings.map(({ label }) => label);
    expect(labels(['shift-40', '0.2', 'any-0.4'])).to.deep.equal(['20', 'any-40', 'shift-40']);
  });

  it('keep to what they promise: labels of no class, or too few, stop the run', async () => {
    const out = async (labels: Noise['labels']) => {
      NOISES.add({ ...shift, labels });
      const suite = await suiteFile({ data: DATA, noise: NOISE[3]!, methods: { sgd: {} } });
      const folder = path.join(await temporaryFolder(), 'out');
      const failures: string[] = [];
      const progress = { stop() {}, failed: (_: unknown, reason: string) => failures.push(reason) };
      try {
        expect(await run(suite, { out: folder }, engine, progress, () => {})).to.equal(1);
      } finally {
        NOISES.add(shift);
      }
      return failures[0];
    };
    expect(await out(({ trueLabels }) => trueLabels.map(() => 12))).to.include(
      'noise shift gives image 0 the label 12; allowed: 0 to 11',
    );
    expect(await out(({ trueLabels }) => trueLabels.slice(1))).to.include(
      'noise shift gives 119 labels for 120 images',
    );
  });

  it('have the images and labels that the entry says', async () => {
    const wrong = async (changes: Partial<ImageSet>) => {
      const { train, test } = await months.load({});
      const load = async () => ({ train, test: { ...test, ...changes } });
      return loadDataset({ ...months, load }, {}).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    };
    expect(await wrong({})).to.equal('accepted');
    expect(await wrong({ count: 119 })).to.equal('data set Months: its test set has 119 images; right: 120');
    expect(await wrong({ labels: new Uint8Array(121) })).to.include('121 labels; right: 120');
    expect(await wrong({ labels: new Uint8Array(120).fill(12) })).to.include('120 labels above 11; right: 0');
    expect(await wrong({ images: new Uint8Array(120) })).to.include('120 bytes of images; right: 1920');
  });

  const refused = (changes: object): string => {
    try {
      parseSuite(JSON.stringify({ ...SUITE, methods: { sgd: {} }, ...changes }), 'tiny.json');
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).not.to.include('\n');
      return (error as Error).message;
    }
    return 'accepted';
  };
  // Users' files that another test in this process has loaded are among them.
  const kinds = () => `one of ${NOISES.names.join(', ')}`;
  const cases: [string, object, string | (() => string)][] = [
    ['nothing wrong', { noise: NOISE, data: DATA, methods: METHODS }, 'accepted'],
    ['no noise in a list', { noise: [] }, 'noise is []; allowed: a noise, or a list of them, at least one'],
    [
      'an unknown kind in a list',
      { noise: [NOISE[0], { kind: 'salt' }] },
      () => `tiny.json: noise[1].kind is "salt"; allowed: ${kinds()}`,
    ],
    [
      'something else in a list',
      { noise: [NOISE[0], 3] },
      () => `noise[1] is 3; allowed: an object with kind ${kinds()}`,
    ],
    [
      'a wrong setting in a list',
      { noise: [NOISE[0], { kind: 'shift', rates: [2] }] },
      'noise[1].rates[0] is 2; allowed: rates up to 1',
    ],
    [
      'an unknown setting',
      { noise: { kind: 'shift', rates: [0.2], redraw: 'other' } },
      'noise.redraw is not known; allowed: one of kind, rates, name',
    ],
    [
      'a name that is none',
      { noise: { ...NOISE[0], name: 'a b' } },
      'noise.name is "a b"; allowed: letters, digits',
    ],
    [
      'two noises with a column of one name',
      { noise: [NOISE[0], { ...NOISE[0], redraw: 'any' }] },
      'noise[1].name is missing; allowed: a name for its columns, because 0.2 is one of another noise too',
    ],
    [
      'a label file that is called as a rate',
      { noise: [NOISE[0], { kind: 'file', files: { 20: 'x.npy' } }] },
      'noise[1].name is missing; allowed: a name for its columns, because 20 is one of another noise too',
    ],
    [
      'a column twice',
      { noise: { kind: 'shift', rates: [0.2, 0.2] } },
      'allowed: columns of different names, not shift-0.2 twice',
    ],
    [
      'a setting for some columns only',
      { noise: NOISE, methods: { sam: { rho: { '0.2': 1, '0.4': 1 } } } },
      'methods.sam.rho["any-0.4"] is missing; allowed: a number for each of 0.2, 0.4, any-0.4, people, shift-0.4',
    ],
    [
      'an unknown data set',
      { data: { ...SUITE.data, dataset: 'imagenet' } },
      () => `data.dataset is "imagenet"; allowed: one of ${DATASETS.names.join(', ')}`,
    ],
    [
      'a number for a data set',
      { data: { ...SUITE.data, dataset: 1 } },
      'data.dataset is 1; allowed: the name',
    ],
    [
      'more images than the data set has',
      { data: { ...DATA, trainImages: 241 } },
      'data.trainImages is 241; allowed: a whole number from 12 to 240',
    ],
    [
      'more images than are left',
      { data: { ...DATA, trainImages: 220 } },
      'data.trainImages is 220; allowed: at most 216, those that are not held out',
    ],
    [
      'fewer images than classes',
      { data: { ...DATA, testImages: 11 } },
      'data.testImages is 11; allowed: a whole number from 12 to 120',
    ],
    [
      'held-out images that are not as many of each class',
      { data: { ...DATA, heldOut: 25 } },
      'data.heldOut is 25; allowed: a multiple of 12 from 12 to 48',
    ],
  ];
  for (const [what, changes, said] of cases)
    it(`in suites with ${what}: one line`, () =>
      expect(refused(changes)).to.include(typeof said === 'string' ? said : said()));

  it('are in the lists of what is allowed, beside our own', () => {
    const own = 'symmetric asymmetric pair matrix instance feature human file blend given'.split(' ');
    expect(NOISES.names.slice(0, own.length)).to.deep.equal(own);
    expect(NOISES.names).to.include('shift');
    expect(DATASETS.names.slice(0, 2)).to.deep.equal(['cifar10', 'cifar100']);
    expect(DATASETS.names).to.include('months');
  });

  it('are listed, all of them or those that are named', async () => {
    const [named, ...others] = await listed('method', ['unnormalised-sam']);
    expect(others).to.deep.equal([]);
    expect(named!.settings!.rho!.description).to.equal('factor of the gradient that is added to the weights');
    const all = await listed('noise', []);
    expect(all.map(({ name }) => name)).to.include.members(['symmetric', 'blend', 'given']);
    const error = await listed('noise', ['nosuch']).catch((e: Error) => e);
    expect((error as Error).message).to.match(
      /^nosuch: is no noise of this project, and no module by its name; allowed: one of symmetric, .* or the path of a file of yours/,
    );
  });
});
