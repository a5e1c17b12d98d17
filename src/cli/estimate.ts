// `labelnoise estimate`: how many labels are wrong, by what networks say of images they have not seen.
import type { Command } from 'commander';
import { table } from 'table';
import { measureNoise } from '../data/noises/noise.js';
import { type Examinable, type Examined, Examiner, readExaminable } from '../execution/examine.js';
import { methodTitle } from '../methods/catalogue.js';
import { plain } from '../report/escape.js';
import { InputError } from '../spec/errors.js';
import {
  agreement,
  anchorMatrix,
  largest,
  mixtureRate,
  rateOfAgreement,
  rateOfMatrix,
  testedRate,
} from '../statistics/label_errors.js';
import { mean } from '../statistics/statistics.js';
import type { RunNode } from '../suite/expand.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { planOf } from '../suite/plan.js';
import type { LabelSets } from '../suite/resolve.js';
import { EVERYTHING, type Selection } from '../suite/select.js';
import { createEngine, type Engine } from './engine.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { abortOnSignals } from './signals.js';

const HELP = `
Of each chosen run, two networks are trained as the run was, each on half of its images, and say what they take the other half for. From
how often they agree with the given labels, and how sure they are, the noise rate is estimated in four ways:
  tested     how often they are right is counted on the clean test images, and wrong labels are agreed with by chance
  INCV       Chen et al., 2019: the networks are taken to have learned all there is; too large where they have not
  mixture    two normal distributions of the losses of the given labels, as in DivideMix
  anchors    Patrini et al., 2017: what is said of the surest image of each class, which is the transition matrix
Where the true labels are known, their figures stand beside. A run takes as long as it took; those of a folder are the first method's
at the first seed, one for each noise, unless others are chosen. Where labels, images or methods are from files, --suite names the suite
that says which.

Examples:
  labelnoise estimate results/small --only method=sgd noise=40
  labelnoise estimate results/small/0123456789abcdef
  labelnoise estimate results/human --suite human`;

export interface ExaminingOptions {
  dataDir?: string;
  /** The suite that names what files the runs need. */
  suite?: string;
  selection?: Selection;
}

/** Adds the options that say which runs are examined, and with what. */
export function withExamination(command: Command): Command {
  return withSelection(command)
    .option('--data-dir <dir>', "folder with the data set's files, instead of the cache")
    .option(
      '--suite <suite>',
      'name or file of the suite that the runs are of, where it names files that they need',
    );
}

export function register(program: Command): void {
  withExamination(program.command('estimate'))
    .description('estimate how many labels of a results folder or run are wrong')
    .argument('<out>', 'results folder of runs, or one of its runs: OUT/ID')
    .addHelpText('after', HELP)
    .action(async (target: string, options: ExaminingOptions & SelectionOptions) => {
      const engine = createEngine();
      try {
        await estimate(target, { ...options, selection: selectionOf(options) }, engine);
      } finally {
        engine.close();
      }
    });
}

