// Tables: CSV shapes, the paper's values, and what is said around them.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { graphText } from '../src/cli/dry_run.js';
import { METHODS } from '../src/methods/catalogue.js';
import { comparisonCsv, runsCsv, tableCsv } from '../src/report/csv.js';
import { BEGIN, END, inserted } from '../src/report/insert.js';
import { kindCells, kindsInMarkdown } from '../src/report/kinds.js';
import { csv } from '../src/report/page/format.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import { reportOf } from '../src/report/report.js';
import { settingsOf } from '../src/report/settings.js';
import { markdownTable, terminalTable } from '../src/report/table.js';
import { writeTables } from '../src/report/write.js';
import { literatureOf, readPublished } from '../src/results/published.js';
import { readStored } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const suite = SUITE as ResolvedSuite;
const graph = expand(suite);
const records = new Map(graph.runs.map((run, i) => [run.id, fakeRecord(run, 40 + i)]));
const report = reportOf(graph, records);

describe('a table within a text', () => {
  it('replaces what stands between the marks, and only that', () => {
    const text = `before\n${BEGIN}\nold\n${END}\nafter\n`;
    expect(inserted(text, 'new\n', 'x.md')).to.equal(`before\n${BEGIN}\nnew\n${END}\nafter\n`);
  });

  it('needs both marks, once and in order', () => {
    for (const text of ['none', BEGIN, `${END}\n${BEGIN}`, `${BEGIN}\n${END}\n${BEGIN}\n${END}`])
      expect(() => inserted(text, 'new', 'x.md')).to.throw(InputError, 'x.md');
  });
});

describe('a brief table', () => {
  it('has the cells of the whole one and no more notes than how to read them', () => {
    const [brief, whole] = [markdownTable(report, true), markdownTable(report)];
    const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows(brief)).to.deep.equal(rows(whole));
    expect(brief)
      .to.include('In parentheses: the paper')
      .and.include('Scaled down')
      .and.not.include('Kendall');
    expect(whole).to.include('Kendall');
  });
});

describe('published numbers', () => {
  it('are all thirteen rows, each with its source; what is literature is of methods here, with what their authors say', () => {
    const { rows } = readPublished();
    expect(rows.filter((row) => row.block === 'literature')).to.have.length(8);
    const paper = rows.filter((row) => row.block === 'paper');
    expect(paper.map(({ method, title }) => ({ name: method, title }))).to.deep.equal(
      METHODS.entries.slice(0, 5).map(({ name, title }) => ({ name, title })),
    );
    for (const row of rows) {
      expect(row.source).to.match(/20\d\d/);
      expect(Object.keys(row.accuracy)).to.deep.equal(['20', '40', '60', '80']);
      if (row.method !== null) expect(METHODS.names).to.include(row.method);
    }
    const quoted = (method: string) => literatureOf(readPublished(), method);
    expect(quoted('m-dyr-h')[0]!.own!.map(({ accuracy }) => accuracy['80'])).to.deep.equal([86.8, 86.6]);
    expect(quoted('mixup')).to.deep.equal([]);
    expect(rows.at(-1)!.accuracy).to.deep.equal({ '20': 95.4, '40': 94.2, '60': 91.8, '80': 79.9 });
  });
});

describe('CSV files', () => {
  it('have a row for each run, in suite order', () => {
    const rows: Record<string, string>[] = parse(runsCsv(report), { columns: true });
    expect(rows).to.have.length(20);
    expect(rows.map((row) => row.run_id)).to.deep.equal(graph.runs.map((run) => run.id));
    expect(rows[0]).to.deep.equal({
      run_id: graph.runs[0]!.id,
      suite: 'tiny',
      method: 'sgd',
      noise: 'symmetric-other',
      noise_rate: '20',
      noise_rate_measured: '20.00',
      seed: '1',
      model: 'WRN-10-1',
      train_images: '50',
      epochs: '2',
      precision: 'float32',
      test_accuracy: '40.00',
      best_test_accuracy: '45.00',
      wrong_labels_fitted: '50.00',
      true_labels_recovered: '',
      wall_seconds: '1.3',
    });
  });

  it('have a row for each method', () => {
    const [header, ...rows] = parse(tableCsv(report)) as string[][];
    expect(header).to.deep.equal(['method', '20', '40', '60', '80']);
    expect(rows).to.deep.include(['sgd', '40.00', '45.00', '50.00', '55.00']);
    expect(rows.map((row) => row[0])).to.deep.equal(Object.keys(graph.suite.methods));
  });

  it('have a row for each cell beside the paper', () => {
    const [header, ...rows] = parse(comparisonCsv(report)) as string[][];
    expect(header).to.deep.equal(['method', 'noise_rate', 'seeds', 'mean', 'std', 'paper', 'delta']);
    expect(rows).to.have.length(20);
    expect(rows[0]).to.deep.equal(['sgd', '20', '1', '40.00', '', '84.80', '-44.80']);
  });

  it('of an unfinished suite have empty cells', () => {
    const half = reportOf(graph, new Map([[graph.runs[0]!.id, fakeRecord(graph.runs[0]!, 40)]]));
    expect(parse(runsCsv(half), { columns: true })).to.have.length(1);
    expect(parse(tableCsv(half))).to.deep.include(['sam', '', '', '', '']);
    expect(parse(tableCsv(half))).to.deep.include(['sgd', '40.00', '', '', '']);
    expect((parse(comparisonCsv(half)) as string[][])[2]).to.deep.equal([
      'sgd',
      '40',
      '0',
      '',
      '',
      '68.80',
      '',
    ]);
  });
});

