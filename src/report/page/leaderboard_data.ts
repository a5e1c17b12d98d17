// What the leaderboard shows, as plain JSON; leaderboard.json has the same.

/** The leaderboard's content. */
export interface LeaderboardData {
  format: 1;
  /** Of this project. */
  version: string;
  /** By accuracy after the last epoch, highest first. */
  rows: LeaderboardRow[];
}

/** Accuracy over the seeds, percent. */
export interface Accuracy {
  mean: number;
  /** Half the width of the 95 % interval of the mean; null below two seeds. */
  half: number | null;
}

/** A method under a noise setting, of one results folder. */
export interface LeaderboardRow {
  folder: string;
  suite: string;
  method: string;
  noise: string;
  dataset: string;
  network: string;
  /** What rows must have in common to be compared: data, network, length of training. */
  setting: string;
  /** Whether it was scored by its predictions, not trained here. */
  external: boolean;
  last: Accuracy;
  /** Of the best epoch, which looks at the test images. */
  best: Accuracy | null;
  /** Of the epoch chosen on noisy labels of validation images. */
  chosen: Accuracy | null;
  seeds: number;
  /** Of a run with its teachers, in trainings by SGD; null where it is not known. */
  cost: number | null;
  /** What a run took, in words. */
  time: string | null;
  by: string | null;
  link: string | null;
  hardware: string | null;
  /** Who trained runs of it again: how many, and the worst outcome. */
  reruns: { by: string; runs: number; verdict: 'same' | 'agrees' | 'differs' | 'unjudged' }[];
}
