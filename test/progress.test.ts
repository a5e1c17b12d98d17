// What a person sees while a suite runs: how long it will take, and the table as it fills, on a terminal and elsewhere.
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createProgress } from '../src/cli/progress.js';
import { run } from '../src/cli/run.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeEngine, fakeRecord, SUITE, suiteFile } from './fakes.js';
import { temporaryFolder } from './support/temporary_folder.js';

/** A stream that keeps what is written, a terminal of so many rows if told. */
function stream(rows?: number): { stream: NodeJS.WriteStream; said(): string } {
  const parts: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      parts.push(String(chunk));
      done();
    },
  });
  const terminal = rows === undefined ? {} : { isTTY: true, rows, columns: 100 };
  return {
    stream: Object.assign(writable, terminal) as unknown as NodeJS.WriteStream,
    said: () => parts.join(''),
  };
}

async function runOn(rows?: number): Promise<string> {
  const shown = stream(rows);
  const progress = createProgress(shown.stream);
  await run(await suiteFile({}), { out: await temporaryFolder() }, fakeEngine, progress, () => {});
  return shown.said();
}

describe('progress', () => {
  it('says how long the suite will take once it has trained for ten seconds, and only once', () => {
    const graph = expand(SUITE as ResolvedSuite);
    let clock = 0;
    const shown = stream();
    const progress = createProgress(shown.stream, () => clock);
    const [first, second] = graph.runs;
    const step = (of: typeof first, share: number, at: number) => {
      clock = at;
      progress.progressed!(of!, { epoch: 1, epochs: 2, step: 100 * share, steps: 100, loss: 2 });
    };
    progress.begins!(graph, new Map());
    // Half a minute to get ready does not count.
    step(first, 0, 30);
    step(first, 0.1, 35);
    expect(shown.said()).not.to.include('about');
    step(first, 0.2, 40);
    step(second, 0.5, 60);
    // A fifth of a run of cost 1 in ten seconds; all cost 28.
    const [said, ...more] = shown.said().match(/about .* on this machine/g) ?? [];
    expect(said).to.equal('about 23 min on this machine');
    expect(more).to.deep.equal([]);
    progress.finished!(first!, fakeRecord(first!, 40));
    expect(shown.said()).to.include('[1/20] SGD');
  });

  it('says what is done before the first step, once for each kind of training', () => {
    const graph = expand(SUITE as ResolvedSuite);
    const shown = stream();
    const progress = createProgress(shown.stream);
    const of = (method: string) => graph.runs.filter((run) => run.method === method);
    progress.begins!(graph, new Map());
    for (const run of [...of('sgd'), ...of('sam')])
      for (const what of ['starting TensorFlow', 'compiling WRN-10-1', 'taking the first step'])
        progress.doing!(run, what);
    progress.stop();
    for (const title of ['SGD', 'SAM'])
      expect(shown.said().match(new RegExp(`^${title}, 20 %, seed 1: .*`, 'gm'))).to.deep.equal([
        `${title}, 20 %, seed 1: starting TensorFlow`,
        `${title}, 20 %, seed 1: compiling WRN-10-1`,
        `${title}, 20 %, seed 1: taking the first step`,
      ]);
    expect(shown.said()).not.to.include('40 %');
  });

  it('says where the runs are when nothing has been said for half a minute', () => {
    const graph = expand(SUITE as ResolvedSuite);
    let clock = 0;
    const shown = stream();
    const progress = createProgress(shown.stream, () => clock);
    const [first] = graph.runs;
    progress.begins!(graph, new Map());
    for (clock = 1; clock <= 100; clock++)
      progress.progressed!(first!, { epoch: 1, epochs: 2, step: clock, steps: 1000, loss: 2 });
    progress.stop();
    const said = shown.said().match(/^SGD, .*: epoch 1\/2, step \d+ of 1000, loss 2\.000; about .* left$/gm);
    expect(said).to.have.length(2);
  });

  it('shows what is done on a terminal', () => {
    const graph = expand(SUITE as ResolvedSuite);
    const shown = stream(40);
    const progress = createProgress(shown.stream);
    const [first] = graph.runs;
    progress.begins!(graph, new Map());
    progress.started!(first!);
    progress.doing!(first!, 'compiling WRN-10-1');
    progress.stop();
    expect(shown.said()).to.include('compiling WRN-10-1');
  });

  it('prints the table a few times on the way where there is no terminal', async () => {
    const said = await runOn();
    const tables = said.match(/║ Bootstrap \+ SAM .*/g)!;
    expect(tables).to.have.length(3);
    const filled = tables.map((row) => row.split('║').filter((cell) => /\d\d\.\d\d \(/.test(cell)).length);
    expect(filled).to.deep.equal(filled.toSorted((a, b) => a - b));
    expect(said).to.match(/\[20\/20\]/);
  });

  it('draws the table above the bars on a terminal, from the start to its last cell', async () => {
    const said = await runOn(40);
    expect(said.indexOf('Method')).to.be.within(0, said.indexOf('suite  '));
    expect(said).to.match(/SAM +│ +- \(95\.1\)/);
    expect(said).to.match(/SAM +│ +\d\d\.\d\d \(95\.1\)/);
    // A line that is printed above moves the table down: all of it must be drawn again.
    const rest = said.slice(said.lastIndexOf('[20/20]'));
    for (const line of ['╔═', 'Method', 'SGD', 'Bootstrap + SAM', '╚═', 'suite  '])
      expect(rest).to.include(line);
  });

  it('does without the table on a terminal that is too low for it', async () => {
    const said = await runOn(12);
    expect(said).not.to.include('Method');
    expect(said).to.include('[20/20]');
  });
});
