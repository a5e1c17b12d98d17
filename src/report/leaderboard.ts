// The leaderboard: rows of verified results folders, as leaderboard.json and as a page in one file that needs no network.
import { AUGMENTATIONS } from '../data/augmentation.js';
import { datasetNamed } from '../data/datasets/dataset.js';
import { VERSION } from '../io/project.js';
import { methodTitle } from '../methods/catalogue.js';
import { architectureName } from '../models/catalogue.js';
import { bestAccuracy, finalAccuracy } from '../results/aggregate.js';
import { isAt } from '../results/external.js';
import type { Rerun, Submission } from '../results/submission.js';
import { chosenEpoch } from '../results/three_ways.js';
import type { RunRecord } from '../spec/record.js';
import { intervalAround, mean, sampleStd } from '../statistics/statistics.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import { bundleOf, documentOf, elementText } from './html.js';
import { kindTitle } from './kinds.js';
import { Leaderboard } from './page/leaderboard.js';
import type { LeaderboardData, LeaderboardRow } from './page/leaderboard_data.js';
import type { Report } from './report.js';
import { duration } from './wording.js';

/** A results folder that was verified, and what it says besides its records. */
export interface LeaderboardFolder {
  name: string;
  report: Report;
  submission: Submission | undefined;
  reruns: readonly Rerun[];
}

/** The leaderboard of these folders; the same for the same folders, in whatever order they come. */
export function leaderboardOf(folders: readonly LeaderboardFolder[]): LeaderboardData {
  const rows = folders.flatMap(rowsOf);
  const key = ({ setting, noise, method, folder }: LeaderboardRow) => [setting, noise, method, folder];
  return {
    format: 1,
    version: VERSION,
    rows: rows.sort((a, b) => b.last.mean - a.last.mean || (`${key(a)}` < `${key(b)}` ? -1 : 1)),
  };
}

function rowsOf(folder: LeaderboardFolder): LeaderboardRow[] {
  const { name, report, submission, reruns } = folder;
  const { graph, records, external } = report;
  const common = { folder: name, suite: graph.suite.name, ...settingOf(graph) };
  const ours = Object.keys(graph.suite.methods).flatMap((method) =>
    graph.noiseSettings.flatMap((noiseSetting): LeaderboardRow[] => {
      const cells = graph.cells.filter((c) => c.method === method && c.noiseSetting === noiseSetting);
      const found = cells.flatMap(({ run }) => records.get(run.id) ?? []);
      if (!found.length) return [];
      const chosen = found.flatMap((record) => chosenEpoch(record)?.testAccuracy ?? []);
      const own = new Set(cells.map(({ run }) => run.id));
      return [
        {
          ...common,
          method: methodTitle(method),
          noise: kindTitle(noiseSetting),
          external: false,
          last: summary(found.map(finalAccuracy))!,
          best: summary(found.map(bestAccuracy)),
          chosen: chosen.length === found.length ? summary(chosen) : null,
          seeds: found.length,
          cost: wholeCost(graph, cells[0]!.run),
          time: duration(mean(found.map(({ wallSeconds }) => wallSeconds))),
          by: submission?.who ?? null,
          link: submission?.link ?? null,
          hardware: submission?.hardware ?? processorsOf(found),
          reruns: outcome(reruns.filter(({ run }) => own.has(run))),
        },
      ];
    }),
  );
  const theirs = external.flatMap(({ name: method, by, link, rows }) =>
    graph.noiseSettings.flatMap((noiseSetting): LeaderboardRow[] => {
      const of = rows.filter((row) => isAt(row, noiseSetting));
      const last = summary(of.map(({ testAccuracy }) => testAccuracy));
      if (!last) return [];
      return [
        {
          ...common,
          method,
          noise: kindTitle(noiseSetting),
          external: true,
          last,
          best: null,
          chosen: null,
          seeds: of.length,
          cost: null,
          time: null,
          by: by ?? submission?.who ?? null,
          link: link ?? submission?.link ?? null,
          hardware: null,
          reruns: [],
        },
      ];
    }),
  );
  return [...ours, ...theirs];
}

/** What rows must have in common to be compared. */
function settingOf({ suite }: RunGraph): Pick<LeaderboardRow, 'dataset' | 'network' | 'setting'> {
  const { data, training, model, precision } = suite;
  const dataset = datasetNamed(data.dataset).title;
  const network = architectureName(model);
  const number = (n: number) => n.toLocaleString('en');
  const on = data.testOn ? 'validation images' : 'test images';
  const parts = [
    dataset,
    network,
    `${number(data.trainImages)} training images`,
    `${number(training.epochs)} epochs`,
    AUGMENTATIONS.named(data.augment).title,
    `${number(data.testImages)} ${on}`,
    precision,
  ];
  return { dataset, network, setting: parts.join(', ') };
}

/** Mean over the seeds, and half the width of its 95 % interval. */
function summary(accuracies: readonly number[]): LeaderboardRow['last'] | null {
  if (!accuracies.length) return null;
  const middle = mean(accuracies);
  const n = accuracies.length;
  const interval = n > 1 ? intervalAround(middle, sampleStd(accuracies) / Math.sqrt(n), n - 1) : null;
  return { mean: middle, half: interval && interval.high - middle };
}

/** A run's cost with that of those it depends on. */
function wholeCost(graph: RunGraph, { dependsOn, cost }: RunNode): number {
  const all = dependsOn.map((id) => wholeCost(graph, graph.runs.find((run) => run.id === id)!));
  return all.reduce((sum, one) => sum + one, cost);
}

function processorsOf(records: readonly RunRecord[]): string {
  return [...new Set(records.map(({ provenance }) => provenance.cpu.replace(/ \(\d+-\d+-\d+\)$/, '')))].join(
    '; ',
  );
}

/** Re-runs by who made them: how many, and the worst that came out. */
function outcome(reruns: readonly Rerun[]): LeaderboardRow['reruns'] {
  const order = ['differs', 'unjudged', 'agrees', 'same'] as const;
  return [...new Set(reruns.map(({ by }) => by))].sort().map((by) => {
    const own = reruns.filter((rerun) => rerun.by === by);
    return {
      by,
      runs: own.length,
      verdict: order.find((one) => own.some(({ verdict }) => verdict === one))!,
    };
  });
}

/** leaderboard.json. */
export function leaderboardJson(data: LeaderboardData): string {
  return `${JSON.stringify(data, null, 2)}\n`;
}

/** The page as text; the same data, the same text. @throws InputError if the project is not built */
export function leaderboardPage(data: LeaderboardData): string {
  return documentOf({
    title: 'Label-noise leaderboard',
    content: elementText(Leaderboard, { data }),
    data,
    bundle: bundleOf('leaderboard_browser.js', ['page.css', 'leaderboard.css']),
    withoutScripts: 'Filters and sorting need JavaScript; the table does not.',
  });
}
