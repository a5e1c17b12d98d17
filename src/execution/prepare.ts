// What a run is trained on: its noisy labels, and the labels it learns.
import { datasetOf, type LoadedDataset } from '../data/datasets/dataset.js';
import { measureNoise, noisyLabels } from '../data/noises/noise.js';
import { ImagesOfRuns } from '../data/subset.js';
import { decodeLabels } from '../spec/labels.js';
import type { NoiseMeasurement, RunRecord } from '../spec/record.js';
import type { RunNode } from '../suite/expand.js';
import type { LabelSets } from '../suite/resolve.js';
import type { RunJob } from '../training/job.js';

/** A run's job and the noise in it. */
export interface Prepared {
  job: RunJob;
  noise: NoiseMeasurement;
}

/** Makes jobs from the data set. All methods at one noise and seed get the same images and the same wrong labels. */
export class Preparer {
  readonly images: ImagesOfRuns;

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

  /** @param teacher the record of the run it depends on, if it learns predictions */
  prepare(run: RunNode, teacher?: Pick<RunRecord, 'predictions'>): Prepared {
    const { spec } = run;
    const { train, indices, heldOut } = this.images.of(spec);
    const noisy = noisyLabels(spec, train, indices, this.labelSets);
    const classes = datasetOf(spec.data).classNames.length;
    const targetLabels = teacher ? decodeLabels(teacher.predictions, classes) : noisy;
    return {
      job: {
        spec,
        noisyLabels: noisy,
        targetLabels,
        ...(heldOut &&
          !spec.data.testOn && {
            heldOutLabels: noisyLabels(spec, heldOut.set, heldOut.indices, this.labelSets, 'held-out'),
          }),
        ...(this.dataDir !== undefined && { dataDir: this.dataDir }),
      },
      noise: measureNoise(train.labels, noisy, classes),
    };
  }
}
