// Connections to a queue's Redis, and what can be wrong with them in words.
import { Redis } from 'ioredis';
import { InputError } from '../../spec/errors.js';
import type { QueueAddress } from './address.js';

/** Seconds without an answer after which a connection counts as dead. */
const SILENCE_SECONDS = 15;
/** How far this machine's clock may be from the queue's: delays and what is shown depend on it, results do not. */
const CLOCK_SECONDS = 60;

/**
 * Connects, and makes sure that it is a Redis that can be used and whose clock agrees with this machine's.
 *
 * @param patient true: once it was reached, what fails to reach it is tried again for ever, as in workers
 * @throws InputError
 */
export async function connect(address: QueueAddress, patient: boolean): Promise<Redis> {
  let reached = false;
  let last: unknown;
  const redis = new Redis({
    ...address.options,
    lazyConnect: true,
    connectTimeout: 5000,
    socketTimeout: 1000 * SILENCE_SECONDS,
    maxRetriesPerRequest: patient ? null : 3,
    // Who waits for hours does not mind a server that is slow to begin with.
    retryStrategy: (times) =>
      (reached ? patient || times <= 5 : patient && times <= 2) ? Math.min(100 * 2 ** times, 5000) : null,
  });
  redis.on('error', (error) => {
    last = error;
  });
  try {
    await redis.connect();
    const [seconds] = await redis.time();
    const off = Math.round(Date.now() / 1000 - Number(seconds));
    if (Math.abs(off) > CLOCK_SECONDS)
      throw new InputError(
        `${address.shown}: this machine's clock is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} the queue's; allowed: ${CLOCK_SECONDS} s (set both by NTP)`,
      );
    reached = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    throw explained(
      address,
      /^Connection is closed/.test((error as Error).message) ? (last ?? error) : error,
    );
  }
}

/** Codes and beginnings of messages, and what they mean. */
const REASONS: [RegExp, string][] = [
  [/ECONNREFUSED/, 'nothing listens there; start redis-server, or correct the address'],
  [/ENOTFOUND|EAI_AGAIN/, 'there is no host of that name'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timed out|Socket timeout/, 'it does not answer'],
  [/NOAUTH/, 'it wants a password; put it into LABELNOISE_QUEUE_PASSWORD'],
  [/WRONGPASS|invalid password|invalid username/, 'the password is wrong'],
  [/no password is set|without any password configured/, 'it has no password, but one was given'],
  [/NOPERM/, 'the user may not use what a queue needs'],
  [
    /SELF_SIGNED|UNABLE_TO|CERT_|self-signed|certificate/,
    'its certificate is not trusted; NODE_EXTRA_CA_CERTS names a file of those that are to be',
  ],
  [/EPROTO|SSL|wrong version number/, 'it does not speak TLS there; try redis://'],
  [/^Protocol error|ERR_PARSER|^Unknown RESP|Unexpected.*reply|unknown command/, 'it is no Redis server'],
  [/^OOM /, 'its memory is used up (maxmemory); give it more, and do the same again'],
  [/^MISCONF/, 'it cannot write to its disk; make room there, and do the same again'],
  [/^READONLY/, 'it is a read-only replica; name the primary'],
  [/^LOADING/, 'it is loading its data; try again in a moment'],
  [
    /ECONNRESET|EPIPE|Connection is closed|max retries per request|Stream isn't writeable/,
    'the connection broke off',
  ],
];

/**
 * What went wrong with a queue as an InputError where the user can mend it. Errors of the client hold the command that failed,
 * which may be the one with the password: it is left out of what is thrown.
 */
export function explained(address: QueueAddress, error: unknown): Error {
  if (error instanceof InputError) return error;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  const [, reason] = REASONS.find(([sign]) => sign.test(message) || sign.test(code)) ?? [];
  if (reason) return new InputError(`${address.shown}: ${reason}`);
  return Object.assign(new Error(`${address.shown}: ${message || code}`), { stack: (error as Error).stack });
}

/** Whether it may be tried again: the server has no room, or is busy. */
export function isPassing(error: unknown): boolean {
  return /^(OOM|MISCONF|READONLY|LOADING|BUSY|TRYAGAIN|CLUSTERDOWN) |ECONN|EPIPE|closed|timed out|timeout/i.test(
    (error as Error).message,
  );
}
