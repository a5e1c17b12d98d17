// The smoke suite end to end on real CIFAR-10, with fewer images in smaller batches: complete tables, and the same bits again.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { PROJECT_ROOT } from '../src/io/project.js';
import { temporaryFolder } from './support/temporary_folder.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');

async function smoke(...only: string[]) {
  const folder = await temporaryFolder();
  const [suite, out] = ['suite.json', 'out'].map((name) => path.join(folder, name)) as [string, string];
  const whole = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'smoke.json'), 'utf8'));
  const data = { ...whole.data, trainImages: 128, testImages: 100 };
  const training = { ...whole.training, batchSize: 64 };
  await writeFile(suite, JSON.stringify({ ...whole, data, training }));
  const args = [MAIN, 'run', suite, '--out', out, ...only];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  const rows: Record<string, string>[] = parse(await readFile(path.join(out, 'runs.csv')), { columns: true });
  const record = async (id: string) =>
    JSON.parse(await readFile(path.join(out, 'runs', `${id}.json`), 'utf8'));
  return { stdout, stderr, rows, record };
}

describe('the smoke suite', () => {
  it('fills all twenty cells, and all methods at one rate again with the same bits', async function () {
    this.timeout(600_000);
    const [first, again] = [await smoke(), await smoke('--only', 'noise=40')];
    expect(first.rows).to.have.length(20);
    expect(again.rows).to.have.length(5);
    const withoutTime = ({ wall_seconds: _, ...row }: Record<string, string>) => row;
    for (const row of again.rows) {
      const { run_id } = row;
      const same = first.rows.find((other) => other.run_id === run_id);
      expect(withoutTime(row)).to.deep.equal(withoutTime(same!));
      const [one, other] = [await first.record(run_id!), await again.record(run_id!)];
      expect(other.curve).to.deep.equal(one.curve);
      expect(other.predictions).to.equal(one.predictions);
    }
    expect(first.stdout).to.include('Bootstrap + SAM').and.to.include('Scaled down');
    // TensorFlow's own words.
    expect(first.stderr).not.to.match(/oneDNN custom operations|tensorflow\/\w+\//);
  });
});
