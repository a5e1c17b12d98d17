#!/usr/bin/env node
// The `labelnoise` command, as a process.
import { endProcess } from '../user/guard.js';
import { explain, runCommand } from './program.js';

// Who reads the output may stop reading, as `head` does: what is being done goes on.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

// From code of users, which may do something after it has returned, or from nobody.
process.on('uncaughtException', (error) => {
  explain(error);
  endProcess(Number(process.exitCode));
});

await runCommand(process.argv.slice(2));
