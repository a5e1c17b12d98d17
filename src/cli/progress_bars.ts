// Two live bars: the suite, and the run under way.
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { RunNode } from '../suite/expand.js';
import type { TrainingProgress } from '../training/job.js';
import type { TimeLeft } from './time_left.js';
import { leftText, runTitle } from './wording.js';

/** Parts of a bar's length, so that it moves within a run too. */
const RESOLUTION = 1000;

export class ProgressBars {
  private readonly bars: MultiBar;
  private suite?: SingleBar;
  private run?: SingleBar;
  private testAccuracy = '';

  constructor(stream: NodeJS.WriteStream) {
    const format = '{bar} {percentage} %  {text}';
    this.bars = new MultiBar({ stream, format, hideCursor: true, barsize: 24 }, Presets.shades_classic);
  }

  begin(trainings: number): void {
    this.suite = this.bars.create(RESOLUTION, 0, { text: `${trainings} trainings` });
    this.run = this.bars.create(RESOLUTION, 0, { text: '' });
  }

  started(run: RunNode, left: TimeLeft): void {
    this.testAccuracy = '';
    this.run?.update(0, { text: runTitle(run) });
    this.ended(left);
  }

  progressed(run: RunNode, progress: TrainingProgress, left: TimeLeft): void {
    const { epoch, epochs, step, steps, loss, evaluation } = progress;
    if (evaluation) this.testAccuracy = `test ${evaluation.testAccuracy.toFixed(2)} %`;
    const parts = [runTitle(run), `epoch ${epoch}/${epochs}`, `loss ${loss.toFixed(3)}`, this.testAccuracy];
    const text = [...parts, leftText(left.run(run))].filter(Boolean).join('  ');
    this.run?.update(Math.round((step / steps) * RESOLUTION), { text });
    this.ended(left);
  }

  /** Brings the suite's bar up to date. */
  ended(left: TimeLeft): void {
    this.suite?.update(Math.round(left.share() * RESOLUTION), { text: `suite  ${leftText(left.suite())}` });
  }

  /** Prints a line above the bars. */
  log(line: string): void {
    this.bars.log(`${line}\n`);
  }

  stop(): void {
    this.bars.stop();
  }
}
