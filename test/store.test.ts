// The store of records, on copies of the published results: it loses none, and takes none that was changed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../src/cli/run.js';
import { type VerifyOptions, verify } from '../src/cli/verify.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { recordText } from '../src/results/record_schema.js';
import { archiveOf, readStored, writeArchive } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { canonicalJson } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeEngine, SUITE } from './fakes.js';
import { labelnoise as typed } from './support/commands.js';
import { temporaryFolder } from './support/temporary_folder.js';

const RESULTS = path.join(PROJECT_ROOT, 'results');

/** The first run of results/quick: images, last evaluation, and its accuracy as tables show it. */
const FIRST = JSON.parse(
  readFileSync(path.join(RESULTS, 'quick', 'records.jsonl'), 'utf8').split('\n', 1)[0]!,
);
const IMAGES: number = FIRST.spec.data.trainImages;
const LAST: { epoch: number; testAccuracy: number } = FIRST.curve.at(-1);
const SHOWN = LAST.testAccuracy.toFixed(2);

/** A copy of a published folder, with its archive's lines in runs/ too if asked for. */
async function copyOf(name: string, withRuns = false) {
  const out = path.join(await temporaryFolder(), name);
  await cp(path.join(RESULTS, name), out, {
    recursive: true,
    filter: (from) => !/(runs|checkpoints|report\.html)$/.test(from),
  });
  const archive = path.join(out, 'records.jsonl');
  const lines = async () => (await readFile(archive, 'utf8')).split(/(?<=\n)/);
  const ids = (await lines()).slice(0, -1).map((line) => JSON.parse(line).id as string);
  const runFile = (i: number) => path.join(out, 'runs', `${ids[i]}.json`);
  if (withRuns) {
    await mkdir(path.join(out, 'runs'));
    for (const [i, line] of (await lines()).slice(0, -1).entries()) await writeFile(runFile(i), line);
  }
  /** Changes a line of the archive. */
  const change = async (i: number, how: (line: string) => string) =>
    writeFile(archive, (await lines()).map((line, j) => (i === j ? how(line) : line)).join(''));
  return { out, archive, lines, ids, runFile, change };
}

/** Runs the command as a user does. */
async function labelnoise(...args: string[]) {
  const outcome = await typed('.', args);
  expect(outcome.stderr).not.to.match(/^ +at /m);
  return outcome;
}

async function verified(out: string, options: VerifyOptions = {}) {
  let said = '';
  const print = (text: string) => {
    said += text;
  };
  const code = await verify([out], options, print, () => {});
  return { code, lines: said.trimEnd().split('\n') };
}

/** A folder's files and what is in them. */
async function contents(out: string) {
  const names = (await readdir(out, { withFileTypes: true })).filter((entry) => entry.isFile());
  return Promise.all(names.map(async ({ name }) => [name, await readFile(path.join(out, name), 'utf8')]));
}

/** A line of the archive with this accuracy after the last epoch; sealed anew, as somebody who wants to could. */
function forged(line: string, accuracy: number, seal: boolean): string {
  const { format: _, sha256, ...record } = JSON.parse(line);
  record.curve.at(-1).testAccuracy = accuracy;
  return seal ? recordText(record) : `${canonicalJson({ ...record, format: 2, sha256 })}\n`;
}

/** An archive as it was before there were checksums. */
const unversioned = (lines: readonly string[]) =>
  lines
    .slice(0, -1)
    .map((line) => {
      const { format: _, sha256: __, ...record } = JSON.parse(line);
      return `${canonicalJson(record)}\n`;
    })
    .join('');

describe('records that are not of the suite', () => {
  for (const command of ['table', 'report'])
    it(`are refused by labelnoise ${command}, which writes nothing`, async () => {
      const { out } = await copyOf('small');
      const suite = path.join(out, 'suite.json');
      await writeFile(suite, (await readFile(suite, 'utf8')).replace('"depth": 10', '"depth": 16'));
      const before = await contents(out);
      const { status, stdout, stderr } = await labelnoise(command, out);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.match(
        /^labelnoise: .*small\/records\.jsonl, line 1: .*none of the suite's: its model\.depth is 10, in suite\.json 16, and 59 more are not; allowed: .*\n$/,
      );
      expect(await contents(out)).to.deep.equal(before);
    });

  it('are not removed from runs/ by a suite.json that was changed', async () => {
    const { out, ids } = await copyOf('kernels-native', true);
    const suite = path.join(out, 'suite.json');
    await writeFile(suite, (await readFile(suite, 'utf8')).replace('"depth": 16', '"depth": 22'));
    expect(await labelnoise('runs', out, '--prune')).to.include({ status: 2, stdout: '' });
    expect(await readdir(path.join(out, 'runs'))).to.have.length(ids.length);
    const { code, lines } = await verified(out);
    expect([code, lines.length]).to.deep.equal([1, 2 * ids.length]);
    // Without the archive too.
    await rm(path.join(out, 'records.jsonl'));
    expect((await labelnoise('table', out)).status).to.equal(2);
  });
});

