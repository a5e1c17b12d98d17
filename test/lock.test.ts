// The lock of a results folder: held, stale, or not to be told.
import { spawnSync } from 'node:child_process';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { checkUnlocked, lock } from '../src/io/lock.js';
import { birthTicks } from '../src/io/processes.js';
import { InputError } from '../src/spec/errors.js';
import { temporaryFolder } from './support/temporary_folder.js';

describe('the lock of a results folder', () => {
  let out: string;
  let told: string[];
  beforeEach(async () => {
    out = await temporaryFolder();
    told = [];
  });
  const take = () => lock(out, (line) => told.push(line));
  const refusal = (taking: Promise<unknown>) =>
    taking.then(
      () => undefined,
      (error) => error as Error,
    );
  const left = (changes: object) =>
    writeFile(
      path.join(out, 'lock'),
      JSON.stringify({ pid: process.pid, host: hostname(), since: '2026-01-01', birth: null, ...changes }),
    );

  it('is held until it is given back', async function () {
    this.timeout(10_000);
    await checkUnlocked(out);
    const unlock = await take();
    for (const attempt of [take, () => checkUnlocked(out)]) {
      const error = await refusal(attempt());
      expect(error).to.be.instanceOf(InputError);
      expect(error!.message).to.include(`is in use by process ${process.pid} since 2`);
    }
    await unlock();
    expect(await readdir(out)).to.deep.equal([]);
    await (await take())();
    expect(told).to.deep.equal([]);
  });

  it('is taken over from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await left({ pid });
    await checkUnlocked(out);
    const unlock = await take();
    expect(told).to.deep.equal([`took over ${out} from process ${pid}, which is gone`]);
    await unlock();
    expect(await readdir(out)).to.deep.equal([]);
  });

  it('is taken over from a process whose number another one has now', async () => {
    await left({ birth: 'an earlier boot/1' });
    const unlock = await take();
    expect(told).to.have.length(1);
    expect(JSON.parse(await readFile(path.join(out, 'lock'), 'utf8')).pid).to.equal(process.pid);
    await unlock();
  });

  it('is taken over if it was cut short', async () => {
    await writeFile(path.join(out, 'lock'), '{"pid":');
    await (await take())();
    expect(told).to.deep.equal([`took over ${out}: its lock was damaged`]);
  });

  it('of another machine is believed, and how to be rid of it said', async () => {
    await left({ host: 'elsewhere', pid: 1 });
    expect((await refusal(take()))!.message).to.include(
      `by process 1 on elsewhere (if it is gone, remove ${path.join(out, 'lock')}) since 2026-01-01`,
    );
  });

  it('is taken although somebody was killed while looking at it, whatever the clock says', async function () {
    this.timeout(30_000);
    await left({ birth: 'an earlier boot/1' });
    const guard = path.join(out, 'lock.takeover');
    await writeFile(guard, '');
    // As after the clock was set back.
    const tomorrow = new Date(Date.now() + 86_400_000);
    await utimes(guard, tomorrow, tomorrow);
    await (await take())();
    expect(await readdir(out)).to.deep.equal([]);
  });

  it('is waited for a moment', async () => {
    const unlock = await take();
    const other = take();
    await setTimeout(300);
    await unlock();
    await (await other)();
    expect(told).to.deep.equal([]);
  });

  it('comes with the removal of what killed processes were writing, and of nothing else', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const gone = [`runs.csv.${pid}-1-0.tmp`, `runs.csv.${process.ppid}-1-0.tmp`];
    const kept = [`runs.csv.${process.ppid}-${birthTicks(process.ppid) ?? 0}-0.tmp`, 'mine.tmp'];
    for (const name of [...gone, ...kept]) await writeFile(path.join(out, name), '');
    const unlock = await take();
    expect(await readdir(out)).to.have.members([...kept, 'lock']);
    // Workers may be killed while it is held.
    for (const name of gone) await writeFile(path.join(out, name), '');
    await unlock();
    expect(await readdir(out)).to.have.members(kept);
  });

  it('goes to one of those who find it stale', async () => {
    await left({ birth: 'an earlier boot/1' });
    const outcomes = await Promise.allSettled([take(), take(), take(), take()]);
    const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(taken).to.have.length(1);
    await taken[0]!.value();
    expect(told).to.have.length(1);
  });
});
