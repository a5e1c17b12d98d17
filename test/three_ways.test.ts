// Accuracy last, best and chosen on the noisy labels of the validation images: what the loop measures, and what tables make of it.
import { expect } from 'chai';
import { cifar10 } from '../src/data/datasets/cifar10.js';
import { blankImages } from '../src/data/datasets/dataset.js';
import { Preparer } from '../src/execution/prepare.js';
import { integer, stream } from '../src/io/random.js';
import { captionOf } from '../src/report/caption.js';
import { runsCsv, threeWaysCsv } from '../src/report/csv.js';
import { reportOf } from '../src/report/report.js';
import { tableTexts } from '../src/report/write.js';
import { recordFaults } from '../src/results/consistency.js';
import { parseRecord, recordText } from '../src/results/record_schema.js';
import { chosenEpoch, threeWays } from '../src/results/three_ways.js';
import type { RunRecord } from '../src/spec/record.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
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
    const { curve } = await train({ ...job, ...data }, () => {}, new AbortController().signal);
    for (const { noisyHeldOutAccuracy } of curve) expect(noisyHeldOutAccuracy! % 10).to.equal(0);
    // Without these images the training is the same, but for that figure.
    const { heldOut: _, ...rest } = data;
    const without = await train({ ...job, ...rest }, () => {}, new AbortController().signal);
    expect(without.curve).to.deep.equal(
      curve.map(({ noisyHeldOutAccuracy: __, ...evaluation }) => evaluation),
    );
  });
});
