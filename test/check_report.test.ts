// A check's reports: what they say, and that text from files stays text in each of their languages.
import { expect } from 'chai';
import { baselineOf } from '../src/regression/baseline.js';
import { compare } from '../src/regression/compare.js';
import type { CheckReport } from '../src/report/check/content.js';
import { annotations } from '../src/report/check/github.js';
import { checkJson } from '../src/report/check/json.js';
import { checkJUnit } from '../src/report/check/junit.js';
import { checkMarkdown } from '../src/report/check/markdown.js';
import { checkText } from '../src/report/check/terminal.js';
import { readPublished } from '../src/results/published.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { fakeRecord, SUITE } from './fakes.js';

/** A name that would be markup, a command or a colour wherever it is not escaped. */
const HOSTILE = 'a<b>&"x" | `c` [d](e)\r\n::error::f %0A \u001b[31mg\u0000';

/** A suite of label files; the network of the first one's SGD run is another one now. */
function reportWith(name: string, lose = 1): CheckReport {
  const suite = {
    ...SUITE,
    seeds: [1, 2],
    noise: { kind: 'file', files: { [name]: 'a'.repeat(64), clean: 'b'.repeat(64) } },
    methods: { sgd: {}, mixup: { alpha: 8 } },
  } as ResolvedSuite;
  const graph = expand(suite);
  const records = (lost: number) =>
    new Map(
      graph.runs.map((run) => {
        const hit = run.method === 'sgd' && run.noiseSetting.label === name;
        return [run.id, fakeRecord(run, 40 - (hit ? lost : 0))];
      }),
    );
  const baseline = baselineOf(graph, records(0), 'out');
  const results = { graph, records: records(lose), failed: new Set<string>() };
  return { comparison: compare(baseline, name, results), graph, published: readPublished() };
}

describe("a check's reports", () => {
  it('hold everything as JSON', () => {
    const { cells, passed, headline } = JSON.parse(checkJson(reportWith('noisy')));
    expect(passed).to.equal(false);
    expect(headline).to.equal('tiny: FAILED: 3 pass, 1 regressed, 1 of these defects');
    expect(cells[0]).to.include({ method: 'sgd', noise: 'noisy', verdict: 'regressed', difference: -1 });
    expect(cells[0].baseline[0]).to.include({ seed: 1, accuracy: 40 });
    expect(JSON.parse(checkJson(reportWith(HOSTILE))).cells[0].noise).to.equal(HOSTILE);
  });

  it('are JUnit tests, a cell each', () => {
    const xml = checkJUnit(reportWith('noisy'));
    expect(xml).to.include('<testsuite name="labelnoise check tiny" tests="4" failures="1"');
    expect(xml).to.match(
      /<testcase classname="labelnoise\.tiny" name="SGD, noisy">\s*<failure message="[^"]+" type="defect"\/>/,
    );
  });

  it('are well-formed XML whatever a file says', () => {
    const xml = checkJUnit(reportWith(HOSTILE));
    expect(xml).to.include('SGD, a&lt;b>&amp;&quot;x&quot;');
    // Tags and entities apart, nothing may be left that would begin one.
    const text = xml.replace(/<[?/]?[a-z][^<>]*(?:"[^"]*"[^<>]*)*>/g, '').replace(/<!\[CDATA\[.*?\]\]>/g, '');
    expect(text.replace(/&(lt|gt|amp|quot|apos|#x[0-9A-F]+);/g, '')).not.to.match(/[<&]/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
    expect(xml).not.to.match(/[\u0000-\u0008\u000b-\u001f]/);
  });

  it('are a Markdown table that stays one', () => {
    const markdown = checkMarkdown(reportWith(HOSTILE));
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).to.have.length(2 + 4);
    const bars = (line: string) => line.replaceAll('\\|', '').split('|').length;
    for (const row of rows) expect(bars(row)).to.equal(bars(rows[0]!));
    expect(markdown).to.include('a&lt;b&gt;&amp;"x" \\| \\`c\\` \\[d\\](e)');
    expect(markdown).not.to.match(/^::/m);
  });

  it('are one command a line for GitHub', () => {
    const lines = annotations(reportWith(HOSTILE)).trimEnd().split('\n');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(
      /^::error title=tiny%3A SGD%2C a<b>[^:,]*%3A%3Aerror%3A%3Af %250A[^:,]*::a defect%?: /,
    );
    expect(annotations(reportWith('noisy', 0))).to.equal(
      '::notice title=labelnoise check::tiny: passed: 4 pass\n',
    );
  });

  it('are a table on the terminal, without its control characters', () => {
    const text = checkText(reportWith(HOSTILE));
    expect(text).to.match(
      /║ SGD, a<b>.* │ regressed \(defect\) │ bits +│ - +│ +2 │ +40\.00 │ 39\.00 │ +-1\.00 │/,
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
    expect(text).not.to.match(/[\u0000-\u0009\u000b-\u001f]/);
    expect(text).not.to.match(/^::/m);
  });
});