describe('a damaged archive', () => {
  it('is told with its line, kept as it is, and its cell is damaged', async () => {
    const { out, archive, change, ids } = await copyOf('small');
    await change(6, (line) => line.replace(/"testAccuracy":\d/, '"testAccuracy":9'));
    const before = await readFile(archive, 'utf8');
    for (const command of ['report', 'table']) {
      const { status, stderr } = await labelnoise(command, out);
      expect(status).to.equal(1);
      expect(stderr).to.match(
        new RegExp(`records\\.jsonl, line 7 \\(run ${ids[6]}\\): sha256 is .*it would be`),
      );
      expect(await readFile(archive, 'utf8')).to.equal(before);
    }
    expect(await readFile(path.join(out, 'table4.csv'), 'utf8')).to.match(/^mixup,61\.77,,45\.76,23\.82$/m);
    expect(await readFile(path.join(out, 'table4.md'), 'utf8')).to.include('| damaged (90.0) |');
    expect(await readFile(path.join(out, 'table4.tex'), 'utf8')).to.include('& damaged &');
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).to.include('>damaged<');
    expect((await labelnoise('runs', out)).stdout).to.match(new RegExp(`${ids[6]}.*damaged`));
  });

  it('is found by any byte, and by any cut', async () => {
    const { out, archive } = await copyOf('kernels-native');
    const whole = await readFile(archive);
    const graph = await readOwnGraph(out);
    const total = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let at = 0; at < whole.length; at += 101) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      await writeFile(archive, changed);
      const { archive: found, lost, records } = await readStored(out, graph.runs);
      expect(found.damaged, `byte ${at}`).not.to.have.length(0);
      // No line is used that is not as it was; a total that is damaged itself takes none with it.
      expect(records.size + lost.size, `byte ${at}`).to.equal(6);
      expect(records.size, `byte ${at}`).to.be.within(at < total ? 4 : 6, at < total ? 5 : 6);
      await writeFile(archive, whole.subarray(0, at));
      const cut = await readStored(out, graph.runs);
      if (at)
        expect([cut.archive.damaged.length > 0, cut.records.size + cut.lost.size]).to.deep.equal([true, 6]);
    }
  }).timeout(20_000);

  it('is not used where a line was put in with a checksum of its own, nor one without', async () => {
    const sealed = await copyOf('quick');
    await sealed.change(2, (line) => forged(line, 99.99, true));
    const { status, stderr } = await labelnoise('table', sealed.out);
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /records\.jsonl, line 21: lines is [0-9a-f]{64}; the SHA-256 of the lines above is/,
    );
    expect(await readFile(path.join(sealed.out, 'table4.csv'), 'utf8')).not.to.include('99.99');
    for (const how of [
      (line: string) => forged(line, 99.99, false),
      (line: string) => line.replace(/"sha256":"[0-9a-f]{64}",/, '').replace(/("testAccuracy":)\d+/, '$19'),
    ]) {
      const { out, change } = await copyOf('quick');
      await change(2, how);
      const told = await labelnoise('table', out);
      expect(told.status).to.equal(1);
      expect(told.stderr).to.match(/records\.jsonl, line 3 \(run [0-9a-f]{16}\): sha256 is /);
      expect(told.stdout).to.match(/Bootstrap \+ Mixup │ +damaged/);
    }
  });

  it('lacks no line unnoticed', async () => {
    const { out, change, ids } = await copyOf('quick');
    await change(4, () => '');
    const { code, lines } = await verified(out);
    expect(code).to.equal(1);
    expect(lines[0]).to.match(/records\.jsonl, line 20: records is 20; there are 19 lines above$/);
    expect(lines[1]).to.include(ids[4]);
  });

  it('is not written over, by the writer itself', async () => {
    const { out, archive, change } = await copyOf('quick');
    const graph = await readOwnGraph(out);
    const { records } = await readStored(out, graph.runs);
    const before = await readFile(archive, 'utf8');
    const refused = async (of: typeof records) => {
      const error = await writeArchive(out, graph.runs, of).catch((e) => e);
      expect(error).to.be.instanceOf(InputError);
      return error.message;
    };
    const fewer = new Map([...records].slice(1));
    expect(await refused(fewer)).to.match(/records\.jsonl, line 1: the record of the run .* would be lost/);
    expect(await readFile(archive, 'utf8')).to.equal(before);
    await change(3, (line) => line.replace('0', '1'));
    expect(await refused(records)).to.include('a damaged archive is not written over');
    const other = expand({ ...graph.suite, seeds: [77] });
    const error = await writeArchive(out, other.runs, new Map()).catch((e) => e);
    expect(error.message).to.include("none of the suite's");
  });
});

