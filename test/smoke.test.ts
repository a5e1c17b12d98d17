// The smoke suite end to end, twice, on real CIFAR-10: complete tables, and the same bits again.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { PROJECT_ROOT } from '../src/project.js';
import { temporaryFolder } from './fakes.js';

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');

async function smoke() {
  const out = path.join(await temporaryFolder(), 'out');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    MAIN,
    'run',
    'smoke',
    '--out',
    out,
  ]);
  const rows: Record<string, string>[] = parse(await readFile(path.join(out, 'runs.csv')), { columns: true });
  const record = async (id: string) =>
    JSON.parse(await readFile(path.join(out, 'runs', `${id}.json`), 'utf8'));
  return { stdout, stderr, rows, record };
}

describe('the smoke suite', () => {
  it('fills all twenty cells, twice with the same bits', async function () {
    this.timeout(600_000);
    const [first, second] = [await smoke(), await smoke()];
    expect(first.rows).to.have.length(20);
    const withoutTime = ({ rows }: typeof first) => rows.map(({ wall_seconds: _, ...row }) => row);
    expect(withoutTime(second)).to.deep.equal(withoutTime(first));
    for (const { run_id } of first.rows) {
      const [one, other] = [await first.record(run_id!), await second.record(run_id!)];
      expect(other.curve).to.deep.equal(one.curve);
      expect(other.predictions).to.equal(one.predictions);
    }
    expect(first.stdout).to.include('Bootstrap + SAM').and.to.include('Scaled down');
    expect(first.stderr).not.to.include('oneDNN');
  });
});
