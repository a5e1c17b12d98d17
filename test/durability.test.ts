// A suite that is killed goes on, and ends with the same bits; a full disk stops it and loses nothing.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { writeWhole } from '../src/io/files.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { stream } from '../src/io/random.js';
import { readStored, writeRecord } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { readCheckpoint, writeCheckpoint } from '../src/training/checkpoint.js';
import { fakeRecord, SUITE } from './fakes.js';
import {
  canMount,
  type Ended,
  faultLibrary,
  MAIN,
  Ordeals,
  SUBJECTS,
  spread,
  start,
  type Tally,
} from './support/ordeals.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { childrenOf, contentOf, runTortured, runUndisturbed, STOP_MILLISECONDS } from './support/torture.js';

/** The smoke suite's runs at one noise rate, with checkpoints at every step. */
async function smallSuite(changes: object = {}): Promise<{ folder: string; suite: string }> {
  const folder = await temporaryFolder();
  const suite = path.join(folder, 'smoke.json');
  const smoke = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'smoke.json'), 'utf8'));
  const noise = { kind: 'symmetric', rates: [0.4], redraw: 'other' };
  const methods = { sgd: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } };
  const data = { trainImages: 128, testImages: 100, augment: 'none' };
  const training = { ...SUITE.training, batchSize: 16 };
  const checkpoint = { minutes: 1e-6 };
  await writeFile(
    suite,
    JSON.stringify({ ...smoke, data, noise, methods, training, checkpoint, ...changes }),
  );
  return { folder, suite };
}

