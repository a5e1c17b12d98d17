// `make fuzz`: wrong files of all kinds, many of them; what fails is shrunk, and told with the input that makes it again.
// Arguments are names of subjects, to try these alone.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { corpus, FuzzChild, propertyOf, replay, runsOf, SUBJECTS } from './support/fuzz_subjects.js';
import { temporaryFolder } from './support/temporary_folder.js';

const inputs = Number(process.env.INPUTS || 10_000);
const seed = Number(process.env.SEED || 1);
const only = process.argv.slice(2);
const folder = await temporaryFolder();
const print = (text: string) => process.stdout.write(`${text}\n`);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const secondsSince = (started: number) => Math.round((performance.now() - started) / 1000);
const begun = performance.now();
let failed = 0;
let tried = 0;

const first = new FuzzChild();
const kept = await corpus();
for (const entry of kept)
  await replay(entry, first, path.join(folder, 'kept')).catch((error) => {
    failed++;
    print(`${JSON.stringify(entry)}: ${messageOf(error)}`);
  });
first.close();
print(`kept inputs: ${kept.length} in ${secondsSince(begun)} s`);

const rest = SUBJECTS.filter(({ name }) => !only.length || only.includes(name)).values();
/** One subject after the other, as many at once as there are cores. */
async function lane(_: unknown, i: number): Promise<void> {
  const child = new FuzzChild();
  for (const subject of rest) {
    const started = performance.now();
    const property = propertyOf(subject, child, path.join(folder, `fuzz${i}`));
    const details = await fc.check(property, { seed, numRuns: runsOf(subject, inputs) });
    tried += details.numRuns;
    const shown = details.failed ? '' : ', all answered';
    print(`${subject.name}: ${details.numRuns} inputs in ${secondsSince(started)} s${shown}`);
    if (!details.failed) continue;
    failed++;
    const entry = { subject: subject.name, why: '', input: details.counterexample![0] };
    print(`  SEED=${details.seed}: ${messageOf(details.errorInstance)}`);
    print(`  for test/fixtures/fuzz.json, mended: ${JSON.stringify(entry)}`);
  }
  child.close();
}
await Promise.all(Array.from({ length: availableParallelism() }, lane));
print(`${tried} inputs in ${secondsSince(begun)} s, ${failed ? `${failed} faults` : 'no fault'}`);
process.exitCode = failed ? 1 : 0;
