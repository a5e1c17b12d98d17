// Compiled training programs, kept while runs of the same kind follow one another.
import { compiledSession } from '../engine/compile.js';
import type { Session } from '../engine/program.js';
import { architectureName } from '../models/catalogue.js';
import type { RunSpec } from '../spec/run_spec.js';
import type { Doing } from './job.js';
import { programKey, programSpecOf, recipeOf } from './program_spec.js';
import { trainingProgram } from './training_program.js';

/** One for each kind of step of the paper's methods; more would only hold memory. */
const KEPT = 4;
const sessions = new Map<string, Session>();

/** A session that can run `spec`; its data and weights are those of whoever used it last. */
export async function sessionFor(spec: RunSpec, onDoing: Doing = () => {}): Promise<Session> {
  const key = programKey(spec);
  let session = sessions.get(key);
  if (!session) {
    onDoing(`compiling ${architectureName(spec.model)}`);
    const program = trainingProgram(programSpecOf(spec), recipeOf(spec));
    session = await compiledSession(program, spec.precision);
  }
  sessions.delete(key);
  sessions.set(key, session);
  for (const [oldest, held] of sessions) {
    if (sessions.size <= KEPT) break;
    held.dispose();
    sessions.delete(oldest);
  }
  return session;
}
