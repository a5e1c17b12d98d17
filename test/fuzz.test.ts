// What `make fuzz` has ever found, and a few hundred of the wrong files that it makes.
import path from 'node:path';
import fc from 'fast-check';
import { corpus, FuzzChild, propertyOf, replay, runsOf, SUBJECTS } from './support/fuzz_subjects.js';
import { temporaryFolder } from './support/temporary_folder.js';

const INPUTS = 400;

describe('files changed at random are answered in words or used rightly, and nothing is lost:', function () {
  this.timeout(300_000);
  const child = new FuzzChild();
  after(() => child.close());

  it('those that once were not', async () => {
    const folder = path.join(await temporaryFolder(), 'fuzz');
    const faults: string[] = [];
    for (const kept of await corpus())
      await replay(kept, child, folder).catch((error: Error) => faults.push(`${kept.why}: ${error.message}`));
    if (faults.length) throw new Error(faults.join('\n'));
  });

  for (const subject of SUBJECTS)
    it(subject.name, async () => {
      const folder = path.join(await temporaryFolder(), 'fuzz');
      await fc.assert(propertyOf(subject, child, folder), { seed: 1, numRuns: runsOf(subject, INPUTS) });
    });
});
