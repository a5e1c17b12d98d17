// The figure of accuracy against noise for papers: LaTeX that draws it with pgfplots.
import { methodTitle } from '../methods/catalogue.js';
import { paperAccuracy } from '../results/published.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { captionOf } from './caption.js';
import { escaped, oneLine } from './latex.js';
import type { Report } from './report.js';
import { halfWidth } from './table.js';

/** Colours of Okabe and Ito and markers, by a line's place. */
const COLOURS = ['4A4F57', '0072B2', '00875F', 'D55E00', 'B85A92', 'A87400', '2A8FC4', '7D7500'];
const MARKS = ['*', 'square*', 'triangle*', 'diamond*', 'pentagon*', 'o', 'square', 'triangle'];

/**
 * accuracy.tex: ours as lines with bars of 95 % intervals, the paper's dashed where the level can be compared. It compiles as it is
 * (class standalone); a paper that uses pgfplots takes the picture with `\input{accuracy.tex}`.
 */
export function accuracyFigure(report: Report): string {
  const { graph, cells, external, published } = report;
  const { noiseSettings, suite } = graph;
  const rated = noiseSettings.every(
    ({ rate, group }) => rate !== undefined && group === noiseSettings[0]!.group,
  );
  const at = noiseSettings.map(({ rate }, i) => (rated ? Number((100 * rate!).toFixed(2)) : i));
  const methods = Object.keys(suite.methods);
  const rows = [
    ...methods.map((method) => ({
      title: methodTitle(method),
      cells: noiseSettings.map(
        ({ label }) => cells.find((c) => c.method === method && c.noiseSetting === label)!,
      ),
    })),
    ...external.map(({ title, cells }) => ({ title, cells })),
  ];
  const drawn = rows.filter((row) => row.cells.some(({ mean }) => mean !== null));
  const papers = suite.scaledDown === null ? methods : [];
  const hasPaper = papers.some((method) =>
    noiseSettings.some((noiseSetting) => paperAccuracy(published, method, noiseSetting) !== null),
  );
  return `${[
    `% ${oneLine(captionOf(report).title)}`,
    '% A document of its own; a paper with \\usepackage{pgfplots} takes the picture alone with \\input{accuracy.tex}.',
    // Inside a document, LaTeX has redefined \documentclass.
    '\\makeatletter',
    '\\ifx\\documentclass\\@twoclasseserror\\def\\labelnoiseend{}\\else',
    '  \\documentclass{standalone}',
    '  \\usepackage[T1]{fontenc}',
    '  \\usepackage{pgfplots}',
    '  \\pgfplotsset{compat=1.15}',
    '  \\begin{document}',
    '  \\def\\labelnoiseend{\\end{document}}',
    '\\fi',
    '\\makeatother',
    ...COLOURS.map((colour, i) => `\\definecolor{labelnoise${i}}{HTML}{${colour}}`),
    '\\begin{tikzpicture}',
    '  \\begin{axis}[',
    `    xlabel={${rated ? 'Label noise' : 'Noise setting'}}, ylabel={Test accuracy (\\%)},`,
    `    xtick={${at.join(',')}}, xticklabels={${noiseSettings.map((one) => `{${escaped(noiseSettingTitle(one))}}`).join(',')}},`,
    `    width=9cm, height=6.5cm, unbounded coords=jump,${rated ? '' : ' x tick label style={rotate=30, anchor=east},'}`,
    '    legend pos=outer north east, legend cell align=left, ymajorgrids,',
    '  ]',
    ...drawn.flatMap(({ title, cells }, i) => [
      `    \\addplot+[color=labelnoise${i % COLOURS.length}, mark=${MARKS[(i + Math.floor(i / COLOURS.length)) % MARKS.length]}, mark options={solid, fill=labelnoise${i % COLOURS.length}}, error bars/.cd, y dir=both, y explicit]`,
      `      coordinates {${cells
        .flatMap((cell, column) => {
          if (cell.mean === null) return [];
          const half = halfWidth(cell);
          const bar = half === null ? '' : ` +- (0,${half.toFixed(2)})`;
          // Noise settings that differ in more than their rate are not joined.
          const isApart = column > 0 && noiseSettings[column]!.group !== noiseSettings[column - 1]!.group;
          return [
            ...(isApart ? [`(${at[column]! - 0.5},nan)`] : []),
            `(${at[column]},${cell.mean.toFixed(2)})${bar}`,
          ];
        })
        .join(' ')}};`,
      `    \\addlegendentry{${escaped(title)}}`,
    ]),
    ...papers.flatMap((method, i) => {
      const found = noiseSettings.flatMap((noiseSetting, column) => {
        const paper = paperAccuracy(published, method, noiseSetting);
        return paper === null ? [] : [`(${at[column]},${paper.toFixed(1)})`];
      });
      return found.length
        ? [
            `    \\addplot+[forget plot, color=labelnoise${i % COLOURS.length}, dashed, mark=none] coordinates {${found.join(' ')}};`,
          ]
        : [];
    }),
    ...(hasPaper
      ? ['    \\addlegendimage{dashed, gray, mark=none}', '    \\addlegendentry{Foret et al.\\ (2021)}']
      : []),
    '  \\end{axis}',
    '\\end{tikzpicture}',
    '\\labelnoiseend',
  ].join('\n')}\n`;
}
