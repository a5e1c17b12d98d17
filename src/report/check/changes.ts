// What a new baseline changes, for a terminal.
import { table } from 'table';
import type { Baseline, BaselineCell } from '../../regression/baseline.js';
import { environmentDifference } from '../../regression/environment.js';
import { mismatch } from '../../regression/mismatch.js';
import { compareTrajectories } from '../../regression/trajectory.js';
import { mean } from '../../statistics/statistics.js';
import { expand } from '../../suite/expand.js';
import { plain } from '../escape.js';

/** The settings and the machine that differ, and the cells that do, or that none does. */
export function changesText(before: Baseline | undefined, after: Baseline, file: string): string {
  if (!before)
    return `${file}: a new baseline, ${after.cells.length} cells with seeds ${after.suite.seeds.join(', ')}\n`;
  const lines: string[] = [];
  const setting = mismatch(before, expand(after.suite, after.algorithm));
  if (setting)
    lines.push(`Other settings: ${setting.path} was ${shown(setting.before)}, is ${shown(setting.after)}`);
  const seeds = [before, after].map(({ suite }) => suite.seeds.join(', '));
  if (seeds[0] !== seeds[1]) lines.push(`Other seeds: ${seeds[0]}; now ${seeds[1]}`);
  const environment = environmentDifference(before.provenance, after.provenance);
  if (environment) lines.push(`Other ${environment.field}: ${environment.before}; now ${environment.after}`);
  const trajectories = changedTrajectories(before, after);
  if (trajectories) lines.push(trajectories);
  const rows = changedCells(before, after);
  if (!rows.length) lines.push('No cell differs.');
  const text = [`${file}:`, ...lines].map((line) => `${plain(line)}\n`).join('');
  if (!rows.length) return text;
  const columns = COLUMNS.map((_, i) => ({
    alignment: i > 1 && i < 5 ? ('right' as const) : ('left' as const),
  }));
  const drawHorizontalLine = (i: number, count: number) => i < 2 || i === count;
  return text + table([COLUMNS, ...rows], { columns, drawHorizontalLine });
}

function changedTrajectories(before: Baseline, after: Baseline): string | undefined {
  if (!after.trajectories) return undefined;
  const { runs } = after.trajectories;
  if (!before.trajectories) return `New: ${runs.length} trajectories.`;
  const same = runs.filter((now) => {
    const old = before.trajectories!.runs.find(({ run }) => run === now.run);
    return old && compareTrajectories(old, now).same;
  });
  return `Trajectories: ${same.length} of ${runs.length} are the same within rounding.`;
}

const COLUMNS = ['Method', 'Noise', 'Before', 'After', 'Difference', 'Bits'];

function changedCells(before: Baseline, after: Baseline): string[][] {
  const find = (cells: readonly BaselineCell[], { method, noise }: BaselineCell) =>
    cells.find((cell) => cell.method === method && cell.noise === noise);
  const gone = before.cells.filter((cell) => !find(after.cells, cell));
  return [...after.cells, ...gone].flatMap((cell) => {
    const [old, now] = [find(before.cells, cell), find(after.cells, cell)];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    const [a, b] = [old, now].map((c) => (c ? mean(c.results.map(({ accuracy }) => accuracy)) : null));
    const difference = a == null || b == null ? '-' : (b - a).toFixed(2);
    const shared = old?.results.filter((r) => now?.results.some(({ seed }) => seed === r.seed)) ?? [];
    const same = shared.every(({ seed, weightsSha256 }) =>
      now!.results.some((r) => r.seed === seed && r.weightsSha256 === weightsSha256),
    );
    const bits = !shared.length ? 'other seeds' : same ? 'the same where seeds are shared' : 'differ';
    return [
      [cell.method, cell.noise, a?.toFixed(2) ?? 'none', b?.toFixed(2) ?? 'none', difference, bits].map(
        plain,
      ),
    ];
  });
}

function shown(value: unknown): string {
  return value === undefined ? 'not given' : JSON.stringify(value);
}
