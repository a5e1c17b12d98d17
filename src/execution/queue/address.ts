// Where a queue's Redis is, and how to get in: what is secret of that is never shown.
import type { RedisOptions } from 'ioredis';
import { InputError } from '../../spec/errors.js';
import { isName, NAME } from '../../spec/fields.js';

/** A queue's Redis. */
export interface QueueAddress {
  /** The URL, without user name and password: what is shown. */
  shown: string;
  /** What all keys begin with. */
  prefix: string;
  /** What messages are signed with: LABELNOISE_QUEUE_KEY, or else the password. */
  secret: string;
  /** How often a command that does not come to the server is tried again. */
  options: RedisOptions;
}

const ALLOWED =
  'allowed: redis://host:port or rediss://host:port (with TLS), with or without a /database number behind it';

/**
 * The queue that a command means: `--queue`, or else LABELNOISE_QUEUE. Passwords come from the environment alone, since everybody
 * on a machine can read its command lines, and are taken out of it, so that no process started from here has them.
 *
 * @throws InputError
 */
export function queueAddress(
  given: string | undefined,
  prefix = 'labelnoise',
  environment: NodeJS.ProcessEnv = process.env,
): QueueAddress {
  const text = given ?? environment.LABELNOISE_QUEUE;
  const source = given === undefined ? 'LABELNOISE_QUEUE' : '--queue';
  if (!text)
    throw new InputError(`--queue: there is none, and LABELNOISE_QUEUE is not set either; ${ALLOWED}`);
  if (!isName(prefix)) throw new InputError(`--prefix ${prefix}: allowed: ${NAME}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What cannot be read may hold a password all the same.
  if (!url) throw new InputError(`${source}: is no URL; ${ALLOWED}`);
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  if (given !== undefined && url.password)
    throw new InputError(
      `--queue ${shown}: a password on a command line can be read by everybody on the machine; put it into LABELNOISE_QUEUE_PASSWORD, or the whole address into LABELNOISE_QUEUE`,
    );
  const [, db] = /^\/?(\d{0,5})$/.exec(url.pathname) ?? [];
  if (!['redis:', 'rediss:'].includes(url.protocol) || !url.hostname || db === undefined || url.search)
    throw new InputError(`${source} ${shown}: ${ALLOWED}`);
  const password = url.password ? decoded(url.password) : (environment.LABELNOISE_QUEUE_PASSWORD ?? '');
  const secret = environment.LABELNOISE_QUEUE_KEY || password;
  for (const name of ['LABELNOISE_QUEUE', 'LABELNOISE_QUEUE_PASSWORD', 'LABELNOISE_QUEUE_KEY'])
    delete environment[name];
  return {
    shown,
    prefix,
    secret,
    options: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 6379),
      db: Number(db || 0),
      ...(url.username && { username: decoded(url.username) }),
      ...(password && { password }),
      ...(url.protocol === 'rediss:' && { tls: {} }),
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
