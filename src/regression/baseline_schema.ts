// Reads a baseline file: it may be missing, cut short, edited, or something else.
import { z } from 'zod';
import { datasetNamed } from '../data/datasets/dataset.js';
import { explained } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { readBounded } from '../io/paths.js';
import { InputError } from '../spec/errors.js';
import { labelTextFault } from '../spec/labels.js';
import { TEXT_FILE_BYTES } from '../spec/limits.js';
import { describeProblem } from '../spec/problem.js';
import { expand } from '../suite/expand.js';
import { parseResolvedSuite } from '../suite/load.js';
import { noiseSettings } from '../suite/noise_setting.js';
import type { ResolvedSuite } from '../suite/resolve.js';
import { BASELINE_FORMAT, type Baseline } from './baseline.js';
import { shortRuns } from './trajectory.js';

const text = z.string({ error: 'a text' }).min(1, 'a text that is not empty');
const whole = (from: number) =>
  z.int({ error: `a whole number from ${from}` }).min(from, `a whole number from ${from}`);
const percent = z
  .number({ error: 'a percentage from 0 to 100' })
  .min(0, 'from 0 to 100')
  .max(100, 'from 0 to 100');

const fields = <T extends z.core.$ZodLooseShape>(shape: T) => {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `one of ${names}` : `an object with the fields ${names}`,
  });
};

const filled = <T extends z.ZodType>(entry: T, what: string) => z.array(entry, { error: what }).min(1, what);

const environment = {
  platform: text,
  cpu: text,
  instructions: text.optional(),
  kernels: z.enum(['native', 'tensorflow'], { error: 'one of native, tensorflow' }).optional(),
  kernelsVersion: whole(1).optional(),
  isa: z.enum(['avx2', 'avx512', 'amx'], { error: 'one of avx2, avx512, amx' }).optional(),
  oneDnn: z.boolean({ error: 'true or false' }).optional(),
  xla: text.optional(),
  precision: z.enum(['float32', 'bfloat16'], { error: 'one of float32, bfloat16' }),
  threads: whole(1),
  tensorflow: text,
  tfjs: text,
  node: text,
};

const runHash = z
  .string({ error: 'a run id: 16 hex digits' })
  .regex(/^[0-9a-f]{16}$/, 'a run id: 16 hex digits');
const sha = z.string({ error: '16 hex digits' }).regex(/^[0-9a-f]{16}$/, '16 hex digits');
const figure = z.number({ error: 'a number' });
const summary = z.array(figure, { error: 'five numbers' }).length(5, 'five numbers');

const trajectory = fields({
  run: runHash,
  method: text,
  noise: text,
  images: sha,
  labels: sha,
  initial: summary,
  steps: filled(
    fields({
      batch: sha,
      given: z.record(z.string(), figure, { error: 'numbers by name' }),
      loss: figure,
      momentum: summary,
      weights: summary,
      statistics: summary,
    }),
    'a list of steps, at least one',
  ),
  predictions: z.string({ error: 'a digit for each image' }),
  evaluation: fields({
    trainLoss: figure,
    testAccuracy: figure,
    testLoss: figure,
    wrongLabelsFitted: figure.nullable(),
    trueLabelsRecovered: figure.nullable(),
    trainAccuracyTrue: figure.nullable(),
  }),
});

const schema = fields({
  // Format 1 had no trajectories.
  format: z
    .literal([1, BASELINE_FORMAT], { error: `${BASELINE_FORMAT}, the format this version writes, or 1` })
    .transform((): typeof BASELINE_FORMAT => BASELINE_FORMAT),
  algorithm: whole(1),
  // Checked by the suite's own schema.
  suite: z.custom<ResolvedSuite>((v) => typeof v === 'object' && v !== null, {
    error: 'the settings of a suite',
  }),
  provenance: fields({
    ...environment,
    commits: filled(text, 'a list of commits, at least one'),
    finished: z.iso.datetime({ error: 'a time as in 2026-01-31T12:00:00Z' }),
  }),
  cells: filled(
    fields({
      method: text,
      noise: text,
      results: filled(
        fields({
          seed: whole(0),
          run: runHash,
          accuracy: percent,
          weightsSha256: z.hash('sha256', { error: '64 hex digits, or null' }).nullable(),
        }),
        'a list of results, at least one',
      ),
    }),
    'a list of cells, at least one',
  ),
  trajectories: fields({
    provenance: fields(environment),
    runs: filled(trajectory, 'a list of trajectories, at least one'),
  }).optional(),
});

/**
 * Reads and checks a baseline.
 *
 * @param withTrajectories false: leaves its trajectories out, whatever state they are in
 * @throws InputError if it cannot be read, or is none
 */
