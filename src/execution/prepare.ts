// What a run is trained on: its noisy labels, and the labels it learns.
import { datasetOf, type LoadedDataset } from '../data/datasets/dataset.js';
import { decodeGuesses } from '../data/guesses.js';
import { noiseIn, noiseOf, noisyLabels, settingOf } from '../data/noises/noise.js';
import { ImagesOfRuns } from '../data/subset.js';
import { decodeLabels } from '../spec/labels.js';
import type { NoiseMeasurement, RunRecord } from '../spec/record.js';
import { canonicalJson } from '../spec/run_spec.js';
import type { RunNode } from '../suite/expand.js';
import type { LabelSets } from '../suite/resolve.js';
import type { RunJob } from '../training/job.js';

/** A record as far as runs that depend on its run are concerned. */
export type TeacherRecord = Pick<RunRecord, 'predictions' | 'guesses'>;

/** A run's job and the noise in it. */
export interface Prepared {
  job: RunJob;
  noise: NoiseMeasurement;
}

/** Makes jobs from the data set. All methods at one noise and seed get the same images and the same wrong labels. */
export class Preparer {
  readonly images: ImagesOfRuns;
  private key = '';
  private last: Uint8Array = new Uint8Array();

  /**
   * @param labelSets the suite's label files
   * @param dataDir the folder that the data set was loaded from, if it was named
   */
  constructor(
    loaded: LoadedDataset,
    private readonly labelSets: LabelSets,
    private readonly dataDir?: string,
  ) {
    this.images = new ImagesOfRuns(loaded);
  }

  /**
   * @param recordOf gives the records of the runs it depends on
   * @throws InputError if there can be no such labels
   */
  prepare(run: RunNode, recordOf: (id: string) => TeacherRecord | undefined = () => undefined): Prepared {
    const { spec } = run;
    const { train, heldOut } = this.images.of(spec);
    const noisy = this.noisy(run, recordOf);
    const classes = datasetOf(spec.data).classNames.length;
    const teacher = spec.labels.from === 'predictions' ? recordOf(spec.labels.teacher) : undefined;
    const targetLabels = teacher ? decodeLabels(teacher.predictions, classes) : noisy;
    return {
      job: {
        spec,
        noisyLabels: noisy,
        targetLabels,
        ...(heldOut &&
          !spec.data.testOn &&
          // A network's guesses are of the training images alone.
          !noiseOf(spec.noise).guesser?.(settingOf(spec.noise)) && {
            heldOutLabels: noisyLabels(
              spec,
              heldOut.set,
              heldOut.indices,
              this.labelSets,
              undefined,
              'held-out',
            ),
          }),
        ...(this.dataDir !== undefined && { dataDir: this.dataDir }),
        ...(run.keepsGuesses && { examined: 'last' }),
        ...(run.keepsWeights && { keepWeights: true }),
        ...(run.watches && { watch: run.watches }),
      },
      noise: noiseIn(spec.data, train, noisy),
    };
  }

  /** Kept for the next run, which mostly is of the same noise and seed: some noises take seconds. */
  private noisy(
    { spec, dependsOn }: RunNode,
    recordOf: (id: string) => TeacherRecord | undefined,
  ): Uint8Array {
    const guesser = dependsOn.find((id) => spec.labels.from === 'noise' || id !== spec.labels.teacher);
    const { noise, seed, data } = spec;
    const key = canonicalJson({ noise, seed, data, guesser });
    if (key !== this.key) {
      const { train, indices } = this.images.of(spec);
      const guesses = guesser === undefined ? undefined : recordOf(guesser)?.guesses;
      this.last = noisyLabels(spec, train, indices, this.labelSets, guesses && decodeGuesses(guesses));
      this.key = key;
    }
    return this.last.slice();
  }
}
