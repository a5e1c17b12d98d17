// How well results agree with the paper's table, on the page and in the lines under a table.
import { methodTitle } from '../methods/catalogue.js';
import { agreementOf, type Memorisation, memorisedAlike, wrongLabelsFitted } from '../results/agreement.js';
import { paperAccuracy } from '../results/published.js';
import { type Difference, mean } from '../statistics/statistics.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import type { AgreementData, MethodDifference } from './page_data.js';
import type { Report } from './report.js';
import { halfWidth } from './table.js';

export function agreementData({ graph, records, published }: Report): AgreementData {
  const { tau, tauOverall, orderings } = agreementOf(graph, records, published);
  const { noiseSettings } = graph;
  const fitted = wrongLabelsFitted(graph, records);
  const alike = memorisedAlike(graph, records);
  return {
    tau: noiseSettings.map(({ label }) => tau.get(label) ?? null),
    tauOverall,
    orderings: orderings.map(({ worse, better, differences, overall }) => {
      const papers = noiseSettings.map((noiseSetting) => {
        const [low, high] = [worse, better].map((method) => paperAccuracy(published, method, noiseSetting));
        return low == null || high == null ? null : high - low;
      });
      const known = papers.filter((paper) => paper !== null);
      return {
        title: `${methodTitle(better)} − ${methodTitle(worse)}`,
        differences: noiseSettings.map(({ label }, i) => {
          const found = differences.find(({ noiseSetting }) => noiseSetting === label);
          return found ? beside(found.difference, papers[i]!) : null;
        }),
        overall: overall && beside(overall, known.length ? mean(known) : null),
      };
    }),
    fitted: Object.keys(graph.suite.methods).flatMap((method) => {
      const shares = noiseSettings.map(({ label }) => {
        const found = fitted.find((f) => f.method === method && f.noiseSetting.label === label);
        return found ? { mean: found.fitted, half: fittedHalf(found) } : null;
      });
      const teacher = alike.find(({ student }) => student === method)?.teacher;
      return shares.some((share) => share !== null)
        ? [{ title: methodTitle(method), shares, alike: teacher ? alikeNote(method, teacher) : null }]
        : [];
    }),
  };
}

/** Half the width of the 95 % interval of a memorised share's mean. */
const fittedHalf = ({ fitted, std, seeds }: Memorisation) => halfWidth({ mean: fitted, std, seeds });

function alikeNote(student: string, teacher: string): string {
  return `${methodTitle(student)} learns what ${methodTitle(teacher)} predicts, and has fitted that nearly in full: it memorises the same wrong labels by construction.`;
}

/** A difference with the half of its interval, beside the paper's. */
export function beside({ difference, interval }: Difference, paper: number | null): MethodDifference {
  return { difference, half: interval && interval.high - difference, paper };
}

/** Lines without markup; indented ones belong to the one above. None where the paper has nothing to compare with. */
export function agreementNotes(report: Report): string[] {
  const { graph, records, published } = report;
  const { tau, tauOverall, orderings } = agreementOf(graph, records, published);
  if (!orderings.length) return [];
  const title = (label: string) => noiseSettingTitle(graph.noiseSettings.find((c) => c.label === label)!);
  const taus = [...tau].map(([label, value]) => `${title(label)} ${tauText(value)}`);
  return [
    `Order of the methods against the paper's (Kendall's tau-b, 1 is the same order): ${taus.join(', ')}; overall ${tauText(tauOverall)}.`,
    'Differences that are positive in the paper, in percentage points, paired by seed, with their 95 % intervals if there are several seeds:',
    ...orderings.map(({ worse, better, differences, overall }) => {
      const columns = differences.map(
        ({ noiseSetting, difference }) => `${title(noiseSetting)} ${differenceText(difference)}`,
      );
      const all = overall ? `; on average ${differenceText(overall)}` : '';
      return `  ${methodTitle(better)} - ${methodTitle(worse)}: ${columns.join(', ')}${all}`;
    }),
    'Memorised wrong labels: those that the network predicts after the last epoch, percent of them:',
    ...fittedLines(report),
    ...memorisedAlike(graph, records).map(({ student, teacher }) => `  ${alikeNote(student, teacher)}`),
  ];
}

function fittedLines(report: Report): string[] {
  const figures = wrongLabelsFitted(report.graph, report.records);
  return Object.keys(report.graph.suite.methods).flatMap((method) => {
    const columns = figures
      .filter((figure) => figure.method === method)
      .map((figure) => {
        const half = fittedHalf(figure);
        const spread = half === null ? '' : ` ± ${half.toFixed(1)}`;
        return `${noiseSettingTitle(figure.noiseSetting)} ${figure.fitted.toFixed(1)}${spread}`;
      });
    return columns.length ? [`  ${methodTitle(method)}: ${columns.join(', ')}`] : [];
  });
}

function tauText(tau: number | null): string {
  return tau === null ? '-' : tau.toFixed(2);
}

/** `+1.20 [0.30, 2.10]` */
export function differenceText({ difference, interval }: Difference): string {
  const signed = `${difference < 0 ? '' : '+'}${difference.toFixed(2)}`;
  return interval ? `${signed} [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]` : signed;
}