describe('the table', () => {
  it("has ours and the paper's value in each cell, on the terminal and in Markdown", () => {
    for (const text of [terminalTable(report), markdownTable(report)]) {
      expect(text).to.match(/SGD +[|│] +40\.00 \(84\.8\)/);
      expect(text).to.match(/Bootstrap \+ SAM +[|│] +44\.00 \(95\.4\)/);
      expect(text).to.include(
        '20 %, 40 %, 60 %, 80 % of the labels replaced by one of the other nine classes (22.2 %, 44.4 %, 66.7 %, 88.9 % where new labels are drawn from all ten); measured wrong: 20.0 %, 40.0 %, 60.0 %, 80.0 %.',
      );
      expect(text).to.include(
        'WRN-10-1; 50 training images, 20 test images; no augmentation; 2 epochs; seed 1; float32',
      );
      expect(text).to.include('Scaled down: Everything.');
      expect(text).to.include('ResNet-32, 200 epochs, all 50,000 training images: not comparable in level.');
      expect(text).to.include('rho: 0.1, but 0.05 at 80 % (SAM, Bootstrap + SAM)');
      expect(text).to.include('alpha: 8 (Mixup, Bootstrap + Mixup)');
    }
  });

  it('has the interval over seeds, and says what failed or is missing', () => {
    const three = expand({ ...suite, seeds: [1, 2, 3] });
    const of = (method: string) =>
      three.runs.filter((r) => r.method === method && r.noiseSetting.label === '20');
    const some = [...of('sgd'), ...of('mixup').slice(0, 2)];
    const text = markdownTable(
      reportOf(
        three,
        new Map(some.map((run, i) => [run.id, fakeRecord(run, 40 + i)])),
        new Map([[of('sam')[0]!.id, 'no luck']]),
      ),
    );
    expect(text).to.include('| SGD | 41.00 ± 2.48 (84.8) | - (68.8)');
    expect(text).to.include('| Mixup | 43.50 ± 6.35 [2 of 3 seeds] (93.0)');
    expect(text).to.include('| SAM | failed (95.1)');
    expect(text).to.include('- ±: half of the 95 % Student-t interval of the mean over seeds.');
    expect(text).to.include('seeds 1, 2, 3');
  });

  it('names every setting that differs, whatever it is', () => {
    const methods = {
      ...suite.methods,
      sgd: { training: { learningRate: 0.2 } },
      mixup: { alpha: { '0.2': 8, '0.4': 8, '0.6': 16, '0.8': 32 } },
    };
    const { differing, shared } = settingsOf(expand({ ...suite, methods }));
    expect(differing).to.have.members([
      'learning rate: 0.2 (SGD); 0.1 (Mixup, Bootstrap + Mixup, SAM, Bootstrap + SAM)',
      'alpha: 8, but 16 at 60 %, 32 at 80 % (Mixup); 8 (Bootstrap + Mixup)',
      'rho: 0.1, but 0.05 at 80 % (SAM, Bootstrap + SAM)',
      'm (examples per ascent step, 0: whole batch): 0 (SAM, Bootstrap + SAM)',
    ]);
    expect(shared)
      .to.include('weight decay 0.0005')
      .and.to.include('momentum 0.9')
      .and.not.to.include('learning');
  });

  it('says of two label files with the same labels how many are wrong', () => {
    const sha256 = 'ab'.repeat(32);
    const twins = expand({
      ...suite,
      noise: { kind: 'file', files: { one: sha256, other: sha256 } },
      methods: { sgd: {} },
    });
    expect(twins.runs).to.have.length(1);
    const record = fakeRecord(twins.runs[0]!, 40);
    const both = reportOf(
      twins,
      new Map([[record.id, { ...record, noise: { ...record.noise, rate: 0.25 } }]]),
    );
    expect(markdownTable(both)).to.include('one, other; measured wrong: 25.0 %, 25.0 %.');
    expect(graphText(twins).match(/noise .*\n.*SGD/g)).to.have.length(2);
    const { curves, transitions } = pageDataOf([{ name: 'twins', report: both }]).folders[0]!;
    for (const drawn of [curves, transitions])
      expect(drawn.map(({ noiseSetting }) => noiseSetting)).to.deep.equal(['one', 'other']);
  });

  it('shows text from outside as text', () => {
    const hostile = '<img src=x>\n# hi\r\n| a | [b](http://c) `d` *e* \u001b[31m\u202e';
    // Names and all: results folders are files of others too.
    const odd = expand({
      ...suite,
      scaledDown: hostile,
      noise: { kind: 'file', files: { [hostile]: 'ab'.repeat(32), '=1+1': 'cd'.repeat(32) } },
      methods: { sgd: {} },
    });
    const all = reportOf(odd, new Map(odd.runs.map((run) => [run.id, fakeRecord(run, 40)])));
    const markdown = markdownTable(all);
    const escaped = String.raw`&lt;img src=x&gt; \# hi \| a \| \[b\](http://c) \`d\` \*e\*  [31m `;
    expect(markdown).to.include(`- Scaled down: ${escaped}\n`).and.to.include(`| Method | ${escaped} |`);
    for (const text of [markdown, terminalTable(all)]) {
      expect(text.split('\n').filter((line) => /^# |^\| a/.test(line))).to.deep.equal([]);
      expect(text.replaceAll('\n', '')).not.to.match(/[\p{Cc}\p{Bidi_Control}]/u);
    }
    expect(parse(tableCsv(all))[0]).to.deep.equal(['method', hostile, "'=1+1"]);
    expect(csv([['@x', '-1.5', '+1', '=a,b', -2, null]])).to.equal(`'@x,-1.5,'+1,"'=a,b",-2,\n`);
  });

  it('is written in files, all records in one of them', async () => {
    const out = path.join(await temporaryFolder(), 'deep', 'er');
    await writeTables(out, report);
    const names = [
      'runs.csv',
      'table4.csv',
      'comparison.csv',
      'shape.csv',
      'table4.md',
      'table4.tex',
      'report.html',
      'records.jsonl',
    ];
    expect(await readdir(out)).to.have.members(names);
    expect((await readStored(out, graph.runs)).records).to.deep.equal(records);
    const [first, ...others] = graph.runs;
    const part = await readStored(out, others);
    expect([part.records.size, part.archive.foreign.map(({ record }) => record.id)]).to.deep.equal([
      19,
      [first!.id],
    ]);
    await writeFile(path.join(out, 'records.jsonl'), 'nothing of use\n');
    const none = await readStored(out, graph.runs);
    expect([none.records.size, none.lost.size, none.archive.damaged.length]).to.deep.equal([0, 20, 1]);
    expect(await readFile(path.join(out, 'table4.csv'), 'utf8')).to.equal(tableCsv(report));
  });
});

describe('a table of several folders', () => {
  it('compares their kinds of noise: a row for each, with the share of wrong labels, and a column for each method', () => {
    const one = synthetic();
    const noise = { kind: 'asymmetric', rates: [0.4] };
    const methods = { sgd: {}, sam: { rho: 0.1 } };
    const other = synthetic({ noise, methods, name: 'asymmetric', seeds: [1, 2] });
    const [header, ...rows] = kindCells([one, other]);
    expect(header!.slice(0, 3)).to.deep.equal(['Noise', 'Wrong', 'SGD']);
    expect(rows.map(([name]) => name)).to.deep.equal([
      'symmetric 20 %',
      'symmetric 40 %',
      'symmetric 60 %',
      'symmetric 80 %',
      'asymmetric 40 %',
    ]);
    const cell = other.cells.find(({ method }) => method === 'sam')!;
    expect(rows[4]![header!.indexOf('SAM')]).to.match(new RegExp(`^${cell.mean!.toFixed(2)} ± `));
    expect(rows[4]![header!.indexOf('Mixup')]).to.equal('-');
    expect(rows[0]![1]).to.equal('20.0');
    const markdown = kindsInMarkdown([one, other]);
    expect(markdown).to.include('tiny: WRN-10-1, 50 training images, 4 epochs, one seed, float32.');
    expect(markdown).to.include('| asymmetric 40 % |');
  });

  it('tells the conventions of symmetric noise apart', () => {
    const noise = { kind: 'symmetric', rates: [0.4], redraw: 'any' };
    const rows = kindCells([synthetic(), synthetic({ noise, name: 'any' })]).map(([name]) => name);
    expect(rows).to.include('symmetric 40 %').and.to.include('symmetric 40 %, including the true class');
  });
});
