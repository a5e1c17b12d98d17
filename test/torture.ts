// `make torture`: the smoke suite under kill -9 at random instants, then held against an undisturbed run of it.
import { deepStrictEqual } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT_ROOT } from '../src/project.js';
import { stream } from '../src/random.js';
import { temporaryFolder } from './fakes.js';
import { contentOf, runTortured, runUndisturbed } from './support/torture.js';

const kills = Number(process.env.KILLS || 50);
const seed = Number(process.env.SEED || 1);
const tell = (line: string) => process.stdout.write(`${line}\n`);

const folder = await temporaryFolder();
const suite = path.join(folder, 'smoke.json');
const smoke = JSON.parse(await readFile(path.join(PROJECT_ROOT, 'suites', 'smoke.json'), 'utf8'));
// Often, so that runs of a few seconds have checkpoints to be killed at.
await writeFile(suite, JSON.stringify({ ...smoke, checkpoint: { minutes: 0.002 } }));

tell('undisturbed ...');
await runUndisturbed(suite, path.join(folder, 'undisturbed'));
const undisturbed = await contentOf(path.join(folder, 'undisturbed'));
const next = stream(seed, 'torture');
let [made, rounds] = [0, 0];
while (made < kills) {
  const out = path.join(folder, `tortured-${++rounds}`);
  const { parent, worker } = await runTortured(suite, out, kills - made, next, tell);
  made += parent + worker;
  deepStrictEqual(await contentOf(out), undisturbed);
  const events = await readFile(path.join(out, 'events.jsonl'), 'utf8');
  const resumed = events.split('\n').filter((line) => line.includes('"resumed":true')).length;
  tell(
    `round ${rounds}: finished and equal after ${parent} kills of the command and ${worker} of workers; ${resumed} times a run went on from a checkpoint`,
  );
  if (parent + worker === 0) throw new Error('the suite was finished before anything was killed');
}
tell(
  `${undisturbed.records.length} runs: tables, curves, predictions and weights are those of an undisturbed run after ${made} kills`,
);
