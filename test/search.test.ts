// The committed search: it gave every method as many trials, and the suites have what it found.
import path from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/project.js';
import { readReport } from '../src/report/read.js';
import { type BestVariant, bestVariants } from '../src/results/best_variants.js';
import { expand, type RunGraph } from '../src/suite/expand.js';
import { loadSuite } from '../src/suite/load.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';

describe('the committed search', () => {
  const folder = path.join(PROJECT_ROOT, 'results', 'search');
  let search: RunGraph;
  let best: BestVariant[];

  before(async () => {
    const { report } = await readReport(folder);
    search = report.graph;
    best = bestVariants(search, report.cells);
  });

  it('is of the committed suite, and whole', async () => {
    expect(expand(await committed('search')).runs).to.deep.equal(search.runs);
    expect((await readReport(folder)).report.records.size).to.equal(search.runs.length);
  });

  it('tried as many settings of every method', () => {
    expect(new Set(best.map(({ tried }) => tried))).to.have.length(1);
    expect(new Set(best.map(({ method }) => method))).to.have.length(5);
  });

  it('taught its bootstrap runs by the best Mixup and SAM', () => {
    for (const { method, condition, variant } of best)
      if (method in search.suite.methods)
        expect(runOf(search, method, condition.label)).to.equal(runOf(search, variant, condition.label));
  });

  /** A suite as it would be resolved where the search was made. */
  async function committed(name: string): Promise<ResolvedSuite> {
    return { ...(await loadSuite(name)).suite, precision: search.suite.precision } as ResolvedSuite;
  }

  for (const name of ['small', 'small-float32', 'small-resnet32'])
    it(`gave ${name} its settings, those of 40 % at 20 % too`, async () => {
      const graph = expand(await committed(name));
      for (const { method, condition } of graph.cells) {
        const searched = condition === '20' ? '40' : condition;
        const found = best.find((b) => b.method === method && b.condition.label === searched)!;
        const wanted = settings(search, runOf(search, found.variant, searched));
        expect(settings(graph, runOf(graph, method, condition)), `${method} at ${condition} %`).to.deep.equal(
          wanted,
        );
      }
    });
});

function runOf({ cells }: RunGraph, method: string, condition: string): string {
  return cells.find((cell) => cell.method === method && cell.condition === condition)!.run;
}

function settings({ runs }: RunGraph, id: string): object {
  const { batch, gradient, training } = runs.find((run) => run.id === id)!.spec;
  return { batch, gradient, learningRate: training.learningRate };
}
