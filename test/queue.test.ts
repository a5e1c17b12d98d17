// Suites through a queue, against a real Redis: the same tables whatever happens to workers, server and network, and nothing false in them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { status } from '../src/cli/status.js';
import { queueAddress } from '../src/execution/queue/address.js';
import { connect, explained } from '../src/execution/queue/connection.js';
import {
  jobDamage,
  jobText,
  readResult,
  resultText,
  type Seal,
  seal,
} from '../src/execution/queue/messages.js';
import { jobId, RunQueue } from '../src/execution/queue/queue.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { integer, stream } from '../src/io/random.js';
import { METHODS } from '../src/methods/catalogue.js';
import { queueContent } from '../src/report/live_queue.js';
import { serveLive } from '../src/report/live_server.js';
import { parseRecord } from '../src/results/record_schema.js';
import { InputError } from '../src/spec/errors.js';
import { expand, type RunNode } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE } from './fakes.js';
import { bytesChanges, changed, jsonChanges } from './support/fuzz.js';
import { standInEngine } from './support/honest_training.js';
import { badNetwork } from './support/proxy.js';
import { endWorkers, local, type Place, placeAt, tablesOf, Workers } from './support/queue_place.js';
import { freePort, TestRedis, until } from './support/redis.js';
import { temporaryFolder } from './support/temporary_folder.js';

/** How often a worker is killed, and how many messages are changed; more in `make queue-torture`. */
const KILLS = Number(process.env.QUEUE_KILLS ?? 3);
const MESSAGES = Number(process.env.QUEUE_MESSAGES ?? 400);

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
/** A method of a user's. */
const METHOD = `import { z } from 'labelnoise';
export default { name: 'mine', title: 'Mine', settings: z.object({}), cost: () => 1, recipe: () => ({}) };`;

const { runs } = expand(SUITE as ResolvedSuite);

async function problem(doing: Promise<unknown>): Promise<string> {
  const error = await doing.then(
    () => undefined,
    (error) => error,
  );
  expect(error).to.be.instanceOf(InputError);
  return error.message;
}

