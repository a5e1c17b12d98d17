// Runs the command in this process, again and again, as its parent types it.
import { commandLine } from './command_line.js';
import type { Typed } from './commands.js';

process.on('disconnect', () => process.exit());
process.on('message', async ({ cwd, args, env }: Typed) => {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  process.send!(await commandLine(args, env as Record<string, string>));
});
