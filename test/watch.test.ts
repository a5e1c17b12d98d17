// `labelnoise watch`: the page follows a suite, on this machine only, and nothing but the page can be had.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { createEventLog } from '../src/cli/event_log.js';
import { lock } from '../src/io/lock.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { type LiveServer, serveLive } from '../src/report/live_server.js';
import { happeningIn } from '../src/results/events.js';
import { claim } from '../src/results/manifest.js';
import { checkpointFile, writeFailure, writeRecord } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { close, open, startBrowser } from './support/browser.js';
import { labelnoise } from './support/commands.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
const { graph, records } = synthetic();
const [first, second, third] = graph.runs;
const progress = (epoch: number, evaluated = false) => ({
  epoch,
  epochs: 4,
  step: epoch * 5,
  steps: 20,
  loss: 1.5,
  ...(evaluated && { evaluation: records.get(second!.id)!.curve[epoch - 1]! }),
});

describe('the event log as a page reads it', () => {
  const line = (event: string, content: object = {}) =>
    `${JSON.stringify({ time: 'now', event, ...content })}\n`;

  it('tells which runs are under way, how far, and why others failed', () => {
    const log = [
      line('begin', { suite: 'tiny', pid: 1, runs: 20, finished: 0 }),
      line('started', { run: 'old' }),
      line('begin', { suite: 'tiny', pid: 2, runs: 20, finished: 0 }),
      ...['a', 'b', 'c', 'd'].map((run) => line('started', { run })),
      line('progress', { run: 'a', ...progress(1, true) }),
      line('progress', { run: 'a', ...progress(2) }),
      line('finished', { run: 'b', testAccuracy: 1, wallSeconds: 1 }),
      line('failed', { run: 'c', reason: 'no luck' }),
      line('retried', { run: 'd', reason: 'gone' }),
      '{"time": "now", "event": "progr',
    ].join('');
    const { underWay, failures } = happeningIn(log);
    expect([...underWay.keys()]).to.deep.equal(['a', 'd']);
    expect(underWay.get('a')).to.deep.include({ epoch: 2, epochs: 4, share: 0.5, loss: 1.5 });
    expect(underWay.get('a')!.curve.map(({ epoch }) => epoch)).to.deep.equal([1]);
    expect(failures).to.deep.equal(new Map([['c', 'no luck']]));
    expect(happeningIn(`${log}\n${line('stopped')}`).underWay.size).to.equal(0);
  });

  it('is nothing where it is none', () => {
    for (const log of ['', 'rubbish\n{}\n[1]\n{"event":"progress","run":1}\n'])
      expect(happeningIn(log)).to.deep.equal({ underWay: new Map(), failures: new Map() });
  });
});

