// What a task of a cluster runs in tests: all of `labelnoise worker --plan` but the training. LABELNOISE_TEST_BREAK names a run that fails.
import { parseArgs } from 'node:util';
import { task } from '../../src/cli/plan.js';
import { runId } from '../../src/spec/run_spec.js';
import { standInEngine } from './honest_training.js';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { plan: text, out: text, run: text }, allowPositionals: true });
const engine = standInEngine(20);
try {
  process.exitCode = await task(values as { plan: string }, {
    ...engine,
    train(job, ...rest) {
      if (runId(job.spec) === process.env.LABELNOISE_TEST_BREAK) throw new Error('made to fail');
      return engine.train(job, ...rest);
    },
  });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
