// Kept weights: what is in the file, who reads it, and what is said where it is not there or not the record's.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { run } from '../src/cli/run.js';
import { submit } from '../src/cli/submit.js';
import { verify } from '../src/cli/verify.js';
import { npyOf, npyOfBytes } from '../src/data/npy.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { integer, stream } from '../src/io/random.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { hashOfWeights, readWeights, weightsFile, writeWeights } from '../src/results/weights.js';
import { InputError } from '../src/spec/errors.js';
import type { Architecture } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { examine } from '../src/training/evaluation.js';
import type { RunJob, Trainer, TrainingJob, Weights } from '../src/training/job.js';
import { programSpecOf } from '../src/training/program_spec.js';
import { sessionFor } from '../src/training/sessions.js';
import { train } from '../src/training/train.js';
import { fakeEngine, fakeTrain, SUITE, suiteFile } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { python } from './support/torch.js';

const suite = SUITE as ResolvedSuite;
const METHODS = { sgd: {} };
const never = new AbortController().signal;

/** Weights of a run that is not trained. */
const weightsOf = ({ spec }: RunJob): Weights =>
  new Map([
    ['stem', { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, spec.seed) }],
    ['stem/mean', { shape: [3], values: Float32Array.of(0, -1, 0.5) }],
  ]);

const keepingTrain: Trainer<RunJob> = async (job, ...rest) => ({
  ...(await fakeTrain(job, ...rest)),
  weightsSha256: hashOfWeights(weightsOf(job)),
  ...(job.keepWeights && { weights: weightsOf(job) }),
});

/** Runs a suite of plain SGD, and tells which jobs were trained. */
async function go(out: string, changes: object, said: string[] = []): Promise<RunJob[]> {
  const jobs: RunJob[] = [];
  const using = {
    ...fakeEngine,
    train: ((job, ...rest) => {
      jobs.push(job);
      return keepingTrain(job, ...rest);
    }) as Trainer<RunJob>,
  };
  const file = await suiteFile({ methods: METHODS, ...changes });
  const progress = { noted: (line: string) => said.push(line), stop() {} };
  expect(await run(file, { out }, using, progress, () => {})).to.equal(0);
  return jobs;
}

async function recordOf(out: string, id: string) {
  return JSON.parse(await readFile(path.join(out, 'runs', `${id}.json`), 'utf8'));
}

const { runs } = expand({ ...suite, methods: METHODS });
const [{ id }] = runs as [(typeof runs)[0]];

async function faultsOf(out: string, repair = false): Promise<string[]> {
  const lines: string[] = [];
  await verify(
    [out],
    repair ? { repair, yes: true } : {},
    (line) => lines.push(line),
    () => {},
  );
  return lines
    .filter((line) => line.includes('weights'))
    .map((line) => line.replaceAll(`${out}/`, '').trim());
}

