// The table in LaTeX: what it holds, what it escapes, and that it compiles, alone and within another document.
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { escaped, latexTable } from '../src/report/latex.js';
import { accuracyFigure } from '../src/report/pgfplots.js';
import { reportOf } from '../src/report/report.js';
import { leaders } from '../src/results/aggregate.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const HOSTILE = `${String.raw`50% _&#$~^\{}<>|"`}\u2028 é – 汉 `;
const report = synthetic({ seeds: [1, 2, 3] });

/** Results of label files with names that LaTeX would stumble over, some missing, one failed. */
const hostile = (() => {
  const noise = { kind: 'file' as const, files: { [HOSTILE]: 'ab'.repeat(32), plain: 'cd'.repeat(32) } };
  const { graph, records } = synthetic({
    noise,
    scaledDown: HOSTILE,
    methods: { sgd: {}, mixup: { alpha: 8 } },
  });
  const [first, second] = graph.runs;
  return reportOf(graph, new Map([[first!.id, records.get(first!.id)!]]), new Map([[second!.id, HOSTILE]]));
})();

describe('the table in LaTeX', () => {
  it('has ours with intervals and the paper, in bold what an interval supports', () => {
    const lines = latexTable(report).split('\n');
    const rowsOf = (title: string) => lines.filter((line) => line.trim().startsWith(`${title} & `));
    const numbers = (row: string | undefined) =>
      [...row!.matchAll(/\$(\\mathbf\{)?([\d.]+)\}?( \\pm [\d.]+)?\$/g)].map(([, bold, value, half]) => ({
        bold: !!bold,
        value: Number(value),
        half: half !== undefined,
      }));
    const leading = [...leaders(report.graph, report.records, report.cells)];
    const methods = ['SGD', 'Mixup', 'Bootstrap + Mixup', 'SAM', 'Bootstrap + SAM'];
    for (const [block, half] of [
      [0, true],
      [1, false],
    ] as const) {
      const table = methods.map((title) => numbers(rowsOf(title)[block]));
      for (const row of table) expect(row).to.have.length(4);
      for (let column = 0; column < 4; column++) {
        const { label } = report.graph.noiseSettings[column]!;
        const isBold = (method: string) =>
          half && leading.some((cell) => cell.method === method && cell.noiseSetting === label);
        for (const [i, row] of table.entries())
          expect(row[column]).to.deep.equal({
            value: row[column]!.value,
            bold: isBold(Object.keys(report.graph.suite.methods)[i]!),
            half,
          });
      }
    }
    expect(numbers(rowsOf('SGD')[0]).map(({ value }) => value.toFixed(2))).to.deep.equal(
      report.cells.filter(({ method }) => method === 'sgd').map(({ mean }) => mean!.toFixed(2)),
    );
    expect(numbers(rowsOf('Bootstrap + SAM')[1]).map(({ value }) => value)).to.deep.equal([
      95.4, 94.2, 91.8, 79.9,
    ]);
  });

  it('says what is missing or failed', () => {
    const rows = latexTable(hostile).split('\n');
    expect(rows.filter((line) => /^\s*Mixup & /.test(line))).to.deep.equal(['    Mixup & failed & -- \\\\']);
  });

  it('escapes what LaTeX would take for its own', () => {
    expect(escaped('a_b 50% {x} $&#')).to.equal(String.raw`a\_b 50\% \{x\} \$\&\#`);
    expect(escaped('\\~^')).to.equal(String.raw`\textbackslash{}\textasciitilde{}\textasciicircum{}`);
    expect(escaped('é 汉\n±')).to.equal('é [U+6C49] $\\pm$');
  });

  it('has the figure of accuracy against noise, with intervals, and the paper only where its level can be compared', () => {
    const figure = accuracyFigure(report);
    const { mean } = report.cells[0]!;
    expect(figure).to.match(
      new RegExp(`coordinates \\{\\(20,${mean!.toFixed(2)}\\) \\+- \\(0,\\d+\\.\\d\\d\\)`),
    );
    expect(figure.match(/addlegendentry/g)).to.have.length(5);
    expect(figure).not.to.include('dashed');
    const full = accuracyFigure(synthetic({ scaledDown: null }));
    expect(full).to.include('dashed, mark=none] coordinates {(20,84.8) (40,68.8) (60,48.2) (80,26.2)}');
    // Names that LaTeX would stumble over, in places of their own instead of rates.
    expect(accuracyFigure(hostile)).to.match(/xtick=\{0,1\}, xticklabels=\{\{50\\% \\_/);
  });

  it('compiles as it is, and within a paper', async function () {
    this.timeout(120_000);
    const compiler = ['pdflatex', 'tectonic', 'xelatex'].find(
      (name) => !spawnSync(name, ['--version']).error,
    );
    if (!compiler) {
      console.log('      no pdflatex, tectonic or xelatex here: not compiled');
      this.skip();
    }
    const folder = await temporaryFolder();
    const paper =
      '\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs,pgfplots}\\begin{document}Text.\\input{alone}\\input{figure}More.\\end{document}\n';
    const sources = {
      alone: latexTable(report),
      hostile: latexTable(hostile),
      figure: accuracyFigure(report),
      names: accuracyFigure(hostile),
      paper,
    };
    for (const [name, text] of Object.entries(sources))
      await writeFile(path.join(folder, `${name}.tex`), text);
    const flags =
      compiler === 'tectonic' ? [] : ['-interaction=nonstopmode', '-halt-on-error', '-no-shell-escape'];
    for (const name of Object.keys(sources)) {
      const { status, stdout } = spawnSync(compiler, [...flags, `${name}.tex`], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(status, stdout).to.equal(0);
      expect(await readdir(folder)).to.include(`${name}.pdf`);
    }
  });
});