describe('damaged files in runs/', () => {
  it('are read from the archive instead, which is said', async () => {
    const { out, archive, runFile } = await copyOf('quick', true);
    const before = await readFile(archive, 'utf8');
    for (const i of [0, 7, 19]) await writeFile(runFile(i), (await readFile(runFile(i))).subarray(0, 700));
    for (const command of ['table', 'report']) {
      const { status, stderr } = await labelnoise(command, out);
      expect(status).to.equal(0);
      expect(stderr.trimEnd().split('\n')).to.have.length(3);
      expect(stderr).to.match(
        /runs\/[0-9a-f]{16}\.json: is not JSON.*; used instead: .*records\.jsonl, line 8$/m,
      );
    }
    expect(await readFile(archive, 'utf8')).to.equal(before);
    expect(await readFile(path.join(out, 'table4.csv'), 'utf8')).to.equal(
      await readFile(path.join(RESULTS, 'quick', 'table4.csv'), 'utf8'),
    );
  });

  it('are damaged without their checksum, and their cells where no archive has them', async () => {
    const { out, archive, runFile } = await copyOf('quick', true);
    const { sha256: _, ...record } = JSON.parse(await readFile(runFile(0), 'utf8'));
    record.curve.at(-1).testAccuracy = 99.99;
    await writeFile(runFile(0), JSON.stringify(record));
    expect(await labelnoise('table', out))
      .to.include({ status: 0 })
      .and.have.property('stderr')
      .that.includes('sha256 is missing');
    await rm(archive);
    const { status, stdout } = await labelnoise('table', out);
    expect(status).to.equal(1);
    expect(stdout)
      .to.match(/SGD +│ +damaged \(84\.8\)/)
      .and.not.include('99.99');
  });
});

describe('running in a published folder', () => {
  const tiny = SUITE as ResolvedSuite;
  const graph = expand(tiny);

  /** What a finished run of the tiny suite leaves, without runs/, as it is published. */
  async function published() {
    const folder = await temporaryFolder();
    const [file, out] = [path.join(folder, 'tiny.json'), path.join(folder, 'out')];
    await writeFile(file, JSON.stringify(SUITE));
    const notes: string[] = [];
    const go = (selection = {}, changes?: object) => {
      const chosen = { method: [], noise: [], ...selection };
      const progress = { noted: (line: string) => notes.push(line), stop() {} };
      const wrote = changes ? writeFile(file, JSON.stringify({ ...SUITE, ...changes })) : Promise.resolve();
      return wrote.then(() => run(file, { out, selection: chosen }, fakeEngine, progress, () => {}));
    };
    expect(await go()).to.equal(0);
    await rm(path.join(out, 'runs'), { recursive: true });
    const archive = path.join(out, 'records.jsonl');
    return { out, go, notes, archive, before: await readFile(archive, 'utf8') };
  }

  it('keeps the records of its archive, and adds what is new', async () => {
    const { out, go, notes } = await published();
    const { records: before } = await readStored(out, graph.runs);
    expect(await go({ method: ['sgd'], noise: ['40'] })).to.equal(0);
    const { records, archive, runs } = await readStored(out, graph.runs);
    expect([records.size, archive.placed.size, runs.placed.size]).to.deep.equal([20, 20, 1]);
    const [made] = runs.placed.keys();
    for (const [id, record] of archive.placed)
      if (id !== made) expect(record.record).to.deep.equal(before.get(id));
    expect(notes.join('\n')).to.include('20 records are kept, until their runs are made here');
    // One of a part of the suite grows.
    await rm(path.join(out, 'runs'), { recursive: true });
    await writeFile(path.join(out, 'records.jsonl'), archiveOf(graph.runs, new Map([...before].slice(0, 9))));
    expect(await go({ method: ['sgd'], noise: ['80'] })).to.equal(0);
    expect((await readStored(out, graph.runs)).archive.placed.size).to.equal(10);
    const rows = (await readFile(path.join(out, 'runs.csv'), 'utf8')).trimEnd().split('\n');
    expect(rows).to.have.length(11);
  });

  it('refuses a part of another suite, and keeps what the whole of it replaces', async () => {
    const { out, go, notes, archive, before } = await published();
    const training = { ...SUITE.training, epochs: 3 };
    const error = await go({ method: ['sgd'] }, { training }).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(
      /records\.jsonl, line 1: .*its training\.epochs is 2, in suite\.json 3, and 19 more/,
    );
    expect(await readFile(archive, 'utf8')).to.equal(before);
    expect(await readdir(out)).not.to.include('runs');
    expect(await go({}, { training })).to.equal(0);
    expect(await readFile(`${archive}.replaced`, 'utf8')).to.equal(before);
    expect(notes.join('\n')).to.include(
      "20 of its records are of none of the suite's runs; all runs are made anew, and the file is kept as",
    );
    expect((await readStored(out, expand({ ...tiny, training }).runs)).archive.placed.size).to.equal(20);
  });

  it('refuses to begin beside a damaged archive', async () => {
    const { go, archive, before } = await published();
    const damaged = before.replace('"epoch":2', '"epoch":3');
    await writeFile(archive, damaged);
    const error = await go().catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(
      /records\.jsonl, line 1 .*: sha256 is .*"labelnoise verify .* --repair" says/,
    );
    expect(await readFile(archive, 'utf8')).to.equal(damaged);
  });
});

