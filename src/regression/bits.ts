// The verdict by equality: the same spec on the same machine with the same libraries must give the same bits.
import type { SeedResult } from './baseline.js';

/** A seed whose bits are not the baseline's, in words; undefined if they are. */
export function bitDifference(before: SeedResult, after: SeedResult): string | undefined {
  if (before.accuracy !== after.accuracy)
    return `seed ${after.seed}: accuracy ${percent(before.accuracy)} became ${percent(after.accuracy)}`;
  // Records of early versions have no hash.
  if (before.weightsSha256 && after.weightsSha256 && before.weightsSha256 !== after.weightsSha256)
    return `seed ${after.seed}: the same accuracy from other weights (SHA-256 ${before.weightsSha256.slice(0, 8)}..., now ${after.weightsSha256.slice(0, 8)}...)`;
  return undefined;
}

/** Two decimals, more if the value has them: what differs must look different. */
function percent(value: number): string {
  const short = value.toFixed(2);
  return Number(short) === value ? short : String(value);
}
