// The interval that tables print behind a mean.
import type { CellSummary } from '../results/aggregate.js';
import { intervalAround } from '../statistics/statistics.js';

/** What the sign ± means wherever it is printed. */
export const INTERVAL_NOTE = '±: half of the 95 % Student-t interval of the mean over seeds.';

/** Half the width of the 95 % Student-t interval of a cell's mean, percent; null below two seeds, or without spread. */
export function halfWidth({ mean, std, seeds }: Pick<CellSummary, 'mean' | 'std' | 'seeds'>): number | null {
  if (mean === null || std === null) return null;
  const interval = intervalAround(mean, std / Math.sqrt(seeds), seeds - 1);
  return interval && interval.high - mean;
}
