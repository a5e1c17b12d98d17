// Training that takes no processor: figures that are a function of the run and could be true, after a given time.
import { setTimeout } from 'node:timers/promises';
import type { Engine } from '../../src/cli/engine.js';
import { ImagesOfRuns } from '../../src/data/subset.js';
import { integer, stream } from '../../src/io/random.js';
import { runId } from '../../src/spec/run_spec.js';
import type { RunJob, Trainer } from '../../src/training/job.js';
import { CIFAR, fakeEngine } from '../fakes.js';

const images = new ImagesOfRuns(CIFAR);

/** @param milliseconds what an epoch takes */
export function standIn(milliseconds: number): Trainer<RunJob> {
  return async ({ spec, noisyLabels, targetLabels, examined }, onProgress, signal) => {
    const { epochs } = spec.training;
    const { labels } = images.of(spec).train;
    const next = stream(spec.seed, `stand-in ${runId(spec)}`);
    const predictions = targetLabels.map((label) => (next() < 0.5 ? label : integer(next, 10)));
    const count = (is: (prediction: number, i: number) => boolean) => predictions.filter(is).length;
    const isWrong = (i: number) => noisyLabels[i] !== labels[i];
    const wrong = labels.filter((_, i) => isWrong(i)).length;
    const share = (hits: number, of: number) => (of ? (100 * hits) / of : null);
    const curve = Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      trainLoss: 2 - i / 10,
      testAccuracy: share(integer(next, spec.data.testImages), spec.data.testImages)!,
      testLoss: 2,
      wrongLabelsFitted: share(
        count((p, i) => isWrong(i) && p === noisyLabels[i]),
        wrong,
      ),
      trueLabelsRecovered: share(
        count((p, i) => isWrong(i) && p === labels[i]),
        wrong,
      ),
      trainAccuracyTrue: share(
        count((p, i) => p === labels[i]),
        labels.length,
      )!,
    }));
    for (const evaluation of curve) {
      await setTimeout(milliseconds, undefined, { signal });
      const { epoch } = evaluation;
      onProgress({ epoch, epochs, step: epoch, steps: epochs, loss: 2, evaluation });
    }
    // Takes every image for its class by 0.6, and for the next by 0.3.
    const logProbabilities = Float32Array.from({ length: 10 * noisyLabels.length }, (_, at) =>
      Math.log([0.6, 0.3][((at % 10) - noisyLabels[Math.floor(at / 10)]! + 10) % 10] ?? 0.1 / 8),
    );
    return {
      ...{ curve, predictions, parameters: 1000, weightsSha256: '0'.repeat(64), wallSeconds: 1.5 },
      ...(examined && { logProbabilities: [logProbabilities] }),
    };
  };
}

/** An engine that trains so. */
export function standInEngine(milliseconds: number): Engine {
  return { ...fakeEngine, train: standIn(milliseconds) };
}
