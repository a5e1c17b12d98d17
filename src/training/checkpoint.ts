// The state of a run under way, on disk: what it takes to go on with the same bits.
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { Values } from '../engine/program.js';
import { explained, quarantine, writeWhole } from '../io/files.js';
import { PATH_ERRORS, readBounded } from '../io/paths.js';
import { CHECKPOINT_BYTES } from '../spec/limits.js';
import type { Evaluation } from '../spec/record.js';
import type { CheckpointInterval } from './job.js';

/** All that a run's next steps depend on. Random draws come from streams of the epoch: its place in the epoch is enough. */
export interface Checkpoint {
  /** Whose state it is: the run's id and the TensorFlow whose bits these are. */
  of: string;
  /** Epoch under way, counted from 1. */
  epoch: number;
  /** Steps done in this epoch. */
  stepsDone: number;
  /** Sum of the losses of these steps. */
  epochLoss: number;
  /** The last losses, to explain a divergence by. */
  recent: number[];
  curve: Evaluation[];
  wallSeconds: number;
  /** Parameters, momentum and statistics of each network. */
  model: Values;
  /** The method's own state, if it has any. */
  method?: Values;
  /** Places of the images that are trained on, if the method has chosen some. */
  select?: Int32Array;
  /** What the method keeps for itself. */
  memory?: Record<string, unknown>;
  /** What the record is to keep. */
  notes?: string[];
}

const HASH_BYTES = 32;

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest();

/** Replaces a run's checkpoint; the old one is there until the new one is on the disk. @throws InputError if it cannot be written */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const content = serialize(checkpoint);
  await writeWhole(file, Buffer.concat([sha256(content), content]));
}

/**
 * Reads a checkpoint if there is one. One that is damaged or of another run is moved aside.
 *
 * @throws InputError if the file cannot be read or moved
 */
export async function readCheckpoint(
  file: string,
  of: string,
): Promise<{ checkpoint?: Checkpoint; quarantined?: { file: string; damage: string } }> {
  const moved = async (damage: string) => ({ quarantined: { file: await quarantine(file), damage } });
  let bytes: Buffer;
  try {
    bytes = await readBounded(file, CHECKPOINT_BYTES);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    if (code in PATH_ERRORS) return moved(message);
    throw explained(error, `cannot read ${file}`);
  }
  const content = bytes.subarray(HASH_BYTES);
  if (!sha256(content).equals(bytes.subarray(0, HASH_BYTES))) return moved('its checksum is wrong');
  let checkpoint: Checkpoint | null;
  try {
    checkpoint = deserialize(content);
  } catch {
    return moved('it was written by a later version of Node');
  }
  if (checkpoint?.of !== of) return moved(`it is of ${checkpoint?.of}, not of ${of}`);
  return { checkpoint };
}

/** Tells when it is time for the next checkpoint. */
export class CheckpointClock {
  private last = performance.now();

  constructor(private readonly every: CheckpointInterval) {}

  /** Asked before each step, of which `stepsDone` are done in the epoch. */
  isTime(epoch: number, stepsDone: number): boolean {
    const { epochs, minutes = Number.POSITIVE_INFINITY } = this.every;
    if (epochs) return stepsDone === 0 && epoch > 1 && (epoch - 1) % epochs === 0;
    if (performance.now() - this.last < minutes * 60_000) return false;
    this.last = performance.now();
    return true;
  }
}
