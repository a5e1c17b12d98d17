// Downloads over bad lines: what has come is kept and gone on from, rates are said on the way, and only the right hash counts.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import prettyBytes from 'pretty-bytes';
import { InputError } from '../spec/errors.js';
import { cacheFolder } from './cache.js';
import { makeFolder } from './paths.js';
import { PROJECT_ROOT } from './project.js';

/** A file on a server, known by its hash. */
export interface RemoteFile {
  name: string;
  bytes: number;
  sha256: string;
  /** Where it is: an address, or what npm calls a package (`name@version`). Asked only when something is to be fetched. */
  address: string | ((signal?: AbortSignal) => Promise<string>);
}

/** Whom a download tells what, and who can stop it. */
export interface Listener {
  /** Takes a line about each step. */
  say(line: string): void;
  signal?: AbortSignal | undefined;
  /** Where a bar is drawn if it is a terminal; elsewhere lines say how far it is. */
  stream?: NodeJS.WriteStream;
  /** Milliseconds before the first new attempt. */
  pause?: number;
}

/** Attempts in a row that bring nothing, after which it is given up. */
const FRUITLESS = 3;
/** A line that says nothing for so long is taken for cut. */
const SILENCE_MILLISECONDS = 30_000;
/** Between lines that say how far it is. */
const LINE_MILLISECONDS = 10_000;
/** What a rate is the mean of. */
const RATE_MILLISECONDS = 10_000;

/** The folder of the cache where downloads lie until they are unpacked, and where they may be put by hand. */
export const downloadsFolder = () => path.resolve(cacheFolder('downloads'));

/** Whether nothing may be fetched. @throws InputError if LABELNOISE_OFFLINE is neither 0 nor 1 */
export function isOffline(): boolean {
  const set = process.env.LABELNOISE_OFFLINE || '0';
  if (set !== '0' && set !== '1') throw new InputError(`LABELNOISE_OFFLINE is "${set}"; allowed: 0 or 1`);
  return set === '1';
}

/** A file as who has to get it elsewhere needs to know it. */
export function described({ name, bytes, sha256 }: Pick<RemoteFile, 'name' | 'bytes' | 'sha256'>): string {
  return `${name} (${prettyBytes(bytes)}, SHA-256 ${sha256})`;
}

/**
 * Makes sure that a file lies whole in the downloads folder: it is there, or what is missing of it is fetched, over as many
 * connections as that takes.
 *
 * @returns its path
 * @throws InputError if the line is too bad: what has come is kept; another Error, in one line, if the file cannot be had there at all;
 *   an AbortError once `signal` is aborted
 */
export async function download(file: RemoteFile, listener: Listener): Promise<string> {
  const { say, signal, pause = 1000 } = listener;
  const offline = isOffline();
  const folder = downloadsFolder();
  const whole = path.join(folder, file.name);
  const there = await sha256Of(whole, signal);
  if (there === file.sha256) return whole;
  if (offline) {
    const how = there === undefined ? 'is not in' : 'has another SHA-256 in';
    throw new Error(`nothing is fetched offline, and ${described(file)} ${how} ${folder}`);
  }
  makeFolder(folder);
  const partial = `${whole}.${process.pid}.partial`;
  await takeOver(folder, file.name, partial);
  let size = await sizeOf(partial);
  if (size > file.bytes) size = 0;
  say(
    `  ${file.name}: ${prettyBytes(file.bytes)}${size ? `, of which ${prettyBytes(size)} are there already` : ''}`,
  );
  const wasThere = size > 0;
  for (let fruitless = 0; size < file.bytes; ) {
    const before = size;
    let reason = 'the connection ended';
    try {
      await fetchFrom(file, partial, size, listener);
    } catch (error) {
      signal?.throwIfAborted();
      if (isOfDisk(error) || isFinal(error)) throw error;
      reason = (error as Error).message.split('\n', 1)[0]!;
    }
    size = await sizeOf(partial);
    if (size >= file.bytes) break;
    fruitless = size > before ? 0 : fruitless + 1;
    const kept = `${prettyBytes(size)} of ${prettyBytes(file.bytes)}`;
    if (fruitless === FRUITLESS && size === 0) throw new Error(`nothing came (${reason})`);
    if (fruitless === FRUITLESS)
      throw new InputError(
        `${file.name}: broken off (${reason}); ${kept} are kept: the same command goes on from there`,
      );
    say(`  broken off at ${kept} (${reason}): going on`);
    await setTimeout(pause * 2 ** fruitless, undefined, signal ? { signal } : {});
  }
  const found = await sha256Of(partial, signal);
  if (found !== file.sha256) {
    await rm(partial, { force: true });
    // What came over several connections may be of two files; what came at once is another file.
    if (wasThere) return download(file, listener);
    throw new Error(`what came has the SHA-256 ${found}; right: ${file.sha256}`);
  }
  await rename(partial, whole);
  return whole;
}

/** Removes a file that is unpacked. One that was put there by hand, for machines without a network, stays. */
export async function discard(file: string): Promise<void> {
  if (!isOffline()) await rm(file, { force: true });
}

