// Compiled training programs, kept while runs of the same kind follow one another.
import { compiledSession } from '../engine/compile.js';
import type { Session } from '../engine/program.js';
import { canonicalJson, type RunSpec } from '../suite/spec.js';
import { type ProgramSpec, trainingProgram } from './training_program.js';

/** One per combination of batch and gradient; more would only hold memory. */
const KEPT = 4;
const sessions = new Map<string, Session>();

/** The part of a run's spec that its compiled program depends on. */
export function programSpecOf({ model, batch, gradient, data, training }: RunSpec): ProgramSpec {
  return {
    model,
    batchSize: training.batchSize,
    batch: batch.kind,
    gradient: gradient.kind,
    groupSize: gradient.kind === 'sam' ? gradient.m : 0,
    augment: data.augment === 'flip-crop',
    trainImages: data.trainImages,
    testImages: data.testImages,
    momentum: training.momentum,
    weightDecay: training.weightDecay,
    clipNorm: training.clipNorm,
  };
}

/** A session that can run `spec`; its data and weights are those of whoever used it last. */
export async function sessionFor(spec: RunSpec): Promise<Session> {
  const program = programSpecOf(spec);
  const key = canonicalJson({ program, precision: spec.precision });
  const session = sessions.get(key) ?? (await compiledSession(trainingProgram(program), spec.precision));
  sessions.delete(key);
  sessions.set(key, session);
  for (const [oldest, held] of sessions) {
    if (sessions.size <= KEPT) break;
    held.dispose();
    sessions.delete(oldest);
  }
  return session;
}
