// Running a suite's graph: order, what is kept, what a failure stops, and the run command around it.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { estimate, graphText } from '../src/cli/dry_run.js';
import type { Engine } from '../src/cli/engine.js';
import { type RunOptions, run } from '../src/cli/run.js';
import { redraw } from '../src/cli/table.js';
import { TimeLeft } from '../src/cli/time_left.js';
import { ImagesOfRuns } from '../src/data/subset.js';
import { longestFirst } from '../src/execution/longest_first.js';
import { InputError } from '../src/spec/errors.js';
import { decodeLabels } from '../src/spec/labels.js';
import type { RunRecord } from '../src/spec/record.js';
import { type RunSpec, runId } from '../src/spec/run_spec.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import type { Suite } from '../src/suite/schema.js';
import { type RunJob, type Trainer, WorkerEnded } from '../src/training/job.js';
import { CIFAR, fakeEngine, fakeTrain, SUITE } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

const suite = SUITE as ResolvedSuite;
const graph = expand(suite);

/** A workplace: a suite file, a results folder, and what was printed and trained. */
async function workplace(changes: Partial<Suite> = {}) {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'tiny.json');
  await writeFile(file, JSON.stringify({ ...SUITE, ...changes }));
  const out = path.join(folder, 'out');
  const jobs: RunJob[] = [];
  const said: string[] = [];
  const place = { file, out, jobs, said, printed: '' };
  const go = (train: Trainer<RunJob> = fakeTrain, engine: Partial<Engine> = {}, options: RunOptions = {}) => {
    jobs.length = 0;
    said.length = 0;
    place.printed = '';
    const using: Engine = {
      ...fakeEngine,
      train: (job, ...rest) => {
        jobs.push(job);
        return train(job, ...rest);
      },
      ...engine,
    };
    const progress = {
      noted: (line: string) => said.push(line),
      retried: (node: { method: string }) => said.push(`${node.method}: again`),
      quarantined: (moved: string) => said.push(`aside ${path.basename(moved)}`),
      failed: (node: { method: string }, reason: string) => said.push(`${node.method}: ${reason}`),
      stop() {},
    };
    return run(file, { out, ...options }, using, progress, (text) => {
      place.printed += text;
    });
  };
  const records = async (): Promise<RunRecord[]> =>
    Promise.all(
      graph.runs.map(async ({ id }) =>
        JSON.parse(await readFile(path.join(out, 'runs', `${id}.json`), 'utf8')),
      ),
    );
  return Object.assign(place, { go, records });
}

/** What `labelnoise table` prints of a folder. */
async function redrawn(out: string): Promise<string> {
  let printed = '';
  await redraw(out, undefined, (text) => {
    printed += text;
  });
  return printed;
}

const files = (out: string) => readdir(out).then((names) => names.sort());