describe('an archive of before there were checksums', () => {
  it('is read, left as it is, and said to have none', async () => {
    const { out, archive, lines } = await copyOf('quick');
    const old = unversioned(await lines());
    await writeFile(archive, old);
    const { status, stderr } = await labelnoise('table', out);
    expect([status, await readFile(archive, 'utf8')]).to.deep.equal([0, old]);
    expect(stderr).to.match(
      /^labelnoise: .*records\.jsonl: has no checksums.*verify .* --repair --yes" gives it some\n$/,
    );
  });

  it('gets them when asked to: the same bytes as those published, no number another', async () => {
    for (const name of ['quick', 'kernels-native']) {
      const { out, archive, lines } = await copyOf(name);
      const now = await lines();
      await writeFile(archive, unversioned(now));
      const before = await contents(out);
      const would = await verified(out, { repair: true });
      expect(would.code).to.equal(1);
      expect(would.lines[0]).to.match(
        /records\.jsonl: format is missing, and with it all checksums; right: 2/,
      );
      expect(would.lines[1]).to.match(/^would: .*records\.jsonl: its \d+ records get checksums/);
      expect(await contents(out)).to.deep.equal(before);
      expect((await verified(out, { repair: true, yes: true })).code).to.equal(0);
      expect(await readFile(archive, 'utf8')).to.equal(now.join(''));
    }
  });

  it('gets none while its records and the tables disagree', async () => {
    const { out, archive, lines } = await copyOf('quick');
    const [first, ...others] = await lines();
    const old = unversioned([forged(first!, 99.99, false), ...others]);
    await writeFile(archive, old);
    const { code, lines: said } = await verified(out, { repair: true, yes: true });
    expect(code).to.equal(1);
    expect(said.join('\n')).to.include(`table4.csv, line 2: 20 is "${SHOWN}"; right: "99.99"`);
    expect(await readFile(archive, 'utf8')).to.equal(old);
  });
});

