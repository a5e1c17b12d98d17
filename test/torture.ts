// `make torture`: what may befall commands, many times over, and each time their results held against undisturbed ones.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { table } from 'table';
import { PROJECT_ROOT } from '../src/io/project.js';
import { stream } from '../src/io/random.js';
import { canMount, faultLibrary, Ordeals, SUBJECTS, spread, type Tally } from './support/ordeals.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { killTrainings, stopAtEveryPhase } from './support/torture.js';

const kills = Number(process.env.KILLS || 50);
const seed = Number(process.env.SEED || 1);
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write(`KILLS is ${process.env.KILLS}, SEED ${process.env.SEED}; allowed: whole numbers\n`);
  process.exit(2);
}
/** Of the kills, how many in a hundred meet a training: the other commands are over sooner. */
const TRAININGS = 6;
/** Everything but the kills is as thorough as they are: so many parts of a thousand. */
const part = Math.min(1, kills / 1000);
const some = (all: number, least = 1) => Math.max(least, Math.round(all * part));

const begun = performance.now();
const tell = (line: string) =>
  process.stdout.write(`${String(Math.round((performance.now() - begun) / 1000)).padStart(5)} s  ${line}\n`);
const tallies: Tally[] = [];
/** Runs one kind of trial after the other. */
const tried = async (trial: Promise<Tally>) => {
  const tally = await trial;
  tallies.push(tally);
  tell(`${tally.kind}: ${tally.times} times, ${tally.hits} hit, ${tally.failures.length} failures`);
  for (const failure of tally.failures) tell(`  ${failure}`);
};

tell(`seed ${seed}, ${kills} kills`);
const folder = await temporaryFolder();
const shim = faultLibrary(folder);
const ordeals = await Ordeals.prepare(shim);

// A few images, so that a training is little more than its beginning, its saving and its end.
const suite = path.join(folder, 'smoke.json');
const smoke = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'smoke.json'), 'utf8'));
await writeFile(
  suite,
  JSON.stringify({
    ...smoke,
    noise: { kind: 'symmetric', rates: [0.4], redraw: 'other' },
    methods: { sgd: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } },
    data: { ...smoke.data, trainImages: 128, testImages: 100 },
    training: { ...smoke.training, batchSize: 16 },
    checkpoint: { minutes: 1e-6 },
  }),
);
const trainings = Math.ceil((kills * TRAININGS) / 100);
await tried(killTrainings(suite, folder, trainings, stream(seed, 'torture/trainings')));
for (const [i, subject] of SUBJECTS.entries()) {
  const share = Math.floor(((kills - trainings) * (i + 1)) / SUBJECTS.length);
  const before = Math.floor(((kills - trainings) * i) / SUBJECTS.length);
  await tried(ordeals.kills(subject, share - before, stream(seed, `torture/kills/${subject}`)));
}
await tried(stopAtEveryPhase(suite, folder, some(40, 8), stream(seed, 'torture/signals')));
for (const [one, other] of [
  ['run', 'run'],
  ['run', 'table'],
  ['report', 'table'],
  ['verify', 'run'],
  ['baseline', 'baseline'],
] as const)
  await tried(ordeals.races(one, other, some(40), stream(seed, `torture/race/${one}/${other}`)));

if (await canMount()) {
  // Most of the pages are the page's (report.html), which is one write.
  const sizes = (most: number) => [
    ...spread(24, some(24, 3)),
    ...spread(most, some(16, 2)).map((n) => 24 + n),
  ];
  for (const subject of SUBJECTS) await tried(ordeals.fullDisk(subject, sizes(100)));
} else tell('full disk: left out, because nothing can be mounted here');

if (shim) {
  for (const subject of SUBJECTS) {
    // All calls of what writes tables; of a run, which writes them after every training, a share.
    const most = subject === 'run' ? 120 : 200;
    await tried(ordeals.faults(subject, 'EIO', false, (n) => spread(n, some(most, 4))));
    await tried(ordeals.faults(subject, 'ENOSPC', false, (n) => spread(n, some(most / 2, 2))));
    await tried(ordeals.faults(subject, 'ENOSPC', true, (n) => spread(n, some(most / 4, 2))));
    await tried(ordeals.clockBack(subject, some(10, 2), stream(seed, `torture/clock/${subject}`)));
  }
} else tell('failing calls, a clock set back: left out, because there is no C compiler, or it is not Linux');
for (const subject of SUBJECTS)
  await tried(ordeals.littleMemory(subject, some(24, 3), stream(seed, `torture/memory/${subject}`)));

const failures = tallies.reduce((sum, tally) => sum + tally.failures.length, 0);
process.stdout.write(
  table([
    ['kind', 'times', 'hit', 'failures'],
    ...tallies.map(({ kind, times, hits, failures }) => [kind, times, hits, failures.length]),
  ]),
);
tell(`seed ${seed}: ${failures} failures`);
process.exitCode = failures ? 1 : 0;