describe('kept weights', () => {
  it('change no run: ids, specs and records are those of a suite without', async () => {
    const keeping = expand({ ...suite, keepWeights: true });
    expect(keeping.runs.map((run) => [run.id, run.spec])).to.deep.equal(
      expand(suite).runs.map((run) => [run.id, run.spec]),
    );
    expect(keeping.runs.every(({ keepsWeights }) => keepsWeights)).to.equal(true);
    const out = await temporaryFolder();
    const without = await temporaryFolder();
    await go(out, { keepWeights: true });
    const jobs = await go(without, {});
    expect(jobs.some((job) => 'keepWeights' in job)).to.equal(false);
    expect(existsSync(path.join(without, 'weights'))).to.equal(false);
    const timeless = ({ provenance: _, sha256: __, ...rest }: Record<string, unknown>) => rest;
    for (const { id } of runs)
      expect(timeless(await recordOf(out, id))).to.deep.equal(timeless(await recordOf(without, id)));
  });

  it('are there for every run, with names and shapes, and verified', async () => {
    const out = await temporaryFolder();
    const jobs = await go(out, { keepWeights: true });
    expect(jobs).to.have.length(4);
    const found = await readWeights(weightsFile(out, id), await recordOf(out, id));
    expect([...found]).to.deep.equal([...weightsOf(jobs[0]!)]);
    expect((await readOwnGraph(out)).suite.keepWeights).to.equal(true);
    expect(await faultsOf(out)).to.deep.equal([]);
  });

  it('are made again where they are missing, by the same command', async () => {
    const out = await temporaryFolder();
    await go(out, {});
    const said: string[] = [];
    expect(await go(out, { keepWeights: true }, said)).to.have.length(4);
    expect(said.join()).to.include('4 finished runs have no weights');
    expect(await go(out, { keepWeights: true })).to.have.length(0);
    await rm(weightsFile(out, id));
    expect(await faultsOf(out)).to.deep.equal([
      `weights/${id}.npz: there are no weights; a suite with "keepWeights": true keeps them: add it, and the same "labelnoise run" makes the run again`,
    ]);
    expect((await go(out, { keepWeights: true })).map(({ spec }) => spec)).to.deep.equal([runs[0]!.spec]);
  });

  it('that are damaged, or of another run, are told by their hash, and moved aside by --repair', async () => {
    const out = await temporaryFolder();
    const [job] = await go(out, { keepWeights: true });
    const file = weightsFile(out, id);
    const record = await recordOf(out, id);
    const whole = await readFile(file);
    const refusal = async () => {
      const error = await readWeights(file, record).catch((e: Error) => e);
      return (error as Error).message.replace(file, 'FILE');
    };
    await writeFile(file, whole.subarray(0, 200));
    expect(await refusal()).to.match(/^FILE: is damaged \(.*\); right: as it was written$/);
    await writeFile(file, npyOf(Uint8Array.of(1)));
    expect(await refusal()).to.match(/^FILE: is damaged/);
    const other = new Map(weightsOf(job!)).set('stem', { shape: [1], values: Float32Array.of(1) });
    await writeWeights(out, id, other);
    expect(await refusal()).to.equal(
      `FILE: the SHA-256 of its values is ${hashOfWeights(other)}; right: ${record.weightsSha256}, weightsSha256 of the run's record`,
    );
    expect(await faultsOf(out)).to.have.length(1);
    expect((await faultsOf(out, true)).join()).to.include('moved aside');
    expect(existsSync(file)).to.equal(false);
    expect(await go(out, { keepWeights: true })).to.have.length(1);
    expect(await readFile(file)).to.deep.equal(whole);
  });

  it('with any byte changed or any end cut off are refused in words, or the same', async () => {
    const folder = await temporaryFolder();
    const weights = new Map([...weightsOf({ spec: runs[0]!.spec } as RunJob)]);
    const record = { weightsSha256: hashOfWeights(weights) };
    await writeWeights(folder, id, weights);
    const file = weightsFile(folder, id);
    const whole = await readFile(file);
    const next = stream(1, 'test damage');
    let refused = 0;
    for (let n = 0; n < 300; n++) {
      const bytes = Buffer.from(n % 3 ? whole : whole.subarray(0, integer(next, whole.length)));
      if (n % 3) bytes[integer(next, bytes.length)]! ^= 1 << integer(next, 8);
      await writeFile(file, bytes);
      const found = await readWeights(file, record).catch((e: Error) => e);
      if (found instanceof Error) {
        expect(found).to.be.instanceOf(InputError);
        expect(found.message.split('\n')).to.have.length(1);
        refused++;
      } else expect(hashOfWeights(found)).to.equal(record.weightsSha256);
    }
    expect(refused).to.be.greaterThan(150);
  });

  it('are refused by a queue, which brings none, and where they are neither asked for nor not', async () => {
    const file = await suiteFile({ keepWeights: true });
    const error = await submit(file, {}, fakeEngine).catch((e: Error) => e);
    expect((error as Error).message).to.include('keepWeights is true, and a queue brings no weights');
    const wrong = await run(await suiteFile({ keepWeights: 'yes' }), {}, fakeEngine).catch((e: Error) => e);
    expect((wrong as Error).message).to.include('keepWeights is "yes"; allowed: true, or nothing');
  });
});

/** A training of ten steps on random images. */
function jobOf(model: Architecture): TrainingJob {
  const next = stream(1, 'test images');
  const images = (count: number) => ({
    count,
    images: new Uint8Array(count * 3072).map(() => integer(next, 256)),
    labels: new Uint8Array(count).map((_, i) => i % 10),
  });
  const [train, test] = [images(50), images(20)];
  const spec = { ...runs[0]!.spec, model };
  return { spec, train, test, noisyLabels: train.labels, targetLabels: train.labels, keepWeights: true };
}

describe('kept weights in PyTorch', () => {
  const MODELS: Architecture[] = [
    { kind: 'wide-resnet', depth: 10, width: 1, shortcut: 'pool-pad', stemStride: 2 },
    { kind: 'wide-resnet', depth: 16, width: 2, shortcut: 'conv' },
    { kind: 'resnet', depth: 14 },
  ];
  for (const model of MODELS)
    it(`give our logits: ${JSON.stringify(model)}`, async function () {
      const interpreter = python(this);
      const job = jobOf(model);
      const { weights, weightsSha256, predictions } = await train(job, () => {}, never);
      expect(hashOfWeights(weights!)).to.equal(weightsSha256);
      const folder = await temporaryFolder();
      await writeWeights(folder, id, weights!);
      const at = (name: string) => path.join(folder, name);
      await writeFile(at('images.npy'), npyOfBytes(job.train.images, [50, 32, 32, 3]));
      await writeFile(
        at('record.json'),
        JSON.stringify({ spec: job.spec, predictions: predictions.join('') }),
      );
      const script = path.join(PROJECT_ROOT, 'reference', 'weights.py');
      const { stdout } = await promisify(execFile)(interpreter, [
        '-B',
        script,
        weightsFile(folder, id),
        ...['record.json', 'images.npy', 'logits.npy'].map(at),
      ]);
      expect(stdout).to.equal("50 of 50 predicted labels are the record's\n");
      // Logits, but for what all of an image have in common.
      const [ours] = examine(await sessionFor(job.spec), programSpecOf(job.spec), job.train);
      const npy = await readFile(at('logits.npy'));
      const theirs = new Float32Array(new Uint8Array(npy.subarray(npy.length - 4 * 500)).buffer);
      for (let i = 0; i < 50; i++) {
        const [a, b] = [ours!, theirs].map((all) => [...all.subarray(10 * i, 10 * (i + 1))]);
        for (let c = 1; c < 10; c++) expect(a![c]! - a![0]!).to.be.closeTo(b![c]! - b![0]!, 2e-5);
      }
    });
});