export async function readBaseline(file: string, withTrajectories = true): Promise<Baseline> {
  const content = await readBounded(file, TEXT_FILE_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new InputError(
        `${file}: there is no such baseline; "labelnoise baseline update" makes one from a results folder`,
      );
    throw explained(error, `cannot read ${file}`);
  });
  return parseBaseline(content.toString('utf8'), file, withTrajectories);
}

/** Checks a baseline's text. @param file what to call it in errors @throws InputError */
export function parseBaseline(content: string, file: string, withTrajectories = true): Baseline {
  const input = parseJson(content, file);
  if (!withTrajectories && input && typeof input === 'object')
    Object.assign(input, { trajectories: undefined });
  const { data, error } = schema.safeParse(input);
  if (error) throw new InputError(`${file}: ${describeProblem(error, input)}`);
  const suite = parseResolvedSuite(data.suite, `${file}, suite`);
  const { trajectories, ...rest } = data;
  const baseline: Baseline = { ...rest, suite, ...(trajectories && { trajectories }) };
  checkCells(baseline, file);
  checkTrajectories(baseline, file);
  return baseline;
}

/** Every cell of the suite is there once, and every seed once in it. */
function checkCells({ algorithm, suite, cells }: Baseline, file: string): void {
  const methods = Object.keys(suite.methods);
  const labels = noiseSettings(suite).map(({ label }) => label);
  const key = (method: string, noise: string) => JSON.stringify([method, noise]);
  const wanted = new Set(methods.flatMap((method) => labels.map((label) => key(method, label))));
  const seeds = JSON.stringify(suite.seeds);
  for (const [i, { method, noise, results }] of cells.entries()) {
    if (!wanted.delete(key(method, noise)))
      throw new InputError(
        `${file}: cells[${i}] is ${method} at noise ${noise}; allowed: each of ${methods.join(', ')} at each of ${labels.join(', ')}, once`,
      );
    const found = JSON.stringify(results.map(({ seed }) => seed));
    if (found !== seeds)
      throw new InputError(
        `${file}: cells[${i}].results have the seeds ${found}; allowed: those of suite.seeds, ${seeds}`,
      );
  }
  const [missing] = wanted;
  if (missing) {
    const [method, noise] = JSON.parse(missing);
    throw new InputError(
      `${file}: cells lacks ${method} at noise ${noise}; allowed: every cell of the suite`,
    );
  }
  checkRunIds({ algorithm, suite, cells }, file);
}

/** There is a trajectory of every short run, and they are of the short runs that this version makes. */
function checkTrajectories({ algorithm, suite, trajectories }: Baseline, file: string): void {
  if (!trajectories) return;
  const classes = datasetNamed(suite.data.dataset).classNames.length;
  for (const [i, { predictions }] of trajectories.runs.entries()) {
    const fault = labelTextFault(predictions, classes);
    if (fault)
      throw new InputError(
        `${file}: trajectories.runs[${i}].predictions is ${JSON.stringify(predictions).slice(0, 60)}; allowed: ${fault}`,
      );
  }
  const remedy = `"labelnoise baseline update ${file}" makes them anew`;
  const { runs } = shortRuns(expand(suite, algorithm));
  for (const [i, { run, method, noise }] of trajectories.runs.entries())
    if (
      !runs.some(
        ({ id, noiseSetting, ...short }) =>
          id === run && short.method === method && noiseSetting.label === noise,
      )
    )
      throw new InputError(
        `${file}: trajectories.runs[${i}].run is ${run}, of ${method} at noise ${noise}; allowed: the ids of the short runs that this version makes of the suite; ${remedy}`,
      );
  const missing = runs.find(({ id }) => !trajectories.runs.some(({ run }) => run === id));
  if (missing || trajectories.runs.length !== runs.length)
    throw new InputError(
      `${file}: trajectories.runs ${missing ? `lacks ${missing.method} at noise ${missing.noiseSetting.label}` : 'has a run twice'}; allowed: every short run of the suite, once; ${remedy}`,
    );
}

/** The ids of the runs are those of the suite's settings: neither was changed without the other. */
function checkRunIds(
  { algorithm, suite, cells }: Pick<Baseline, 'algorithm' | 'suite' | 'cells'>,
  file: string,
): void {
  const graph = expand(suite, algorithm);
  for (const [i, { method, noise, results }] of cells.entries())
    for (const [j, { seed, run }] of results.entries()) {
      const cell = graph.cells.find(
        (c) => c.method === method && c.noiseSetting.label === noise && c.seed === seed,
      )!;
      if (cell.run.id !== run)
        throw new InputError(
          `${file}: cells[${i}].results[${j}].run is ${run}; allowed: ${cell.run.id}, the id of the run by the settings in suite; make the baseline anew`,
        );
    }
}
