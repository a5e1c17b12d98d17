// The table in LaTeX: a document of its own, or a part of another's.

import { methodTitle } from '../methods/catalogue.js';
import { leaders } from '../results/aggregate.js';
import { paperAccuracy } from '../results/published.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { captionOf } from './caption.js';
import { externalNotes } from './external_notes.js';
import type { Report } from './report.js';
import { BOLD_NOTE, halfWidth, INTERVAL_NOTE } from './table.js';

/**
 * table4.tex: ours and the paper's accuracies with 95 % intervals over seeds, in bold what is above every other row of its
 * column by a paired one. It compiles as it is; a paper that uses the package booktabs takes the table with `\input{table4.tex}`.
 */
export function latexTable(report: Report): string {
  const { graph, cells, external, published } = report;
  const { noiseSettings } = graph;
  const methods = Object.keys(graph.suite.methods);
  const { title, noise, settings, literature, about } = captionOf(report);
  const leading = leaders(graph, report.records, cells);
  const ours = methods.map((method) =>
    noiseSettings.map(({ label }) => {
      const cell = cells.find((c) => c.method === method && c.noiseSetting === label)!;
      const { mean, seeds, failed, damaged, std } = cell;
      return {
        value: mean,
        leads: leading.has(cell),
        digits: 2,
        half: halfWidth({ mean, std, seeds }),
        instead: damaged ? 'damaged' : failed ? 'failed' : '--',
      };
    }),
  );
  const papers = methods.map((method) =>
    noiseSettings.map((noiseSetting) => ({
      value: paperAccuracy(published, method, noiseSetting),
      digits: 1,
      half: null,
      instead: '--',
    })),
  );
  const columns = noiseSettings.length + 1;
  const titles = methods.map(methodTitle);
  const block = (name: string, rows: readonly LatexCell[][], names = titles) => [
    `    \\multicolumn{${columns}}{l}{\\emph{${name}}} \\\\`,
    ...rows.map((row, i) => line([escaped(names[i]!), ...row.map(text)])),
  ];
  const others = external.map(({ cells }) =>
    cells.map((cell) => ({ value: cell.mean, digits: 2, half: halfWidth(cell), instead: '--' })),
  );
  const names = external.map(({ title }) => title);
  const hasPaper = papers.flat().some(({ value }) => value !== null);
  return `${[
    `% ${oneLine(title)}`,
    '% A document of its own; a paper with \\usepackage{booktabs} takes the table alone with \\input{table4.tex}.',
    // Inside a document, LaTeX has redefined \documentclass.
    '\\makeatletter',
    '\\ifx\\documentclass\\@twoclasseserror\\def\\labelnoiseend{}\\else',
    '  \\documentclass{article}',
    '  \\usepackage[T1]{fontenc}',
    '  \\usepackage{booktabs}',
    '  \\pagestyle{empty}',
    '  \\begin{document}',
    '  \\def\\labelnoiseend{\\end{document}}',
    '\\fi',
    '\\makeatother',
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${escaped(title)}. ${escaped(noise)}${[...ours, ...others].flat().some(({ half }) => half !== null) ? ` ${escaped(INTERVAL_NOTE)}` : ''}${leading.size ? ` ${escaped(BOLD_NOTE)}` : ''}}`,
    `  \\begin{tabular}{l${'r'.repeat(noiseSettings.length)}}`,
    '    \\toprule',
    line(['Method', ...noiseSettings.map((noiseSetting) => escaped(noiseSettingTitle(noiseSetting)))]),
    '    \\midrule',
    ...block('Ours', ours),
    ...(hasPaper ? ['    \\midrule', ...block('Foret et al.\\ (2021), Table 4', papers)] : []),
    ...(others.length
      ? ['    \\midrule', ...block('External predictions, not run here', others, names)]
      : []),
    '    \\bottomrule',
    '  \\end{tabular}',
    '',
    '  \\smallskip',
    '  \\begin{minipage}{\\linewidth}',
    '    \\footnotesize',
    ...[...settings, ...externalNotes(report), ...literature, ...about].map(
      (note) => `    ${escaped(note.trim())}\\par`,
    ),
    '  \\end{minipage}',
    '\\end{table}',
    '\\labelnoiseend',
  ].join('\n')}\n`;
}

interface LatexCell {
  /** Percent. */
  value: number | null;
  /** Whether it is in bold. */
  leads?: boolean;
  digits: number;
  half: number | null;
  /** What stands there without a value. */
  instead: string;
}

const line = (cells: readonly string[]) => `    ${cells.join(' & ')} \\\\`;

function text({ value, leads, digits, half, instead }: LatexCell): string {
  if (value === null) return instead;
  const number = value.toFixed(digits);
  const pm = half === null ? '' : ` \\pm ${half.toFixed(2)}`;
  return `$${leads ? `\\mathbf{${number}}` : number}${pm}$`;
}

/** Text as it may stand in a comment. */
export const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ').replace(/[^\x20-\x7e]/g, '?');

const SPECIALS: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  _: '\\_',
  '%': '\\%',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\textquotedbl{}',
  '±': '$\\pm$',
  '−': '$-$',
  '×': '$\\times$',
  '≥': '$\\geq$',
  '≤': '$\\leq$',
  '–': '--',
  '—': '---',
  '’': "'",
  '“': '``',
  '”': "''",
};

/** Text as LaTeX prints it; characters that its standard fonts lack are named by their code points. */
export function escaped(text: string): string {
  return Array.from(text, (character) => {
    const special = SPECIALS[character];
    if (special !== undefined) return special;
    if (/\s/.test(character)) return ' ';
    // ASCII, and the letters of Latin-1 that T1 fonts have.
    if (/[\x21-\x7eÀ-ÖØ-öø-ÿ]/.test(character)) return character;
    return `[U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;
  }).join('');
}