describe('labelnoise watch', () => {
  let out: string;
  let server: LiveServer;
  beforeEach(async () => {
    out = path.join(await temporaryFolder(), 'out');
    await claim(out, graph.suite);
    server = await serveLive(out, 0);
  });
  afterEach(() => server.close());

  it('serves the page and its data, and no file of the folder', async () => {
    const page = await fetch(server.url);
    expect(page.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(await page.text()).to.match(/connect-src 'self'/);
    const data = (await (await fetch(`${server.url}data.json`)).json()) as { live: boolean };
    expect(data.live).to.equal(true);
    for (const wanted of [
      '/suite.json',
      '/report.html',
      '/../suite.json',
      '/..%2f..%2fetc/passwd',
      '//etc/passwd',
      '/data.json/..',
    ])
      expect(await statusOf({ path: wanted })).to.equal(404);
  });

  it('answers GET alone, by its own names alone, on loopback alone', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
      expect(await statusOf({ method })).to.equal(405);
    for (const host of ['evil.example', '127.0.0.1', 'localhost:1'])
      expect(await statusOf({ headers: { host } })).to.equal(403);
    expect(await statusOf({ headers: { host: `localhost:${port()}` } })).to.equal(200);
    const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address } of others.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      const socket = connect(port(), address);
      const [error] = await once(socket, 'error');
      expect((error as NodeJS.ErrnoException).code).to.be.oneOf([
        'ECONNREFUSED',
        'EHOSTUNREACH',
        'ENETUNREACH',
        'ETIMEDOUT',
      ]);
    }
  });

  it('says what is the matter when the folder can no longer be read, and recovers', async () => {
    await writeFile(path.join(out, 'suite.json'), '{');
    const answer = await fetch(server.url);
    expect(answer.status).to.equal(500);
    expect(await answer.text()).to.match(
      /out\/suite\.json: is damaged \(.*JSON.*\): restore it, or choose another folder with --out\n$/,
    );
    await claim(out, graph.suite);
    expect((await fetch(server.url)).status).to.equal(200);
  });

  it('refuses a port that is taken and what is no results folder, in one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const error = await serveLive(out, port).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.equal(
      `--port ${port}: another program has it; name another, or 0 for any free one`,
    );
    taken.close();
    for (const [args, said] of [
      [[out, '--port', '70000'], '--port 70000: must be a whole number from 0 to 65535'],
      [[path.dirname(out)], 'is no results folder'],
    ] as const) {
      const { status, stdout, stderr } = await labelnoise('.', ['watch', ...args]);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr)
        .to.match(/^labelnoise: [^\n]+\n$/)
        .and.to.include(said);
    }
  });

  it('prints its address and ends with Ctrl-C, also while it is watched', async () => {
    const child = spawn(process.execPath, [MAIN, 'watch', out], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await once(child.stdout, 'data');
    const [url] = /^http:\/\/127\.0\.0\.1:\d+\/(?=\n)/.exec(String(printed))!;
    const watching = await fetch(`${url}changes`);
    expect(watching.headers.get('content-type')).to.include('text/event-stream');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).to.deep.equal([130, null]);
    await watching.text().catch(() => {});
  });

  describe('in a browser', function () {
    this.timeout(60_000);
    let browser: Browser;
    before(async function () {
      browser = await startBrowser(this);
    });
    after(() => browser?.close());

    it('follows a suite, and leaves the reader where he is', async () => {
      const unlock = await lock(out, () => {});
      const log = createEventLog(out);
      log.begins!(graph, new Map());
      const watched = await open(browser, server.url);
      const { page } = watched;
      const seen = (text: string | RegExp) => page.locator('#page').getByText(text).first().waitFor();
      expect(await page.locator('.live').innerText()).to.equal('live');
      await seen('20 runs as a table');
      await page.getByText('20 runs as a table').click();
      await page.locator('#training').getByRole('radio', { name: '80 %' }).first().check({ force: true });
      await page.locator('#runs').scrollIntoViewIfNeeded();
      const place = async () => (await page.locator('#runs h2').boundingBox())!.y;
      const before = await place();

      log.started!(second!);
      log.progressed!(second!, progress(2, true));
      await seen('running: epoch 2 of 4');
      expect(await page.locator('progress').getAttribute('value')).to.equal('0.5');

      await writeRecord(out, records.get(first!.id)!);
      log.finished!(first!, records.get(first!.id)!);
      await seen(records.get(first!.id)!.curve.at(-1)!.testAccuracy.toFixed(2));

      await writeFailure(out, third!, 'no <b>luck</b>');
      log.failed!(third!, 'no <b>luck</b>');
      await seen('failed: no <b>luck</b>');

      // A run that is stopped has a checkpoint, and is no longer under way.
      await mkdir(path.join(out, 'checkpoints'));
      await writeFile(checkpointFile(out, second!.id), '');
      await unlock();
      await seen('begun: goes on from its checkpoint');

      expect(await page.locator('#runs details').getAttribute('open')).not.to.equal(null);
      expect(
        await page.locator('#training').getByRole('radio', { name: '80 %' }).first().isChecked(),
      ).to.equal(true);
      expect(await place()).to.be.closeTo(before, 100);
      await close(
        watched,
        ['', 'data.json', 'changes'].map((name) => server.url + name),
      );
    });

    it('says so when the server is gone', async () => {
      const { page } = await open(browser, server.url);
      await server.close();
      await page.locator('.live', { hasText: 'not connected' }).waitFor();
      await page.context().close();
    });
  });

  const port = () => Number(new URL(server.url).port);

  /** The status of an answer to a request as it is, not mended by a client. */
  async function statusOf(options: { path?: string; method?: string; headers?: Record<string, string> }) {
    const asked = request({ host: '127.0.0.1', port: port(), ...options }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  }
});
