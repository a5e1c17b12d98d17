// How many labels are wrong, and which: estimates on made-up networks whose truth is known, and the commands around them.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { decode } from 'fast-png';
import { type Estimates, estimate, estimatesOf } from '../src/cli/estimate.js';
import { run } from '../src/cli/run.js';
import { type SuspectsOptions, suspects } from '../src/cli/suspects.js';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages } from '../src/data/datasets/dataset.js';
import type { Examined } from '../src/execution/examine.js';
import { integer, normal, type Stream, stream } from '../src/io/random.js';
import { contactSheet } from '../src/report/contact_sheet.js';
import { InputError } from '../src/spec/errors.js';
import {
  anchorMatrix,
  mixtureRate,
  rateOfAgreement,
  rocAuc,
  testedRate,
} from '../src/statistics/label_errors.js';
import type { RunJob, Trainer } from '../src/training/job.js';
import { CIFAR, fakeEngine, fakeTrain, suiteFile } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const CLASSES = 10;

/** Labels of which a share is wrong, symmetrically. */
function noisy(truth: Uint8Array, rate: number, next: Stream): Uint8Array {
  return truth.map((label) => (next() < rate ? (label + 1 + integer(next, 9)) % 10 : label));
}

describe('estimates of the noise rate', () => {
  it("INCV's closed form is the inverse of how often two draws of noisy labels agree", () => {
    for (const e of [0, 0.1, 0.2, 0.4, 0.6, 0.8])
      expect(rateOfAgreement((1 - e) ** 2 + e ** 2 / 9, CLASSES)).to.be.closeTo(e, 1e-9);
    expect(rateOfAgreement(0.05, CLASSES)).to.be.closeTo(0.9, 1e-9);
  });

  it('a network that is right on half of the images tells the rate by what it is on clean ones', () => {
    const next = stream(1, 'tested');
    const truth = Uint8Array.from({ length: 50_000 }, () => integer(next, 10));
    for (const rate of [0, 0.2, 0.4, 0.6, 0.8]) {
      const given = noisy(truth, rate, next);
      const said = noisy(truth, 0.5, next);
      const agreed = said.filter((label, i) => label === given[i]).length / said.length;
      expect(testedRate(agreed, 0.5, CLASSES)).to.be.closeTo(rate, 0.02);
    }
    expect([testedRate(0.9, 0.5, CLASSES), testedRate(0, 0.5, CLASSES)]).to.deep.equal([0, 1]);
    // A network that knows no more than chance says nothing.
    expect([testedRate(0.1, 0.1, CLASSES), testedRate(0.12, 0.08, CLASSES)]).to.deep.equal([null, null]);
  });

  it('two normal distributions of losses are told apart', () => {
    const next = stream(1, 'mixture');
    for (const rate of [0.1, 0.3, 0.5, 0.8]) {
      const losses = Array.from({ length: 20_000 }, (_, i) =>
        i < rate * 20_000 ? 4 + 0.7 * normal(next) : 1 + 0.4 * normal(next),
      );
      expect(mixtureRate(losses)).to.be.closeTo(rate, 0.01);
    }
  });

  it('anchor points give the matrix of a network that knows it', () => {
    const matrix = Array.from({ length: CLASSES }, (_, t) =>
      Array.from({ length: CLASSES }, (_, g) => (g === t ? 0.7 : g === (t + 1) % 10 ? 0.2 : 0.1 / 8)),
    );
    const next = stream(1, 'anchors');
    const values = new Float32Array(5000 * CLASSES);
    for (let i = 0; i < 5000; i++) {
      // One image in ten is sure, so that each class has more of them than the 3 % that are passed over.
      const sure = next() < 0.5 ? 1 : 0.3 + 0.4 * next();
      const t = i % CLASSES;
      for (let g = 0; g < CLASSES; g++) values[i * CLASSES + g] = sure * matrix[t]![g]! + (1 - sure) * 0.1;
    }
    for (const [t, row] of anchorMatrix({ values, classes: CLASSES }).entries())
      for (const [g, share] of row.entries()) expect(share).to.be.closeTo(matrix[t]![g]!, 1e-5);
  });

  it('the area under the ROC curve counts pairs, ties for half', () => {
    const scores = [3, 1, 2, 2, 0];
    const positive = [true, false, true, false, false];
    // Pairs of positive and negative: 3 above 1, 2, 0; 2 above 1 and 0 and level with 2.
    expect(rocAuc(scores, (i) => positive[i]!)).to.equal(5.5 / 6);
    expect(rocAuc(scores, () => false)).to.equal(null);
  });

  it('come together from evaluations of which some know more', () => {
    const next = stream(1, 'together');
    const truth = Uint8Array.from({ length: 20_000 }, (_, i) => i % 10);
    const given = noisy(truth, 0.4, next);
    const accuracies = [0.3, 0.6];
    const probabilities = accuracies.map((accuracy) => {
      const said = noisy(truth, 1 - accuracy, next);
      return Float32Array.from({ length: 200_000 }, (_, at) =>
        at % 10 === said[Math.floor(at / 10)] ? 0.82 : 0.02,
      );
    });
    const images = { train: { ...blankImages(cifar10, 1), labels: truth } };
    const found = estimatesOf({
      probabilities,
      accuracies,
      given,
      images,
      dataset: cifar10,
    } as unknown as Examined);
    expect(found.tested).to.be.closeTo(0.4, 0.02);
    expect(found.truth!.rate).to.be.closeTo(0.4, 0.02);
    const unverified = {
      probabilities,
      accuracies,
      given,
      images,
      dataset: { ...cifar10, unverified: true },
    };
    expect(estimatesOf(unverified as unknown as Examined).truth).to.equal(undefined);
  });
});

