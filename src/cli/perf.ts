// `labelnoise perf`: how fast training is beside other ways to do the same, and how much of the machine it uses.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Command, Option } from 'commander';
import { table } from 'table';
import { makeResultsFolder, writeWhole } from '../io/files.js';
import type { ModelFigures } from '../perf/compare.js';
import type { KernelFigures } from '../perf/convolutions.js';
import { machineText, methodsFile, perfFile, readMethods, readPerf } from '../perf/file.js';
import { kindOf, setInUse } from '../perf/kind.js';
import { modelOf } from '../perf/setting.js';
import { comparisonTable, kernelTables, methodsTable, perfTable, stepTable } from '../perf/table.js';
import { insertInto, PERF_MARKS } from '../report/insert.js';
import { originOf } from '../results/provenance.js';
import { InputError } from '../spec/errors.js';
import type { Precision } from '../spec/run_spec.js';

export interface PerfOptions {
  out: string;
  into?: string;
  models?: string;
  batch?: string;
  rounds?: string;
  pytorch?: string;
  quick?: boolean;
  hessian?: boolean;
  methods?: string;
}

const MODELS = 'WRN-16-1,WRN-16-4,WRN-28-10';
const BATCH = 128;
const ROUNDS = 7;
/** Networks of more operations per image than this are compared in smaller batches, on every machine alike. */
const LARGE_FLOPS = 1e9;
const LARGE_BATCH = 32;
/** As `labelnoise analyse` has it unless told. */
const HESSIAN_BATCH = 250;
const QUICK = { models: 'WRN-16-1', rounds: 3 };

const HELP = `
Takes training steps in turn: compiled into one TensorFlow graph, operation by operation, with the stock operations of
tfjs, and in PyTorch if it is given. Prints ratios of median times; larger means that the compiled step is faster.
Also compares the steps of a pool of worker processes with those of one process that has all threads, and the networks'
convolutions one by one with the project's kernels and with TensorFlow's.
Nothing else should run on the machine meanwhile. Slow candidates take fewer steps, at least three; how many is in the file.
Writes OUT/perf-<kind>.json, kind being the widest instruction set in use: avx2, avx512 (in bfloat16), avx512-float32 or amx.
LABELNOISE_ISA picks a lower one, for PyTorch too.
With --methods it trains the suite's networks on as many made-up images as its data set has, in one thread, as runs do, and
writes OUT/methods-<kind>.json.

Examples:
  labelnoise perf --out results/perf
  labelnoise perf --out results/perf --quick
  labelnoise perf --hessian --models WRN-10-1,WRN-16-4
  labelnoise perf --methods field
  labelnoise perf --into docs/speed.md
  labelnoise perf --out results/perf --models WRN-16-4 --pytorch ~/torch/bin/python`;

export function register(program: Command): void {
  program
    .command('perf')
    .description('compare the speed of training with other ways to do the same')
    .option('--out <dir>', 'folder for perf-<kind>.json', path.join('results', 'perf'))
    .option(
      '--into <file>',
      `measure nothing; put the table of OUT's files into a file, between ${PERF_MARKS.begin} and ${PERF_MARKS.end}`,
    )
    .option('--models <names>', `networks, e.g. ${MODELS} (the default)`)
    .option('--batch <n>', `batch size (default: ${BATCH}, large networks ${LARGE_BATCH})`)
    .option('--rounds <n>', `rounds of measurement (default: ${ROUNDS})`)
    .option('--pytorch <python>', 'a Python that has PyTorch, to compare with')
    .option('--hessian', 'only how many gradients of the same batch a product with the Hessian costs')
    .option('--quick', `only ${QUICK.models} and few rounds`)
    .addOption(
      new Option(
        '--methods <suite>',
        "only what a step of each of a suite's methods takes beside one of SGD, and what they do between epochs",
      ).conflicts(['models', 'batch', 'pytorch', 'hessian', 'quick', 'into']),
    )
    .addHelpText('after', HELP)
    .action(async (options: PerfOptions) => {
      if (options.into) await insertInto(options.into, await publishedTables(options.out), PERF_MARKS);
      else process.stdout.write(await perf(options, (line) => process.stderr.write(`${line}\n`)));
    });
}