describe('a suite that is killed', () => {
  it('goes on to the same tables, curves, predictions and weights', async function () {
    if (process.platform !== 'linux') this.skip();
    this.timeout(300_000);
    const { folder, suite } = await smallSuite();
    const [alone, tortured] = [path.join(folder, 'alone'), path.join(folder, 'tortured')];
    await runUndisturbed(suite, alone);
    const { parent, worker, both } = await runTortured(suite, tortured, 4, stream(3, 'torture'));
    expect(parent + worker + both).to.be.above(0);
    expect(await contentOf(tortured)).to.deep.equal(await contentOf(alone));
    for (const { weightsSha256 } of (await contentOf(tortured)).records)
      expect(weightsSha256).to.match(/^[0-9a-f]{64}$/);
    expect(await readdir(path.join(tortured, 'checkpoints'))).to.deep.equal([]);
    const lines = (await readFile(path.join(tortured, 'events.jsonl'), 'utf8')).trimEnd().split('\n');
    const finished = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'finished');
    expect(new Set(finished.map(({ run }) => run))).to.have.property('size', finished.length);
    // The record is written first: a command killed just after it does not live to tell.
    expect(finished).to.have.length.within(3 - parent - both, 3);
  });

  it('by Ctrl-C saves its runs and says how to go on; another command is told who is at it', async function () {
    this.timeout(120_000);
    const training = { ...SUITE.training, batchSize: 16, epochs: 10_000 };
    const { folder, suite } = await smallSuite({ training, checkpoint: { minutes: 60 } });
    const args = [MAIN, 'run', suite, '--out', path.join(folder, 'out')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const events = path.join(folder, 'out', 'events.jsonl');
    while (!(await readFile(events, 'utf8').catch(() => '')).includes('"progress"')) await setTimeout(100);
    // They would train on until the other command has been told.
    const workers = childrenOf(child.pid!);
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    const second = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const [refusal] = await once(second.stderr!.setEncoding('utf8'), 'data');
    const [secondCode] = await once(second, 'close');
    for (const worker of workers) process.kill(worker, 'SIGCONT');
    expect(secondCode).to.equal(2);
    expect(refusal).to.match(/^labelnoise: .*out: is in use by process \d+ since .*\n$/);
    expect(refusal).to.include(`process ${child.pid} `);
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).to.equal(130);
    expect(said).to.match(
      /0 of 3 runs are finished, [12] begun, all kept in .*: the same command goes on\n$/,
    );
    expect(await readdir(path.join(folder, 'out', 'checkpoints'))).not.to.have.length(0);
    expect(await readdir(path.join(folder, 'out'))).not.to.include('lock');
    expect((await readFile(events, 'utf8')).trimEnd().split('\n').at(-1)).to.include('"stopped"');
  });

  it('by SIGTERM in the middle of a step that does not end, ends within seconds, and says what is lost', async function () {
    this.timeout(120_000);
    const training = { ...SUITE.training, batchSize: 16, epochs: 10_000 };
    const { folder, suite } = await smallSuite({
      training,
      methods: { sgd: {} },
      checkpoint: { minutes: 60 },
    });
    const out = path.join(folder, 'out');
    const { child, said, ended } = start([MAIN, 'run', suite, '--out', out]);
    const events = path.join(out, 'events.jsonl');
    while (!(await readFile(events, 'utf8').catch(() => '')).includes('"progress"')) await setTimeout(100);
    for (const worker of childrenOf(child.pid!)) process.kill(worker, 'SIGSTOP');
    const sent = performance.now();
    child.kill('SIGTERM');
    const { code } = await ended;
    // A machine that has much else to do may take longer than is promised, not for ever.
    expect(performance.now() - sent).to.be.below(4 * STOP_MILLISECONDS);
    expect(code).to.equal(143);
    expect(said()).to.match(
      /run [0-9a-f]{16} \(sgd\): did not come to the end of its step in time; .* is lost\n/,
    );
    expect(await readdir(out)).not.to.include('lock');
  });

  it('by SIGTERM before it trains leaves no folder, and by a second signal ends at once', async function () {
    this.timeout(120_000);
    const training = { ...SUITE.training, batchSize: 16, epochs: 10_000 };
    const { folder, suite } = await smallSuite({ training, checkpoint: { minutes: 60 } });
    const out = path.join(folder, 'out');
    const early = start([MAIN, 'run', suite, '--out', out]);
    while (!early.said().includes('starting TensorFlow')) await setTimeout(20);
    early.child.kill('SIGTERM');
    expect(await early.ended).to.include({ code: 143 });
    expect(await readdir(folder)).to.deep.equal(['smoke.json']);

    const late = start([MAIN, 'run', suite, '--out', out]);
    const events = path.join(out, 'events.jsonl');
    while (!(await readFile(events, 'utf8').catch(() => '')).includes('"progress"')) await setTimeout(100);
    late.child.kill('SIGTERM');
    while (!late.said().includes('stopping: ')) await setTimeout(1);
    const sent = performance.now();
    late.child.kill('SIGTERM');
    expect(await late.ended).to.satisfy(({ code, signal }: Ended) => code === 143 || signal === 'SIGTERM');
    expect(performance.now() - sent).to.be.below(2000);
    expect(await readdir(out)).not.to.include('lock');
  });
});