describe('executing a suite', () => {
  it('trains every run once, longest chains first, and writes records and tables', async () => {
    const place = await workplace();
    expect(await place.go()).to.equal(0);
    expect(place.jobs.map((job) => runId(job.spec))).to.deep.equal(longestFirst(graph.runs).map((r) => r.id));
    expect(await files(place.out)).to.deep.equal(
      [
        'comparison.csv',
        'events.jsonl',
        'records.jsonl',
        'report.html',
        'runs',
        'runs.csv',
        'shape.csv',
        'suite.json',
        'table4.csv',
        'table4.md',
        'table4.tex',
        'tensorboard',
      ].sort(),
    );
    expect(parse(await readFile(path.join(place.out, 'runs.csv'), 'utf8'), { columns: true })).to.have.length(
      20,
    );
    expect(place.printed).to.include('Bootstrap + SAM').and.to.include('comparison.csv');
  });

  it('makes the asked noise, the same for all methods, and leaves the test set alone', async () => {
    const place = await workplace();
    await place.go();
    const at40 = place.jobs.filter(({ spec: { noise } }) => noise.kind === 'symmetric' && noise.rate === 0.4);
    expect(at40).to.have.length(5);
    const images = new ImagesOfRuns(CIFAR);
    for (const job of at40) {
      expect(job.noisyLabels).to.deep.equal(at40[0]!.noisyLabels);
      const { train, test } = images.of(job.spec);
      expect(job.noisyLabels.filter((label, i) => label !== train.labels[i])).to.have.length(20);
      expect([train.count, test.count]).to.deep.equal([50, 20]);
      expect(test.labels.filter((label) => label === 3)).to.have.length(2);
    }
    const [record] = await place.records();
    expect(record!.noise.rate).to.equal(0.2);
  });

  it("has bootstrap runs learn their teacher's predictions, others the noisy labels", async () => {
    const place = await workplace();
    await place.go();
    const records = await place.records();
    for (const job of place.jobs) {
      const { labels } = job.spec;
      const teacher = labels.from === 'predictions' && records.find((record) => record.id === labels.teacher);
      expect(job.targetLabels).to.deep.equal(
        teacher ? decodeLabels(teacher.predictions, 10) : job.noisyLabels,
      );
    }
  });

  it('keeps what is finished and goes on from there, to the same tables', async () => {
    const whole = await workplace();
    await whole.go();
    const place = await workplace();
    await place.go();
    for (const { id } of graph.runs.slice(7, 12)) await rm(path.join(place.out, 'runs', `${id}.json`));
    expect(await place.go()).to.equal(0);
    expect(place.jobs.map((job) => runId(job.spec))).to.have.members(
      graph.runs.slice(7, 12).map((r) => r.id),
    );
    const [a, b] = await Promise.all(
      [whole, place].map(({ out }) => readFile(path.join(out, 'runs.csv'), 'utf8')),
    );
    expect(a).to.equal(b);
  });

  it('removes what was left of a run whose record was the last thing a killed process wrote', async () => {
    const place = await workplace();
    await place.go();
    const left = graph.runs
      .slice(0, 2)
      .flatMap(({ id }) => [`checkpoints/${id}.ckpt`, `runs/${id}.failed.json`]);
    for (const missing of [graph.runs.slice(7, 8), []]) {
      await mkdir(path.join(place.out, 'checkpoints'), { recursive: true });
      for (const name of left) await writeFile(path.join(place.out, name), '{}');
      for (const { id } of missing) await rm(path.join(place.out, 'runs', `${id}.json`));
      expect(await place.go()).to.equal(0);
      expect(await readdir(path.join(place.out, 'checkpoints'))).to.deep.equal([]);
      expect(await readdir(path.join(place.out, 'runs'))).to.have.length(graph.runs.length);
    }
  });

  it('trains several runs at once, teachers before students, to the same tables', async () => {
    const alone = await workplace();
    await alone.go();
    const place = await workplace();
    let [now, most] = [0, 0];
    const over = new Set<string>();
    const train: Trainer<RunJob> = async (job, ...rest) => {
      const { labels } = job.spec;
      if (labels.from === 'predictions') expect(over.has(labels.teacher)).to.equal(true);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, Number.parseInt(runId(job.spec)[0]!, 16)));
      now--;
      over.add(runId(job.spec));
      return fakeTrain(job, ...rest);
    };
    expect(await place.go(train, { parallelRuns: () => 3 })).to.equal(0);
    expect(most).to.equal(3);
    for (const name of ['runs.csv', 'table4.csv', 'comparison.csv'])
      expect(await readFile(path.join(place.out, name), 'utf8')).to.equal(
        await readFile(path.join(alone.out, name), 'utf8'),
      );
  });

  it('asks for no data when all is finished', async () => {
    const place = await workplace();
    await place.go();
    const loadData = () => Promise.reject(new InputError('no data'));
    expect(await place.go(fakeTrain, { loadData })).to.equal(0);
    expect(place.jobs).to.deep.equal([]);
  });

  it('writes nothing when the data cannot be had', async () => {
    const place = await workplace();
    const loadData = () => Promise.reject(new InputError('no data'));
    const error = await place.go(fakeTrain, { loadData }).catch((e) => e);
    expect(error).to.be.instanceOf(InputError);
    expect(await readdir(path.dirname(place.out))).to.deep.equal(['tiny.json']);
  });

  it('moves a damaged record aside and does its run again', async () => {
    const place = await workplace();
    await place.go();
    const { id } = graph.runs[4]!;
    await writeFile(path.join(place.out, 'runs', `${id}.json`), '{"id":');
    await rm(path.join(place.out, 'records.jsonl'));
    expect(await place.go()).to.equal(0);
    expect(place.said).to.deep.equal([`aside ${id}.json.damaged`]);
    expect(place.jobs.map((job) => runId(job.spec))).to.deep.equal([id]);
    expect(await readdir(path.join(place.out, 'runs'))).to.include.members([
      `${id}.json`,
      `${id}.json.damaged`,
    ]);
  });

  it('takes a damaged record from the archive, and says so', async () => {
    const place = await workplace();
    await place.go();
    const table = await readFile(path.join(place.out, 'runs.csv'), 'utf8');
    const { id } = graph.runs[4]!;
    const file = path.join(place.out, 'runs', `${id}.json`);
    await writeFile(file, '{"id":');
    expect(await place.go()).to.equal(0);
    expect(place.jobs).to.deep.equal([]);
    expect(place.said).to.have.length(1);
    expect(place.said[0]).to.match(
      /runs\/[0-9a-f]{16}\.json: is not JSON.*; used instead: .*records\.jsonl, line 5$/,
    );
    expect(await readFile(path.join(place.out, 'runs.csv'), 'utf8')).to.equal(table);
  });

  it('reports a failed run, leaves out what depends on it, and does the rest', async () => {
    const place = await workplace({
      noise: { kind: 'symmetric', rates: [0.2], redraw: 'other' },
      methods: { sgd: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } },
    });
    const failing: Trainer<RunJob> = (job, ...rest) =>
      job.spec.gradient?.kind === 'sam'
        ? Promise.reject(new Error('out of memory\nat ...'))
        : fakeTrain(job, ...rest);
    expect(await place.go(failing)).to.equal(1);
    expect(place.jobs).to.have.length(2);
    expect(place.said[0]).to.equal('sam: out of memory [WRN-10-1, batches of 10]');
    const failed = (await readdir(path.join(place.out, 'runs'))).filter((name) => name.includes('failed'));
    expect(failed).to.have.length(1);
    const note = JSON.parse(await readFile(path.join(place.out, 'runs', failed[0]!), 'utf8'));
    expect(note).to.deep.include({ method: 'sam', reason: 'out of memory [WRN-10-1, batches of 10]' });
    expect(await redrawn(place.out)).to.match(/SAM +│ +failed \(95\.1\)/);
    expect(place.said[1]).to.match(/^bootstrap-sam: its teacher [0-9a-f]{16} failed$/);
    expect(place.printed).to.match(/SAM +│ +failed \(95\.1\)/);
    expect(await readFile(path.join(place.out, 'table4.csv'), 'utf8')).to.match(/^sam,$/m);
    expect(await place.go()).to.equal(0);
    expect(place.jobs).to.have.length(2);
    expect(await readdir(path.join(place.out, 'runs'))).to.have.length(3);
  });

  describe('whose workers end', () => {
    const one = {
      noise: { kind: 'symmetric' as const, rates: [0.2], redraw: 'other' as const },
      methods: { sgd: {}, sam: { rho: 0.1 } },
    };
    /** Ends the first `times` attempts at SAM. */
    const ending = (times: number): Trainer<RunJob> => {
      let attempts = 0;
      return (job, ...rest) => {
        const ends = job.spec.gradient?.kind === 'sam' && attempts++ < times;
        return ends ? Promise.reject(new WorkerEnded('gone (SIGKILL)')) : fakeTrain(job, ...rest);
      };
    };

    it('is tried again, with the same checkpoint', async () => {
      const place = await workplace(one);
      expect(await place.go(ending(2))).to.equal(0);
      expect(place.said).to.deep.equal(['sam: again', 'sam: again']);
      const checkpoints = place.jobs.slice(0, 3).map(({ checkpoint }) => checkpoint);
      const file = path.join(place.out, 'checkpoints', `${runId(place.jobs[0]!.spec)}.ckpt`);
      expect(checkpoints).to.deep.equal(Array(3).fill({ file, every: { minutes: 2 } }));
    });

    it('fails when it goes on, and the rest is done', async () => {
      const place = await workplace(one);
      expect(await place.go(ending(3))).to.equal(1);
      expect(place.said.at(-1)).to.equal('sam: gone (SIGKILL) [WRN-10-1, batches of 10]');
      expect(place.printed).to.match(/SAM +│ +failed/);
      expect(place.jobs).to.have.length(4);
    });
  });

  it('is alone in its folder', async () => {
    const place = await workplace();
    let refusal: unknown;
    const train: Trainer<RunJob> = async (job, ...rest) => {
      refusal ??= await run(place.file, { out: place.out }, fakeEngine, { stop() {} }, () => {}).catch(
        (e) => e,
      );
      return fakeTrain(job, ...rest);
    };
    expect(await place.go(train)).to.equal(0);
    expect(refusal).to.be.instanceOf(InputError);
    expect((refusal as Error).message).to.match(/out: is in use by process \d+ since /);
    expect(await files(place.out)).not.to.include('lock');
  });

  it('writes an event a line, after whatever a killed process left', async () => {
    const place = await workplace({
      noise: { kind: 'symmetric', rates: [0.2], redraw: 'other' },
      methods: { sgd: {} },
    });
    await mkdir(place.out);
    const log = path.join(place.out, 'events.jsonl');
    await writeFile(log, '{"event":"begin"}\n{"event":"prog');
    await place.go();
    const [, torn, ...lines] = (await readFile(log, 'utf8')).trimEnd().split('\n');
    expect(torn).to.equal('{"event":"prog');
    const events = lines.map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).to.deep.equal([
      'begin',
      'started',
      'progress',
      'progress',
      'finished',
    ]);
    expect(events[0]).to.include({ suite: 'tiny', runs: 1, finished: 0 });
    expect(events[1]).to.include({ method: 'sgd', noise: '20', seed: 1 });
    expect(events[3].evaluation.testAccuracy).to.equal(events[4].testAccuracy);
    for (const { time } of events) expect(new Date(time).toISOString()).to.equal(time);
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    it(`stops on ${signal}, keeps what is finished, and goes on later`, async () => {
      const place = await workplace();
      const interrupted: Trainer<RunJob> = async (job, onProgress, abort) => {
        if (place.jobs.length === 3) {
          process.emit(signal);
          expect(abort.aborted).to.equal(true);
        }
        return fakeTrain(job, onProgress, abort);
      };
      expect(await place.go(interrupted)).to.equal(code);
      expect(await readdir(path.join(place.out, 'runs'))).to.have.length(2);
      expect(
        parse(await readFile(path.join(place.out, 'runs.csv'), 'utf8'), { columns: true }),
      ).to.have.length(2);
      expect(await readFile(path.join(place.out, 'report.html'), 'utf8')).to.include('2 of 20 runs finished');
      expect(process.listenerCount(signal)).to.equal(0);
      expect(await place.go()).to.equal(0);
      expect(place.jobs).to.have.length(18);
    });

  it('draws the tables anew from the records alone', async () => {
    const place = await workplace();
    await place.go();
    const before = await readFile(path.join(place.out, 'runs.csv'), 'utf8');
    await rm(path.join(place.out, 'runs.csv'));
    expect(place.printed.startsWith(await redrawn(place.out))).to.equal(true);
    expect(await readFile(path.join(place.out, 'runs.csv'), 'utf8')).to.equal(before);
    expect(await redraw(path.dirname(place.out)).catch((e) => e)).to.be.instanceOf(InputError);
  });

  it('does the runs of a label file', async () => {
    const place = await workplace({
      noise: { kind: 'file', files: { zeros: 'zeros.npy' } },
      methods: { sgd: {} },
    });
    expect(await place.go()).to.equal(0);
    expect(place.jobs[0]!.noisyLabels).to.deep.equal(new Uint8Array(50));
    expect(await readFile(path.join(place.out, 'table4.csv'), 'utf8')).to.match(
      /^method,zeros\nsgd,\d+\.\d\d\n$/,
    );
    const [row] = parse(await readFile(path.join(place.out, 'runs.csv'), 'utf8'), {
      columns: true,
    }) as Record<string, string>[];
    expect(row).to.include({ noise: 'zeros', noise_rate: '', noise_rate_measured: '90.00' });
  });
});