/**
 * Measures, writes OUT/perf-<kind>.json and returns the table.
 *
 * @param tell is told what it runs on, and what is being measured
 * @throws InputError
 */
export async function perf(options: PerfOptions, tell: (line: string) => void): Promise<string> {
  const names = (options.models ?? (options.quick ? QUICK.models : MODELS)).split(',');
  const sizes = new Map(names.map((name) => [name, sizeOf(name)]));
  const batch = options.batch === undefined ? undefined : wholeNumber('--batch', options.batch);
  const rounds =
    options.rounds === undefined
      ? options.quick
        ? QUICK.rounds
        : ROUNDS
      : wholeNumber('--rounds', options.rounds);
  if (options.methods) return methods(options.methods, options.out, rounds, tell);
  if (options.hessian) return hessian(sizes, batch ?? HESSIAN_BATCH, rounds, tell);
  const torch = options.pytorch === undefined ? undefined : await torchVersion(options.pytorch);
  makeResultsFolder(options.out);

  tell('starting TensorFlow');
  const { compare } = await import('../perf/compare.js');
  const { convolutionsOf, tensorflowOverNative } = await import('../perf/convolutions.js');
  const { poolOverSingle } = await import('../perf/pool_throughput.js');
  const { trainingFlops } = await import('../perf/flops.js');
  const { fastestPrecision } = await import('../training/precision.js');
  const precision = fastestPrecision();
  const set = setInUse();
  const kind = kindOf(set, precision);
  const machine = { ...(await machineIn(precision)), ...(torch ? { torch } : {}) };
  const { threads } = machine;
  const heading = machineText(kind, machine);
  tell(heading);
  const models: Record<string, ModelFigures> = {};
  const file = path.join(options.out, perfFile(kind));
  tell('worker processes beside one process');
  const pool = await poolOverSingle(precision, rounds);
  const kernels: Partial<Record<Precision, KernelFigures>> = {};
  const convolutions = convolutionsOf([...sizes.values()].map(({ depth, width }) => modelOf(depth, width)));
  if (machine.kernels === 'native')
    for (const measured of new Set<Precision>(['float32', precision])) {
      tell(`kernels in ${measured} beside TensorFlow's`);
      kernels[measured] = await tensorflowOverNative(convolutions, measured, rounds);
    }
  for (const [name, { depth, width }] of sizes) {
    const size = batch ?? (trainingFlops(modelOf(depth, width)) > LARGE_FLOPS ? LARGE_BATCH : BATCH);
    const what = { depth, width, batch: size, rounds, precision, threads, set };
    models[name] = await compare({ ...what, pytorch: options.pytorch }, (doing) =>
      tell(`${name}, batch ${size}: ${doing}`),
    );
    const provenance = { ...machine, finished: new Date().toISOString() };
    // After every network, so that a measurement cut short is not lost.
    const content = { models, kernels, pool_over_single: pool, provenance };
    await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`);
  }
  const workers =
    pool === null ? '' : `Worker processes / one process, steps per second: ${pool.toFixed(2)} x\n`;
  return `${heading}\n${comparisonTable(models)}${kernelTables(kernels)}${workers}Written to ${file}\n`;
}

/** What figures are measured on and with. */
async function machineIn(precision: Precision) {
  const { engineVersions } = await import('../engine/versions.js');
  const { threads, ...versions } = engineVersions();
  return { ...(await originOf(versions)), ...versions, ...setInUse(), threads, precision };
}

/** The tables of a folder's files, as Markdown. */
async function publishedTables(folder: string): Promise<string> {
  const [speeds, methods] = [await readPerf(folder), await readMethods(folder)];
  return [perfTable(speeds), ...(methods.length ? [methodsTable(methods)] : [])].join('\n');
}

/** What steps of a suite's methods take: measures, writes OUT/methods-<kind>.json and returns the table. */
async function methods(
  nameOrPath: string,
  out: string,
  rounds: number,
  tell: (line: string) => void,
): Promise<string> {
  // Before anything that loads TensorFlow's settings.
  process.env.TF_NUM_INTRAOP_THREADS ??= '1';
  const { createEngine } = await import('./engine.js');
  const { planOf } = await import('../suite/plan.js');
  const { EVERYTHING } = await import('../suite/select.js');
  const { datasetNamed } = await import('../data/datasets/dataset.js');
  const { architectureName } = await import('../models/catalogue.js');
  const engine = createEngine();
  const { whole } = await planOf(nameOrPath, EVERYTHING, engine).finally(() => engine.close());
  const { suite, noiseSettings, cells } = whole;
  const dataset = datasetNamed(suite.data.dataset);
  const runs = cells
    // A student's step is its teacher's.
    .filter(
      ({ seed, noiseSetting, run }) =>
        seed === suite.seeds[0] && noiseSetting === noiseSettings[0] && !run.dependsOn.length,
    )
    .map(({ method, run: { spec, cost } }) => {
      const { heldOut: _, ...data } = spec.data;
      return { method, cost, spec: { ...spec, data: { ...data, trainImages: dataset.trainImages } } };
    });
  const sgd = runs.find(({ method }) => method === 'sgd');
  if (!sgd)
    throw new InputError(
      `--methods ${nameOrPath}: has no sgd; allowed: a suite with it, which steps are compared with`,
    );
  makeResultsFolder(out);
  tell('starting TensorFlow');
  const { methodFigures } = await import('../perf/methods.js');
  const kind = kindOf(setInUse(), sgd.spec.precision);
  const machine = await machineIn(sgd.spec.precision);
  const heading = machineText(kind, machine);
  tell(heading);
  const file = path.join(out, methodsFile(kind));
  const figures = await methodFigures(runs, sgd.spec, rounds, tell);
  const content = {
    suite: suite.name,
    network: architectureName(suite.model),
    batch: suite.training.batchSize,
    images: dataset.trainImages,
    rounds,
    methods: figures,
    provenance: { ...machine, finished: new Date().toISOString() },
  };
  await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`);
  return `${heading}\n${stepTable(content)}Written to ${file}\n`;
}

