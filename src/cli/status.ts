// `labelnoise status`: what a queue holds, cell by cell, and who works on it.
import type { Command } from 'commander';
import { table as textTable } from 'table';
import type { Commission } from '../execution/commission.js';
import type { Standing } from '../execution/queue/queue.js';
import { methodTitle } from '../methods/catalogue.js';
import { plain } from '../report/escape.js';
import { runTitle } from '../report/wording.js';
import { QUEUE_HELP, type QueueOptions, withOpenQueue, withQueue } from './queue_options.js';

export interface StatusOptions extends QueueOptions {
  json?: boolean;
}

const HELP = `${QUEUE_HELP}

Examples:
  labelnoise status --queue redis://127.0.0.1:6379
  labelnoise status --json`;

export function register(program: Command): void {
  withQueue(program.command('status'))
    .description("show a queue's cells and workers")
    .option('--json', 'print it as JSON')
    .addHelpText('after', HELP)
    .action(async (options: StatusOptions) => {
      process.exitCode = await status(options);
    });
}

/** Prints where a queue stands. @returns the exit code: 1 if runs failed @throws InputError */
export async function status(
  options: StatusOptions,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  return withOpenQueue(options, async (queue) => {
    const commission = await queue.theCommission();
    const standing = await queue.standing(commission);
    const workers = await queue.workers();
    if (options.json) print(`${JSON.stringify(plainObject(commission, standing, workers))}\n`);
    else print(statusText(queue.shown, commission, standing, workers));
    return standing.failures.size ? 1 : 0;
  });
}

function plainObject(
  { graph, token }: Commission,
  { results, underWay, failures, waiting }: Standing,
  workers?: string[],
) {
  return {
    suite: graph.suite.name,
    commission: token,
    runs: graph.runs.length,
    finished: [...results],
    underWay: Object.fromEntries([...underWay].map(([id, { curve: _, ...rest }]) => [id, rest])),
    failures: Object.fromEntries(failures),
    waiting: [...waiting],
    workers: workers ?? null,
  };
}

function statusText(shown: string, { graph }: Commission, standing: Standing, workers?: string[]): string {
  const { results, underWay, failures, waiting } = standing;
  const { noiseSettings, cells, runs } = graph;
  const methods = [...new Set(cells.map(({ method }) => method))];
  const cell = (method: string, label: string) => {
    const ids = cells
      .filter((cell) => cell.method === method && cell.noiseSetting.label === label)
      .map(({ run }) => run.id);
    const count = (of: { has(id: string): boolean }) => ids.filter((id) => of.has(id)).length;
    const marks = [
      [count(underWay), 'under way'],
      [count(failures), 'failed'],
    ].flatMap(([n, what]) => (n ? [`${n} ${what}`] : []));
    return [`${count(results)}/${ids.length}`, ...marks].join(', ');
  };
  const rows = methods.map((method) => [
    plain(methodTitle(method)),
    ...noiseSettings.map(({ label }) => cell(method, label)),
  ]);
  const byId = new Map(runs.map((run) => [run.id, run]));
  const title = (id: string) => runTitle(byId.get(id)!);
  const percent = (share: number) => `${Math.floor(100 * share)} %`;
  const idle = (workers ?? []).filter(
    (name) => ![...underWay.values()].some(({ worker }) => worker === name),
  );
  const lines = [
    `${shown}: ${graph.suite.name}, ${runs.length} runs: ${results.size} finished, ${underWay.size} under way, ${waiting.size} waiting, ${failures.size} failed`,
    textTable([['Method', ...noiseSettings.map(({ title }) => title)], ...rows]).trimEnd(),
    ...[...underWay].map(([id, { worker, share }]) => `${worker}: ${title(id)}, ${percent(share)}`),
    ...idle.map((name) => `${name}: idle`),
    ...(workers
      ? workers.length
        ? []
        : ['no workers are connected']
      : ['the server does not tell which workers are connected']),
    ...[...failures].map(([id, reason]) => `${title(id)}: failed: ${reason}`),
  ];
  return lines.map((line) => `${line.split('\n').map(plain).join('\n')}\n`).join('');
}
