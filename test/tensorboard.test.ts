// TensorBoard event files: read back as TFRecords, and held against those that TensorFlow itself writes.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import crc32c from 'crc-32/crc32c.js';
import jspb from 'google-protobuf';
import { writeTensorBoard } from '../src/cli/report.js';
import { createTensorBoardLog } from '../src/cli/tensorboard_log.js';
import { tf } from '../src/engine/tensorflow.js';
import { reportOf } from '../src/report/report.js';
import { writeTables } from '../src/report/write.js';
import { claim } from '../src/results/manifest.js';
import { EVENT_FILE, eventsOf, tensorBoardName } from '../src/results/tensorboard.js';
import { expand } from '../src/suite/expand.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

interface Event {
  time: number;
  step: number;
  version?: string;
  /** Scalars by tag. */
  scalars: Record<string, number>;
}

/** The events of a file, every checksum checked. */
function eventsIn(file: Uint8Array): Event[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const events: Event[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmasked(view.getUint32(at + 8, true))).to.equal(crc32c.buf(file.subarray(at, at + 8)) >>> 0);
    expect(unmasked(view.getUint32(at + 12 + length, true))).to.equal(crc32c.buf(data) >>> 0);
    events.push(eventIn(data));
    at += 16 + length;
  }
  return events;
}

