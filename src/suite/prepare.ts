// What a run is trained on: its images, its noisy labels, and the labels it learns.
import type { Cifar10, ImageSet } from '../data/dataset.js';
import { measureNoise, noisyLabels } from '../data/noise.js';
import { balancedSubset } from '../data/subset.js';
import { stream } from '../random.js';
import { decodeLabels } from '../results/predictions.js';
import type { NoiseMeasurement, RunRecord } from '../results/record.js';
import type { TrainingJob } from '../training/job.js';
import type { RunNode } from './expand.js';
import type { LabelSets } from './resolve.js';
import { canonicalJson } from './spec.js';

/** A run's job and the noise in it. */
export interface Prepared {
  job: TrainingJob;
  noise: NoiseMeasurement;
}

/**
 * Makes jobs from the data set. All methods at one noise and seed get the same images and the same wrong labels, and
 * every run the same test images. What is held out of the training set is in no run's.
 *
 * @param labelSets the suite's label files
 */
export class Preparer {
  private key = '';
  private shared?: { train: ImageSet; indices: Int32Array; test: ImageSet };

  constructor(
    private readonly cifar: Cifar10,
    private readonly labelSets: LabelSets,
  ) {}

  /** @param teacher the record of the run it depends on, if it learns predictions */
  prepare(run: RunNode, teacher?: Pick<RunRecord, 'predictions'>): Prepared {
    const { noise, seed } = run.spec;
    const { train, indices, test } = this.imagesOf(run);
    const noisy = noisyLabels(noise, train.labels, indices, seed, this.labelSets);
    const targetLabels = teacher ? decodeLabels(teacher.predictions) : noisy;
    return {
      job: { spec: run.spec, train, test, noisyLabels: noisy, targetLabels },
      noise: measureNoise(train.labels, noisy),
    };
  }

  /** Kept for the next run, which mostly is of the same seed: the full set takes 150 MB to copy. */
  private imagesOf({ spec: { data, seed } }: RunNode) {
    const key = canonicalJson({ data, seed });
    if (this.shared && key === this.key) return this.shared;
    const heldOut = data.heldOut && balancedSubset(this.cifar.train, data.heldOut, stream(0, 'held-out'));
    const { set, indices } = balancedSubset(
      this.cifar.train,
      data.trainImages,
      stream(seed, 'subset'),
      heldOut ? heldOut.indices : undefined,
    );
    const clean = heldOut && data.testOn ? heldOut.set : this.cifar.test;
    const test = balancedSubset(clean, data.testImages, stream(0, 'test subset')).set;
    this.key = key;
    this.shared = { train: set, indices, test };
    return this.shared;
  }
}
