// The learning rate over a run.

/** Cosine decay from `base` at step 0 to zero after the last step, without warm-up (the SAM authors' code). */
export function cosineRate(base: number, step: number, steps: number): number {
  return 0.5 * base * (1 + Math.cos((Math.PI * step) / steps));
}