function unmasked(masked: number): number {
  const turned = (masked - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

function eventIn(data: Uint8Array): Event {
  const event: Event = { time: 0, step: 0, scalars: {} };
  const reader = new jspb.BinaryReader(data);
  while (reader.nextField())
    switch (reader.getFieldNumber()) {
      case 1:
        event.time = reader.readDouble();
        break;
      case 2:
        event.step = reader.readInt64();
        break;
      case 3:
        event.version = reader.readString();
        break;
      case 5:
        reader.readMessage(event, (_, summary) => readSummary(summary, event));
        break;
      default:
        reader.skipField();
    }
  return event;
}

function readSummary(summary: jspb.BinaryReader, { scalars }: Event): void {
  while (summary.nextField())
    summary.readMessage(scalars, () => {
      let tag = '';
      while (summary.nextField())
        if (summary.getFieldNumber() === 1) tag = summary.readString();
        else if (summary.getFieldNumber() === 2) scalars[tag] = summary.readFloat();
        else if (summary.getFieldNumber() === 8) scalars[tag] = floatOf(summary);
        else summary.skipField();
    });
}

/** The one float of a TensorProto, as TensorFlow's newer writers have it. */
function floatOf(reader: jspb.BinaryReader): number {
  let value = Number.NaN;
  reader.readMessage({}, () => {
    while (reader.nextField())
      if (reader.getFieldNumber() === 5)
        value = reader.isDelimited() ? reader.readPackedFloat()[0]! : reader.readFloat();
      else reader.skipField();
  });
  return value;
}

const { graph, records } = synthetic({ seeds: [1, 2] });
const [run] = graph.runs;
const record = records.get(run!.id)!;

describe('TensorBoard event files', () => {
  it("hold a run's evaluations, at the times that the record tells", () => {
    const [begin, ...events] = eventsIn(eventsOf(record));
    expect(begin).to.deep.include({ version: 'brain.Event:2', scalars: {} });
    expect(events.map(({ step }) => step)).to.deep.equal([1, 2, 3, 4]);
    const { testAccuracy, testLoss, trainLoss, wrongLabelsFitted, trueLabelsRecovered, trainAccuracyTrue } =
      record.curve[1]!;
    expect(events[1]!.scalars).to.deep.equal({
      'accuracy/test': Math.fround(testAccuracy),
      'accuracy/train_on_true_labels': Math.fround(trainAccuracyTrue!),
      'loss/test': Math.fround(testLoss),
      'loss/train': Math.fround(trainLoss),
      'memorisation/true_labels_recovered': Math.fround(trueLabelsRecovered!),
      'memorisation/wrong_labels_fitted': Math.fround(wrongLabelsFitted!),
    });
    const end = Date.parse(record.provenance.finished) / 1000;
    expect(events.at(-1)!.time).to.equal(end);
    expect(events[1]!.time).to.be.closeTo(end - record.wallSeconds / 2, 1e-3);
  });

  it('leave out what there is nothing to say of', () => {
    const curve = [{ ...record.curve[0]!, wrongLabelsFitted: null, trueLabelsRecovered: null }];
    const [, event] = eventsIn(eventsOf({ ...record, curve }));
    expect(Object.keys(event!.scalars)).to.have.length(4);
  });

  it('say what those of TensorFlow say', async () => {
    const folder = await temporaryFolder();
    const writer = tf.node.summaryFileWriter(folder);
    for (const { epoch, testAccuracy } of record.curve) writer.scalar('accuracy/test', testAccuracy, epoch);
    writer.flush();
    const [name] = await readdir(folder);
    expect(name).to.include('tfevents');
    const of = (file: Uint8Array) =>
      eventsIn(file).flatMap(({ step, scalars }) =>
        'accuracy/test' in scalars ? [[step, scalars['accuracy/test']]] : [],
      );
    const theirs = of(await readFile(path.join(folder, name!)));
    expect(theirs).to.have.length(4);
    expect(of(eventsOf(record))).to.deep.equal(theirs);
  });

  it('grow while a run is trained, go on after an interruption, and are whole when it has finished', async () => {
    const out = await temporaryFolder();
    const file = path.join(out, 'tensorboard', 'sgd-20-seed1', EVENT_FILE);
    const steps = async () => eventsIn(await readFile(file)).map(({ step }) => step);
    const at = (epoch: number) => ({ epoch, epochs: 4, step: epoch, steps: 4, loss: 1 });
    const evaluated = (epoch: number) => ({ ...at(epoch), evaluation: record.curve[epoch - 1]! });
    const first = createTensorBoardLog(out);
    first.started!(run!);
    for (const progress of [at(1), evaluated(1), evaluated(2)]) first.progressed!(run!, progress);
    expect(await steps()).to.deep.equal([0, 1, 2]);
    const second = createTensorBoardLog(out);
    second.begins!(graph, new Map());
    second.started!(run!);
    second.progressed!(run!, { ...at(2), resumed: true });
    second.progressed!(run!, evaluated(3));
    expect(await steps()).to.deep.equal([0, 1, 2, 3]);
    second.finished!(run!, record);
    expect(await steps()).to.deep.equal([0, 1, 2, 3, 4]);
    // One that begins anew does not add to what was there.
    second.started!(run!);
    second.progressed!(run!, evaluated(1));
    expect(await steps()).to.deep.equal([0, 1]);
    createTensorBoardLog(out).begins!(graph, records);
    expect(new Uint8Array(await readFile(file))).to.deep.equal(eventsOf(record));
  });

  it('are in folders whose names lead nowhere else', () => {
    const files = { '../../x': 'ab'.repeat(32), 'a/b': 'cd'.repeat(32), a_b: 'ef'.repeat(32) };
    const noise = { kind: 'file' as const, files };
    const runs = expand({ ...graph.suite, noise, seeds: [1], methods: { sgd: {} } }).runs;
    const names = runs.map(tensorBoardName);
    for (const name of names) expect(name).to.match(/^sgd-[\w.-]+$/);
    expect(new Set(names).size).to.equal(3);
    expect(names[2]).to.equal('sgd-a_b-seed1');
  });

  it('can be made later from the records', async () => {
    const out = await temporaryFolder();
    await claim(out, graph.suite);
    await writeTables(out, reportOf(graph, records));
    const folder = await writeTensorBoard(out);
    const names = await readdir(folder);
    expect(names).to.have.members(graph.runs.map(tensorBoardName));
    const file = path.join(folder, tensorBoardName(run!), EVENT_FILE);
    expect(new Uint8Array(await readFile(file))).to.deep.equal(eventsOf(record));
  });
});
