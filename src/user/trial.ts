// A process in which a user's file is loaded before any other does it: it may throw, or never return.
import { expectUserCode } from './guard.js';
import { type Attempt, imported } from './load.js';

const say = (attempt: Attempt) => process.send!(attempt);
process.on('message', async (module: Parameters<typeof imported>[0]) => {
  try {
    expectUserCode(module);
    await imported(module);
    say({ kind: 'loaded' });
  } catch (error) {
    say({ kind: 'failed', message: (error as Error).message });
  }
});
process.on('disconnect', () => process.exit());
say({ kind: 'ready' });
