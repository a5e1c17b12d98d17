// Accuracy last, best and chosen on the noisy labels of the validation images: what the loop measures, and what tables make of it.
import { expect } from 'chai';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages } from '../src/data/datasets/dataset.js';
import { Preparer } from '../src/execution/prepare.js';
import { integer, stream } from '../src/io/random.js';
import { captionOf } from '../src/report/caption.js';
import { runsCsv, threeWaysCsv } from '../src/report/csv.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import { reportOf } from '../src/report/report.js';
import { tableTexts } from '../src/report/write.js';
import { recordFaults } from '../src/results/consistency.js';
import { parseRecord, recordText } from '../src/results/record_schema.js';
import { chosenEpoch, threeWays } from '../src/results/three_ways.js';
import { encodeLabels } from '../src/spec/labels.js';
import { LOSS_BIN, type RunRecord } from '../src/spec/record.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { labelFit } from '../src/training/evaluation.js';
import type { TrainingJob } from '../src/training/job.js';
import { train } from '../src/training/train.js';
import { fakeRecord, SUITE } from './fakes.js';

const suite = { ...SUITE, data: { ...SUITE.data, heldOut: 10 } } as ResolvedSuite;
const graph = expand(suite);
const [first] = graph.runs;

/** A record with these test accuracies, and these on the noisy labels of the validation images. */
function recordWith(id: string, test: number[], noisy?: number[]): RunRecord {
  const run = graph.runs.find((one) => one.id === id)!;
  const record = fakeRecord(run, test.at(-1)!);
  const curve = record.curve.map((evaluation, i) => ({
    ...evaluation,
    testAccuracy: test[i]!,
    ...(noisy && { noisyHeldOutAccuracy: noisy[i]! }),
  }));
  return { ...record, curve };
}

describe('accuracy three ways', () => {
  it('is that of the last, the best and the epoch with most noisy labels of validation images right, the first of equals', () => {
    expect(chosenEpoch(recordWith(first!.id, [50, 40]))).to.equal(undefined);
    expect(chosenEpoch(recordWith(first!.id, [50, 40], [30, 20]))!.epoch).to.equal(1);
    expect(chosenEpoch(recordWith(first!.id, [50, 40], [30, 30]))!.epoch).to.equal(1);
    expect(chosenEpoch(recordWith(first!.id, [50, 40], [20, 30]))!.epoch).to.equal(2);
  });

  it('comes last in runs.csv, in a file of its own and under the table; without it all are as they were', () => {
    const records = (noisy?: number[]) =>
      new Map(graph.runs.map(({ id }) => [id, recordWith(id, [50, 40], noisy)]));
    const [plain, measured] = [reportOf(graph, records()), reportOf(graph, records([30, 20]))];
    expect(runsCsv(plain).split('\n')[0]).to.match(/,wall_seconds$/);
    expect(runsCsv(measured).split('\n')[0]).to.match(/,wall_seconds,chosen_epoch,chosen_test_accuracy$/);
    expect(runsCsv(measured).split('\n')[1]).to.match(/,1,50\.00$/);
    expect(Object.keys(tableTexts(plain))).not.to.include('three_ways.csv');
    const [header, row] = threeWaysCsv(measured)!.split('\n');
    expect(header).to.equal('method,noise_rate,cost,last,best_oracle,chosen_on_noisy,gap');
    expect(row).to.equal('sgd,20,1.00,40.00,50.00,50.00,10.00');
    const lines = captionOf(measured).notes.join('\n');
    expect(lines).to.include('ORACLE');
    expect(lines).to.match(/SGD \(cost 1\): 20 % 40\.00 \/ 50\.00 \/ 50\.00 \(\+10\.00\)/);
    expect(captionOf(plain).notes.join('\n')).not.to.include('Three ways');
    const ways = (report: typeof plain) =>
      pageDataOf([{ name: 'out', report }]).folders[0]!.otherWays.map(({ way, cells }) => [
        way,
        cells[0]!.mean,
      ]);
    expect(ways(plain)).to.deep.equal([['best', 50]]);
    expect(ways(measured)).to.deep.equal([
      ['best', 50],
      ['chosen', 50],
    ]);
  });

  it('is kept by records, which may be without, and held against the number of images', () => {
    const record = recordWith(first!.id, [50, 40], [30, 20]);
    expect(parseRecord(recordText(record))).to.deep.equal({ record });
    const with35 = recordWith(first!.id, [50, 40], [35, 20]);
    const faults = (of: RunRecord) => recordFaults(of, first!).filter((fault) => fault.includes('HeldOut'));
    expect(faults(record)).to.deep.equal([]);
    expect(faults(with35)).to.deep.equal([
      'curve[0].noisyHeldOutAccuracy is 35; right: a whole number of 10 images, such as 40',
    ]);
  });

  it('has noisy labels of every noise that asks for no network', () => {
    const layers = [
      { kind: 'pair', rates: [0.1] },
      { kind: 'symmetric', rates: [0.4], redraw: 'other' },
    ];
    const labelsOf = (noise: object) => {
      const { runs } = expand({ ...suite, noise, methods: { sgd: {} } } as ResolvedSuite);
      const loaded = { train: blankImages(cifar10, 200), test: blankImages(cifar10, 40) };
      return new Preparer(loaded, new Map()).prepare(runs.find(({ dependsOn }) => !dependsOn.length)!).job
        .heldOutLabels;
    };
    expect(labelsOf({ kind: 'blend', layers })).to.have.length(10);
  });

  it('counts what a student costs with its teacher', () => {
    const records = new Map(graph.runs.map((run) => [run.id, recordWith(run.id, [50, 50], [50, 50])]));
    const cost = (method: string) => threeWays(graph, records).find((row) => row.method === method)!.cost;
    expect([cost('sgd'), cost('sam'), cost('bootstrap-sam'), cost('bootstrap-mixup')]).to.deep.equal([
      1, 2, 4, 2,
    ]);
  });

  it('is measured on noisy labels of the validation images, which no run is trained on', async () => {
    const next = stream(1, 'pixels');
    const whole = (count: number) => ({
      ...blankImages(cifar10, count),
      images: new Uint8Array(count * 3072).map(() => integer(next, 256)),
    });
    const loaded = { train: whole(200), test: whole(40) };
    const preparer = new Preparer(loaded, new Map());
    const run = graph.runs.find(({ spec }) => spec.noise.rate === 0.8) ?? first!;
    const { job } = preparer.prepare(run);
    expect(job.heldOutLabels).to.have.length(10);
    const again = new Preparer(loaded, new Map()).prepare(run).job;
    expect(again.heldOutLabels).to.deep.equal(job.heldOutLabels);
    const images = (count: number) => whole(count);
    const data = {
      train: { ...images(suite.data.trainImages), labels: job.noisyLabels },
      test: images(suite.data.testImages),
      heldOut: { ...images(10), labels: job.heldOutLabels! },
    };
    const { curve, fit, predictions } = await train(
      { ...job, ...data },
      () => {},
      new AbortController().signal,
    );
    for (const { noisyHeldOutAccuracy } of curve) expect(noisyHeldOutAccuracy! % 10).to.equal(0);
    // What is learned are the true labels here.
    const total = (counts: readonly number[]) => counts.reduce((sum, n) => sum + n, 0);
    expect([fit!.losses!.right, fit!.losses!.wrong].map(total)).to.deep.equal([50, 0]);
    const predicted = (label: number) => predictions.filter((one) => one === label).length;
    expect(fit!.confusion.map((_, p) => total(fit!.confusion.map((row) => row[p]!)))).to.deep.equal(
      Array.from({ length: 10 }, (_, label) => predicted(label)),
    );
    // Without these images the training is the same, but for that figure.
    const { heldOut: _, ...rest } = data;
    const without = await train({ ...job, ...rest }, () => {}, new AbortController().signal);
    expect(without.curve).to.deep.equal(
      curve.map(({ noisyHeldOutAccuracy: __, ...evaluation }) => evaluation),
    );
  });
});

