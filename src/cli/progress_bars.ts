// Live on a terminal: the table as it fills, and bars of the suite and of the runs under way.
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { leftText, runTitle } from '../report/wording.js';
import type { RunNode } from '../suite/expand.js';
import type { TrainingProgress } from '../training/job.js';
import type { TimeLeft } from './time_left.js';

/** Parts of a bar's length, so that it moves within a run too. */
const RESOLUTION = 1000;
/** What the bars and a few lines above them take of a terminal. */
const ROWS_OF_BARS = 8;

export class ProgressBars {
  private readonly bars: MultiBar;
  private table: SingleBar[] = [];
  private suite?: SingleBar;
  private readonly runs = new Map<string, { bar: SingleBar; testAccuracy: string }>();

  constructor(private readonly stream: NodeJS.WriteStream) {
    const format = '{bar} {percentage} %  {text}';
    // A line above moves all of them down: each must be drawn again, changed or not.
    const options = { stream, format, hideCursor: true, barsize: 24, forceRedraw: true };
    this.bars = new MultiBar(options, Presets.shades_classic);
  }

  begin(trainings: number): void {
    this.suite = this.bars.create(RESOLUTION, 0, { text: `${trainings} trainings` });
  }

  /** Draws the table, first before the bars begin, above which it stays; a terminal that is too low for both goes without. */
  filled(table: readonly string[]): void {
    if (!this.suite && table.length + ROWS_OF_BARS <= this.stream.rows)
      this.table = table.map((line) => this.bars.create(1, 0, { line }, { format: '{line}' }));
    for (const [i, bar] of this.table.entries()) bar.update({ line: table[i] });
  }

  started(run: RunNode): void {
    const bar = this.bars.create(RESOLUTION, 0, { text: runTitle(run) });
    this.runs.set(run.id, { bar, testAccuracy: '' });
  }

  /** Shows what is done that is no step. */
  doing(run: RunNode, what: string): void {
    this.runs.get(run.id)?.bar.update({ text: `${runTitle(run)}  ${what}` });
  }

  progressed(run: RunNode, progress: TrainingProgress, left: TimeLeft): void {
    const shown = this.runs.get(run.id);
    if (!shown) return;
    const { epoch, epochs, step, steps, loss, evaluation } = progress;
    if (evaluation) shown.testAccuracy = `test ${evaluation.testAccuracy.toFixed(2)} %`;
    const parts = [runTitle(run), `epoch ${epoch}/${epochs}`, `loss ${loss.toFixed(3)}`, shown.testAccuracy];
    const text = [...parts, leftText(left.run(run))].filter(Boolean).join('  ');
    shown.bar.update(Math.round((step / steps) * RESOLUTION), { text });
    this.updateSuite(left);
  }

  ended(run: RunNode, left: TimeLeft): void {
    const shown = this.runs.get(run.id);
    if (shown) this.bars.remove(shown.bar);
    this.runs.delete(run.id);
    this.updateSuite(left);
  }

  /** Prints a line above the bars. */
  log(line: string): void {
    this.bars.log(`${line}\n`);
  }

  stop(): void {
    this.bars.stop();
  }

  private updateSuite(left: TimeLeft): void {
    this.suite?.update(Math.round(left.share() * RESOLUTION), { text: `suite  ${leftText(left.suite())}` });
  }
}
