// `make fuzz`: wrong files of all kinds, many of them; what fails is shrunk, and told with the seed that makes it again.
import path from 'node:path';
import fc from 'fast-check';
import { temporaryFolder } from './fakes.js';
import { FuzzChild, propertyOf, SUBJECTS } from './support/fuzz_subjects.js';

const inputs = Number(process.env.INPUTS || 10_000);
const seed = Number(process.env.SEED || 1);
const folder = await temporaryFolder();
const child = new FuzzChild();
let failed = 0;
for (const subject of SUBJECTS) {
  const started = performance.now();
  const numRuns = Math.ceil(inputs / SUBJECTS.length);
  const property = propertyOf(subject, child, path.join(folder, 'fuzz'));
  const details = await fc.check(property, { seed, numRuns });
  const seconds = Math.round((performance.now() - started) / 1000);
  const shown = details.failed ? '' : ', all answered';
  process.stdout.write(`${subject.name}: ${details.numRuns} inputs in ${seconds} s${shown}\n`);
  if (!details.failed) continue;
  failed++;
  const { errorInstance, counterexamplePath } = details;
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  process.stdout.write(`  SEED=${details.seed}, path ${counterexamplePath}: ${message}\n`);
}
child.close();
process.exitCode = failed ? 1 : 0;
