// Runs the command in this process, again and again, as its parent types it.
import { WorkerPool } from '../../src/execution/local/pool.js';
import { commandLine } from './command_line.js';
import type { Typed } from './commands.js';

// Each command makes a pool and lets it go; here all have the workers of this one.
const pool = new WorkerPool();
WorkerPool.prototype.ask = pool.ask.bind(pool);
WorkerPool.prototype.close = () => {};

process.on('disconnect', () => process.exit());
process.on('message', async ({ cwd, args, env }: Typed) => {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  process.send!(await commandLine(args, env as Record<string, string>));
});
