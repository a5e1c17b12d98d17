// Estimates the time left from what the finished share of the work took.
import { type RunNode, totalCost } from '../suite/expand.js';

/** Counts work by its cost, in SGD runs; several runs may be under way. */
export class TimeLeft {
  private total: number;
  private done = 0;
  private readonly underWay = new Map<string, { cost: number; share: number }>();
  /** Shares that were done before, in another process or by a worker that ended. */
  private readonly before = new Map<string, number>();
  private readonly begun: number;

  /** @param runs what is to be trained @param now the clock, in seconds */
  constructor(
    runs: readonly RunNode[],
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.total = totalCost(runs);
    this.begun = now();
  }

  /** A run has come to a share of its steps, 0 to 1. */
  progressed(run: RunNode, share: number): void {
    const before = this.before.get(run.id) ?? 0;
    this.underWay.set(run.id, { cost: this.costOf(run), share: (share - before) / (1 - before) });
  }

  /** A run goes on from a share of its steps, 0 to 1: what it takes to get there is not to be done, or to be done again. */
  resumed(run: RunNode, share: number): void {
    this.underWay.delete(run.id);
    this.total -= this.costOf(run);
    this.before.set(run.id, share);
    this.total += this.costOf(run);
  }

  finished(run: RunNode): void {
    this.underWay.delete(run.id);
    this.done += this.costOf(run);
  }

  /** A run failed or will not be made: its work falls away. */
  dropped(run: RunNode): void {
    this.underWay.delete(run.id);
    this.total -= this.costOf(run);
  }

  /** Share of all the work that is done, 0 to 1. */
  share(): number {
    return this.total ? this.costDone() / this.total : 1;
  }

  /** Seconds left for everything; undefined before there is anything to judge by. */
  suite(): number | undefined {
    return this.secondsFor(this.total - this.costDone());
  }

  /** Seconds left for a run under way. */
  run(run: RunNode): number | undefined {
    const { cost, share } = this.underWay.get(run.id) ?? { cost: this.costOf(run), share: 0 };
    return this.secondsFor(cost * (1 - share) * Math.max(1, this.underWay.size));
  }

  private costOf(run: RunNode): number {
    return run.cost * (1 - (this.before.get(run.id) ?? 0));
  }

  private costDone(): number {
    return [...this.underWay.values()].reduce((sum, { cost, share }) => sum + cost * share, this.done);
  }

  private secondsFor(cost: number): number | undefined {
    const done = this.costDone();
    return done > 0 ? (cost * (this.now() - this.begun)) / done : undefined;
  }
}
