// A Python that has PyTorch, for tests against it; they are skipped where there is none.
import { spawnSync } from 'node:child_process';

let found: string | undefined | null = null;

/** PYTORCH, as for `make perf`, or python3 if it has PyTorch; skips the test, in words, if there is none. */
export function python(test: Mocha.Context): string {
  if (found === null)
    found = [process.env.PYTORCH, 'python3'].find(
      (name) => name && spawnSync(name, ['-c', 'import torch, numpy']).status === 0,
    );
  if (!found) {
    console.log('      no Python with PyTorch (PYTORCH=...): not tested');
    test.skip();
  }
  return found;
}
