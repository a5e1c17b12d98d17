// The words around a table: what was run, what the noise is, which settings differ, what the numbers can be compared with.
import { AUGMENTATIONS } from '../data/augmentation.js';
import { datasetNamed } from '../data/datasets/dataset.js';
import { methodTitle } from '../methods/catalogue.js';
import { architectureName } from '../models/catalogue.js';
import { bestVariants } from '../results/best_variants.js';
import { accuracyAt, literatureOf, paperAccuracy } from '../results/published.js';
import { threeWays } from '../results/three_ways.js';
import { mean } from '../statistics/statistics.js';
import { hasNoiseOf } from '../suite/expand.js';
import { noiseInWords, noiseSettingTitle } from '../suite/noise_setting.js';
import { agreementNotes } from './agreement.js';
import { plain } from './escape.js';
import { externalNotes } from './external_notes.js';
import type { Report } from './report.js';
import { settingsOf } from './settings.js';
import { INTERVAL_NOTE } from './table.js';

/** A table's caption and the lines under it, without markup and control characters. */
export interface Caption {
  title: string;
  noise: string;
  /** All lines under the table; indented ones belong to the one above. */
  notes: string[];
  /** Those of them that say which settings the cells have. */
  settings: string[];
  /** Those of what Table 4 quotes from others. */
  literature: string[];
  /** Those that are neither of settings, nor of the paper's shape, nor of what the table's cells hold. */
  about: string[];
  /** The least that a table is to be read with. */
  brief: string[];
}

export function captionOf(report: Report): Caption {
  const { suite } = report.graph;
  const { trainImages, testImages, heldOut, testOn, augment } = suite.data;
  const datasetTitle = datasetNamed(suite.data.dataset).title;
  const count = (n: number, thing: string) => `${n.toLocaleString('en')} ${thing}${n === 1 ? '' : 's'}`;
  const title = [
    `${suite.name}: ${testOn ? 'accuracy on validation images (clean, held out of the training set)' : `clean-test accuracy on ${datasetTitle}`} after the last epoch, percent`,
    architectureName(suite.model),
    `${count(trainImages, 'training image')}, ${count(testImages, testOn ? 'validation image' : 'test image')}`,
    AUGMENTATIONS.named(augment).title,
    count(suite.training.epochs, 'epoch'),
    `${suite.seeds.length === 1 ? 'seed' : 'seeds'} ${suite.seeds.join(', ')}`,
    suite.precision,
  ].join('; ');
  const hasPaper = report.cells.some(({ method, noiseSetting: label }) => {
    const noiseSetting = report.graph.noiseSettings.find((c) => c.label === label)!;
    return paperAccuracy(report.published, method, noiseSetting) !== null;
  });
  const { differing, shared } = settingsOf(report.graph);
  const settings = [
    ...(differing.length ? ['Settings that differ between cells:', ...differing.map((d) => `  ${d}`)] : []),
    `The same in all cells: ${shared}.`,
  ];
  const variants = bestVariantNotes(report);
  const literature = literatureNotes(report);
  const ways = threeWaysNotes(report);
  const marks = [
    ...(hasPaper ? ['In parentheses: the paper (Foret et al., 2021, Table 4).'] : []),
    ...(suite.seeds.length > 1 ? [INTERVAL_NOTE] : []),
  ];
  const scaled = suite.scaledDown ? scaledDownNotes(report, suite.scaledDown, hasPaper) : [];
  const about = [...methodNotes(report), ...(heldOut ? [validationNote(heldOut, testOn)] : []), ...scaled];
  return {
    title: plain(title),
    noise: plain(noiseConvention(report)),
    notes: [
      ...marks,
      ...agreementNotes(report),
      ...externalNotes(report),
      ...variants,
      ...settings,
      ...ways,
      ...literature,
      ...about,
    ].map(plain),
    settings: settings.map(plain),
    literature: literature.map(plain),
    about: [...variants, ...ways, ...about].map(plain),
    brief: [...marks, ...scaled].map(plain),
  };
}

function bestVariantNotes({ graph, cells }: Report): string[] {
  const best = bestVariants(graph, cells);
  const lines = [...new Set(best.map(({ method }) => method))].map((method) => {
    const columns = best
      .filter((b) => b.method === method)
      .map(({ noiseSetting, variant, accuracy, tried }) => {
        const setting = variant.slice(method.length + 1) || 'the plain one';
        return `${noiseSettingTitle(noiseSetting)} ${setting} (${accuracy.toFixed(2)}, best of ${tried})`;
      });
    return `  ${methodTitle(method)}: ${columns.join(', ')}`;
  });
  return lines.length ? ['Best variants:', ...lines] : [];
}