/** Estimates the noise of runs, and prints it. @returns the estimates by run id @throws InputError */
export async function estimate(
  target: string,
  { dataDir, suite, selection = EVERYTHING }: ExaminingOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<Map<string, Estimates>> {
  const labelSets = await filesOf(suite, using);
  const examinable = await readExaminable(target);
  const chosen = chosenRuns(examinable, selection);
  const examiner = await Examiner.of(examinable, labelSets, using, dataDir);
  const stop = abortOnSignals();
  const all = new Map<string, Estimates>();
  try {
    for (const run of chosen) {
      using.tell(`estimate: two trainings on halves of the images of ${run.id}`);
      const found = estimatesOf(await examiner.unseen(run, stop.signal));
      all.set(run.id, found);
      print(estimateText(run, found));
    }
  } catch (error) {
    if (stop.exitCode) process.exit(stop.exitCode);
    throw error;
  } finally {
    stop.release();
  }
  return all;
}

/** Loads the files that a suite names. @returns the labels in those of labels, by their hash @throws InputError */
export async function filesOf(suite: string | undefined, using: Engine): Promise<LabelSets> {
  return suite === undefined ? new Map() : (await planOf(suite, EVERYTHING, using)).labelSets;
}

/**
 * The runs that are examined: those that were chosen, or the first method's at the first seed. Students learn what a network
 * predicts and not the labels, so that nothing about these can be seen in them.
 */
export function chosenRuns({ graph, runs }: Examinable, selection: Selection): RunNode[] {
  const { method, noise, seeds = graph.suite.seeds.length } = selection;
  const learners = runs.map(({ run }) => run).filter(({ spec }) => spec.labels.from === 'noise');
  const isChosen = (values: readonly string[], names: readonly string[]) =>
    !values.length || values.some((value) => names.includes(value));
  const seedsChosen = graph.suite.seeds.slice(0, seeds);
  const found = learners.filter(
    (run) =>
      isChosen(method, [run.method]) &&
      isChosen(noise, [run.noiseSetting.label, run.noiseSetting.key]) &&
      (runs.length === 1 || seedsChosen.includes(run.spec.seed)),
  );
  const [first] = found;
  if (!first)
    throw new InputError(
      `${graph.suite.name}: no finished run that learns given labels is chosen; allowed: of ${[...new Set(learners.map((run) => run.method))].join(', ')}`,
    );
  if (method.length || noise.length || selection.seeds !== undefined) return found;
  return found.filter(({ method, spec }) => method === first.method && spec.seed === first.spec.seed);
}

/** Estimated rates, 0 to 1, and matrix; the true ones where they are known. */
export interface Estimates {
  /** Null where the networks know no more than chance. */
  tested: number | null;
  incv: number;
  mixture: number;
  anchors: number;
  matrix: number[][];
  truth?: { rate: number; matrix: number[][] };
  classNames: readonly string[];
}

/** The estimates from what networks say of images that they have not seen. */
export function estimatesOf({ probabilities, accuracies, given, images, dataset }: Examined): Estimates {
  const classes = dataset.classNames.length;
  // Evaluations in which more is known weigh more: the estimate is the more exact the more often the network is right.
  const chance = 1 / classes;
  const weights = accuracies.map((accuracy) => Math.max(1e-6, accuracy - chance) ** 2);
  const total = weights.reduce((a, b) => a + b);
  const weighted = (values: readonly number[]) =>
    values.reduce((sum, v, k) => sum + (weights[k]! / total) * v, 0);
  const agreed = probabilities.map((values) => agreement(largest({ values, classes }), given));
  const together = probabilities[0]!.map((_, at) => mean(probabilities.map((values) => values[at]!)));
  const losses = Float64Array.from(
    given,
    (label, i) => -Math.log(Math.max(1e-12, together[i * classes + label]!)),
  );
  const matrix = anchorMatrix({ values: together, classes });
  const taken = new Array<number>(classes).fill(0);
  for (const label of largest({ values: together, classes })) taken[label]! += 1 / given.length;
  return {
    tested: testedRate(weighted(agreed), weighted(accuracies), classes),
    incv: rateOfAgreement(agreement(largest({ values: together, classes }), given), classes),
    mixture: mixtureRate(losses),
    anchors: rateOfMatrix(matrix, taken),
    matrix,
    ...(!dataset.unverified && { truth: truthOf(images.train.labels, given, classes) }),
    classNames: dataset.classNames,
  };
}

function truthOf(
  labels: Uint8Array,
  given: Uint8Array,
  classes: number,
): { rate: number; matrix: number[][] } {
  const { rate, transitions } = measureNoise(labels, given, classes);
  const matrix = transitions.map((row) => {
    const sum = row.reduce((a, b) => a + b);
    return row.map((count) => count / Math.max(1, sum));
  });
  return { rate, matrix };
}

/** Matrices of more classes than this are not printed. */
const PRINTED_CLASSES = 20;

function estimateText({ id, method, noiseSetting, spec }: RunNode, found: Estimates): string {
  const { tested, incv, mixture, anchors, matrix, truth, classNames } = found;
  const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`;
  const rows = Object.entries({ tested, INCV: incv, mixture, anchors }).map(([name, rate]) => [
    name,
    rate === null ? '-' : percent(rate),
    ...(truth ? [percent(truth.rate), rate === null ? '-' : (100 * (rate - truth.rate)).toFixed(1)] : []),
  ]);
  const heading = ['estimate', 'wrong labels', ...(truth ? ['in truth', 'percentage points off'] : [])];
  const title = `${methodTitle(method)}, ${noiseSettingTitle(noiseSetting)}, seed ${spec.seed} (${id})`;
  const cells = (values: readonly (readonly number[])[], name: string) =>
    values.length > PRINTED_CLASSES
      ? ''
      : `${name} (rows: true class, columns: given label; percent)\n${table(
          values.map((row, t) => [classNames[t]!, ...row.map((v) => (100 * v).toFixed(0))].map(plain)),
          { columnDefault: { alignment: 'right' } },
        )}`;
  return `${plain(title)}\n${table([heading, ...rows])}${cells(matrix, 'Transition matrix by anchor points')}${truth ? cells(truth.matrix, 'Transition matrix in truth') : ''}\n`;
}