describe('a queue', function () {
  this.timeout(120_000);
  let redis: TestRedis;
  let place: Place;
  let reference: string;
  let tables: Record<string, string>;
  before(async () => {
    redis = await TestRedis.start('appendonly yes', 'appendfsync always');
    const { file } = await placeAt(redis);
    reference = path.join(await temporaryFolder(), 'local');
    await local(file, reference);
    tables = await tablesOf(reference);
  });
  after(() => redis.stop());
  afterEach(endWorkers);
  beforeEach(async () => {
    await redis.client.flushall();
    place = await placeAt(redis);
  });

  const collected = async (from = place) => {
    const out = path.join(await temporaryFolder(), 'out');
    expect(await from.collect(out)).to.equal(0);
    return tablesOf(out);
  };
  const finished = async (): Promise<number> => redis.client.hlen('labelnoise:results');

  it('gives three workers the runs of a suite, and the tables of one machine', async () => {
    const workers = new Workers(redis.environment(), 20);
    for (let i = 0; i < 3; i++) workers.start();
    const out = path.join(place.folder, 'out');
    expect(await place.submit({ out })).to.equal(0);
    await workers.end('SIGTERM');
    expect(await tablesOf(out)).to.deep.equal(tables);
    expect(place.printed).to.include('Bootstrap + SAM');
    const begun = [...workers.said.matchAll(/: begun$/gm)];
    expect(begun).to.have.length(20);
    expect(await collected()).to.deep.equal(tables);
    expect(await readdir(path.join(out, 'runs'))).to.have.length(20);
  });

  it('adds nothing when a suite is submitted twice, and what is in OUT already is not made again', async () => {
    expect(await place.submit()).to.equal(0);
    expect(place.printed).to.include('20 runs, 0 of them finished, 20 added');
    await place.submit();
    expect(place.printed).to.include('0 added');
    await redis.client.flushall();
    expect(await place.submit({ out: reference })).to.equal(0);
    expect(place.printed).to.include('20 of them finished, 0 added');
    expect(await collected()).to.deep.equal(tables);
  });

  it('trains a teacher once that several students share', async () => {
    const methods = {
      sam: { rho: 0.1 },
      'bootstrap-sam@a': { rho: 0.1 },
      'bootstrap-sam@b': { rho: 0.2 },
      'bootstrap-sam@c': { rho: 0.3 },
    };
    place = await placeAt(redis, { methods } as object);
    await place.submit();
    const begun: string[] = [];
    await place.work({ observer: { started: ({ method }) => begun.push(method) } });
    expect(begun).to.have.length(16);
    expect(begun.filter((method) => method === 'sam')).to.have.length(4);
    const out = path.join(place.folder, 'local');
    await local(place.file, out);
    expect(await collected()).to.deep.equal(await tablesOf(out));
  });

  it('makes a run that depends on a teacher and on the network whose guesses its noise is', async () => {
    const noise = { kind: 'feature', rates: [0.2, 0.4] };
    const methods = { sgd: {}, mixup: { alpha: 8 }, 'bootstrap-mixup': { alpha: 8 } };
    place = await placeAt(redis, { noise, methods } as object);
    const workers = new Workers(redis.environment(), 20);
    for (let i = 0; i < 3; i++) workers.start();
    const out = path.join(place.folder, 'out');
    expect(await place.submit({ out })).to.equal(0);
    await workers.end('SIGTERM');
    // The guesser, once, and three methods at two rates.
    expect([...workers.said.matchAll(/: begun$/gm)]).to.have.length(7);
    const records = await readdir(path.join(out, 'runs'));
    expect(records).to.have.length(7);
    const elsewhere = path.join(place.folder, 'local');
    await local(place.file, elsewhere);
    const runsOf = async (folder: string) =>
      Promise.all(
        records.map(async (name) => {
          const { id, noise, predictions, guesses, spec } = JSON.parse(
            await readFile(path.join(folder, 'runs', name), 'utf8'),
          );
          return { id, noise, predictions, guesses, spec };
        }),
      );
    const made = await runsOf(out);
    expect(made).to.deep.equal(await runsOf(elsewhere));
    expect(made.filter(({ guesses }) => guesses)).to.have.length(1);
    expect(made.filter(({ spec }) => spec.labels.from === 'predictions')).to.have.length(2);
    expect(await tablesOf(out)).to.deep.equal(await tablesOf(elsewhere));
  });

  it('keeps nothing of the state of a run that is made, nor of what killed trainings were writing of it', async () => {
    const checkpoints = path.join(place.folder, 'checkpoints');
    const killed = spawnSync(process.execPath, ['-e', '']).pid;
    const engine = standInEngine(1);
    const train: typeof engine.train = async (job, ...rest) => {
      const { file } = job.checkpoint!;
      await mkdir(path.dirname(file), { recursive: true });
      for (const name of [file, `${file}.${killed}-1-0.tmp`]) await writeFile(name, '');
      return engine.train(job, ...rest);
    };
    await place.submit();
    await place.work({ checkpoints, engine: { ...engine, train } });
    expect(await finished()).to.equal(20);
    const [token, ...others] = await readdir(checkpoints);
    expect(others).to.deep.equal([]);
    expect(await readdir(path.join(checkpoints, token!))).to.deep.equal([]);
  });

  it('overlooks no run that finishes while it is looked at', async () => {
    await place.submit();
    const queue = await place.queue();
    try {
      const commission = await queue.theCommission();
      const [run] = commission.graph.runs;
      const ranges = queue.jobs.getRanges.bind(queue.jobs);
      let finishing: Promise<unknown> | undefined;
      queue.jobs.getRanges = async (...asked) => {
        finishing ??= (async () => {
          await queue.redis.hset(queue.key('results'), run!.id, 'its result');
          await queue.jobs.remove(jobId(run!.id), { removeChildren: false });
        })();
        await finishing;
        return ranges(...asked);
      };
      const { results, waiting } = await queue.standing(commission);
      expect(finishing).not.to.equal(undefined);
      expect([...results]).to.deep.equal([run!.id]);
      expect(waiting.size).to.equal(19);
    } finally {
      await queue.close();
    }
  });

  it(`loses and repeats nothing when workers are killed, ${KILLS} times at random`, async function () {
    this.timeout(60_000 + 10_000 * KILLS);
    // Twenty runs for every three kills, so that there are some left to be killed at.
    const seeds = Array.from({ length: Math.ceil(KILLS / 3) }, (_, i) => i + 1);
    place = await placeAt(redis, { seeds });
    const workers = new Workers(redis.environment(), 300);
    const next = stream(1, 'kills');
    await place.submit();
    for (let i = 0; i < 3; i++) workers.start();
    for (let kills = 0; kills < KILLS; kills++) {
      await until(async () => (await redis.client.llen('labelnoise:runs:active')) > 0);
      await setTimeout(1000 * next());
      const [...all] = workers.all;
      all[integer(next, all.length)]!.kill('SIGKILL');
      workers.start();
    }
    await until(async () => (await finished()) === 20 * seeds.length, 120);
    await workers.end();
    const out = path.join(place.folder, 'local');
    await local(place.file, out);
    expect(await collected()).to.deep.equal(await tablesOf(out));
  });

  it('gives runs back when a worker is asked to stop', async () => {
    await place.submit();
    const stop = new AbortController();
    const begun: RunNode[] = [];
    const observer = {
      started(run: RunNode) {
        begun.push(run);
        if (begun.length === 4) stop.abort();
      },
    };
    await place.work({ signal: stop.signal, observer, lease: 60 }, 10_000);
    expect(await redis.client.llen('labelnoise:runs:active')).to.equal(0);
    await place.work({ lease: 60 });
    expect(await collected()).to.deep.equal(tables);
  });

  it('goes on when its server was killed and is started again', async () => {
    const workers = new Workers(redis.environment(), 150);
    await place.submit();
    for (let i = 0; i < 2; i++) workers.start(2);
    await until(async () => (await finished()) >= 4);
    await redis.kill();
    await setTimeout(1000);
    await redis.begin();
    await until(async () => (await finished()) === 20, 60);
    await workers.end('SIGTERM');
    expect(await collected()).to.deep.equal(tables);
  });

  it('waits where its server has no memory left, and loses no result', async () => {
    await place.submit();
    const workers = new Workers(redis.environment(), 100);
    for (let i = 0; i < 2; i++) workers.start();
    await until(async () => (await finished()) >= 3);
    await redis.client.config('SET', 'maxmemory', '1mb');
    await until(() => /OOM|memory/.test(workers.said));
    const then = await finished();
    await setTimeout(1500);
    expect(await finished()).to.equal(then);
    const { file } = await placeAt(redis);
    expect(await problem(place.submit())).to.match(/memory is used up|takes no more/);
    expect(file).not.to.equal('');
    await redis.client.config('SET', 'maxmemory', '0');
    await until(async () => (await finished()) === 20, 60);
    await workers.end('SIGTERM');
    expect(await collected()).to.deep.equal(tables);
  });

  it('changes no bit where the network delays and cuts', async () => {
    const network = await badNetwork(redis.port, stream(1, 'network'), 0.04);
    try {
      await place.submit();
      const workers = new Workers(redis.environment(network.port), 50);
      for (let i = 0; i < 3; i++) workers.start();
      await until(async () => (await finished()) === 20, 90);
      expect(network.cuts).to.be.above(3);
      await workers.end();
    } finally {
      network.close();
    }
    expect(await collected()).to.deep.equal(tables);
  });

  describe('believes nobody:', () => {
    /** All results, as they are in the server. */
    const resultsIn = () => redis.client.hgetall('labelnoise:results');
    const put = (id: string, text: string) => redis.client.hset('labelnoise:results', id, text);

    it('results that are forged, cut short, or another run’s do not count, and are made again', async () => {
      await place.submit();
      await place.work();
      const good = await resultsIn();
      const [a, b, c, d, e] = runs.filter(({ dependsOn }) => !dependsOn.length) as [
        RunNode,
        RunNode,
        RunNode,
        RunNode,
        RunNode,
      ];
      const content = good[a.id]!.slice(65);
      await put(a.id, seal({ secret: 'guessed', token: '0'.repeat(32) }, 'result', a.id, content));
      await put(b.id, good[b.id]!.slice(0, -200));
      await put(c.id, good[d.id]!);
      await put(d.id, good[d.id]!.replace(/"testAccuracy":[\d.]+/, '"testAccuracy":100'));
      await put(e.id, '');
      const out = path.join(place.folder, 'out');
      expect(await place.collect(out)).to.equal(1);
      expect(await readdir(path.join(out, 'runs'))).to.have.length(15);
      await place.submit();
      expect(place.printed).to.include('5 added; 5 results were refused and are made again');
      await place.work();
      expect(await place.collect(out)).to.equal(0);
      expect(await tablesOf(out)).to.deep.equal(tables);
    });

    it('a result of an earlier submission does not count in a later one', async () => {
      await place.submit();
      await place.work();
      const before = await resultsIn();
      await place.collect(path.join(place.folder, 'out'), { clear: true });
      expect(await redis.client.keys('*')).to.deep.equal([]);
      await place.submit();
      for (const [id, text] of Object.entries(before)) await put(id, text);
      const out = path.join(place.folder, 'again');
      expect(await place.collect(out)).to.equal(1);
      expect(await readdir(out)).not.to.include('runs');
    });

    it('a true record of figures that cannot be is refused although it is sealed', async () => {
      await place.submit();
      await place.work();
      const queue = await place.queue();
      const commission = await queue.theCommission();
      const by = queue.sealOf(commission);
      const run = runs[0]!;
      const found = parseRecord((await resultsIn())[run.id]!.slice(65));
      if (!('record' in found)) throw new Error(found.damage);
      const curve = found.record.curve.map((evaluation) => ({ ...evaluation, testAccuracy: 12.34 }));
      const read = readResult(by, run, resultText(by, { ...found.record, curve }));
      expect(read).to.have.property('damage').that.includes('testAccuracy is 12.34');
      await queue.close();
    });

    it(`of ${MESSAGES} messages changed at random none is taken, nor does one do harm`, async function () {
      this.timeout(60_000 + 20 * MESSAGES);
      const by: Seal = { secret: 'x', token: '1'.repeat(32) };
      await place.submit();
      await place.work();
      const texts = new Map<RunNode, string[]>();
      for (const run of runs) {
        const record = parseRecord((await resultsIn())[run.id]!.slice(65));
        if ('record' in record) texts.set(run, [jobText(by, run), resultText(by, record.record)]);
      }
      const one = fc.record({
        run: fc.constantFrom(...texts.keys()),
        kind: fc.constantFrom(0, 1),
        change: fc.oneof(
          bytesChanges.map((change) => ({ change, of: 'all' as const })),
          jsonChanges.map((change) => ({ change, of: 'content' as const })),
        ),
      });
      await fc.assert(
        fc.property(one, ({ run, kind, change: { change, of } }) => {
          const text = texts.get(run)![kind]!;
          // Of its values alone the seal stays: that is the change that only the seal can tell.
          const kept = of === 'all' ? 0 : 65;
          const other = text.slice(0, kept) + changed(Buffer.from(text.slice(kept)), change).toString();
          if (other === text) return;
          if (kind === 0) expect(jobDamage(by, run, other)).to.be.a('string');
          else expect(readResult(by, run, other)).to.have.property('damage');
        }),
        { seed: 1, numRuns: MESSAGES },
      );
    });

    it('jobs that were changed in the server fail in words, the others are made', async () => {
      await place.submit();
      const next = stream(2, 'jobs');
      const alone = runs.filter(({ method }) => method === 'sgd');
      const values = ['', '{', '{"message":7}', '[]', `{"message":"${'0'.repeat(64)} {}"}`];
      const broken = alone.slice(0, 3);
      for (const { id } of broken)
        await redis.client.hset(`labelnoise:runs:run-${id}`, 'data', values[integer(next, values.length)]!);
      await redis.client.hset(`labelnoise:runs:run-${alone[3]!.id}`, 'opts', 'nonsense');
      await redis.client.zadd('labelnoise:runs:prioritized', 0, 'no-such-job');
      await place.work({ lease: 2 });
      const done = await finished();
      expect(done).to.be.within(16, 17);
      const out = path.join(place.folder, 'out');
      expect(await place.collect(out)).to.equal(1);
      const names = await readdir(path.join(out, 'runs'));
      expect(names.filter((name) => name.includes('.failed.'))).to.have.length(20 - done);
      await place.submit();
      expect(place.printed).to.include(`${20 - done} added`);
      await place.work();
      expect(await place.collect(out)).to.equal(0);
      expect(await tablesOf(out)).to.deep.equal(tables);
    });
  });

  it('brings methods of users to workers that allow it, and to no others', async () => {
    const folder = await temporaryFolder();
    const methods = { './mine.mjs': {}, sgd: {} };
    await writeFile(path.join(folder, 'mine.mjs'), METHOD);
    const file = path.join(folder, 'tiny.json');
    await writeFile(file, JSON.stringify({ ...SUITE, name: 'mine', methods }));
    const cli = (...args: string[]) =>
      spawnSync(process.execPath, [MAIN, ...args], {
        env: { ...process.env, ...redis.environment() },
        encoding: 'utf8',
      });
    expect(cli('submit', file).stdout).to.include('8 runs, 0 of them finished, 8 added');
    const refused = cli('worker', '--once');
    expect(refused.status).to.equal(2);
    expect(refused.stderr).to.match(
      /brings code of its author's \(.\/mine.mjs, SHA-256 [0-9a-f]{64}\).*--allow-code/,
    );
    expect(
      await problem(place.work({ allowCode: true, address: { ...redis.address(), secret: '' } })),
    ).to.include('anybody who reaches the queue could have code run here');
    // The author's file is gone, and this process has never seen it.
    await rm(file);
    await rm(path.join(folder, 'mine.mjs'));
    const begun: string[] = [];
    try {
      await place.work({ allowCode: true, observer: { started: ({ method }) => begun.push(method) } });
      expect(begun.filter((method) => method === './mine.mjs')).to.have.length(4);
      const out = path.join(folder, 'out');
      expect(await place.collect(out)).to.equal(0);
      expect(await readFile(path.join(out, 'table4.md'), 'utf8')).to.include('Mine');
    } finally {
      // Other files' tests go through all methods.
      METHODS.remove('./mine.mjs');
    }
  });

  describe('says in a line', () => {
    const open = async (environment: NodeJS.ProcessEnv, given?: string) =>
      RunQueue.open(queueAddress(given, undefined, environment)).then((queue) => queue.close());

    it('what is wrong with its address, and shows no password', async () => {
      const secret = 'hunter2';
      const wrong: [NodeJS.ProcessEnv, string | undefined, RegExp][] = [
        [{}, undefined, /there is none.*redis:\/\//],
        [{}, 'nonsense', /--queue: is no URL/],
        [{}, 'http://127.0.0.1', /--queue http:\/\/127.0.0.1\/: allowed: redis:/],
        [{}, `redis://:${secret}@127.0.0.1:1`, /a password on a command line/],
        [{ LABELNOISE_QUEUE: `redis://:${secret}@127.0.0.1:${redis.port}` }, undefined, /password is wrong/],
        [{ LABELNOISE_QUEUE_PASSWORD: secret }, redis.url, /password is wrong/],
        [{}, redis.url, /wants a password/],
        [
          { LABELNOISE_QUEUE: `redis://:${secret}@127.0.0.1:${await freePort()}` },
          undefined,
          /nothing listens/,
        ],
        [{ LABELNOISE_QUEUE: `redis://:${secret}@no-such-host.invalid` }, undefined, /no host of that name/],
      ];
      for (const [environment, given, expected] of wrong) {
        const said = await problem((async () => open(environment, given))());
        expect(said).to.match(expected);
        expect(said).not.to.include(secret);
        expect(JSON.stringify(environment)).not.to.include(given ? '"LABELNOISE_QUEUE_PASSWORD"' : secret);
      }
      const leak = Object.assign(new Error('odd'), { command: { name: 'auth', args: [secret] } });
      expect(JSON.stringify(Object.entries(explained(redis.address(), leak)))).not.to.include(secret);
    });

    it('that a server is no Redis', async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as { port: number };
      expect(await problem(open({}, `redis://127.0.0.1:${port}`))).to.include('it is no Redis server');
      server.close();
    });

    it('that clocks differ', async () => {
      const now = Date.now;
      Date.now = () => now() + 75_000;
      try {
        expect(await problem(connect(redis.address(), false))).to.match(
          /clock is 7\d s ahead of the queue's/,
        );
      } finally {
        Date.now = now;
      }
    });

    it('that it holds another suite, or one of another version, password or kind of machine', async () => {
      const { file } = await placeAt(redis);
      await place.submit();
      const other = await placeAt(redis, { threads: 2 });
      expect(await problem(other.submit())).to.include(
        'holds the suite "tiny" with suite.threads = 1, asked for is 2',
      );
      const queue = await place.queue();
      const key = queue.key('suite');
      const text = (await redis.client.get(key))!.slice(65);
      const put = (content: string, secret = redis.password) =>
        redis.client.set(key, seal({ secret, token: '' }, 'suite', '', content));
      for (const [field, value] of [
        ['version', '9.9.9'],
        ['algorithm', 99],
        ['format', 99],
      ] as const) {
        await put(JSON.stringify({ ...JSON.parse(text), [field]: value }));
        const said = await problem(place.work());
        expect(said).to.include(
          `its suite comes from labelnoise of ${field} ${JSON.stringify(value)}, here it is`,
        );
      }
      await put(text, 'another');
      expect(await problem(place.work())).to.include('sealed with another password');
      await put(text.replace('"seeds":[1]', '"seeds":[]'));
      expect(await problem(place.work())).to.include('seeds');
      await put(text);
      await place.work();
      const kinds = await problem(
        place.work({
          engine: {
            ...(await import('./support/honest_training.js')).standInEngine(1),
            versions: async () => ({ tensorflow: '1', tfjs: '0', kernels: 'tensorflow' }),
          },
        }),
      );
      expect(kinds).to.match(/another kind.*tensorflow is "1" here, "0" there/);
      await queue.close();
      expect(file).to.include('tiny.json');
    });

    it('what workers must have', async () => {
      await place.submit({ need: { 'gpu-memory': '16', lab: 'north' } });
      expect(await problem(place.work())).to.include('gpu-memory of at least 16');
      expect(await problem(place.work({ labels: { 'gpu-memory': '24' } }))).to.include('lab north');
      await place.work({ labels: { 'gpu-memory': '24', lab: 'north' } });
      expect(await collected()).to.deep.equal(tables);
    });

    it('that the disk of who collects is full, and loses nothing', async function () {
      await place.submit();
      await place.work();
      const disk = path.join(place.folder, 'disk');
      await mkdir(disk);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', disk], { stdio: 'ignore' });
      } catch {
        return this.skip();
      }
      try {
        const said = await problem(place.collect(path.join(disk, 'out')));
        expect(said).to.include('no space left on the device');
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
      expect(await collected()).to.deep.equal(tables);
    });
  });

  it('shows its cells and workers, and the page of what it holds', async () => {
    await place.submit();
    const workers = new Workers(redis.environment(), 700, 5);
    workers.start(2);
    const queue = await place.queue();
    const commission = await queue.theCommission();
    const server = await serveLive(queueContent(queue, commission), 0);
    try {
      await until(async () => (await queue.standing(commission)).underWay.size === 2);
      let printed = '';
      Object.assign(process.env, redis.environment());
      await status({}, (text) => {
        printed += text;
      });
      expect(printed).to.match(/20 runs: \d+ finished, 2 under way, 1\d waiting, 0 failed/);
      expect(printed).to.match(/-\d+: .*, seed 1, \d+ %/);
      const page = await (await fetch(`${server.url}data.json`)).json();
      expect(JSON.stringify(page)).to.include('Bootstrap + SAM');
      const html = await (await fetch(server.url)).text();
      expect(html).to.include('<html').and.to.include('tiny');
    } finally {
      await server.close();
      await queue.close();
      await workers.end();
    }
  });

  it('shows no password in its processes’ arguments, nor to those that they start', async () => {
    const child = spawn(process.execPath, [MAIN, 'worker'], {
      env: { ...process.env, ...redis.environment() },
      stdio: 'ignore',
    });
    await setTimeout(1500);
    const lines = await readFile(`/proc/${child.pid}/cmdline`, 'utf8');
    child.kill('SIGKILL');
    expect(lines).to.include('worker').and.not.to.include(redis.password);
    const environment = redis.environment();
    queueAddress(undefined, undefined, environment);
    expect(environment).to.deep.equal({});
  });
});
