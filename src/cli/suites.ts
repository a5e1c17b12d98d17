// `labelnoise suites`: lists the suites that come with the project.
import type { Command } from 'commander';
import { plain } from '../report/escape.js';
import { knownSuites, loadSuite } from '../suite/load.js';

export function register(program: Command): void {
  program
    .command('suites')
    .description('list the suites that can be run by name')
    .action(async () => {
      process.stdout.write(await suiteList());
    });
}

/** A line for each suite: its name and what it is. */
async function suiteList(): Promise<string> {
  const names = await knownSuites();
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map(
    async (name) => `${name.padEnd(width)}  ${plain((await loadSuite(name)).suite.description)}\n`,
  );
  return (await Promise.all(lines)).join('');
}