describe('what a network makes of the labels it learned from', () => {
  const count = 50;
  /** Image i is of class i mod 10; of the first ten the label is the next class, and the network learns it of the first five. */
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  const noisy = labels.map((label, i) => (i < 10 ? (label + 1) % 10 : label));
  const job = {
    spec: first!.spec,
    train: { ...blankImages(cifar10, count), labels },
    noisyLabels: noisy,
    targetLabels: noisy,
  } as TrainingJob;
  const predictions = labels.map((label, i) => (i < 5 ? noisy[i]! : label));
  // Right labels at 0.1, wrong ones at 3 where they are learned and beyond the last bin where they are not; one that is not a number.
  const losses = Float32Array.from({ length: count }, (_, i) => (i < 5 ? 3 : i < 10 ? 20 : 0.1));
  losses[49] = Number.NaN;
  const fit = labelFit(job, { predictions, losses, loss: 1 });

  it('is counted by losses, of right and of wrong labels, and by labels given and predicted', () => {
    const bins = (counts: readonly number[]) =>
      Object.fromEntries(counts.flatMap((n, bin) => (n ? [[bin * LOSS_BIN, n]] : [])));
    expect(bins(fit.losses!.right)).to.deep.equal({ 0: 39, 7.75: 1 });
    expect(bins(fit.losses!.wrong)).to.deep.equal({ 3: 5, 7.75: 5 });
    // Label 1: four of its own class, and one of class 0 that is taken for it.
    expect(fit.confusion[1]).to.deep.equal([0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
    // Label 7: its own, and one of class 6 that is taken for what it is.
    expect(fit.confusion[7]).to.deep.equal([0, 0, 0, 0, 0, 0, 1, 4, 0, 0]);
  });

  it('is kept by records, which may be without, and held against their noise and predictions', () => {
    const transitions = Array.from({ length: 10 }, (_, t) =>
      Array.from({ length: 10 }, (_, g) => (g === t ? 4 : g === (t + 1) % 10 ? 1 : 0)),
    );
    const record: RunRecord = {
      ...fakeRecord(first!, 40),
      noise: { rate: 0.2, transitions },
      predictions: encodeLabels(predictions, 10),
      fit,
    };
    expect(parseRecord(recordText(record))).to.deep.equal({ record });
    const faults = (of: RunRecord) => recordFaults(of, first!).filter((fault) => fault.startsWith('fit.'));
    expect(faults(record)).to.deep.equal([]);
    const confusion = fit.confusion.map((row) => [...row]);
    confusion[1]![1]!--;
    confusion[2]![1]!++;
    expect(faults({ ...record, fit: { ...fit, confusion } })).to.deep.equal([
      'fit.confusion (sum of each row) is [5,4,6,5,5,5,5,5,5,5]; right: [5,5,5,5,5,5,5,5,5,5]',
    ]);
    const less = { right: fit.losses!.right.map(() => 0), wrong: fit.losses!.wrong };
    expect(faults({ ...record, fit: { ...fit, losses: less } })).to.deep.equal([
      'fit.losses (sum) is 10; right: 50',
    ]);
    expect(parseRecord(recordText({ ...record, fit: { confusion: [[1]] } }))).to.include.keys('damage');
  });
});
