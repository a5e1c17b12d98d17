// Kept weights analysed: every piece by a worker, several at once; what is done is kept.
import { type Analysis, type AnalysisJob, type Common, examplesOf } from '../analysis/analysis.js';
import type { ExampleSet } from '../analysis/schema.js';
import {
  type AnalysisEngine,
  type Result,
  readAnalysis,
  readPartial,
  writeAnalysis,
  writePartial,
} from '../analysis/store.js';
import { datasetOf, type LoadedDataset } from '../data/datasets/dataset.js';
import { hasWeights, readWeights, weightsFile } from '../results/weights.js';
import { InputError } from '../spec/errors.js';
import type { RunRecord } from '../spec/record.js';
import { canonicalJson } from '../spec/run_spec.js';
import type { RunGraph, RunNode } from '../suite/expand.js';
import type { LabelSets } from '../suite/resolve.js';
import { Preparer } from './prepare.js';

/** What analyses ask of the engine. */
export interface AnalysingEngine {
  /** @param onShare told what share of the piece is done */
  analyse(job: AnalysisJob, onShare: (share: number) => void, signal: AbortSignal): Promise<unknown>;
  parallelRuns(threads: number): number;
  loadData(data: RunNode['spec']['data'], dataDir?: string): Promise<LoadedDataset>;
  tell(line: string): void;
}

export interface Analysing {
  out: string;
  graph: RunGraph;
  /** Those that are asked for. */
  runs: readonly RunNode[];
  records: ReadonlyMap<string, RunRecord>;
  analyses: readonly Analysis[];
  settings: Common & Record<string, unknown>;
  /** Whether what is there already is made again. */
  again: boolean;
  labelSets: LabelSets;
  dataDir?: string | undefined;
  using: AnalysingEngine;
  engine(): Promise<AnalysisEngine>;
  /** Told how many of how many pieces are done, and what is under way. */
  onProgress(done: number, pieces: number, doing: string): void;
  signal: AbortSignal;
}

/** One analysis of one run. */
interface Unit {
  run: RunNode;
  record: RunRecord;
  analysis: Analysis;
  settings: Common & Record<string, unknown>;
  others: RunNode[];
  pieces: unknown[];
  /** By piece. */
  parts: Record<string, unknown>;
  /** What the parts are of. */
  of: string;
}

/**
 * Makes all analyses that are missing of these runs.
 *
 * @returns how many were made
 * @throws InputError if no run has weights, or one that is needed is damaged
 */
export async function analyseRuns(analysing: Analysing): Promise<number> {
  const { out, runs, using, signal, onProgress } = analysing;
  const having = runs.filter(({ id }) => hasWeights(out, id));
  const [first] = runs;
  if (!having.length)
    // Which says how weights are had.
    await readWeights(weightsFile(out, first!.id), analysing.records.get(first!.id)!);
  if (having.length < runs.length)
    using.tell(
      `${out}: ${runs.length - having.length} of ${runs.length} runs have no weights and are left out`,
    );
  const loaded = await using.loadData(having[0]!.spec.data, analysing.dataDir);
  const preparer = new Preparer(loaded, analysing.labelSets, analysing.dataDir);
  const units: Unit[] = [];
  for (const run of having) units.push(...(await unitsOf(analysing, run, preparer)));
  const engine = units.length ? await analysing.engine() : undefined;
  const waiting = units.flatMap((unit) =>
    unit.pieces.filter((piece) => !(canonicalJson(piece) in unit.parts)).map((piece) => ({ unit, piece })),
  );
  const all = units.reduce((sum, { pieces }) => sum + pieces.length, 0);
  const shares = new Map<unknown, { share: number; text: string }>();
  const show = () => {
    const done = units.reduce((sum, { parts }) => sum + Object.keys(parts).length, 0);
    const underWay = [...shares.values()];
    const begun = underWay.reduce((sum, { share }) => sum + share, 0);
    onProgress(done + begun, all, underWay.map(({ text }) => text).join(', '));
  };
  // What was found before the last piece failed to be written is found again.
  for (const unit of units)
    if (!waiting.some((next) => next.unit === unit)) await finish(analysing, unit, engine!);
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (;;) {
      const next = failure === undefined && !signal.aborted ? waiting.shift() : undefined;
      if (!next) return;
      const { unit, piece } = next;
      const text = `${unit.analysis.name} of ${unit.run.method} ${unit.run.noiseSetting.label}, seed ${unit.run.spec.seed}`;
      shares.set(piece, { share: 0, text });
      show();
      try {
        const part = await measured(analysing, preparer, unit, piece, (share) => {
          shares.set(piece, { share, text });
          show();
        });
        unit.parts[canonicalJson(piece)] = part;
        shares.delete(piece);
        show();
        if (Object.keys(unit.parts).length === unit.pieces.length) await finish(analysing, unit, engine!);
        else await writePartial(out, unit.run.id, unit.analysis.name, unit);
      } catch (error) {
        shares.delete(piece);
        if (!signal.aborted) failure ??= error;
      }
    }
  };
  const threads = having[0]!.spec.threads;
  await Promise.all(Array.from({ length: using.parallelRuns(threads) }, work));
  if (failure !== undefined) throw failure;
  return units.length;
}

