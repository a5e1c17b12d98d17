// `labelnoise suspects`: the images of a run whose given label is probably wrong, most probable first.
import type { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { type Examined, Examiner, readExaminable } from '../execution/examine.js';
import { writeWhole } from '../io/files.js';
import { methodTitle } from '../methods/catalogue.js';
import { contactSheet } from '../report/contact_sheet.js';
import { csvText, plain } from '../report/escape.js';
import { InputError } from '../spec/errors.js';
import { largest, rocAuc } from '../statistics/label_errors.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { createEngine, type Engine } from './engine.js';
import { chosenRuns, type ExaminingOptions, filesOf, withExamination } from './estimate.js';
import { type SelectionOptions, selectionOf } from './selection.js';
import { abortOnSignals } from './signals.js';

/** Pictures of the contact sheet. */
const SHEET = 100;

const HELP = `
The run is trained once more, and asked at each evaluation what it takes its training images for. An image is the more suspect the more
probable the likeliest other class is than the given label, on the mean of the evaluations' logarithms; that class is suggested instead.
Where the true labels are known, precision, recall and the area under the ROC curve are told; a threshold at 0 is what the first two are
of: the images that the network takes for something else.

--csv writes all images, the most suspect first: place in the official order, given label, suggested label, score, and the true label where
it is known. --sheet writes the first hundred as pictures, the given label in red and the suggested one in green.

Examples:
  labelnoise suspects results/small/0123456789abcdef --csv suspects.csv --sheet suspects.png
  labelnoise suspects results/small --only method=sam noise=40 --seeds 1 --csv suspects.csv`;

export interface SuspectsOptions extends ExaminingOptions {
  csv?: string;
  sheet?: string;
}

export function register(program: Command): void {
  withExamination(program.command('suspects'))
    .description("rank a run's training images by how probably their given label is wrong")
    .argument('<run>', 'a run of a results folder, OUT/ID; or OUT, where --only and --seeds leave one')
    .option('--csv <file>', 'write all images, the most suspect first')
    .option('--sheet <file>', `write the first ${SHEET} as a PNG of pictures`)
    .addHelpText('after', HELP)
    .action(async (target: string, options: SuspectsOptions & SelectionOptions) => {
      const engine = createEngine();
      try {
        await suspects(target, { ...options, selection: selectionOf(options) }, engine);
      } finally {
        engine.close();
      }
    });
}

/** An image of a run. */
interface Suspect {
  /** Its place among the run's images. */
  i: number;
  given: number;
  suggested: number;
  /** The larger, the more suspect; above 0, another class is likelier than the given one. */
  score: number;
}

/** What was found of a run, the figures where the true labels are known. */
export interface Suspects {
  ranked: Suspect[];
  figures?: { precision: number | null; recall: number | null; auc: number | null };
}

/** Ranks a run's images, prints what is known of the ranking, and writes what is asked for. @throws InputError */
export async function suspects(
  target: string,
  { dataDir, suite, selection = { method: [], noise: [] }, csv, sheet }: SuspectsOptions,
  using: Engine,
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<Suspects> {
  const labelSets = await filesOf(suite, using);
  const examinable = await readExaminable(target);
  const [run, ...others] = chosenRuns(examinable, selection);
  if (others.length)
    throw new InputError(
      `${target}: ${others.length + 1} runs are chosen; allowed: one, e.g. ${target}/${run!.id}`,
    );
  const examiner = await Examiner.of(examinable, labelSets, using, dataDir);
  const stop = abortOnSignals();
  let examined: Examined;
  try {
    using.tell(`suspects: training the run ${run!.id} once more`);
    examined = await examiner.asTrained(run!, stop.signal);
  } catch (error) {
    if (stop.exitCode) process.exit(stop.exitCode);
    throw error;
  } finally {
    stop.release();
  }
  const found = suspectsOf(examined);
  const { dataset, images, outcome } = examined;
  const written: string[] = [];
  if (csv !== undefined) {
    await writeWhole(csv, csvOf(found, examined));
    written.push(csv);
  }
  if (sheet !== undefined) {
    const bytes = dataset.imageSize ** 2 * dataset.channels;
    const pictures = found.ranked.slice(0, SHEET).map(({ i, given, suggested }) => ({
      bytes: images.train.images.subarray(i * bytes, (i + 1) * bytes),
      lines: [dataset.classNames[given]!, dataset.classNames[suggested]!] as const,
    }));
    await writeWhole(sheet, Buffer.from(contactSheet(pictures, dataset.imageSize, dataset.channels)));
    written.push(sheet);
  }
  const record = examinable.records.get(run!.id)!;
  const above = found.ranked.filter(({ score }) => score > 0).length;
  const percent = (share: number | null) => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);
  const figures = found.figures
    ? `; precision ${percent(found.figures.precision)}, recall ${percent(found.figures.recall)}, ROC-AUC ${found.figures.auc?.toFixed(3) ?? '-'}`
    : '';
  const same =
    outcome.weightsSha256 === record.weightsSha256 ? 'the same weights' : 'other bits, as on other machines';
  print(
    `${plain(methodTitle(run!.method))}, ${plain(noiseSettingTitle(run!.noiseSetting))}, seed ${run!.spec.seed} (${run!.id}), trained again with ${same}: ` +
      `${above} of ${found.ranked.length} labels are suspect${figures}\n${written.length ? `Written: ${written.join(', ')}\n` : ''}`,
  );
  return found;
}

/** Ranks the images. */
function suspectsOf({ probabilities, given, images, dataset }: Examined): Suspects {
  const classes = dataset.classNames.length;
  const mean = new Float32Array(given.length * classes);
  for (const values of probabilities)
    for (const [at, p] of values.entries()) mean[at]! += Math.log(Math.max(1e-12, p)) / probabilities.length;
  const ranked = Array.from(given, (label, i): Suspect => {
    const own = mean.slice(i * classes, (i + 1) * classes);
    const value = own[label]!;
    own[label] = Number.NEGATIVE_INFINITY;
    const suggested = largest({ values: own, classes })[0]!;
    return { i, given: label, suggested, score: own[suggested]! - value };
  }).sort((a, b) => b.score - a.score || a.i - b.i);
  if (dataset.unverified) return { ranked };
  const { labels } = images.train;
  const isWrong = (at: number) => ranked[at]!.given !== labels[ranked[at]!.i];
  const wrong = ranked.filter((_, at) => isWrong(at)).length;
  const above = ranked.findIndex(({ score }) => score <= 0);
  const suspected = above < 0 ? ranked.length : above;
  const hits = ranked.slice(0, suspected).filter((_, at) => isWrong(at)).length;
  return {
    ranked,
    figures: {
      precision: suspected ? hits / suspected : null,
      recall: wrong ? hits / wrong : null,
      auc: rocAuc(
        ranked.map(({ score }) => score),
        isWrong,
      ),
    },
  };
}

function csvOf({ ranked }: Suspects, { images, dataset }: Examined): string {
  const name = (label: number) => dataset.classNames[label]!;
  const rows = ranked.map(({ i, given, suggested, score }, rank) => ({
    rank: rank + 1,
    index: images.indices[i]!,
    given_label: given,
    given_class: name(given),
    suggested_label: suggested,
    suggested_class: name(suggested),
    score: score.toFixed(4),
    ...(!dataset.unverified && { true_label: images.train.labels[i]! }),
  }));
  return stringify(rows, { header: true, cast: { string: csvText } });
}
