// A suite as it travels to those who make its runs elsewhere: all that they need, and of what code it is.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { VERSION } from '../io/project.js';
import { type Difference, firstDifference } from '../results/difference.js';
import { RECORD_FORMAT } from '../results/record_schema.js';
import { InputError } from '../spec/errors.js';
import { describeProblem } from '../spec/problem.js';
import { ALGORITHM_VERSION, canonicalJson } from '../spec/run_spec.js';
import { expand, type RunGraph, type RunNode } from '../suite/expand.js';
import { parseResolvedSuite } from '../suite/load.js';
import type { Plan } from '../suite/plan.js';
import type { LabelSets } from '../suite/resolve.js';
import { loadUserFiles, userFiles } from '../suite/user_files.js';
import { userSeconds, watch } from '../user/guard.js';

/** What both sides must have the same of. */
const SIDES = { version: VERSION, algorithm: ALGORITHM_VERSION, format: RECORD_FORMAT, protocol: 1 };

const header = z.object({
  version: z.string(),
  algorithm: z.number(),
  format: z.number(),
  protocol: z.number(),
});
const content = header.extend({
  /** Tells this commission from others of the same suite. */
  token: z.string().regex(/^[0-9a-f]{32}$/, 'thirty-two hexadecimal digits'),
  suite: z.record(z.string(), z.unknown()),
  terms: z.object({ kinds: z.enum(['one', 'any']), needs: z.record(z.string(), z.string()) }),
  /** Labels of the whole training set in base64, by their SHA-256. */
  labels: z.record(z.string(), z.string()),
  /** The users' files that it names, bundled. */
  code: z.array(
    z.object({
      kind: z.enum(['method', 'noise', 'dataset', 'network', 'augmentation']),
      path: z.string(),
      module: z.object({
        file: z.string(),
        sha256: z.hash('sha256'),
        code: z.string(),
        sources: z.array(z.string()),
        text: z.string(),
      }),
    }),
  ),
});

/** Who may make a suite's runs. */
export interface Terms {
  /** Whether all runs are made by machines of one kind, which compute the same bits, or by any. */
  kinds: 'one' | 'any';
  /** What workers must have: labels and their values. */
  needs: Record<string, string>;
}

/** A suite's runs, to be made elsewhere. */
export interface Commission {
  token: string;
  graph: RunGraph;
  byId: ReadonlyMap<string, RunNode>;
  /** Ids of the runs that learn from a run, by its id. */
  students: ReadonlyMap<string, string[]>;
  labelSets: LabelSets;
  terms: Terms;
}

/** The text of a commission of a whole suite. */
export function commissionText({ whole, labelSets }: Plan, terms: Terms, token: string): string {
  const labels = [...labelSets].map(([sha256, labels]) => [sha256, Buffer.from(labels).toString('base64')]);
  const { suite } = whole;
  const code = userFiles().filter(({ path, module }) => suite.files?.[path]?.sha256 === module.sha256);
  return canonicalJson({ ...SIDES, token, terms, suite, labels: Object.fromEntries(labels), code });
}

/** What becomes of the users' code that a suite brings. */
export type CodeUse = 'loaded' | 'refused' | 'described';

/**
 * @param where what to call it in errors
 * @param code `described`: it is not loaded, and nothing can be computed with it
 * @throws InputError if it is damaged, of another version of this project, or brings code that is refused
 */
export async function readCommission(text: string, where: string, code: CodeUse): Promise<Commission> {
  const damaged = (damage: string) =>
    new InputError(`${where}: the suite that it holds is damaged: ${damage}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  const head = header.safeParse(parsed);
  if (head.error) throw damaged(describeProblem(head.error, parsed));
  for (const [side, here] of Object.entries(SIDES)) {
    const there = head.data[side as keyof typeof SIDES];
    if (there !== here)
      throw new InputError(
        `${where}: its suite comes from labelnoise of ${side} ${JSON.stringify(there)}, here it is ${JSON.stringify(here)}; allowed: the same, install that`,
      );
  }
  const whole = content.safeParse(parsed);
  if (whole.error) throw damaged(describeProblem(whole.error, parsed));
  const labelSets = new Map<string, Uint8Array>();
  for (const [sha256, base64] of Object.entries(whole.data.labels)) {
    const labels = new Uint8Array(Buffer.from(base64, 'base64'));
    const found = createHash('sha256').update(labels).digest('hex');
    if (found !== sha256) throw damaged(`labels ${sha256} have the SHA-256 ${found}`);
    labelSets.set(sha256, labels);
  }
  const [first] = whole.data.code;
  if (first && code === 'refused')
    throw new InputError(
      `${where}: its suite brings code of its author's (${first.path}, SHA-256 ${first.module.sha256}); a worker runs that with --allow-code, which trusts all who can submit`,
    );
  if (first && code === 'loaded') {
    watch(userSeconds(), 'SIGKILL', 'labelnoise: ');
    await loadUserFiles(whole.data.code);
  }
  const suite = parseResolvedSuite(whole.data.suite, `${where}: suite`);
  const { token, terms } = whole.data;
  const graph = expand(suite);
  const byId = new Map(graph.runs.map((run) => [run.id, run]));
  const students = new Map<string, string[]>();
  for (const { id, dependsOn } of graph.runs)
    for (const teacher of dependsOn) students.set(teacher, [...(students.get(teacher) ?? []), id]);
  return { token, graph, byId, students, labelSets, terms };
}

/** In what two commissions differ, but for their tokens. */
export function commissionDifference(before: string, after: string): Difference | undefined {
  // Where code lay is no part of what it does; the suite says which it is.
  const untold = (text: string) => ({ ...JSON.parse(text), token: '', code: [] });
  return firstDifference(untold(before), untold(after));
}
