// Rules of a suite that span several of its fields.
import type { z } from 'zod';
import { AUGMENTATIONS } from '../data/augmentation.js';
import { datasetNamed } from '../data/datasets/dataset.js';
import { methodNamed } from '../methods/catalogue.js';
import { NETWORKS } from '../models/catalogue.js';
import { isName, NAME } from '../spec/fields.js';
import { CELLS } from '../spec/limits.js';
import { isPerColumn, settingsAt } from './method_settings.js';
import { noisesOf } from './noise_setting.js';
import type { Suite } from './schema.js';

/** Adds an issue for each rule broken: batches that fit the subset, settings for every noise rate, m that divides a batch. */
export function checkAcrossFields(suite: Suite, context: z.core.$RefinementCtx): void {
  const report = (message: string, ...path: (string | number)[]) => {
    const input = path.reduce<unknown>((v, key) => (v as Record<string, unknown>)?.[key], suite);
    context.addIssue({ code: 'custom', message, path, input });
  };
  const { trainImages, testImages, heldOut = 0, testOn } = suite.data;
  const { trainImages: all } = datasetNamed(suite.data.dataset);
  if (trainImages > all - heldOut)
    report(`at most ${all - heldOut}, those that are not held out`, 'data', 'trainImages');
  if (testOn && !heldOut)
    report('how many images are held out, because data.testOn is "held-out"', 'data', 'heldOut');
  else if (testOn && testImages > heldOut)
    report(`at most data.heldOut, ${heldOut}, which is tested on`, 'data', 'testImages');
  const { kind, ...network } = suite.model;
  const misfit = NETWORKS.named(kind).check?.(network);
  if (misfit) report(misfit.allowed, 'model', misfit.setting);
  const checkBatch = (batchSize: number, ...path: string[]) => {
    if (batchSize > trainImages) report(`at most data.trainImages, ${trainImages}`, ...path);
  };
  checkBatch(suite.training.batchSize, 'training', 'batchSize');
  const { channels, unverified } = datasetNamed(suite.data.dataset);
  const isTruthKnown = !unverified;
  const augmentation = AUGMENTATIONS.named(suite.data.augment);
  if (augmentation.channels !== undefined && augmentation.channels !== channels)
    report(
      `an augmentation of images of ${channels} channel${channels === 1 ? '' : 's'}, not of ${augmentation.channels}`,
      'data',
      'augment',
    );
  const noises = noisesOf(suite);
  const keys = noises.flatMap(({ columns }) => columns.map(({ key }) => key));
  const counts = [suite.seeds.length, keys.length, Object.keys(suite.methods).length] as const;
  const cells = counts.reduce((product, count) => product * count);
  if (cells > CELLS) {
    const product = `${counts[0]} seeds x ${counts[1]} noise settings x ${counts[2]} methods`;
    report(`a table of at most ${CELLS} cells, not ${product}`, 'seeds');
  }
  for (const [i, { entry, settings }] of noises.entries()) {
    const problem = entry.check?.(settings, datasetNamed(suite.data.dataset));
    if (problem)
      report(problem.allowed, 'noise', ...(Array.isArray(suite.noise) ? [i] : []), problem.setting);
  }
  checkColumns(noises, (message, i, ...path) =>
    report(message, 'noise', ...(Array.isArray(suite.noise) ? [i] : []), ...path),
  );
  for (const [name, settings] of Object.entries(suite.methods)) {
    const batchSize = settings.training?.batchSize ?? suite.training.batchSize;
    if (settings.training?.batchSize) checkBatch(batchSize, 'methods', name, 'training', 'batchSize');
    const { training = {}, ...own } = settings;
    const allowed = `a number for each of ${keys.join(', ')}, and for nothing else`;
    const fits = (setting: unknown, ...path: string[]) => {
      if (!isPerColumn(setting)) return true;
      const wrong = [...new Set([...keys, ...Object.keys(setting)])].filter(
        (key) => !keys.includes(key) || !(key in setting),
      );
      for (const key of wrong) report(allowed, 'methods', name, ...path, key);
      return wrong.length === 0;
    };
    fits(training.learningRate, 'training', 'learningRate');
    fits(training.weightDecay, 'training', 'weightDecay');
    if (
      !Object.entries(own)
        .map(([key, setting]) => fits(setting, key))
        .every(Boolean)
    )
      continue;
    const method = methodNamed(name);
    const problems = keys.map((key) =>
      method.check?.(settingsAt(method, settings, key), { batchSize, isTruthKnown }),
    );
    const problem = problems.find((found) => found);
    if (problem) report(problem.allowed, 'methods', name, problem.setting);
  }
}

/** Columns have names that can be those of fields and files, each one its own. */
function checkColumns(
  noises: ReturnType<typeof noisesOf>,
  report: (message: string, noise: number, ...path: string[]) => void,
): void {
  const owners = { key: new Map<string, number>(), label: new Map<string, number>() };
  for (const [i, { columns }] of noises.entries())
    for (const column of columns)
      for (const part of ['key', 'label'] as const) {
        const name = column[part];
        const owner = owners[part].get(name);
        if (!isName(name)) report(`columns whose names are ${NAME}`, i);
        else if (owner === i) report(`columns of different names, not ${name} twice`, i);
        else if (owner !== undefined)
          report(`a name for its columns, because ${name} is one of another noise too`, i, 'name');
        if (owner !== undefined || !isName(name)) return;
        owners[part].set(name, i);
      }
}
