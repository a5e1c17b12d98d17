// `make fuzz`: wrong files of all kinds, many of them; what fails is shrunk, and told with the seed that makes it again.
import path from 'node:path';
import fc from 'fast-check';
import { temporaryFolder } from './fakes.js';
import { FuzzChild, SUBJECTS } from './support/fuzz_subjects.js';

const inputs = Number(process.env.INPUTS || 10_000);
const seed = Number(process.env.SEED || 1);
const folder = await temporaryFolder();
const child = new FuzzChild();
let failed = 0;
for (const { name, mutations, attempt } of SUBJECTS) {
  const started = performance.now();
  const numRuns = Math.ceil(inputs / SUBJECTS.length);
  const property = fc.asyncProperty(mutations, (input) =>
    attempt(input as never, child, path.join(folder, 'fuzz')),
  );
  const {
    failed: fails,
    error,
    errorInstance,
    seed: at,
    counterexamplePath,
    numRuns: done,
  } = await fc
    .check(property, { seed, numRuns, endOnFailure: true })
    .then((details) => ({ error: undefined, ...details }));
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${name}: ${done} inputs in ${seconds} s${fails ? '' : ', all answered'}\n`);
  if (fails) {
    failed++;
    process.stdout.write(
      `  seed ${at}, path ${counterexamplePath}: ${(errorInstance as Error)?.message ?? error}\n`,
    );
  }
}
child.close();
process.exitCode = failed ? 1 : 0;
