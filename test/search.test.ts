// The committed searches: they gave every method as many trials, and the suites have what they found.
import path from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/io/project.js';
import { METHODS } from '../src/methods/catalogue.js';
import { readReport } from '../src/report/report.js';
import { type BestVariant, bestVariants } from '../src/results/best_variants.js';
import type { Precision, RunSpec } from '../src/spec/run_spec.js';
import { expand, type RunGraph } from '../src/suite/expand.js';
import { loadSuite } from '../src/suite/load.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';

/** Suites, by the searches that found their settings. */
const FOUND_BY = {
  small: ['search-20', 'search'],
  quick: ['quick-search-80', 'quick-search-learning-rate'],
  'quick-flat': ['quick-search-80', 'quick-search'],
  'field-quick': ['field-quick-search', 'quick-search'],
  field: ['field-search'],
};

const TABLE_4 = ['sgd', 'mixup', 'bootstrap-mixup', 'sam', 'bootstrap-sam'];

for (const name of new Set(Object.values(FOUND_BY).flat()))
  describe(`the committed ${name}`, () => {
    let graph: RunGraph;
    let best: BestVariant[];
    let finished: number;

    before(async () => {
      ({ graph, best, finished } = await searched(name));
    });

    it('is of the committed suite, and whole', async () => {
      expect(expand(await committed(name, graph.suite.precision)).runs).to.deep.equal(graph.runs);
      expect(finished).to.equal(graph.runs.length);
    });

    it('tried as many settings of every method', () => {
      expect(best.map(({ tried }) => tried)).to.satisfy((counts: number[]) => new Set(counts).size === 1);
      expect(new Set(best.map(({ method }) => method))).to.have.all.keys(
        ...(name.startsWith('field')
          ? METHODS.names.filter((method) => METHODS.named(method).teacher === undefined)
          : TABLE_4),
      );
    });

    it('taught its bootstrap runs by the best Mixup and SAM', () => {
      for (const { method, noiseSetting, variant } of best)
        if (method in graph.suite.methods)
          expect(runOf(graph, method, noiseSetting.label)).to.equal(
            runOf(graph, variant, noiseSetting.label),
          );
    });
  });

describe('the committed suites', () => {
  for (const [name, searches] of Object.entries(FOUND_BY))
    it(`${name} has the settings that were found`, async () => {
      const graph = expand(await committed(name));
      const found = await Promise.all(searches.map(searched));
      const quick = expand(await committed('quick'));
      for (const { method, noiseSetting } of graph.cells) {
        const rate = name === 'field' ? '40' : noiseSetting.label;
        const by = (tried: string) => {
          const here = ({ best }: Search) =>
            best.find((b) => b.method === tried && b.noiseSetting.label === rate);
          const search = found.find(here);
          return search && settings(search.graph, runOf(search.graph, here(search)!.variant, rate));
        };
        // What no search has tried starts from what one has.
        const expected = by(method) ?? by(METHODS.named(method).teacher!);
        expect(
          settings(graph, runOf(graph, method, noiseSetting.label)),
          `${method}, ${noiseSetting.label} %`,
        ).to.deep.equal(name === 'field' ? atRate(noiseSetting.label, method, expected!, quick) : expected);
      }
    });

  it('field-search tries what field-quick-search does', async () => {
    const [search, quick] = [await committed('field-search'), await committed('field-quick-search')];
    expect(search.methods).to.deep.equal(quick.methods);
  });

  for (const name of ['small', 'quick', 'quick-flat', 'field-quick', 'field'] as const)
    it(`${name} is of the size that its settings were found at`, async () => {
      const sizeOf = ({ model, training, data }: ResolvedSuite) => ({
        model,
        // What chooses an epoch looks more often than a search.
        training: name.startsWith('field') ? { ...training, evaluateEvery: undefined } : training,
        images: data.trainImages,
      });
      for (const search of FOUND_BY[name])
        expect(sizeOf(await committed(search))).to.deep.equal(sizeOf(await committed(name)));
    });

  it('small-flat has the settings of small', async () => {
    const [whole, flat] = [expand(await committed('small')), expand(await committed('small-flat'))];
    for (const { method, noiseSetting } of flat.cells)
      expect(settings(flat, runOf(flat, method, noiseSetting.label))).to.deep.equal(
        settings(whole, runOf(whole, method, noiseSetting.label)),
      );
  });
});

interface Search {
  graph: RunGraph;
  /** How many of its runs have a record. */
  finished: number;
  best: BestVariant[];
}

async function searched(name: string): Promise<Search> {
  const { graph, records, cells } = (await readReport(path.join(PROJECT_ROOT, 'results', name))).report;
  return { graph, finished: records.size, best: bestVariants(graph, cells) };
}

/** A suite as it is resolved where it is trained in this precision, as most of the searches were. */
async function committed(name: string, precision: Precision = 'bfloat16'): Promise<ResolvedSuite> {
  return { ...(await loadSuite(name)).suite, precision } as ResolvedSuite;
}

function runOf({ cells }: RunGraph, method: string, noiseSetting: string): string {
  return cells.find((cell) => cell.method === method && cell.noiseSetting.label === noiseSetting)!.run.id;
}

type Settings = Pick<RunSpec, 'batch' | 'gradient'> & {
  method: Record<string, unknown>;
  learningRate: number;
};

function settings({ runs }: RunGraph, id: string): Settings {
  const { method, batch, gradient, training } = runs.find((run) => run.id === id)!.spec;
  return { method: { ...method?.settings }, batch, gradient, learningRate: training.learningRate };
}

/** What `field` has by rate, as published: MentorNet's percentile and MentorMix's second reweighting. */
const BY_RATE: Record<string, Record<string, unknown>> = {
  '20': { percentile: 0.8, secondReweight: false },
  '60': { percentile: 0.6, secondReweight: true },
  '80': { percentile: 0.2, secondReweight: true },
};

/**
 * Settings found at 40 % noise, as `field` has them at another rate: SGD's learning rate falls with the rate as `quick`'s does, and so does one that is the
 * same; at 80 % rho is half, as in the SAM paper.
 */
function atRate(rate: string, name: string, found: Settings, quick: RunGraph): Settings {
  const { method, gradient, learningRate } = found;
  const rateOfSgd = (at: string) => settings(quick, runOf(quick, 'sgd', at)).learningRate;
  const published = name.startsWith('mentor') ? Object.entries(BY_RATE[rate] ?? {}) : [];
  const halved = (part: Record<string, unknown>) =>
    rate === '80' && typeof part.rho === 'number' ? { ...part, rho: part.rho / 2 } : part;
  return {
    ...found,
    learningRate: learningRate === rateOfSgd('40') ? rateOfSgd(rate) : learningRate,
    method: halved({ ...method, ...Object.fromEntries(published.filter(([setting]) => setting in method)) }),
    gradient: gradient && (halved(gradient) as typeof gradient),
  };
}
