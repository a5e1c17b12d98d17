// A suite that is killed goes on, and ends with the same bits; a full disk stops it and loses nothing.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { InputError } from '../src/errors.js';
import { PROJECT_ROOT } from '../src/project.js';
import { stream } from '../src/random.js';
import { writeWhole } from '../src/results/files.js';
import { readStored, writeRecord } from '../src/results/store.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { readCheckpoint, writeCheckpoint } from '../src/training/checkpoint.js';
import { fakeRecord, SUITE, temporaryFolder } from './fakes.js';
import { contentOf, runTortured, runUndisturbed } from './support/torture.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');

/** The smoke suite's runs at one noise rate, with checkpoints at every step. */
async function smallSuite(changes: object = {}): Promise<{ folder: string; suite: string }> {
  const folder = await temporaryFolder();
  const suite = path.join(folder, 'smoke.json');
  const smoke = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'smoke.json'), 'utf8'));
  const noise = { kind: 'symmetric', rates: [0.4], redraw: 'other' };
  const methods = { sgd: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } };
  const checkpoint = { minutes: 1e-6 };
  await writeFile(suite, JSON.stringify({ ...smoke, noise, methods, checkpoint, ...changes }));
  return { folder, suite };
}

describe('a suite that is killed', () => {
  it('goes on to the same tables, curves, predictions and weights', async function () {
    if (process.platform !== 'linux') this.skip();
    this.timeout(300_000);
    const { folder, suite } = await smallSuite();
    const [alone, tortured] = [path.join(folder, 'alone'), path.join(folder, 'tortured')];
    await runUndisturbed(suite, alone);
    const { parent, worker } = await runTortured(suite, tortured, 4, stream(3, 'torture'));
    expect(parent + worker).to.be.above(0);
    expect(await contentOf(tortured)).to.deep.equal(await contentOf(alone));
    for (const { weightsSha256 } of (await contentOf(tortured)).records)
      expect(weightsSha256).to.match(/^[0-9a-f]{64}$/);
    expect(await readdir(path.join(tortured, 'checkpoints'))).to.deep.equal([]);
    const lines = (await readFile(path.join(tortured, 'events.jsonl'), 'utf8')).trimEnd().split('\n');
    const finished = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'finished');
    expect(new Set(finished.map(({ run }) => run))).to.have.property('size', finished.length);
    // The record is written first: a command killed just after it does not live to tell.
    expect(finished).to.have.length.within(3 - parent, 3);
  });

  it('by Ctrl-C saves its runs and says how to go on; another command is told who is at it', async function () {
    this.timeout(120_000);
    const training = { ...SUITE.training, epochs: 10_000 };
    const { folder, suite } = await smallSuite({ training, checkpoint: { minutes: 60 } });
    const args = [MAIN, 'run', suite, '--out', path.join(folder, 'out')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const events = path.join(folder, 'out', 'events.jsonl');
    while (!(await readFile(events, 'utf8').catch(() => '')).includes('"progress"')) await setTimeout(100);
    const second = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const [refusal] = await once(second.stderr!.setEncoding('utf8'), 'data');
    expect((await once(second, 'close'))[0]).to.equal(2);
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
