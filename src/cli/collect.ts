// `labelnoise collect`: writes a results folder from what a queue's workers have finished so far.
import type { Command } from 'commander';
import { gather } from '../execution/queue/gather.js';
import { terminalTable } from '../report/table.js';
import { runTitle } from '../report/wording.js';
import { writeTables } from '../report/write.js';
import { InputError } from '../spec/errors.js';
import { QUEUE_HELP, type QueueOptions, reporting, withOpenQueue, withQueue } from './queue_options.js';
import { tell } from './tell.js';

export interface CollectOptions extends QueueOptions {
  out: string;
  clear?: boolean;
}

const HELP = `${QUEUE_HELP}

Results are looked at before they count: schema, checksum, seal, and that they are of the run asked for and can be true. What is refused stays
out, and "labelnoise submit" has it made again. Results stay in the queue until --clear.

Examples:
  labelnoise collect --queue redis://127.0.0.1:6379 --out ~/table4
  labelnoise collect --out ~/table4 --clear     and empty the queue, once everything is fetched`;

export function register(program: Command): void {
  withQueue(program.command('collect'))
    .description("write a results folder from what a queue's workers have finished")
    .requiredOption('--out <dir>', 'results folder')
    .option('--clear', 'empty the queue if all its runs are then in OUT')
    .addHelpText('after', HELP)
    .action(async (options: CollectOptions) => {
      process.exitCode = await collect(options);
    });
}

/** Fetches what there is. @returns the exit code @throws InputError */
export async function collect(
  options: CollectOptions,
  print: (text: string) => void = (text) => process.stdout.write(text),
  say: (line: string) => void = tell,
): Promise<number> {
  const { out, clear } = options;
  return withOpenQueue(options, async (queue) => {
    const commission = await queue.theCommission();
    const { graph } = commission;
    const report = await reporting(out, graph);
    const state = await gather({
      queue,
      commission,
      graph,
      out,
      follow: false,
      writeTables: async (state) => void (await writeTables(out, report(state))),
      observer: { noted: say, failed: (run, reason) => say(`${runTitle(run)}: ${reason}`) },
      signal: new AbortController().signal,
    });
    const { underWay, waiting } = state.standing;
    const open = underWay.size + waiting.size;
    print(terminalTable(report(state)));
    print(
      `Written to ${out}: ${state.records.size} of ${graph.runs.length} runs${open ? `, ${open} are not over` : ''}\n`,
    );
    if (clear) {
      const lost = graph.runs.filter(
        ({ id }) => !state.records.has(id) && (underWay.has(id) || waiting.has(id)),
      );
      if (lost.length)
        throw new InputError(
          `--clear: ${lost.length} runs of ${queue.shown} are waiting or under way, the first is ${runTitle(lost[0]!)}; nothing is removed`,
        );
      await queue.clear();
      print(`${queue.shown}: emptied\n`);
    }
    return state.failures.size || state.refused.size ? 1 : 0;
  });
}
