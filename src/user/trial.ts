// A process in which users' files are loaded before any other does it: they may throw, or never return.
import { expectUserCode } from './guard.js';
import { type Attempt, imported, type Tried } from './load.js';

const say = (attempt: Attempt) => process.send!(attempt);
process.on('message', async (tried: Tried) => {
  say({ kind: 'begun' });
  try {
    expectUserCode(tried.module);
    await imported(tried);
    say({ kind: 'loaded' });
  } catch (error) {
    say({ kind: 'failed', message: (error as Error).message });
  }
});
process.on('disconnect', () => process.exit());
