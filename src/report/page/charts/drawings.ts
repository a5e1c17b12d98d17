// The page's figures, drawn with Observable Plot.
import type { Drawings } from '../drawing.js';
import { accuracyFigure, comparisonFigure } from './accuracy.js';
import { curvesFigure } from './curves.js';
import { folderKey, methodKey, paperKey } from './keys.js';
import { runGraphFigure } from './run_graph.js';
import { transitionsFigure } from './transitions.js';

export const DRAWINGS: Drawings = {
  accuracy: accuracyFigure,
  comparison: comparisonFigure,
  curves: curvesFigure,
  transitions: transitionsFigure,
  runGraph: runGraphFigure,
  methodKey,
  folderKey,
  paperKey,
};
