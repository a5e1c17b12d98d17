// What a queue's jobs and results say, sealed: whatever was changed, cut short, or meant for another run is refused in words.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { recordFaults } from '../../results/consistency.js';
import { misfit, parseRecord, recordText } from '../../results/record_schema.js';
import type { RunRecord } from '../../spec/record.js';
import { canonicalJson } from '../../spec/run_spec.js';
import type { RunNode } from '../../suite/expand.js';

/** Characters of a message: labels of a whole training set and a curve of thousands of epochs have less. */
const MESSAGE_LENGTH = 32e6;

/** What messages are sealed with: whoever does not have the secret can make none, nor use one of another commission. */
export interface Seal {
  secret: string;
  /** The commission's token. */
  token: string;
}

/** What a message is about: a suite, the making of a run, its result, or what kind of machine makes them. */
export type Subject = 'suite' | 'job' | 'result' | 'kind';

const macOf = ({ secret, token }: Seal, subject: Subject, id: string, content: string) =>
  createHmac('sha256', secret).update([subject, token, id, content].join('\n')).digest('hex');

/** A message's text: its seal, a blank and its content. */
export function seal(by: Seal, subject: Subject, id: string, content: string): string {
  return `${macOf(by, subject, id, content)} ${content}`;
}

/** A message's content, if it is sealed as one of this subject and run. */
export function unseal(
  by: Seal,
  subject: Subject,
  id: string,
  text: unknown,
): { content: string } | { damage: string } {
  if (typeof text !== 'string') return { damage: 'there is none' };
  if (text.length > MESSAGE_LENGTH) return { damage: `it has more than ${MESSAGE_LENGTH} characters` };
  const content = text.slice(65);
  const [found, right] = [text.slice(0, 65), `${macOf(by, subject, id, content)} `].map((mac) =>
    Buffer.from(mac),
  );
  if (found!.length !== right!.length || !timingSafeEqual(found!, right!))
    return { damage: 'its seal is not what its content, its run and its queue would have' };
  return { content };
}

/** The message that has a run made. */
export function jobText(by: Seal, { id, spec }: RunNode): string {
  return seal(by, 'job', id, canonicalJson({ spec }));
}

/** In what a message does not mean to have this run made; undefined if it does. */
export function jobDamage(by: Seal, run: RunNode, text: unknown): string | undefined {
  const unsealed = unseal(by, 'job', run.id, text);
  if ('damage' in unsealed) return unsealed.damage;
  return unsealed.content === canonicalJson({ spec: run.spec })
    ? undefined
    : 'its spec is not that of the run';
}

/** The message that brings a run's record. */
export function resultText(by: Seal, record: RunRecord): string {
  return seal(by, 'result', record.id, recordText(record));
}

/** A run's record from a message, if that is whole, is the run's and can be true. */
export function readResult(
  by: Seal,
  run: RunNode,
  text: unknown,
): { record: RunRecord } | { damage: string } {
  const unsealed = unseal(by, 'result', run.id, text);
  if ('damage' in unsealed) return unsealed;
  const parsed = parseRecord(unsealed.content);
  if ('damage' in parsed) return { damage: parsed.damage };
  const { record } = parsed;
  if (record.id !== run.id) return { damage: `it is of the run ${record.id}` };
  const damage = misfit(record, run) ?? recordFaults(record, run)[0];
  return damage === undefined ? { record } : { damage };
}