/** Their records, which runs with weights have. */
const recordsOf = (runs: readonly RunNode[], records: ReadonlyMap<string, RunRecord>) =>
  runs.flatMap(({ id }) => records.get(id) ?? []);

/** The analyses of a run that are not there yet. */
async function unitsOf(analysing: Analysing, run: RunNode, preparer: Preparer): Promise<Unit[]> {
  const { out, records, graph, again } = analysing;
  const record = records.get(run.id)!;
  const sets = setsOf(analysing, run, preparer);
  const units: Unit[] = [];
  for (const analysis of analysing.analyses) {
    const { examples, images, batch, batchNorm } = analysing.settings;
    const own = Object.keys(analysis.options).map((name) => [name, analysing.settings[name]] as const);
    const settings = { examples, images, batch, batchNorm, ...Object.fromEntries(own) };
    const others = analysis.others?.(run, graph).filter(({ id }) => hasWeights(out, id)) ?? [];
    const known = again ? undefined : await readAnalysis(out, analysis, record, recordsOf(others, records));
    if (known && isOf(known, settings)) continue;
    const pieces = analysis.pieces(
      sets,
      settings,
      others.map(({ id }) => id),
    );
    if (!pieces.length) continue;
    const of = canonicalJson({
      settings,
      weights: [record, ...recordsOf(others, records)].map(({ weightsSha256 }) => weightsSha256),
    });
    const parts = await readPartial(out, run.id, analysis.name, of);
    units.push({ run, record, analysis, settings, others, pieces, parts, of });
  }
  return units;
}

/** Whether a result is what these settings ask for: by running statistics, how images are divided into batches makes no difference. */
function isOf(found: Result, settings: Common): boolean {
  const { of: _, ...asked } = found;
  const alike = settings.batchNorm === 'running' ? { ...settings, batch: found.batch } : settings;
  return canonicalJson(asked) === canonicalJson(alike);
}

/** The sets that are asked for and have images. */
function setsOf({ settings, records }: Analysing, run: RunNode, preparer: Preparer): ExampleSet[] {
  const { job } = preparer.prepare(run, (id) => records.get(id));
  const images = preparer.images.of(run.spec);
  const isKnown = !datasetOf(run.spec.data).unverified;
  return settings.examples.filter(
    (set) =>
      (isKnown || set === 'train' || set === 'test') &&
      examplesOf(set, settings, { ...job, ...images }).places.length > 0,
  );
}

/** What is said where memory runs out: by TensorFlow, by Node, by the system. */
const NO_MEMORY =
  /\bOOM\b|ResourceExhausted|RESOURCE_EXHAUSTED|out of memory|allocation failed|bad_alloc|memory runs out/i;

/** A piece by a worker; where there is no memory for its batches, by smaller ones from then on. */
async function measured(
  { out, records, using, signal }: Analysing,
  preparer: Preparer,
  unit: Unit,
  piece: unknown,
  onShare: (share: number) => void,
): Promise<unknown> {
  const { run, record, analysis, others, settings } = unit;
  const { job } = preparer.prepare(run, (id) => records.get(id));
  const weights = await readWeights(weightsFile(out, run.id), record);
  const ofOthers: AnalysisJob['others'] = {};
  for (const { id } of others) ofOthers[id] = await readWeights(weightsFile(out, id), records.get(id)!);
  const about = { ...job, kind: analysis.name, piece, weights, others: ofOthers };
  for (;;) {
    const { batch } = settings;
    try {
      return await using.analyse({ ...about, settings: { ...settings } }, onShare, signal);
    } catch (error) {
      if (!NO_MEMORY.test((error as Error).message) || batch === 1) throw error;
      if (settings.batchNorm === 'batch')
        throw new InputError(
          `--batch ${batch}: there is not enough memory, and by batch statistics a batch cannot be split; allowed: fewer, or --batch-norm running`,
        );
      // Another piece may have found out meanwhile.
      if (settings.batch === batch) settings.batch = Math.ceil(batch / 2);
      using.tell(`--batch ${batch}: there is not enough memory; going on with ${settings.batch}`);
    }
  }
}

async function finish({ out, records }: Analysing, unit: Unit, engine: AnalysisEngine): Promise<void> {
  const { analysis, pieces, parts, settings, record, others } = unit;
  const measured = pieces.map((piece) => ({ piece, part: parts[canonicalJson(piece)] }));
  const result = { ...settings, of: analysis.combine(measured, settings) };
  await writeAnalysis(out, analysis, record, recordsOf(others, records), engine, result);
}
