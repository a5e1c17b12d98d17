// The page's figures, drawn with Observable Plot.
import type { Drawings } from '../drawing.js';
import { accuracyFigure, comparisonFigure } from './accuracy.js';
import { costFigure } from './cost.js';
import { curvesFigure } from './curves.js';
import { fatesFigure, lossesFigure } from './fits.js';
import { sharpnessFigure, spectrumFigure } from './flatness.js';
import { folderKey, methodKey, paperKey, patchKey } from './keys.js';
import { matrixFigure } from './matrix.js';
import { rhoFigure } from './rho.js';
import { runGraphFigure } from './run_graph.js';
import { bodyFigure, contoursFigure } from './surface.js';
import { lineFigure, profileFigure, watchedFigure } from './walks.js';

export const DRAWINGS: Drawings = {
  accuracy: accuracyFigure,
  comparison: comparisonFigure,
  cost: costFigure,
  curves: curvesFigure,
  fates: fatesFigure,
  losses: lossesFigure,
  matrix: matrixFigure,
  rho: rhoFigure,
  spectrum: spectrumFigure,
  sharpness: sharpnessFigure,
  line: lineFigure,
  profile: profileFigure,
  watched: watchedFigure,
  contours: contoursFigure,
  body: bodyFigure,
  runGraph: runGraphFigure,
  methodKey,
  folderKey,
  paperKey,
  patchKey,
};
