// Label files: what is written can be read back, by NumPy too, and what is wrong with a file is said in one line.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { zipSync } from 'fflate';
import { loadCifar10 } from '../src/data/datasets/cifar10.js';
import { labelFiles, readLabelFile } from '../src/data/label_file.js';
import { measureNoise } from '../src/data/noises/noise.js';
import { symmetricNoise } from '../src/data/noises/symmetric.js';
import { npyOf } from '../src/data/npy.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { stream } from '../src/io/random.js';
import { InputError } from '../src/spec/errors.js';

const truth = Uint8Array.from({ length: 50_000 }, (_, i) => i % 10);
const labels = symmetricNoise(truth, { rate: 0.4, redraw: 'other' }, stream(1, 'noise'), 10);

describe('label files', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  function file(name: string, contents: string | Uint8Array): string {
    writeFileSync(path.join(folder, name), contents);
    return path.join(folder, name);
  }
  /** A .npy file as NumPy writes it. */
  function npy(descr: string, shape: string, data: ArrayBufferView): string {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
    const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1');
    return file(
      'array.npy',
      Buffer.concat([start, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
    );
  }
  async function problem(name: string): Promise<string> {
    try {
      await readLabelFile(name);
    } catch (error) {
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).not.to.include('\n');
      expect((error as Error).message).to.include(name.replace(/#.*/, ''));
      return (error as Error).message;
    }
    throw new Error('no problem was found');
  }

  it('come back as they were written, as the same noise from either kind', async () => {
    const files = labelFiles(truth, labels);
    const npyFile = await readLabelFile(file('labels.npy', files['.npy']));
    const csvFile = await readLabelFile(file('labels.csv', files['.csv']));
    expect(npyFile.labels).to.deep.equal(labels);
    expect(csvFile).to.deep.equal(npyFile);
    expect(npyFile.sha256).to.match(/^[0-9a-f]{64}$/);
    const other = await readLabelFile(file('other.npy', npyOf(truth)));
    expect(other.sha256).not.to.equal(npyFile.sha256);
  });

  it('are int64 arrays to NumPy', () => {
    const written = npyOf(labels);
    // numpy.lib.format, version 1.0: magic, version, length of the header, header padded to 64 bytes, data
    const header = "{'descr': '<i8', 'fortran_order': False, 'shape': (50000,), }".padEnd(117);
    expect(written.subarray(0, 128).toString('latin1')).to.equal(`\x93NUMPY\x01\x00\x76\x00${header}\n`);
    expect(written).to.have.lengthOf(128 + 50_000 * 8);
    const python = spawnSync('python3', [
      '-c',
      'import sys, numpy; a = numpy.load(sys.argv[1]); print(a.dtype, a.shape, *a[:20])',
      file('numpy.npy', written),
    ]);
    // the bytes above are the test where there is no NumPy
    if (python.status === 0) {
      expect(python.stdout.toString().trim()).to.equal(`int64 (50000,) ${labels.subarray(0, 20).join(' ')}`);
    }
  });

  it('have a header line and the official order as CSV', () => {
    const lines = labelFiles(truth, labels)['.csv'].toString().split('\n');
    expect(lines[0]).to.equal('index,true_label,noisy_label');
    expect(lines[12]).to.equal(`11,1,${labels[11]}`);
    expect(lines).to.have.lengthOf(50_002);
  });

  it('may be int32 or uint8 arrays', async () => {
    expect((await readLabelFile(npy('<i4', '(50000,)', Int32Array.from(labels)))).labels).to.deep.equal(
      labels,
    );
    expect((await readLabelFile(npy('|u1', '(50000,)', labels))).labels).to.deep.equal(labels);
  });

  it('of a wrong kind, length, dtype or value are refused', async () => {
    expect(await problem(path.join(folder, 'nowhere.npy'))).to.include('cannot be read');
    expect(await problem(file('labels.txt', ''))).to.include('.npy, .csv or .pt');
    expect(await problem(file('no.npy', 'hello'))).to.include('not a .npy file');
    expect(await problem(file('short.npy', npyOf(labels.subarray(1)))))
      .to.include('49999 labels')
      .and.include('50000');
    expect(await problem(file('cut.npy', npyOf(labels).subarray(0, 4_000)))).to.include('3872 bytes');
    expect(await problem(npy('<f8', '(50000,)', Float64Array.from(labels))))
      .to.include('<f8')
      .and.include('int64');
    expect(await problem(npy('<i8', '(500, 100)', new BigInt64Array(50_000)))).to.include('(500, 100)');
    const high = Uint8Array.from(labels);
    high[7] = 10;
    expect(await problem(file('high.npy', npyOf(high)))).to.include('label 10 at index 7');
    expect(
      await problem(
        npy(
          '<i4',
          '(50000,)',
          Int32Array.from(labels, (l, i) => (i === 9 ? -1 : l)),
        ),
      ),
    ).to.include('label -1 at index 9');
  });

  it('as CSV must name their columns and be in the official order', async () => {
    const [head, ...rows] = labelFiles(truth, labels)['.csv'].toString().trim().split('\n');
    const csv = (lines: string[]) => file('some.csv', lines.join('\n'));
    expect(await problem(csv(rows))).to.include('no column index');
    expect(await problem(csv(['index,label', ...rows]))).to.include('Invalid Record Length');
    expect(await problem(csv([head!, ...rows.toReversed()]))).to.include('index 49999 in row 1');
    expect(await problem(csv([head!, ...rows.slice(1)]))).to.include('index 1 in row 1');
    expect(await problem(csv([head!, '0,0,cat', ...rows.slice(1)]))).to.include('label "cat" at index 0');
    for (const label of ['', '0x3', '3e0', ' 3', '3.0', '+3', '10'])
      expect(await problem(csv([head!, `0,0,${label}`, ...rows.slice(1)]))).to.include('labels are 0 to 9');
    expect(await problem(csv([head!, '0x0,0,3', ...rows.slice(1)]))).to.include('index 0x0 in row 1');
  });

  it('as .pt are data only: a pickle that does something else is refused', async () => {
    const pt = (pickle: string) =>
      file('some.pt', zipSync({ 'archive/data.pkl': Buffer.from(pickle, 'latin1') }, { level: 0 }));
    expect(await problem(file('text.pt', 'hello'))).to.include('not a .pt file');
    expect(await problem(`${pt("cos\nsystem\n(S'true'\ntR.")}#x`)).to.include('opcode "S"');
    expect(await problem(pt('\x80\x02}q\x00X\xff'))).to.include('too early');
    expect(await problem(pt('\x80\x02K\x05.'))).to.include('dictionary');
    // A call without arguments, and an array of nothing.
    for (const broken of ['\x80\x02R.', '\x80\x02}q\x00(X\x01\x00\x00\x00aNu.'])
      expect(await problem(pt(broken))).to.include('its pickle is of another layout');
  });

  it('that would never end, or fill the memory, are not read', async () => {
    symlinkSync('/dev/zero', path.join(folder, 'zero.npy'));
    expect(await problem(path.join(folder, 'zero.npy'))).to.include('no regular file');
    expect(await problem(file('large.npy', new Uint8Array(32e6 + 1)))).to.include(
      'more than 32,000,000 bytes',
    );
    expect(await problem(file('rows.csv', `index,noisy_label\n${'0,1\n'.repeat(5e6)}`))).to.include(
      'has more than the 50000',
    );
    const long = zipSync(
      { 'archive/data.pkl': Buffer.from(`\x80\x02${'N'.repeat(2e7)}`, 'latin1') },
      { level: 0 },
    );
    expect(await problem(`${file('long.pt', long)}#x`)).to.include('more than 10000 operations');
    const bomb = zipSync({ 'archive/data.pkl': new Uint8Array(1e7) });
    expect(bomb.length).to.be.below(1e5);
    expect(await problem(`${file('bomb.pt', bomb)}#x`)).to.include(
      'is compressed, as torch.save never does it',
    );
  });

  describe('of people (CIFAR-10N)', () => {
    const human = path.join(PROJECT_ROOT, '..', 'shared', 'data', 'CIFAR-10_human.pt');
    before(function () {
      if (existsSync(human)) return;
      this.test!.parent!.title += ` [pending: ${human} is not there]`;
      this.skip();
    });

    it('have the published rates of wrong labels', async function () {
      this.timeout(600_000);
      const { train } = await loadCifar10();
      expect((await readLabelFile(`${human}#clean_label`)).labels).to.deep.equal(train.labels);
      const rates = {
        aggre_label: 9.01,
        random_label1: 17.23,
        random_label2: 18.12,
        random_label3: 17.64,
        worse_label: 40.21,
      };
      for (const [name, rate] of Object.entries(rates)) {
        const { labels: given } = await readLabelFile(`${human}#${name}`);
        expect(100 * measureNoise(train.labels, given, 10).rate).to.be.closeTo(rate, 0.005);
      }
    });

    it('are chosen by name', async () => {
      expect(await problem(human))
        .to.include('#NAME')
        .and.include('worse_label');
      expect(await problem(`${human}#best_label`)).to.include('aggre_label');
    });
  });
});
