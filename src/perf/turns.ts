// How many steps everyone takes: as many as a limited time holds, so that a slow machine is not measured for hours.

/** What a turn, the steps in a row of one round, should take. */
const TURN_MILLISECONDS = 1000;
const MOST_STEPS = 10;
/** Fewer samples would not give a median that one disturbance leaves alone. */
const FEWEST_ROUNDS = 3;
/** For all turns together: those whose ratios are looked at most closely get more. */
const MILLISECONDS = { deciding: 20_000, others: 10_000 };

export interface Turns {
  /** Steps of one turn. */
  steps: number;
  /** Rounds in which a turn is taken. */
  rounds: number;
}

/** How much slower than PyTorch's fastest mode another is that will not be the best, however it is disturbed. */
const OUT_OF_THE_RACE = 1.3;

/**
 * Whether a variant is a mode of PyTorch that another leaves far behind: only its best is compared.
 *
 * @param warm milliseconds of a step by variant, after the one that compiles it
 */
export function outOfTheRace(variant: string, warm: Readonly<Record<string, number>>): boolean {
  const [step] = /^pytorch-(sgd|sam)-/.exec(variant) ?? [];
  if (!step) return false;
  const modes = Object.keys(warm).filter((other) => other.startsWith(step));
  return warm[variant]! > OUT_OF_THE_RACE * Math.min(...modes.map((mode) => warm[mode]!));
}

/** @param milliseconds of one step @param most rounds to take part in, at most */
export function turnsOf(milliseconds: number, most: number, decides: boolean): Turns {
  const steps = Math.max(1, Math.min(MOST_STEPS, Math.round(TURN_MILLISECONDS / milliseconds)));
  const time = decides ? MILLISECONDS.deciding : MILLISECONDS.others;
  const affordable = Math.floor(time / (steps * milliseconds));
  return { steps, rounds: Math.min(most, Math.max(FEWEST_ROUNDS, affordable)) };
}

/** Whether a round, counted from 1, is one of `taken` that lie evenly among all `rounds`. */
export function takesPart(round: number, taken: number, rounds: number): boolean {
  return Math.ceil((round * taken) / rounds) > Math.ceil(((round - 1) * taken) / rounds);
}
