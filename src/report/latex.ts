// The table in LaTeX: a document of its own, or a part of another's.

import { methodTitle } from '../methods/catalogue.js';
import { paperAccuracy } from '../results/published.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { captionOf } from './caption.js';
import { externalNotes } from './external_notes.js';
import type { Report } from './report.js';
import { halfWidth, INTERVAL_NOTE } from './table.js';

/**
 * table4.tex: ours and the paper's accuracies, best of each column in bold, 95 % intervals over seeds. It compiles as it
 * is; a paper that uses the package booktabs takes the table with `\input{table4.tex}`.
 */
export function latexTable(report: Report): string {
  const { graph, cells, external, published } = report;
  const { noiseSettings } = graph;
  const methods = Object.keys(graph.suite.methods);
  const { title, noise, settings, about } = captionOf(report);
  const ours = methods.map((method) =>
    noiseSettings.map(({ label }) => {
      const { mean, seeds, failed, damaged, std } = cells.find(
        (c) => c.method === method && c.noiseSetting === label,
      )!;
      return {
        value: mean,
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
  const block = (name: string, rows: readonly LatexCell[][], names = titles, rivals = rows) => [
    `    \\multicolumn{${columns}}{l}{\\emph{${name}}} \\\\`,
    ...rows.map((row, i) =>
      line([escaped(names[i]!), ...row.map((cell, column) => text(cell, rivals, column))]),
    ),
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
    `  \\caption{${escaped(title)}. ${escaped(noise)}${[...ours, ...others].flat().some(({ half }) => half !== null) ? ` ${escaped(INTERVAL_NOTE)}` : ''}}`,
    `  \\begin{tabular}{l${'r'.repeat(noiseSettings.length)}}`,
    '    \\toprule',
    line(['Method', ...noiseSettings.map((noiseSetting) => escaped(noiseSettingTitle(noiseSetting)))]),
    '    \\midrule',
    ...block('Ours', ours),
    ...(hasPaper ? ['    \\midrule', ...block('Foret et al.\\ (2021), Table 4', papers)] : []),
    ...(others.length
      ? ['    \\midrule', ...block('External predictions, not run here', others, names, [])]
      : []),
    '    \\bottomrule',
    '  \\end{tabular}',
    '',
    '  \\smallskip',
    '  \\begin{minipage}{\\linewidth}',
    '    \\footnotesize',
    ...[...settings, ...externalNotes(report), ...about].map((note) => `    ${escaped(note.trim())}\\par`),
    '  \\end{minipage}',
    '\\end{table}',
    '\\labelnoiseend',
  ].join('\n')}\n`;
}

interface LatexCell {
  /** Percent. */
  value: number | null;
  digits: number;
  half: number | null;
  /** What stands there without a value. */
  instead: string;
}

const line = (cells: readonly string[]) => `    ${cells.join(' & ')} \\\\`;

/** @param rows what the best of a column is sought among; none where none is to be marked */
function text(
  { value, digits, half, instead }: LatexCell,
  rows: readonly LatexCell[][],
  column: number,
): string {
  if (value === null) return instead;
  const best = rows.length > 0 && rows.every((row) => (row[column]!.value ?? 0) <= value);
  const number = value.toFixed(digits);
  const pm = half === null ? '' : ` \\pm ${half.toFixed(2)}`;
  return `$${best ? `\\mathbf{${number}}` : number}${pm}$`;
}

const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ').replace(/[^\x20-\x7e]/g, '?');

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
