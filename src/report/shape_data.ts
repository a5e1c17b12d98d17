// How much of the paper's shape is in the results, as the page shows it.
import { methodTitle } from '../methods/catalogue.js';
import { shapeOf, wrongLabelsFitted } from '../results/agreement.js';
import { paperAccuracy } from '../results/published.js';
import { type Difference, mean } from '../statistics/statistics.js';
import type { MethodDifference, ShapeData } from './page_data.js';
import type { Report } from './report.js';

export function shapeData({ graph, records, published }: Report): ShapeData {
  const { tau, tauOverall, orderings } = shapeOf(graph, records, published);
  const { conditions } = graph;
  const fitted = wrongLabelsFitted(graph, records);
  return {
    tau: conditions.map(({ label }) => tau.get(label) ?? null),
    tauOverall,
    orderings: orderings.map(({ worse, better, differences, overall }) => {
      const papers = conditions.map((condition) => {
        const [low, high] = [worse, better].map((method) => paperAccuracy(published, method, condition));
        return low == null || high == null ? null : high - low;
      });
      const known = papers.filter((paper) => paper !== null);
      return {
        title: `${methodTitle(better)} − ${methodTitle(worse)}`,
        differences: conditions.map(({ label }, i) => {
          const found = differences.find(({ condition }) => condition === label);
          return found ? beside(found.difference, papers[i]!) : null;
        }),
        overall: overall && beside(overall, known.length ? mean(known) : null),
      };
    }),
    fitted: Object.keys(graph.suite.methods).flatMap((method) => {
      const shares = conditions.map(
        ({ label }) => fitted.find((f) => f.method === method && f.condition.label === label)?.fitted ?? null,
      );
      return shares.some((share) => share !== null) ? [{ title: methodTitle(method), shares }] : [];
    }),
  };
}

/** A difference with the half of its interval, beside the paper's. */
export function beside({ difference, interval }: Difference, paper: number | null): MethodDifference {
  return { difference, half: interval && interval.high - difference, paper };
}