/** Makes what a process that is gone had fetched of a file this one's. */
async function takeOver(folder: string, name: string, partial: string): Promise<void> {
  for (const found of await readdir(folder)) {
    const [, pid] = (found.startsWith(`${name}.`) && /\.(\d+)\.partial$/.exec(found)) || [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    // Another may be faster.
    await rename(path.join(folder, found), partial).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid !== process.pid && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Appends what one connection brings. */
async function fetchFrom(file: RemoteFile, partial: string, from: number, listener: Listener): Promise<void> {
  const { signal } = listener;
  const { default: fetch } = await import('npm-registry-fetch');
  const settings = await npmSettings();
  const options = { ...settings, signal, retry: { retries: 0 } };
  const { address } = file;
  const said = typeof address === 'string' ? address : await address(signal);
  // Of a package, where its registry says that it is; and then where npm is set to look instead.
  const { default: pacote } = await import('pacote');
  const url = await pacote.resolve(await pacote.resolve(said, options), options);
  const headers = { 'accept-encoding': 'identity', ...(from && { range: `bytes=${from}-` }) };
  const answer = await fetch(url, { ...options, headers });
  // A server that does not know ranges sends all of it.
  const start = answer.status === 206 ? from : 0;
  const told = answer.headers.get('content-range');
  if (answer.status === 206 && told && !told.startsWith(`bytes ${from}-`))
    throw new Error(`the server sends ${told} instead of the bytes from ${from} on`);
  const { body } = answer;
  const stop = () => body.destroy(new Error('stopped'));
  signal?.addEventListener('abort', stop);
  const progress = new Progress(file.bytes, start, listener);
  const silence = watchdog(() =>
    body.destroy(new Error(`nothing came for ${SILENCE_MILLISECONDS / 1000} s`)),
  );
  const handle = await open(partial, start ? 'r+' : 'w');
  try {
    let place = start;
    for await (const chunk of body) {
      silence.reset();
      // More than there can be is not kept: a server may send anything for ever.
      if (place + chunk.length > file.bytes)
        throw new Error(`the server sends more than ${prettyBytes(file.bytes)}`);
      await handle.write(chunk, 0, chunk.length, place);
      place += chunk.length;
      progress.at(place);
    }
  } finally {
    silence.end();
    progress.end();
    signal?.removeEventListener('abort', stop);
    await handle.close();
  }
}

function watchdog(bark: () => void) {
  let timer = globalThis.setTimeout(bark, SILENCE_MILLISECONDS);
  return {
    reset() {
      clearTimeout(timer);
      timer = globalThis.setTimeout(bark, SILENCE_MILLISECONDS);
    },
    end: () => clearTimeout(timer),
  };
}

/** Says how far a download is, as a bar or in lines. */
class Progress {
  private readonly bar: SingleBar | undefined;
  private readonly seen: { time: number; place: number }[] = [];
  private said = Date.now();

  constructor(
    private readonly bytes: number,
    start: number,
    private readonly listener: Listener,
  ) {
    const { stream = process.stderr } = listener;
    this.seen.push({ time: Date.now(), place: start });
    if (!stream.isTTY) return;
    const format = '  {bar} {percentage} %  {text}';
    this.bar = new SingleBar({ stream, format, hideCursor: true, barsize: 24, clearOnComplete: true });
    this.bar.start(bytes, start, { text: '' });
  }

  at(place: number): void {
    const time = Date.now();
    this.seen.push({ time, place });
    while (this.seen.length > 2 && time - this.seen[0]!.time > RATE_MILLISECONDS) this.seen.shift();
    const first = this.seen[0]!;
    const rate = ((place - first.place) * 1000) / Math.max(time - first.time, 1);
    const text = [
      `${prettyBytes(place)} of ${prettyBytes(this.bytes)}`,
      `${prettyBytes(Math.round(rate))}/s`,
      ...(rate > 0 ? [`${leftText((this.bytes - place) / rate)} left`] : []),
    ].join(', ');
    if (this.bar) this.bar.update(place, { text });
    else if (time - this.said >= LINE_MILLISECONDS) {
      this.said = time;
      this.listener.say(`  ${text}`);
    }
  }

  end(): void {
    this.bar?.stop();
  }
}

function leftText(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** Undefined if there is no such file. */
async function sha256Of(file: string, signal?: AbortSignal): Promise<string | undefined> {
  if (!(await stat(file).catch(() => undefined))?.isFile()) return undefined;
  const sha256 = createHash('sha256');
  for await (const chunk of createReadStream(file, signal ? { signal } : {})) sha256.update(chunk);
  return sha256.digest('hex');
}

/** Whether a server's answer will be the same if it is asked again. */
function isFinal(error: unknown): boolean {
  const { statusCode = 0 } = error as { statusCode?: number };
  return statusCode >= 400 && statusCode < 500 && ![408, 416, 429].includes(statusCode);
}

/** Whether an error is of the file system, which another attempt would not help. */
function isOfDisk(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === 'write' || syscall === 'open';
}

/** The settings of the user's npm, from the environment and every .npmrc: registry, sign-in, proxies, certificates. */
async function npmSettings(): Promise<Record<string, unknown>> {
  const { default: Config } = await import('@npmcli/config');
  const { default: npmDefinitions } = await import('@npmcli/config/lib/definitions/index.js');
  // A copy of the environment, because loading writes npm's settings into it.
  const config = new Config({ ...npmDefinitions, npmPath: PROJECT_ROOT, env: { ...process.env }, argv: [] });
  await config.load();
  // npm would otherwise keep a second copy in its own cache.
  return { ...config.flat, cache: undefined };
}
