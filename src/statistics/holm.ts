// Holm's correction for several tests at once.

/**
 * Adjusted p-values (Holm, 1979), in the given order: rejecting those up to 0.05 rejects a true hypothesis in at most 5 %
 * of all families of tests, however the tests depend on each other.
 */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a]! - p[b]!);
  const adjusted = new Array<number>(p.length);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (p.length - rank) * p[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}
