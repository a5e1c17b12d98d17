// A few hundred of the wrong files that `make fuzz` makes.
import path from 'node:path';
import fc from 'fast-check';
import { temporaryFolder } from './fakes.js';
import { FuzzChild, propertyOf, SUBJECTS } from './support/fuzz_subjects.js';

const INPUTS_EACH = 60;

describe('files changed at random are answered in words or used rightly, and nothing is lost:', function () {
  this.timeout(300_000);
  const child = new FuzzChild();
  after(() => child.close());

  for (const subject of SUBJECTS)
    it(subject.name, async () => {
      const folder = path.join(await temporaryFolder(), 'fuzz');
      await fc.assert(propertyOf(subject, child, folder), { seed: 1, numRuns: INPUTS_EACH });
    });
});
