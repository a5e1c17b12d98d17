// Reports with several seeds and long curves, drawn from a seed: what a large suite's results look like.
import { stream } from '../../src/io/random.js';
import { type Report, reportOf } from '../../src/report/report.js';
import { LOSS_BINS, type RunRecord } from '../../src/spec/record.js';
import { expand, type RunNode } from '../../src/suite/expand.js';
import type { ResolvedSuite } from '../../src/suite/resolve.js';
import { fakeRecord, SUITE } from '../fakes.js';

/** A report whose runs are all finished, and its parts. `level` is added to every accuracy. */
export function synthetic(changes: Partial<ResolvedSuite> = {}, epochs = 4, level = 0): Report {
  const suite = { ...SUITE, training: { ...SUITE.training, epochs }, ...changes } as ResolvedSuite;
  const graph = expand(suite);
  return reportOf(graph, new Map(graph.runs.map((run) => [run.id, syntheticRecord(run, level)])));
}

function syntheticRecord(run: RunNode, level: number): RunRecord {
  const { epochs } = run.spec.training;
  const next = stream(run.spec.seed, `synthetic ${run.method} ${run.noiseSetting.label}`);
  const rate = run.noiseSetting.rate ?? 0.4;
  const hundredths = (value: number) => Math.round(100 * value) / 100;
  const curve = Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 2 - i / epochs,
    testAccuracy: hundredths(level + 70 * (1 - rate) * ((i + 1) / epochs) + 5 * next()),
    testLoss: 2 + i / epochs,
    wrongLabelsFitted: hundredths(90 * ((i + 1) / epochs) * next()),
    trueLabelsRecovered: hundredths(60 * next()),
    trainAccuracyTrue: hundredths(80 * next()),
  }));
  const row = (t: number) =>
    Array.from({ length: 10 }, (_, g) => Math.round(t === g ? 100 * (1 - rate) : (100 * rate) / 9));
  return {
    ...fakeRecord(run, 0),
    curve,
    fit: {
      losses: {
        right: Array.from({ length: LOSS_BINS }, (_, bin) => Math.round(400 * Math.exp(-bin / 3) * next())),
        wrong: Array.from({ length: LOSS_BINS }, (_, bin) =>
          Math.round(40 * Math.exp(-((bin - 12) ** 2) / 40)),
        ),
      },
      confusion: Array.from({ length: 10 }, (_, g) => row(g)),
    },
    noise: { rate, transitions: Array.from({ length: 10 }, (_, t) => row(t)) },
    wallSeconds: 60 * run.cost,
  };
}
