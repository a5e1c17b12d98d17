// The hyper-parameters of a table's cells, told apart into shared ones and ones that differ, by diffing the runs' specs.
import { z } from 'zod';
import { methodNamed, methodTitle } from '../methods/catalogue.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import { type NoiseSetting, noiseSettingTitle } from '../suite/noise_setting.js';

/** Fields that are the table's own axes, say which method it is, or are told in the caption. */
const NOT_SETTINGS =
  /^(algorithm|labels\.|noise\.|seed$|data\.|model\.|precision$|.*\.kind$|method\.(name|source)$)/;

/** What the last part of a spec's path is called in print. */
const NAMES: Record<string, string> = {
  epochs: 'epochs',
  batchSize: 'batch size',
  learningRate: 'learning rate',
  weightDecay: 'weight decay',
  clipNorm: 'gradient clipping norm',
  evaluateEvery: 'epochs between evaluations',
};

export interface Settings {
  /** A line for each hyper-parameter that is not the same in all cells. */
  differing: string[];
  /** Those that are, as one line. */
  shared: string;
}

/** Compares the specs of all cells. */
export function settingsOf({ cells, noiseSettings, suite }: RunGraph): Settings {
  const flat = cells.map(({ run }) => flatten(run));
  const paths = [...new Set(flat.flatMap(({ fields }) => [...fields.keys()]))];
  const settings: Settings = { differing: [], shared: '' };
  const shared: string[] = [];
  for (const path of paths) {
    const field = path.split('.').at(-1)!;
    const name = NAMES[field] ?? titleOf(field, Object.keys(suite.methods)) ?? field;
    const values = new Set(flat.map(({ fields }) => fields.get(path)));
    if (values.size === 1) {
      shared.push(`${name} ${[...values][0]}`);
      continue;
    }
    const groups = new Map<string, string[]>();
    for (const method of Object.keys(suite.methods)) {
      const perNoiseSetting = noiseSettings.map(
        ({ label }) =>
          flat
            .find(({ run }) => run.method === method && run.noiseSetting.label === label)
            ?.fields.get(path) ?? null,
      );
      if (perNoiseSetting.every((v) => v === null)) continue;
      const text = describe(perNoiseSetting, noiseSettings);
      groups.set(text, [...(groups.get(text) ?? []), methodTitle(method)]);
    }
    const parts = [...groups].map(([text, titles]) => `${text} (${titles.join(', ')})`);
    settings.differing.push(`${name}: ${parts.join('; ')}`);
  }
  settings.shared = shared.join(', ');
  return settings;
}

/** What one of these methods calls a setting of its own in print. */
function titleOf(field: string, methods: readonly string[]): string | undefined {
  for (const method of methods) {
    const own = methodNamed(method).settings.shape[field];
    const { title } = (own && z.globalRegistry.get(own)) ?? {};
    if (title) return title;
  }
  return undefined;
}

/** One method's values over the columns: `0.1, but 0.05 at 80 %`. */
function describe(values: readonly (string | null)[], noiseSettings: readonly NoiseSetting[]): string {
  const columns = new Map<string, string[]>();
  values.forEach((value, i) => {
    const key = value ?? 'none';
    columns.set(key, [...(columns.get(key) ?? []), noiseSettingTitle(noiseSettings[i]!)]);
  });
  const [usual, ...others] = [...columns].sort(([, a], [, b]) => b.length - a.length);
  const exceptions = others.map(([value, titles]) => `${value} at ${titles.join(' and ')}`);
  return exceptions.length ? `${usual![0]}, but ${exceptions.join(', ')}` : usual![0];
}

/** The settings of a run's spec by their paths. */
function flatten(run: RunNode): { run: RunNode; fields: Map<string, string> } {
  const fields = new Map<string, string>();
  const visit = (value: unknown, path: string) => {
    if (value && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) visit(inner, path ? `${path}.${key}` : key);
    else if (!NOT_SETTINGS.test(path)) fields.set(path, String(value));
  };
  visit(run.spec, '');
  return { run, fields };
}