describe('a dry run', () => {
  it('shows the trainings, their dependencies and the time, and writes nothing', async () => {
    const place = await workplace();
    expect(await place.go(fakeTrain, {}, { dryRun: true })).to.equal(0);
    expect(place.printed).to.include(
      '20 trainings, as long as 28 by SGD; teachers shared: saves 8 trainings',
    );
    expect(place.printed).to.include(
      'noise 20 %, seed 1\n├─ SGD (cost 1)\n├─ Mixup (cost 1)\n│  └─ Bootstrap + Mixup (cost 1)\n└─ SAM (cost 2)\n   └─ Bootstrap + SAM (cost 2)\n',
    );
    expect(place.printed).to.include('about 5 min on this machine');
    expect(await readdir(path.dirname(place.out))).to.deep.equal(['tiny.json']);
  });

  it('counts what is finished already', async () => {
    const place = await workplace();
    await place.go();
    await rm(path.join(place.out, 'runs', `${graph.runs[0]!.id}.json`));
    await place.go(fakeTrain, {}, { dryRun: true });
    expect(place.printed).to.include('19 of them are finished').and.to.include('about 10 s');
  });

  it('measures each kind of step once', async () => {
    const kinds: string[] = [];
    const measure = async ({ gradient }: RunSpec) => {
      kinds.push(gradient!.kind);
      return { secondsPerStep: 0, secondsPerEvaluation: 1 };
    };
    const said: string[] = [];
    const using = (parallel: number) => ({
      measureStep: measure,
      parallelRuns: () => parallel,
      tell: (line: string) => said.push(line),
    });
    expect(await estimate(graph.runs, using(1))).to.include('about 40 s');
    // Each takes long with a large network: what is waited for is said before.
    expect(said).to.deep.equal([
      'compiling WRN-10-1 for SGD, and taking a few steps',
      'compiling WRN-10-1 for Mixup, and taking a few steps',
      'compiling WRN-10-1 for SAM, and taking a few steps',
    ]);
    expect(kinds).to.deep.equal(['plain', 'plain', 'sam']);
    expect(await estimate(graph.runs, using(2))).to.include('about 20 s');
    expect(graphText(expand({ ...suite, seeds: [1, 2] }))).to.include('each of the seeds 1, 2');
  });
});

describe('the time left', () => {
  it('comes from the time that finished runs took', () => {
    let now = 0;
    const [sgd, , , sam] = graph.runs;
    const left = new TimeLeft([sgd!, sam!], () => now);
    expect([left.suite(), left.run(sgd!)]).to.deep.equal([undefined, undefined]);
    now = 5;
    left.progressed(sgd!, 0.5);
    expect([left.run(sgd!), left.suite()]).to.deep.equal([5, 25]);
    now = 10;
    left.finished(sgd!);
    expect([left.run(sam!), left.suite()]).to.deep.equal([20, 20]);
    left.dropped(sam!);
    expect([left.share(), left.suite()]).to.deep.equal([1, 0]);
  });

  it('does not count what was done before', () => {
    let now = 0;
    const [sgd, , , sam] = graph.runs;
    const left = new TimeLeft([sgd!, sam!], () => now);
    left.resumed(sam!, 0.5);
    now = 10;
    left.progressed(sam!, 0.75);
    expect([left.run(sam!), left.suite()]).to.deep.equal([10, 30]);
    left.finished(sam!);
    expect(left.share()).to.equal(0.5);
  });
});
