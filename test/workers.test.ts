// The pool of worker processes: answers, aborts, and workers that end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { loadCifar10 } from '../src/data/datasets/cifar10.js';
import { ImagesOfRuns } from '../src/data/subset.js';
import { parallelRuns, WorkerPool } from '../src/execution/local/pool.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import type { TrainingJob, TrainingProgress } from '../src/training/job.js';
import { CIFAR, SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const [node] = expand({ ...SUITE, precision: 'float32' } as ResolvedSuite).runs;

function job(epochs = 1): TrainingJob {
  const { train, test } = new ImagesOfRuns(CIFAR).of(node!.spec);
  const spec = { ...node!.spec, training: { ...node!.spec.training, epochs } };
  return { spec, train, test, noisyLabels: train.labels, targetLabels: train.labels };
}

describe('worker processes', () => {
  let pool: WorkerPool;
  before(() => {
    pool = new WorkerPool();
  });
  after(() => pool.close());

  function startAnew(): void {
    pool.close();
    pool = new WorkerPool();
  }

  it('train the same bits one after the other and at once', async () => {
    const train = () => pool.ask(1, 'train', job());
    const [first, second] = await Promise.all([train(), train()]);
    const third = await train();
    expect(second.curve).to.deep.equal(first.curve);
    expect(third.curve).to.deep.equal(first.curve);
    expect(first.predictions).to.have.length(50);
  });

  it('load the images of a job that comes without', async function () {
    this.timeout(600_000);
    const { spec } = job();
    const images = new ImagesOfRuns(await loadCifar10({ say: () => {} })).of(spec);
    const labels = images.train.labels;
    const told = { spec, noisyLabels: labels, targetLabels: labels };
    const given = await pool.ask(1, 'train', { ...told, ...images });
    const { weightsSha256, curve } = await pool.ask(1, 'train', told);
    expect(weightsSha256).to.equal(given.weightsSha256);
    expect(curve).to.deep.equal(given.curve);
    const missing = { ...told, dataDir: path.join(await temporaryFolder(), 'none') };
    const error = await pool.ask(1, 'train', missing).catch((e: Error) => e);
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message)
      .to.include('none')
      .and.to.include('data_batch_1.bin is missing');
  });

  it('tell how they get on', async () => {
    const seen: TrainingProgress[] = [];
    await pool.ask(1, 'train', job(2), (progress) => seen.push(progress));
    expect(seen.filter(({ evaluation }) => !evaluation).map(({ step }) => step)).to.deep.equal(
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
    expect(seen.filter(({ evaluation }) => evaluation).map(({ epoch }) => epoch)).to.deep.equal([1, 2]);
  });

  it('tell what takes long: the start, compiling, the first step, evaluations', async () => {
    startAnew();
    const told: string[] = [];
    for (const _ of ['compiles', 'has compiled'])
      await pool.ask(1, 'train', job(), undefined, undefined, (what) => told.push(what));
    const each = ['taking the first step', 'evaluating on 70 images'];
    expect(told).to.deep.equal(['starting TensorFlow', 'compiling WRN-10-1', ...each, ...each]);
  });

  it('stop at the next step when told to, and can be asked again', async () => {
    const controller = new AbortController();
    const error = await pool
      .ask(1, 'train', job(10000), () => controller.abort(), controller.signal)
      .catch((e: Error) => e);
    expect(error).to.be.instanceOf(Error);
    expect((await pool.ask(1, 'versions', undefined)).tensorflow).to.match(/^\d+\.\d+/);
  });

  it('that end are told of with the signal that ended them, and replaced', async () => {
    startAnew();
    const before = new Set(childProcesses());
    const error = await pool
      .ask(1, 'train', job(10000), () => {
        for (const pid of childProcesses()) if (!before.has(pid)) process.kill(pid, 'SIGKILL');
      })
      .catch((e: Error) => e);
    expect((error as Error).message).to.include('SIGKILL');
    expect((await pool.ask(1, 'versions', undefined)).tensorflow).to.match(/^\d+\.\d+/);
  });

  it('say what went wrong', async () => {
    const broken = job();
    broken.targetLabels = broken.targetLabels.slice(1);
    const error = await pool.ask(1, 'train', broken).catch((e: Error) => e);
    expect((error as Error).message).to.include('49');
  });

  it('say that memory ran out, and live on or are replaced', async () => {
    startAnew();
    process.env.TF_CPU_BFC_MEM_LIMIT_IN_MB = '60';
    const large = job();
    large.spec = { ...large.spec, model: { kind: 'wide-resnet', depth: 16, width: 2, shortcut: 'pool-pad' } };
    large.spec.training = { ...large.spec.training, batchSize: 50 };
    const error = await pool.ask(1, 'train', large).catch((e: Error) => e);
    delete process.env.TF_CPU_BFC_MEM_LIMIT_IN_MB;
    expect((error as Error).message).to.match(/OOM when allocating tensor|as when memory runs out/);
    expect((await pool.ask(1, 'versions', undefined)).tensorflow).to.match(/^\d+\.\d+/);
  });

  it('end with the process that asks them, in the middle of a step too', async () => {
    const model = { kind: 'wide-resnet', depth: 28, width: 4, shortcut: 'pool-pad' } as const;
    const { spec } = job();
    const large = { ...spec, model, data: { ...spec.data, trainImages: 256 } };
    large.training = { ...large.training, batchSize: 256 };
    const file = pathToFileURL(path.join(PROJECT_ROOT, 'dist', 'src', 'execution', 'local', 'pool.js'));
    const script = `import { WorkerPool } from '${file}';
      const asked = new WorkerPool().ask(1, 'measureStep', ${JSON.stringify(large)});
      setTimeout(() => console.log('under way'), 4000);
      await asked;
      console.log('answered');`;
    const program = path.join(await temporaryFolder(), 'ask.mjs');
    await writeFile(program, script);
    const parent = spawn(process.execPath, [program]);
    const [said] = await once(parent.stdout, 'data');
    expect(String(said)).to.equal('under way\n');
    parent.kill('SIGTERM');
    // The worker has the same standard output, which is closed when both have ended.
    const closed = await once(parent, 'close', { signal: AbortSignal.timeout(3000) });
    expect(closed).to.deep.equal([null, 'SIGTERM']);
  });

  it('are as many as the cores hold', () => {
    expect(parallelRuns(1)).to.be.at.least(1);
    expect(parallelRuns(100000)).to.equal(1);
  });
});

/** Processes of this one's making that are alive. */
function childProcesses(): number[] {
  const handles = (process as unknown as { _getActiveHandles(): { pid?: number }[] })._getActiveHandles();
  return handles.flatMap(({ pid }) => (pid ? [pid] : []));
}
