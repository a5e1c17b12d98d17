// A suite for a Slurm cluster: scripts of job arrays, one task a run, students after their teachers, all into one results folder.
import { chmodSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { explained, writeWhole } from '../io/files.js';
import { makeFolder } from '../io/paths.js';
import { PROJECT_ROOT } from '../io/project.js';
import { sha256 } from '../results/record_schema.js';
import { InputError } from '../spec/errors.js';
import type { RunNode } from '../suite/expand.js';
import { longestFirst } from './longest_first.js';

/** Tasks of one array: Slurm's MaxArraySize is 1001 unless a cluster has another. */
const MOST_TASKS = 1000;

/** An array of tasks. Task i begins when task i of the array before it has succeeded, if there is one. */
export interface JobArray {
  after: number | undefined;
  /** By their task ids; not all have one. */
  tasks: Map<number, RunNode>;
}

/** What the tasks of a cluster are given. */
export interface Resources {
  partition?: string | undefined;
  gres?: string | undefined;
  time?: string | undefined;
  mem?: string | undefined;
  /** Tasks of an array at once. */
  atOnce?: number | undefined;
  /** Further options of sbatch. */
  sbatch?: string[] | undefined;
}

/** Puts runs into arrays: those that wait for nothing first, and each student under its teacher's task id in an array after that. */
export function jobArrays(runs: readonly RunNode[], mostTasks = MOST_TASKS): JobArray[] {
  const arrays: JobArray[] = [];
  const places = new Map<string, { array: number; task: number }>();
  const put = (run: RunNode, array: number, task: number) => {
    arrays[array]!.tasks.set(task, run);
    places.set(run.id, { array, task });
  };
  const find = (isFit: (array: JobArray) => boolean, after: number | undefined) => {
    const found = arrays.findIndex((array) => array.after === after && isFit(array));
    return found >= 0 ? found : arrays.push({ after, tasks: new Map() }) - 1;
  };
  // A teacher that is no part of these is finished.
  const ids = new Set(runs.map(({ id }) => id));
  const isFree = ({ dependsOn }: RunNode) => !dependsOn.some((id) => ids.has(id));
  for (const run of longestFirst(runs.filter(isFree))) {
    const array = find(({ tasks }) => tasks.size < mostTasks, undefined);
    put(run, array, arrays[array]!.tasks.size);
  }
  // Each comes after those it depends on.
  for (const run of runs.filter((run) => !isFree(run))) {
    const { array: after, task } = places.get(run.dependsOn.find((id) => ids.has(id))!)!;
    put(
      run,
      find(({ tasks }) => !tasks.has(task), after),
      task,
    );
  }
  return arrays;
}

/** A cluster's part of a suite. */
export interface ClusterPlan {
  suite: string;
  /** Where the scripts go, and the suite, see `commissionText`. */
  folder: string;
  commission: string;
  out: string;
  runs: readonly RunNode[];
  threads: number;
  resources: Resources;
  /** What an array's tasks need where `resources` does not say. */
  needs?: (runs: readonly RunNode[]) => Resources;
}

/**
 * Writes the scripts, in place of those of an earlier plan.
 *
 * @returns their paths, that of the one to start first
 * @throws InputError if they cannot be written, or a path or option would be misread
 */
export async function writeScripts(plan: ClusterPlan): Promise<string[]> {
  const { commission, runs } = plan;
  const [folder, out] = [path.resolve(plan.folder), path.resolve(plan.out)];
  // sbatch has no way to write these in a comment of a script.
  for (const [what, text] of [
    ['--slurm', folder],
    ['--out', out],
    ...Object.entries(plan.resources).flatMap(([key, value]) =>
      [value].flat().map((v) => [`--${key}`, `${v ?? ''}`]),
    ),
  ] as [string, string][])
    if (/["'%\\\n\r$`]/.test(text))
      throw new InputError(`${what} ${text}: allowed: no quotes, "%", "$", "\\" and line breaks`);
  const arrays = jobArrays(runs);
  const name = `labelnoise-${plan.suite}-${sha256(out).slice(0, 8)}`;
  try {
    makeFolder(path.join(folder, 'logs'));
    for (const old of await readdir(folder)) if (old.endsWith('.sbatch')) await rm(path.join(folder, old));
  } catch (error) {
    throw explained(error, `cannot write ${folder}`);
  }
  await writeWhole(path.join(folder, 'plan.json'), `${commission}\n`);
  const scripts: [string, string][] = arrays.map((array, i) => [
    `${i}.sbatch`,
    arrayScript(array, `${name}-${i}`, { ...plan, folder, out }),
  ]);
  scripts.push(['tables.sbatch', tablesScript(`${name}-tables`, { ...plan, folder, out })]);
  scripts.unshift(['submit', submitScript(arrays, name)]);
  const files = scripts.map(([file]) => path.join(folder, file));
  for (const [file, text] of scripts) await writeWhole(path.join(folder, file), text);
  chmodSync(files[0]!, 0o755);
  return files;
}

const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
const quoted = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

function head(name: string, folder: string, log: string, options: string[]): string[] {
  return [
    '#!/bin/bash',
    ...[`--job-name=${name}`, `--output=${folder}/logs/${log}.log`, ...options].map(
      (option) => `#SBATCH ${option.includes(' ') ? option.replace(/=(.*)/, '="$1"') : option}`,
    ),
  ];
}

function arrayScript(
  { tasks, after }: JobArray,
  name: string,
  { folder, out, threads, resources, needs }: ClusterPlan,
): string {
  const {
    partition,
    gres,
    time,
    mem,
    atOnce,
    sbatch = [],
  } = {
    ...needs?.([...tasks.values()]),
    ...Object.fromEntries(Object.entries(resources).filter(([, value]) => value !== undefined)),
  };
  const ids = [...tasks.keys()].sort((a, b) => a - b);
  const optional = { partition, gres, time, mem };
  const options = [
    `--array=${ranges(ids)}${atOnce ? `%${atOnce}` : ''}`,
    `--cpus-per-task=${threads}`,
    ...Object.entries(optional).flatMap(([key, value]) => (value === undefined ? [] : [`--${key}=${value}`])),
    // Runs save their state before their time is up; the same plan then goes on from there.
    '--signal=B:TERM@120',
    ...(after === undefined ? [] : ['--kill-on-invalid-dep=yes']),
    ...sbatch,
  ];
  return [
    ...head(name, folder, '%x-%a', options),
    'set -euo pipefail',
    ...(gres?.includes('gpu') ? ['export LABELNOISE_DEVICE=gpu'] : []),
    'runs=(',
    ...ids.map((task) => `  [${task}]=${tasks.get(task)!.id}`),
    ')',
    `exec ${quoted(process.execPath)} ${quoted(MAIN)} worker --plan ${quoted(path.join(folder, 'plan.json'))} \\`,
    `  --out ${quoted(out)} --run "\${runs[SLURM_ARRAY_TASK_ID]}"`,
    '',
  ].join('\n');
}

function tablesScript(
  name: string,
  { folder, out, resources: { partition, sbatch = [] } }: ClusterPlan,
): string {
  return [
    ...head(name, folder, '%x', [...(partition ? [`--partition=${partition}`] : []), '--time=30', ...sbatch]),
    'set -euo pipefail',
    `exec ${quoted(process.execPath)} ${quoted(MAIN)} table ${quoted(out)}`,
    '',
  ].join('\n');
}

function submitScript(arrays: readonly JobArray[], name: string): string {
  const dependency = ({ after }: JobArray) =>
    after === undefined ? '' : `--dependency="aftercorr:$job${after}" `;
  return [
    '#!/bin/bash',
    '# Submits what "labelnoise plan" found missing: arrays of runs, students after their teachers, and the tables at the end.',
    'set -euo pipefail',
    'cd "$(dirname "$0")"',
    'queued=$(squeue --noheader --me --format=%j)',
    `if grep -q '^${name}-' <<<"$queued"; then`,
    `  echo 'labelnoise: jobs of an earlier submission are queued or running (squeue --me): wait for them, or scancel them' >&2`,
    '  exit 2',
    'fi',
    ...(arrays.length ? ['all='] : []),
    ...arrays.flatMap((array, i) => [
      `job${i}=$(sbatch --parsable ${dependency(array)}${i}.sbatch)`,
      `job${i}=\${job${i}%%;*}`,
      `all+=":$job${i}"`,
    ]),
    `sbatch ${arrays.length ? '--dependency="afterany$all" ' : ''}tables.sbatch`,
    '',
  ].join('\n');
}

/** Numbers in order as sbatch writes them: `0-3,7`. */
function ranges(ids: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const id of ids) {
    const last = parts.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else parts.push([id, id]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
