// Curves as TensorBoard reads them: TFRecord files of `Event` messages (tensorflow/core/util/event.proto), a folder a run.
import crc32c from 'crc-32/crc32c.js';

import jspb = require('google-protobuf');

import type { Evaluation, RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';

/** Where a results folder keeps them. */
export const TENSORBOARD = 'tensorboard';

/** A file's name within its run's folder; TensorBoard looks for `tfevents` in it. */
export const EVENT_FILE = 'events.out.tfevents.labelnoise';

/** The scalars by TensorBoard's names for them. */
const SCALARS: Record<string, (evaluation: Evaluation) => number | null> = {
  'accuracy/test': ({ testAccuracy }) => testAccuracy,
  'accuracy/train_on_true_labels': ({ trainAccuracyTrue }) => trainAccuracyTrue,
  'loss/test': ({ testLoss }) => testLoss,
  'loss/train': ({ trainLoss }) => trainLoss,
  'memorisation/true_labels_recovered': ({ trueLabelsRecovered }) => trueLabelsRecovered,
  'memorisation/wrong_labels_fitted': ({ wrongLabelsFitted }) => wrongLabelsFitted,
};

/** What TensorBoard calls a run; the name of its folder, so of harmless characters only. */
export function tensorBoardName({ id, method, noiseSetting, spec }: RunNode): string {
  const name = `${method}-${noiseSetting.label}-seed${spec.seed}`;
  const harmless = name.replace(/[^\w.@=+,-]/g, '_');
  return harmless === name ? name : `${harmless}-${id.slice(0, 8)}`;
}

/** A finished run's file. Its times are reckoned from the run's end, so that the same record makes the same bytes. */
export function eventsOf({ curve, wallSeconds, provenance, spec }: RunRecord): Uint8Array {
  const end = Date.parse(provenance.finished) / 1000;
  const timeOf = ({ epoch }: Evaluation) => end - wallSeconds * (1 - epoch / spec.training.epochs);
  return joined([
    fileBegin(end - wallSeconds),
    ...curve.map((evaluation) => eventOf(evaluation, timeOf(evaluation))),
  ]);
}

/** What every file begins with. @param time in seconds since 1970 */
export function fileBegin(time: number): Uint8Array {
  const event = new jspb.BinaryWriter();
  event.writeDouble(1, time);
  event.writeString(3, 'brain.Event:2');
  return framed(event.getResultBuffer());
}

/** An evaluation as one event; the epoch is its step. @param time in seconds since 1970 */
export function eventOf(evaluation: Evaluation, time: number): Uint8Array {
  const event = new jspb.BinaryWriter();
  event.writeDouble(1, time);
  event.writeInt64(2, evaluation.epoch);
  event.writeMessage(5, evaluation, (_, summary) => {
    for (const [tag, of] of Object.entries(SCALARS)) {
      const scalar = of(evaluation);
      if (scalar === null) continue;
      summary.writeMessage(1, scalar, (_, value) => {
        value.writeString(1, tag);
        value.writeFloat(2, scalar);
      });
    }
  });
  return framed(event.getResultBuffer());
}

/** A TFRecord: length, its checksum, data, their checksum. */
function framed(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(data.length + 16);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return frame;
}

/** A CRC-32C, turned and shifted as TFRecords have it. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