describe('commands that are killed, kept from their work, or two at a time', () => {
  let ordeals: Ordeals;
  let shim: string | undefined;
  const next = stream(5, 'torture');
  before(async function () {
    if (process.platform !== 'linux') this.skip();
    this.timeout(120_000);
    shim = faultLibrary(await temporaryFolder());
    ordeals = await Ordeals.prepare(shim);
  });
  /** That it was tried, and met something if it had to. */
  const unharmed = async (trial: Promise<Tally>) => {
    const { kind, times, hits, failures } = await trial;
    expect(failures, kind).to.deep.equal([]);
    expect(times, kind).to.be.above(0);
    return hits;
  };

  for (const subject of SUBJECTS) {
    it(`go on to the same files: ${subject}, killed`, async function () {
      this.timeout(120_000);
      await unharmed(ordeals.kills(subject, 3, next));
    });

    it(`say what failed in a line, and go on: ${subject}, calls that fail`, async function () {
      if (!shim) this.skip();
      this.timeout(120_000);
      expect(await unharmed(ordeals.faults(subject, 'EIO', false, (n) => spread(n, 4)))).to.be.above(0);
      // A run's tables are written more or fewer times, by what else the machine does.
      const late = (n: number) => (subject === 'run' ? Math.ceil(0.7 * n) : n);
      expect(await unharmed(ordeals.faults(subject, 'ENOSPC', true, (n) => [1, late(n)]))).to.equal(2);
    });

    it(`say that the disk is full, and go on: ${subject}`, async function () {
      if (!(await canMount())) {
        process.stdout.write('    (left out: nothing can be mounted here)\n');
        this.skip();
      }
      this.timeout(120_000);
      expect(await unharmed(ordeals.fullDisk(subject, [1, 5]))).to.be.above(0);
    });
  }

  it('do not heed a clock that is set back', async function () {
    if (!shim) this.skip();
    this.timeout(120_000);
    await unharmed(ordeals.clockBack('run', 2, next));
  });

  for (const [one, other] of [
    ['run', 'run'],
    ['run', 'table'],
    ['report', 'table'],
    ['verify', 'run'],
    ['baseline', 'baseline'],
  ] as const)
    it(`wait for each other or are refused: ${one} and ${other}`, async function () {
      this.timeout(120_000);
      await unharmed(ordeals.races(one, other, 2, next));
    });

  it('lose nothing where there is too little memory for them', async function () {
    this.timeout(120_000);
    await unharmed(ordeals.littleMemory('run', 2, next));
  });
});

describe('a full disk (needs the right to mount one)', () => {
  let disk: string;
  beforeEach(async function () {
    disk = await temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      this.skip();
    }
  });
  afterEach(() => {
    try {
      execFileSync('umount', [disk], { stdio: 'ignore' });
    } catch {
      // It was not mounted: the tests were skipped.
    }
  });

  /** Leaves so many bytes of room. */
  const leave = (bytes: number) => writeFile(path.join(disk, 'filler'), Buffer.alloc(2 ** 20 - bytes));
  const refusal = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (e) => e,
    );
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.include('no space left on the device').and.not.to.include('\n');
  };

  it('keeps the last good checkpoint', async () => {
    const file = path.join(disk, 'checkpoints', 'a.ckpt');
    const checkpoint = (size: number) => {
      const model = { weights: new Float32Array(size).fill(1) };
      return {
        of: 'a',
        epoch: 1,
        stepsDone: size,
        epochLoss: 0,
        recent: [],
        curve: [],
        wallSeconds: 0,
        model,
      };
    };
    await writeCheckpoint(file, checkpoint(1000));
    await leave(100_000);
    await refusal(writeCheckpoint(file, checkpoint(100_000)));
    expect((await readCheckpoint(file, 'a')).checkpoint).to.deep.equal(checkpoint(1000));
    expect(await readdir(path.dirname(file))).to.deep.equal(['a.ckpt']);
    await rm(path.join(disk, 'filler'));
    await writeCheckpoint(file, checkpoint(100_000));
    expect((await readCheckpoint(file, 'a')).checkpoint!.stepsDone).to.equal(100_000);
  });

  it('leaves no part of a record', async () => {
    const { runs } = expand(SUITE as ResolvedSuite);
    await mkdir(path.join(disk, 'runs'));
    await leave(12_288);
    const large = { ...fakeRecord(runs[0]!, 42), method: 'x'.repeat(100_000) };
    await refusal(writeRecord(disk, large));
    expect(await readdir(path.join(disk, 'runs'))).to.deep.equal([]);
    await writeRecord(disk, fakeRecord(runs[1]!, 42));
    expect((await readStored(disk, runs)).records.size).to.equal(1);
    await refusal(writeWhole(path.join(disk, 'runs.csv'), 'x'.repeat(100_000)));
  });
});
