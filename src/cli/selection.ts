// The options --only and --seeds, the same for all commands that take a part of a suite.
import { type Command, InvalidArgumentError } from 'commander';
import { SEEDS } from '../spec/limits.js';
import type { Selection } from '../suite/select.js';

export interface SelectionOptions {
  only?: Pick<Selection, 'method' | 'noise'>;
  seeds?: number;
}

/** Adds the options to a command. */
export function withSelection(command: Command): Command {
  return command
    .option('--only <axis=value...>', 'only these cells, e.g. method=sam method=sgd noise=40', addChoice)
    .option(
      '--seeds <n>',
      "the suite's first n seeds; beyond those it has, the numbers after its largest",
      toCount,
    );
}

/** What was chosen. */
export function selectionOf({ only, seeds }: SelectionOptions): Selection {
  return { ...(only ?? { method: [], noise: [] }), ...(seeds === undefined ? {} : { seeds }) };
}

const ALLOWED = 'Allowed: method=<name> or noise=<rate in percent, or label file>, several apart by spaces.';

function addChoice(text: string, before: SelectionOptions['only']): SelectionOptions['only'] {
  const [, axis, value] = /^(method|noise)=(.+)$/.exec(text) ?? [];
  if (!axis) throw new InvalidArgumentError(ALLOWED);
  const choice = before ?? { method: [], noise: [] };
  return { ...choice, [axis]: [...choice[axis as 'method' | 'noise'], value] };
}

function toCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > SEEDS)
    throw new InvalidArgumentError(`Allowed: a whole number from 1 to ${SEEDS}.`);
  return count;
}
