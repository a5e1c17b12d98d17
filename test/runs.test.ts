// `labelnoise runs`: what a results folder holds, and what is removed from it.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { listRuns, pruneRuns, restoreRuns } from '../src/cli/runs.js';
import { writeWhole } from '../src/io/files.js';
import { claim } from '../src/results/manifest.js';
import {
  ARCHIVE,
  archiveOf,
  checkpointFile,
  readStored,
  writeFailure,
  writeRecord,
} from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import type { RunRecord } from '../src/spec/record.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const suite = SUITE as ResolvedSuite;
const [finished, failed, begun, damaged, untouched] = expand(suite).runs;
const [foreign] = expand({ ...suite, seeds: [7] }).runs;

describe('labelnoise runs', () => {
  let out: string;
  let printed: string;
  const print = (text: string) => {
    printed += text;
  };
  const names = async (folder: string) => (await readdir(path.join(out, folder))).sort();

  beforeEach(async () => {
    out = await temporaryFolder();
    printed = '';
    await claim(out, suite);
    for (const run of [finished!, foreign!]) await writeRecord(out, fakeRecord(run, 42));
    await writeFailure(out, failed!, 'no luck');
    await mkdir(path.join(out, 'checkpoints'));
    for (const run of [finished!, begun!, foreign!]) await writeFile(checkpointFile(out, run.id), '');
    await writeFile(path.join(out, 'runs', `${damaged!.id}.json`), '{');
    await writeFile(path.join(out, 'runs', `${untouched!.id}.json.1-1-3.tmp`), '{');
    await writeFile(path.join(out, 'runs', 'notes.txt'), 'mine');
  });

  it('says of every run how it stands', async () => {
    await listRuns(out, print);
    const line = (id: string) => printed.split('\n').find((text) => text.includes(`${id} `))!;
    expect(line(finished!.id)).to.match(/sgd +║? *│ +20 +│ +1 +│ +42.00 +│ +finished/);
    expect(line(failed!.id)).to.include('failed');
    expect(line(begun!.id)).to.include('checkpointed');
    expect(line(damaged!.id)).to.include('damaged');
    expect(line(untouched!.id)).to.include('to do');
    expect(printed).to.include(`${path.join(out, 'runs', foreign!.id)}.json\n`);
  });

  it('removes what is of no use to the suite, and nothing of others', async () => {
    await pruneRuns(out, print);
    expect(await names('runs')).to.deep.equal(
      [`${finished!.id}.json`, `${failed!.id}.failed.json`, 'notes.txt'].sort(),
    );
    expect(await names('checkpoints')).to.deep.equal([`${begun!.id}.ckpt`]);
    expect(printed).to.match(/\n4 files removed\n$/);
    expect(await names('.')).to.deep.equal(['checkpoints', 'runs', 'suite.json']);
  });

  it('refuses what is no results folder', async () => {
    for (const listing of [listRuns, pruneRuns, restoreRuns]) {
      const error = await listing(path.join(out, 'runs'), print).catch((e) => e);
      expect(error).to.be.instanceOf(InputError);
    }
  });
});

describe('labelnoise runs, in published results', () => {
  it('finds the records in the archive', async () => {
    const out = await temporaryFolder();
    await claim(out, suite);
    const { runs } = expand(suite);
    await writeWhole(
      path.join(out, ARCHIVE),
      archiveOf(runs, new Map([[runs[0]!.id, fakeRecord(runs[0]!, 42)]])),
    );
    let printed = '';
    await listRuns(out, (text) => {
      printed += text;
    });
    expect(printed.split('\n').find((line) => line.includes(runs[0]!.id))).to.match(/42\.00 .*archived/);
    expect(printed.split('\n').find((line) => line.includes(runs[1]!.id))).to.include('to do');
  });

  it('restores them where they are not in runs/, so that a run has only the rest to do', async () => {
    const out = await temporaryFolder();
    await claim(out, suite);
    const { runs } = expand(suite);
    const [one, other] = [fakeRecord(runs[0]!, 42), fakeRecord(runs[1]!, 43)];
    const archive = archiveOf(runs, new Map([one, other].map((record) => [record.id, record])));
    await writeWhole(path.join(out, ARCHIVE), archive);
    await writeRecord(out, one);
    let printed = '';
    const print = (text: string) => {
      printed += text;
    };
    await restoreRuns(out, print);
    expect(printed).to.equal('1 archived record restored\n');
    const { runs: inRuns } = await readStored(out, runs);
    expect([...inRuns.placed.values()].map(({ record }) => record)).to.have.deep.members([one, other]);
    await restoreRuns(out, print);
    expect(printed).to.include('\n0 archived records restored\n');
    expect(await readFile(path.join(out, ARCHIVE), 'utf8')).to.equal(archive);

    await writeRecord(out, fakeRecord(foreign!, 42));
    const error = await restoreRuns(out, print).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(await readdir(out)).not.to.include('lock');
  });

  it('have the same archive, whatever order their fields are in', async () => {
    const { runs } = expand(suite);
    const record = fakeRecord(runs[0]!, 42);
    const archive = (of: RunRecord) => archiveOf(runs, new Map([[of.id, of]]));
    const turned = Object.fromEntries(Object.entries(record).reverse()) as unknown as RunRecord;
    expect(archive(turned)).to.equal(archive(record)).and.to.include('42');
  });
});