/** The true labels of the runs' images. */
let trueLabels: Uint8Array = new Uint8Array();

/** Is 90 % sure of every image: of its label, if it is trained on a part and has learned it there, else of its true class. */
const knowing: Trainer<RunJob> = async (job, onProgress, signal) => {
  const outcome = await fakeTrain(job, onProgress, signal);
  if (!job.examined) return outcome;
  const learned = new Set(job.only);
  const logProbabilities = outcome.curve.map(() =>
    Float32Array.from({ length: job.targetLabels.length * 10 }, (_, at) => {
      const i = Math.floor(at / 10);
      const said = learned.has(i) ? job.targetLabels[i]! : trueLabels[i]!;
      return Math.log(at % 10 === said ? 0.9 : 0.1 / 9);
    }),
  );
  return { ...outcome, curve: outcome.curve.map((one) => ({ ...one, testAccuracy: 100 })), logProbabilities };
};

describe('labelnoise estimate and suspects', function () {
  this.timeout(60_000);
  const using = { ...fakeEngine, train: knowing };
  let out: string;

  before(async () => {
    out = path.join(await temporaryFolder(), 'out');
    const suite = await suiteFile({
      methods: { sgd: {}, mixup: { alpha: 1 }, 'bootstrap-mixup': { alpha: 1 } },
    });
    const quiet = { begins() {}, finished() {}, stop() {} };
    expect(await run(suite, { out }, using, quiet as never, () => {})).to.equal(0);
    const { ImagesOfRuns } = await import('../src/data/subset.js');
    const { readOwnGraph } = await import('../src/results/manifest.js');
    const [first] = (await readOwnGraph(out)).runs;
    trueLabels = new ImagesOfRuns(CIFAR).of(first!.spec).train.labels;
  });

  it('tell how many labels are wrong, of each noise, by networks that have not seen them', async () => {
    let printed = '';
    const found = await estimate(out, {}, using, (text) => {
      printed += text;
    });
    expect(found.size).to.equal(4);
    const rates = [...found.values()].map(({ tested, truth }: Estimates) => [tested, truth!.rate]);
    for (const [i, rate] of [0.2, 0.4, 0.6, 0.8].entries())
      for (const value of rates[i]!) expect(value).to.be.closeTo(rate, 1e-9);
    expect(printed)
      .to.include('SGD, 20 %, seed 1')
      .and.include('points off')
      .and.include('Transition matrix');
  });

  const options = (noise: string, more: object = {}): SuspectsOptions => ({
    selection: { method: ['sgd'], noise: [noise] },
    ...more,
  });

  it('rank what is probably wrong, and write it as CSV and pictures', async () => {
    const folder = await temporaryFolder();
    const [csv, sheet] = [path.join(folder, 's.csv'), path.join(folder, 's.png')];
    let printed = '';
    const { ranked, figures } = await suspects(out, options('40', { csv, sheet }), using, (text) => {
      printed += text;
    });
    expect(figures).to.deep.equal({ precision: 1, recall: 1, auc: 1 });
    expect(ranked.filter(({ score }) => score > 0)).to.have.lengthOf(20);
    expect(printed).to.match(
      /with the same weights: 20 of 50 labels are suspect; precision 100\.0 %, recall 100\.0 %, ROC-AUC 1\.000/,
    );
    const rows: Record<string, string>[] = parse(await readFile(csv, 'utf8'), { columns: true });
    expect(rows).to.have.lengthOf(50);
    for (const [i, row] of rows.entries()) {
      expect(row.rank).to.equal(String(i + 1));
      expect(row.suggested_label === row.true_label).to.equal(i < 20);
      expect(cifar10.classNames[Number(row.given_label)]).to.equal(row.given_class);
    }
    const png = decode(await readFile(sheet));
    // Five rows of ten pictures of 96 pixels, two lines of text under each.
    expect([png.width, png.height]).to.deep.equal([10 * 104 + 8, 5 * (96 + 24 + 8) + 8]);
  });

  it('take one run by its id, in the forms that it is written in', async () => {
    const { readOwnGraph } = await import('../src/results/manifest.js');
    const [first] = (await readOwnGraph(out)).runs;
    for (const target of [`${out}/${first!.id}`, `${out}/runs/${first!.id}.json`])
      expect((await suspects(target, {}, using, () => {})).ranked).to.have.lengthOf(50);
  });

  it('refuse in a line what cannot be examined', async () => {
    const refused = async (made: Promise<unknown>) => {
      const error = await made.then(
        () => undefined,
        (e: Error) => e,
      );
      expect(error).to.be.instanceOf(InputError);
      return error!.message;
    };
    expect(await refused(suspects(out, {}, using, () => {}))).to.match(
      /4 runs are chosen; allowed: one, e\.g\. /,
    );
    expect(await refused(estimate(`${out}/0123456789abcdef`, {}, using, () => {}))).to.match(
      /has no run 0123456789abcdef/,
    );
    const selection = { method: ['bootstrap-mixup'], noise: [] };
    expect(await refused(estimate(out, { selection }, using, () => {}))).to.match(
      /learns given labels is chosen; allowed: of sgd, mixup/,
    );
  });
});

describe('a contact sheet', () => {
  it('has the pictures as they are, enlarged, ten a row', () => {
    const picture = (value: number) => ({
      bytes: new Uint8Array(32 * 32 * 3).fill(value),
      lines: ['cat', 'dog'] as const,
    });
    const { data, width, height } = decode(contactSheet([10, 20, 30].map(picture), 32, 3));
    expect([width, height]).to.deep.equal([3 * 104 + 8, 96 + 24 + 16]);
    const at = (x: number, y: number) => [...data.slice((y * width + x) * 3, (y * width + x) * 3 + 3)];
    expect([at(8, 8), at(8 + 104 + 95, 8 + 95), at(8 + 208, 50)]).to.deep.equal([
      [10, 10, 10],
      [20, 20, 20],
      [30, 30, 30],
    ]);
    expect(at(8 + 96, 50)).to.deep.equal([255, 255, 255]);
    // The c of `cat`: .XX over X.. in dots of two pixels.
    const dots = [0, 1, 2].map((x) => at(8 + 2 * x, 8 + 96 + 2)[1]! < 200);
    expect(dots).to.deep.equal([false, true, true]);
  });
});