/** Accuracy last, best and chosen, with what a run costs. */
function threeWaysNotes({ graph, records }: Report): string[] {
  const cells = threeWays(graph, records);
  if (!cells.length) return [];
  const lines = [...new Set(cells.map(({ method }) => method))].map((method) => {
    const own = cells.filter((cell) => cell.method === method);
    const columns = own.map(({ noiseSetting: label, last, oracle, chosen }) => {
      const title = noiseSettingTitle(
        graph.noiseSettings.find((noiseSetting) => noiseSetting.label === label)!,
      );
      const gap = `${chosen < last ? '' : '+'}${(chosen - last).toFixed(2)}`;
      return `${title} ${[last, oracle, chosen].map((v) => v.toFixed(2)).join(' / ')} (${gap})`;
    });
    return `  ${methodTitle(method)} (cost ${Number(own[0]!.cost.toFixed(2))}): ${columns.join(', ')}`;
  });
  return [
    'Three ways: after the last epoch / best epoch, an ORACLE that looks at the test images / epoch chosen on the NOISY labels of the validation images (gap of the last to it); cost in trainings by SGD:',
    ...lines,
  ];
}

/** What Table 4 quotes of the methods here beside its own, and what their authors say themselves. */
function literatureNotes({ graph, published }: Report): string[] {
  const lines = Object.keys(graph.suite.methods).flatMap((method) =>
    literatureOf(published, method).map((row) => {
      const at = (of: Pick<typeof row, 'accuracy'>) =>
        graph.noiseSettings
          .map((noiseSetting) => accuracyAt(of, noiseSetting)?.toFixed(1) ?? '-')
          .join(' / ');
      const own = row.own?.map((other) => `; ${other.source}: ${at(other)}`).join('') ?? '';
      return `  ${methodTitle(method)} = ${row.title}: ${at(row)}${own}`;
    }),
  );
  return lines.length ? ['Literature block of Table 4, as quoted there, column by column:', ...lines] : [];
}

/** What methods said of their runs, each thing once with the number of runs it was said of. */
function methodNotes({ graph, records }: Report): string[] {
  const lines = Object.keys(graph.suite.methods).flatMap((method) => {
    const runs = new Set(graph.cells.filter((cell) => cell.method === method).map(({ run }) => run.id));
    const counts = new Map<string, number>();
    for (const run of runs)
      for (const note of new Set(records.get(run)?.notes?.map((text) => text.replace(/\d+(\.\d+)?/g, '#'))))
        counts.set(note, (counts.get(note) ?? 0) + 1);
    return [...counts].map(
      ([note, count]) => `  ${methodTitle(method)}, ${count} of ${runs.size} runs: ${note}`,
    );
  });
  return lines.length ? ['Said of runs (numbers as #; the records have them):', ...lines] : [];
}

function validationNote(heldOut: number, testOn?: string): string {
  const images = `${heldOut.toLocaleString('en')} images of the training set, the same for all seeds, are a validation set that no run learns from`;
  return testOn
    ? `${images}; the figures are of these, not of test images.`
    : `${images}, so that settings can be chosen without the test set.`;
}

function scaledDownNotes(
  { published: { protocol } }: Report,
  scaledDown: string,
  hasPaper: boolean,
): string[] {
  const own = `Scaled down: ${scaledDown}`;
  if (!hasPaper) return [own];
  return [
    own,
    `The paper's numbers are of ${protocol.model}, ${protocol.epochs} epochs, all ${Number(protocol.trainImages).toLocaleString('en')} training images: not comparable in level.`,
  ];
}

/** What the rates mean, and what was measured of them. */
function noiseConvention({ graph, records }: Report): string {
  const measured = graph.noiseSettings.map((noiseSetting) => {
    const seen = graph.runs.flatMap((run) => {
      const record = hasNoiseOf(run, noiseSetting) ? records.get(run.id) : undefined;
      return record && record.noise.rate !== null ? [record.noise.rate * 100] : [];
    });
    return seen.length ? `${mean(seen).toFixed(1)} %` : '-';
  });
  return `Noise: ${noiseInWords(graph.suite)}; measured wrong: ${measured.join(', ')}.`;
}