/** What products with the Hessian cost, as a table. */
async function hessian(
  sizes: ReadonlyMap<string, { depth: number; width: number }>,
  batch: number,
  rounds: number,
  tell: (line: string) => void,
): Promise<string> {
  process.env.TF_NUM_INTRAOP_THREADS ??= '1';
  tell('starting TensorFlow');
  const { productFigures } = await import('../perf/hessian.js');
  const { engineVersions } = await import('../engine/versions.js');
  const { kernels, isa } = engineVersions();
  const rows: string[][] = [];
  for (const [name, { depth, width }] of sizes)
    for (const batchNorm of ['running', 'batch'] as const) {
      tell(`${name}, batch ${batch}, batch norm by ${batchNorm} statistics`);
      const found = await productFigures(modelOf(depth, width), batch, batchNorm, rounds);
      const { gradient, product, gradients } = found;
      rows.push([name, batchNorm, ...[gradient, product].map((ms) => ms.toFixed(0)), gradients.toFixed(2)]);
    }
  const heading = ['network', 'statistics', 'gradient, ms', 'product, ms', 'gradients a product'];
  return `kernels: ${kernels}, ${isa}; float32, batch ${batch}, one thread; processor time\n${table([heading, ...rows])}`;
}

function sizeOf(name: string): { depth: number; width: number } {
  const [, depth, width] = /^WRN-(\d+)-(\d+)$/.exec(name)?.map(Number) ?? [];
  if (!depth || !width || depth < 10 || depth % 6 !== 4)
    throw new InputError(
      `--models: "${name}" is not known; allowed: WRN-depth-width with depth 6n+4, e.g. WRN-16-4`,
    );
  return { depth, width };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1)
    throw new InputError(`${option} is ${text}; allowed: a whole number from 1`);
  return value;
}

async function torchVersion(python: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', 'import torch; print(torch.__version__)']);
    return stdout.trim();
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { stderr?: string };
    const why = code === 'ENOENT' ? 'no such program' : stderr.trim().split('\n').at(-1);
    throw new InputError(
      `--pytorch: ${python} cannot import torch (${why || code}); allowed: a Python that has PyTorch`,
    );
  }
}
