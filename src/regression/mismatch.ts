// Whether a baseline is one of a suite as it is now.

import { type Difference, firstDifference } from '../results/difference.js';
import { InputError } from '../spec/errors.js';
import type { RunGraph } from '../suite/expand.js';
import type { ResolvedSuite } from '../suite/resolve.js';
import type { Baseline } from './baseline.js';

/**
 * @param file the baseline's, for the error
 * @throws InputError naming the first setting that differs. Seeds and precision may: the one only says what can be
 * paired, the other that bits cannot be compared.
 */
export function checkSameSuite(baseline: Baseline, graph: RunGraph, file: string): void {
  const found = mismatch(baseline, graph);
  if (found)
    throw new InputError(
      `${file}: is of other settings: ${found.path} is ${shown(found.before)} in the baseline and ${shown(found.after)} in the suite ${graph.suite.name}; a baseline of the suite as it is now is needed`,
    );
}

/** The first setting that differs, `algorithm` or a field of the suite. */
export function mismatch(baseline: Baseline, { suite, runs }: RunGraph): Difference | undefined {
  return (
    firstDifference({ algorithm: baseline.algorithm }, { algorithm: runs[0]!.spec.algorithm }) ??
    firstDifference(settings(baseline.suite), settings(suite))
  );
}

/** What the spec of a run is made of, without its seed and precision. */
function settings(suite: ResolvedSuite): unknown {
  const { description: _, scaledDown: __, checkpoint: ___, seeds: ____, precision: _____, ...more } = suite;
  // What is kept and watched changes no result.
  const { keepWeights: ______, watch: _______, ...rest } = more;
  return rest;
}

function shown(value: unknown): string {
  return value === undefined ? 'not given' : JSON.stringify(value);
}
