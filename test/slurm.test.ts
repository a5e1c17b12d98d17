// Suites on a Slurm cluster: the arrays, their scripts, and where one can be brought up a real cluster of one node.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type PlanOptions, plan } from '../src/cli/plan.js';
import { redraw } from '../src/cli/table.js';
import { jobArrays } from '../src/execution/slurm.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE, suiteFile } from './fakes.js';
import { standInEngine } from './support/honest_training.js';
import { local, tablesOf } from './support/queue_place.js';
import { TestCluster } from './support/slurm.js';
import { temporaryFolder } from './support/temporary_folder.js';

const TASK = fileURLToPath(new URL('./support/slurm_task.js', import.meta.url));
const { runs } = expand(SUITE as ResolvedSuite);

/** A suite's scripts, which run the stand-in. */
async function planned(changes: object = {}, options: Partial<PlanOptions> = {}) {
  const file = await suiteFile(changes);
  const folder = await temporaryFolder();
  const slurm = path.join(folder, 'the jobs');
  const out = path.join(folder, 'the results');
  const place = { file, slurm, out, printed: '' };
  const again = async () => {
    place.printed = '';
    await plan(file, { slurm, out, ...options }, standInEngine(1), (text) => {
      place.printed += text;
    });
    for (const name of await readdir(slurm)) {
      if (!/^\d+\.sbatch$/.test(name)) continue;
      const script = path.join(slurm, name);
      const text = await readFile(script, 'utf8');
      await writeFile(script, text.replace(/'[^']*main\.js' worker/, `'${TASK}' worker`));
    }
  };
  await again();
  const script = (name: string) => readFile(path.join(slurm, name), 'utf8');
  return Object.assign(place, { again, script });
}

describe('a suite on a Slurm cluster', function () {
  this.timeout(120_000);

  it('is arrays of runs, each student under its teacher’s number in an array after that', () => {
    const arrays = jobArrays(runs);
    expect(arrays.map(({ after, tasks }) => [after, tasks.size])).to.deep.equal([
      [undefined, 12],
      [0, 8],
    ]);
    for (const [task, run] of arrays[1]!.tasks)
      expect(run.dependsOn).to.deep.equal([arrays[0]!.tasks.get(task)!.id]);
    const missing = runs.filter(({ method }) => method.startsWith('bootstrap'));
    expect(jobArrays(missing).map(({ after, tasks }) => [after, tasks.size])).to.deep.equal([[undefined, 8]]);
    const split = jobArrays(runs, 5);
    const places = split.flatMap(({ tasks }) => [...tasks.values()].map(({ id }) => id));
    expect([...places].sort()).to.deep.equal(runs.map(({ id }) => id).sort());
    for (const { tasks } of split) expect(Math.max(...tasks.keys())).to.be.below(5);
  });

  it('has a further array for each further student of a teacher', () => {
    const methods = { sam: { rho: 0.1 }, 'bootstrap-sam@a': { rho: 0.1 }, 'bootstrap-sam@b': { rho: 0.2 } };
    const arrays = jobArrays(expand({ ...SUITE, methods } as unknown as ResolvedSuite).runs);
    expect(arrays.map(({ after, tasks }) => [after, tasks.size])).to.deep.equal([
      [undefined, 4],
      [0, 4],
      [0, 4],
    ]);
  });

  it('is written as scripts in which shellcheck finds nothing', async () => {
    const place = await planned(
      {},
      { gres: 'gpu:1', partition: 'gpu', atOnce: 3, sbatch: ['--comment=two words'] },
    );
    expect(place.printed).to.match(/^20 runs in 2 arrays; start .*submit\n$/);
    const scripts = (await readdir(place.slurm)).filter((name) => /submit|sbatch/.test(name));
    expect(scripts.sort()).to.deep.equal(['0.sbatch', '1.sbatch', 'submit', 'tables.sbatch']);
    execFileSync('shellcheck', ['--severity=style', '--shell=bash', ...scripts], {
      cwd: place.slurm,
      encoding: 'utf8',
    });
    const first = await place.script('0.sbatch');
    expect(first).to.include('#SBATCH --array=0-11%3').and.to.include('#SBATCH --comment="two words"');
    expect(first).to.include('#SBATCH --gres=gpu:1').and.to.include('LABELNOISE_DEVICE=gpu');
    // Measured: two epochs of five steps of at most two seconds.
    expect(first).to.include('#SBATCH --time=11\n');
    expect(await place.script('submit')).to.include(
      'sbatch --parsable --dependency="aftercorr:$job0" 1.sbatch',
    );
  });

  it('is refused where sbatch would misread it', async () => {
    const wrong: [Partial<PlanOptions>, RegExp][] = [
      [{ sbatch: ['--comment="x"'] }, /--sbatch --comment="x": allowed: no quotes/],
      [{ slurm: '/tmp/50%' }, /--slurm \/tmp\/50%: allowed/],
    ];
    for (const [options, expected] of wrong) {
      const error = await planned({}, options).catch((error) => error);
      expect(error).to.be.instanceOf(InputError);
      expect(error.message).to.match(expected);
    }
  });

  describe('of one real node', () => {
    let cluster: TestCluster;
    before(async function () {
      const started = await TestCluster.start();
      if (typeof started === 'string') {
        // In continuous integration it is there.
        if (process.env.CI) throw new Error(started);
        return this.skip();
      }
      cluster = started;
    });
    after(() => cluster?.stop());

    it('gives the tables of one machine, also after a teacher failed and the same was planned again', async () => {
      const changes = {
        noise: { ...SUITE.noise, rates: [0.2, 0.8] },
        methods: { ...SUITE.methods, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } },
      };
      const place = await planned(changes);
      const reference = path.join(await temporaryFolder(), 'local');
      await local(place.file, reference);
      const { runs: some } = expand({ ...SUITE, ...changes } as unknown as ResolvedSuite);
      const broken = some.find(({ method }) => method === 'sam')!;
      await cluster.run('env', `LABELNOISE_TEST_BREAK=${broken.id}`, path.join(place.slurm, 'submit'));
      const twice = await cluster.run(path.join(place.slurm, 'submit')).catch((error) => error);
      expect(twice.code).to.equal(2);
      expect(twice.stderr).to.include('queued or running');
      await cluster.finish(100);
      const records = async () =>
        (await readdir(path.join(place.out, 'runs'))).filter((name) => /^[0-9a-f]{16}\.json$/.test(name));
      expect(await records()).to.have.length(8);
      await place.again();
      expect(place.printed).to.include('2 runs in 2 arrays');
      await cluster.run(path.join(place.slurm, 'submit'));
      await cluster.finish(60);
      expect(await records()).to.have.length(10);
      expect(await tablesOf(place.out)).to.deep.equal(await tablesOf(reference));
      await place.again();
      expect(place.printed).to.include('all runs are finished');
      await redraw(place.out, undefined, () => {});
    });
  });

  it('does not write into a folder where a run is at work, nor without a teacher', async () => {
    const place = await planned();
    const student = runs.find(({ dependsOn }) => dependsOn.length)!;
    const { task } = await import('../src/cli/plan.js');
    const make = (out: string, run: string) =>
      task({ plan: path.join(place.slurm, 'plan.json'), out, run }, standInEngine(1)).then(
        () => 'made',
        (error: Error) => error.message,
      );
    expect(await make(place.out, student.id)).to.match(/has no record of the run .* that .* learns from/);
    expect(await make(place.out, 'x')).to.include('--run x: is none of the runs of tiny');
    await mkdir(`${place.out}-other`);
    expect(await make(`${place.out}-other`, student.id)).to.include('is no results folder');
  });
});
