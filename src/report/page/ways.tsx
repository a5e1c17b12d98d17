// The ways to take a run's accuracy, and the switch between them.
import type { CellData, FolderData, Way } from '../page_data.js';
import { Choice } from './choice.js';

const TITLES: Record<Way, { short: string; long: string }> = {
  last: { short: 'Last epoch', long: 'after the last epoch' },
  best: {
    short: 'Best epoch (oracle)',
    long: 'at the best epoch, an oracle that looks at the test images: no one can choose it',
  },
  chosen: { short: 'Chosen epoch', long: 'at the epoch chosen on the noisy labels of the validation images' },
};

export const wayInWords = (way: Way) => TITLES[way].long;

/** A folder's cells by a way, those of the last epoch where it has no others. */
export function cellsBy({ cells, otherWays }: FolderData, way: Way): CellData[] {
  return otherWays.find((other) => other.way === way)?.cells ?? cells;
}

/** Shown where all folders have another way than the last epoch. */
export function WayChoice({
  folders,
  way,
  choose,
}: {
  folders: readonly FolderData[];
  way: Way;
  choose(way: Way): void;
}) {
  const has = (other: Way) => folders.every(({ otherWays }) => otherWays.some(({ way }) => way === other));
  const options = (['last', 'best', 'chosen'] as const).filter((other) => other === 'last' || has(other));
  if (options.length < 2) return null;
  return (
    <Choice
      legend="Accuracy"
      name="way"
      options={options.map((value) => ({ value, title: TITLES[value].short }))}
      value={way}
      choose={choose}
    />
  );
}
