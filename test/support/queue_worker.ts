// A worker's process for tests: all of it but the training. Its arguments: milliseconds of an epoch, seconds of the lease, slots.
import { worker } from '../../src/cli/worker.js';
import { EXIT_BAD_INPUT, InputError } from '../../src/spec/errors.js';
import { standInEngine } from './honest_training.js';

const [milliseconds, lease, slots = 1] = process.argv.slice(2).map(Number);
try {
  process.exitCode = await worker({ lease: lease!, slots }, standInEngine(milliseconds!));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof InputError ? EXIT_BAD_INPUT : 1;
}
