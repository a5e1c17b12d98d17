// `labelnoise compare`: a results folder against a baseline, with the exit code that CI goes by.
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { explained } from '../io/files.js';
import { readBounded } from '../io/paths.js';
import { baselineFile } from '../regression/baseline.js';
import { readBaseline } from '../regression/baseline_schema.js';
import { compare } from '../regression/compare.js';
import type { FoundTrajectory } from '../regression/trajectory.js';
import type { CheckReport } from '../report/check/content.js';
import { annotations } from '../report/check/github.js';
import { checkMarkdown } from '../report/check/markdown.js';
import { referenceText } from '../report/check/reference.js';
import { checkText } from '../report/check/terminal.js';
import { writeCheck } from '../report/check/write.js';
import { reportOf } from '../report/report.js';
import { readOwnGraph } from '../results/manifest.js';
import { readPublished } from '../results/published.js';
import { announce, failedRuns, readStored, refuseForeign } from '../results/store.js';
import { TEXT_FILE_BYTES } from '../spec/limits.js';
import { EVERYTHING, type Selection, select } from '../suite/select.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { tell } from './tell.js';

export interface CompareOptions {
  statistics?: boolean;
  selection?: Selection;
}

/** What a check's exit codes mean, for the help of all its commands. */
export const EXIT_CODES = `
Exit codes: 0 every cell passed or improved; 1 a cell regressed, is missing, has other bits where they must be the
same, or another trajectory; 2 nothing could be compared: wrong input, a baseline of other settings, or too few seeds to
judge by.`;

const HELP = `
A cell passes bitwise where spec, platform, CPU, precision, threads, TensorFlow, tfjs and Node's major version are the
baseline's: then accuracies and weights must be the same, seed by seed. Elsewhere it is judged by t tests over seeds,
paired where seeds are shared, with Holm's correction over the cells. Nothing is trained, so trajectories (what the first
steps do) are for "labelnoise check" to compare. BASELINE is baselines/<suite>.json unless told;
beside baselines/published.json, results are only shown. Written to OUT: check.json, check.junit.xml, check.md; on
GitHub Actions also the run's summary and annotations.
${EXIT_CODES}

Examples:
  labelnoise compare results/quick
  labelnoise compare results/quick --only method=sam noise=40
  labelnoise compare results/quick baselines/published.json`;

export function register(program: Command): void {
  withSelection(program.command('compare'))
    .description(
      'compare a results folder with a baseline: pass, regressed, improved or missing, cell by cell',
    )
    .argument('<out>', 'results folder of a run')
    .argument('[baseline]', 'baseline file')
    .option('--statistics', 'judge by statistics even where bits could be compared')
    .addHelpText('after', HELP)
    .action(async (out: string, baseline: string | undefined, options: CompareOptions & SelectionOptions) => {
      process.exitCode = await compareFolder(out, baseline, { ...options, selection: selectionOf(options) });
    });
}

/**
 * Compares, prints and writes the reports.
 *
 * @param trajectories of the code that trained the runs, by the id of their short run
 * @returns the exit code
 * @throws InputError
 */
export async function compareFolder(
  out: string,
  baselinePath: string | undefined,
  { statistics, selection = EVERYTHING }: CompareOptions,
  print: (text: string) => void = (text) => process.stdout.write(text),
  trajectories?: ReadonlyMap<string, FoundTrajectory>,
): Promise<number> {
  const whole = await readOwnGraph(out);
  const graph = select(whole, selection);
  const { suite } = graph;
  const stored = await readStored(out, whole.runs);
  refuseForeign(stored, whole.runs);
  announce(out, stored, tell);
  const records = new Map([...stored.records].filter(([id]) => graph.runs.some((run) => run.id === id)));
  const failed = await failedRuns(out, graph.runs);
  if (baselinePath !== undefined && (await isPublished(baselinePath))) {
    print(referenceText(reportOf(graph, records, failed, stored.lost)));
    return 0;
  }
  const file = baselinePath ?? baselineFile(suite.name);
  const results = { graph, records, failed, trajectories };
  const comparison = compare(await readBaseline(file), file, results, statistics);
  const report: CheckReport = { comparison, graph, published: readPublished() };
  const written = await writeCheck(out, report);
  await tellGitHub(report, print);
  print(`Written to ${out}: ${written.join(', ')}\n${checkText(report)}`);
  return comparison.passed ? 0 : 1;
}

/** Whether a file is the published table rather than a baseline. */
async function isPublished(file: string): Promise<boolean> {
  try {
    return Array.isArray(JSON.parse((await readBounded(file, TEXT_FILE_BYTES)).toString('utf8'))?.rows);
  } catch {
    return false;
  }
}

/** On GitHub Actions: annotations, and the run's summary. */
async function tellGitHub(report: CheckReport, print: (text: string) => void): Promise<void> {
  if (process.env.GITHUB_ACTIONS === 'true') print(annotations(report));
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary)
    await appendFile(path.resolve(summary), checkMarkdown(report)).catch((error) => {
      throw explained(error, `cannot write GITHUB_STEP_SUMMARY ${summary}`);
    });
}