describe('labelnoise verify', () => {
  it('finds all that is published whole', async () => {
    const places = [
      ...(await readdir(RESULTS, { withFileTypes: true }))
        .filter((entry) => entry.isDirectory() && !/=|^check$/.test(entry.name))
        .map(({ name }) => path.join(RESULTS, name)),
      ...(await readdir(path.join(PROJECT_ROOT, 'baselines'))).map((name) =>
        path.join(PROJECT_ROOT, 'baselines', name),
      ),
    ];
    let said = '';
    const print = (text: string) => {
      said += text;
    };
    const code = await verify(places, {}, print, () => {});
    expect([code, said.trimEnd().split('\n').length], said).to.deep.equal([0, places.length]);
  }).timeout(60_000);

  it('names file, line, field, value and what is right of a table that was changed', async () => {
    const { out } = await copyOf('quick');
    const edit = async (name: string, from: string, to: string) =>
      writeFile(path.join(out, name), (await readFile(path.join(out, name), 'utf8')).replace(from, to));
    await edit('table4.csv', SHOWN, '11.11');
    await edit('runs.csv', 'mixup', 'mixup2');
    await edit('table4.md', SHOWN, '11.11');
    await rm(path.join(out, 'shape.csv'));
    const { code, lines } = await verified(out);
    expect([code, lines.length]).to.deep.equal([1, 4]);
    expect(lines[0]).to.match(/runs\.csv, line \d+: method is "mixup2"; right: "mixup"$/);
    expect(lines[1]).to.include(`table4.csv, line 2: 20 is "11.11"; right: "${SHOWN}"`);
    expect(lines[2]).to.match(/shape\.csv: is missing; right: the table of the records$/);
    expect(lines[3]).to.match(/table4\.md, line \d+: is "\| SGD \| 11\.11/);
    expect((await verified(out, { repair: true, yes: true })).code).to.equal(0);
    for (const name of ['table4.csv', 'runs.csv', 'table4.md', 'shape.csv'])
      expect(await readFile(path.join(out, name), 'utf8')).to.equal(
        await readFile(path.join(RESULTS, 'quick', name), 'utf8'),
      );
  });

  /** An archive of forged records whose checksums and total are right. */
  async function withForged(change: (record: ReturnType<typeof JSON.parse>) => void) {
    const { out, archive, lines } = await copyOf('quick');
    const forgedLines = (await lines()).slice(0, -1).map((line, i) => {
      const { format: _, sha256: __, ...record } = JSON.parse(line);
      if (i === 0) change(record);
      return recordText(record);
    });
    const text = forgedLines.join('');
    const total = { format: 2, lines: createHash('sha256').update(text).digest('hex'), records: 20 };
    const sha256 = createHash('sha256').update(canonicalJson(total)).digest('hex');
    await writeFile(archive, `${text}${canonicalJson({ ...total, sha256 })}\n`);
    return verified(out, { repair: true });
  }
  const forgeries: [string, (record: ReturnType<typeof JSON.parse>) => void, RegExp][] = [
    [
      'a noise rate',
      (record) => {
        record.noise.rate = 0.3;
      },
      /line 1 \(run [0-9a-f]{16}\): noise\.rate is 0\.3; right: 0\.2$/,
    ],
    [
      'labels that are not those of its noise',
      (record) => {
        record.noise.transitions[0][0]--;
        record.noise.transitions[0][1]++;
        record.noise.rate += 1 / IMAGES;
      },
      new RegExp(`noise\\.rate is [\\d.]+; right: 0\\.2, the share of ${IMAGES / 5} labels of ${IMAGES}$`),
    ],
    [
      'an accuracy that no number of images gives',
      (record) => {
        record.curve.at(-1).testAccuracy = 99.999;
      },
      /curve\[\d+\]\.testAccuracy is 99\.999; right: a whole number of 10000 images, such as 100$/,
    ],
    [
      'an accuracy that its predictions cannot have',
      (record) => {
        record.predictions = record.predictions.replace(/./g, '3');
      },
      /curve\[\d+\]\.trainAccuracyTrue is [\d.]+; right: by the predictions, at most 10$/,
    ],
    [
      'labels of the right rate that its seed does not draw',
      ({ noise: { transitions } }) => {
        // The same sums of rows and of columns.
        for (const [t, g, by] of [
          [0, 1, 1],
          [0, 2, -1],
          [3, 1, -1],
          [3, 2, 1],
        ] as const)
          transitions[t][g] += by;
      },
      /noise\.transitions\.0\.1 is \d+; right: \d+, as its seed draws it of CIFAR-10's labels$/,
    ],
    [
      'predictions that are none of its figures',
      (record) => {
        record.predictions = [...record.predictions].reverse().join('');
      },
      /curve\[\d+\]\.trainAccuracyTrue is [\d.]+; right: [\d.]+, by its predictions and CIFAR-10's labels$/,
    ],
    [
      'other settings, by its id',
      (record) => {
        record.spec.seed = 99;
      },
      /line 1 \(run [0-9a-f]{16}\): id is [0-9a-f]{16}; that of its spec is [0-9a-f]{16}$/,
    ],
    [
      'an accuracy that is not in the tables',
      (record) => {
        record.curve.at(-1).testAccuracy = 99.99;
      },
      new RegExp(`runs\\.csv, line 2: test_accuracy is "${SHOWN}"; right: "99\\.99"$`),
    ],
  ];
  for (const [what, change, told] of forgeries)
    it(`finds a record with right checksums and ${what}`, async () => {
      const { code, lines } = await withForged(change);
      expect(code).to.equal(1);
      expect(
        lines.some((line) => told.test(line)),
        lines.join('\n'),
      ).to.equal(true);
    });

  it('finds runs/ and the archive that do not say the same, and decides nothing', async () => {
    const { out, runFile } = await copyOf('quick', true);
    await writeFile(runFile(0), forged(await readFile(runFile(0), 'utf8'), 99.99, true));
    const { code, lines } = await verified(out, { repair: true, yes: true });
    expect(code).to.equal(1);
    expect(lines[0]).to.match(
      /runs\/.*\.json: curve\.\d\.testAccuracy is 99\.99 and does not agree with .*records\.jsonl, line 1/,
    );
    expect(lines[0]).to.include(`there: ${LAST.testAccuracy}`);
    expect(lines.some((line) => line.startsWith('done'))).to.equal(false);
  });

  it('takes what is whole, moves aside what is not, and says so first', async () => {
    const { out, archive, runFile, change, ids } = await copyOf('quick', true);
    const before = await readFile(archive, 'utf8');
    await writeFile(runFile(5), '{');
    await change(2, (line) => line.replace('9', '8'));
    const damaged = await readFile(archive, 'utf8');
    expect((await verified(out)).code).to.equal(1);
    const would = await verified(out, { repair: true });
    expect(would.lines.filter((line) => line.startsWith('would: '))).to.have.length(2);
    expect(await readFile(archive, 'utf8')).to.equal(damaged);
    expect((await verified(out, { repair: true, yes: true })).code).to.equal(0);
    expect(await readFile(archive, 'utf8')).to.equal(before);
    expect(await readFile(`${archive}.damaged`, 'utf8')).to.equal(damaged);
    expect(await readFile(`${runFile(5)}.damaged`, 'utf8')).to.equal('{');
    expect(JSON.parse(await readFile(runFile(5), 'utf8')).id).to.equal(ids[5]);
  });

  it('draws tables again without what is lost, in one go', async () => {
    const { out, change } = await copyOf('quick');
    await change(0, () => '{');
    expect(
      (await verified(out, { repair: true })).lines.filter((line) => /^would: .*table4\.csv/.test(line)),
    ).to.have.length(1);
    expect((await verified(out, { repair: true, yes: true })).code).to.equal(0);
    expect(await readFile(path.join(out, 'table4.csv'), 'utf8')).not.to.include(SHOWN);
  });

  it('keeps tables whose records are not there, or cannot be true', async () => {
    const { out, archive } = await copyOf('quick');
    await rm(archive);
    const { code, lines } = await verified(out, { repair: true, yes: true });
    expect([code, lines.length]).to.deep.equal([1, 6]);
    expect(lines[1]).to.match(
      /table4\.csv: is of records that are not there; right: records\.jsonl beside it/,
    );
    const forged = await withForged((record) => {
      record.curve.at(-1).testAccuracy = 99.999;
    });
    expect(forged.lines.some((line) => line.startsWith('would: '))).to.equal(false);
  });

  it('finds a baseline that was changed', async () => {
    const file = path.join(await temporaryFolder(), 'quick.json');
    const text = await readFile(path.join(PROJECT_ROOT, 'baselines', 'quick.json'), 'utf8');
    await writeFile(file, text.replace(/"accuracy": ?[\d.]+/, '"accuracy": 41.661'));
    expect((await verified(file)).lines[0]).to.match(
      /cells\[0\]\.results\[0\]\.accuracy is 41\.661; allowed: a whole number/,
    );
    await writeFile(file, text.slice(0, 500));
    expect(await verified(file)).to.have.property('code', 1);
  });

  it('refuses what it cannot check, in one line', async () => {
    const empty = await temporaryFolder();
    for (const args of [[], [path.join(empty, 'nothing')], [empty], [path.join(RESULTS, 'quick'), '--yes']]) {
      const { status, stdout, stderr } = await labelnoise('verify', ...args);
      expect([status, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.match(/^labelnoise: .*\n$/);
    }
  });
});
