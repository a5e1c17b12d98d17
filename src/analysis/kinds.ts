// The analyses that there are.
import type { Analysis } from './analysis.js';
import { sharpnessAnalysis } from './sharpness.js';
import { spectrumAnalysis } from './spectrum.js';
import { lineAnalysis, profileAnalysis, surfaceAnalysis } from './walks.js';

/** In the order in which they are listed, each by a line. */
export const ANALYSES: readonly Analysis[] = [
  ...[spectrumAnalysis, sharpnessAnalysis],
  ...[lineAnalysis, profileAnalysis, surfaceAnalysis],
];

export const analysisNamed = (name: string) => ANALYSES.find((analysis) => analysis.name === name);
