// What OUT/events.jsonl says of the execution that wrote to it last: which runs are under way, and how far.
import path from 'node:path';
import { z } from 'zod';
import { textIfThere } from '../io/files.js';
import type { Evaluation } from '../spec/record.js';
import { watchedShape } from './record_schema.js';

export const EVENTS = 'events.jsonl';

/** A run that has begun and is not over. */
export interface RunUnderWay {
  /** Epoch under way, counted from 1; 0 before the first step. */
  epoch: number;
  epochs: number;
  /** Of its steps, how many are done, 0 to 1. */
  share: number;
  /** Of the last step; null before the first. */
  loss: number | null;
  /** What was evaluated since it began, or went on. */
  curve: Evaluation[];
}

/** Runs under way by their ids, and why those that failed did. */
export interface RunStatus {
  underWay: Map<string, RunUnderWay>;
  failures: Map<string, string>;
}

const percent = z.number().nullable();
/** An evaluation as it is told on the way. */
export const evaluationShape = z.object({
  epoch: z.int().min(1),
  trainLoss: z.number().nullable(),
  testAccuracy: z.number(),
  testLoss: z.number().nullable(),
  wrongLabelsFitted: percent,
  trueLabelsRecovered: percent,
  trainAccuracyTrue: z.number().nullable(),
  ...watchedShape,
});
const run = z.string();
const line = z.discriminatedUnion('event', [
  z.object({ event: z.enum(['begin', 'stopped']) }),
  z.object({ event: z.literal('started'), run }),
  z.object({
    event: z.literal('progress'),
    run,
    epoch: z.number(),
    epochs: z.number(),
    step: z.number(),
    steps: z.number().positive(),
    loss: z.number().nullable(),
    evaluation: evaluationShape.optional(),
  }),
  z.object({ event: z.literal('finished'), run }),
  z.object({ event: z.enum(['failed', 'retried']), run, reason: z.string() }),
]);

/** Follows the log's lines in their order; other and torn lines say nothing. */
export function happeningIn(log: string): RunStatus {
  const underWay = new Map<string, RunUnderWay>();
  const failures = new Map<string, string>();
  for (const text of log.split('\n')) {
    const said = parsed(text);
    if (said?.event === 'begin' || said?.event === 'stopped') underWay.clear();
    if (said?.event === 'begin') failures.clear();
    if (!said || !('run' in said)) continue;
    if (said.event === 'started')
      underWay.set(said.run, { epoch: 0, epochs: 0, share: 0, loss: null, curve: [] });
    else if (said.event === 'progress') {
      const { epoch, epochs, step, steps, loss } = said;
      const seen = (underWay.get(said.run)?.curve ?? []).filter((e) => e.epoch !== said.evaluation?.epoch);
      const curve = said.evaluation ? [...seen, said.evaluation as Evaluation] : seen;
      underWay.set(said.run, { epoch, epochs, share: step / steps, loss, curve });
    } else if (said.event !== 'retried') underWay.delete(said.run);
    if (said.event === 'failed') failures.set(said.run, said.reason);
  }
  return { underWay, failures };
}

function parsed(text: string): z.infer<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What a folder's log says; nothing if it has none. */
export async function readHappening(out: string): Promise<RunStatus> {
  return happeningIn((await textIfThere(path.join(out, EVENTS)).catch(() => undefined)) ?? '');
}
