// The leaderboard: only what holds is on it, who trained it again and what came of it, and a page that anyone can use.
import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { leaderboard } from '../src/cli/leaderboard.js';
import { verify } from '../src/cli/verify.js';
import { loadCifar10 } from '../src/data/datasets/cifar10.js';
import { PROJECT_ROOT } from '../src/io/project.js';
import { rerunOf } from '../src/regression/rerun.js';
import { type LeaderboardFolder, leaderboardOf, leaderboardPage } from '../src/report/leaderboard.js';
import type { LeaderboardRow } from '../src/report/page/leaderboard_data.js';
import { readOwnGraph } from '../src/results/manifest.js';
import { readStored } from '../src/results/store.js';
import { InputError } from '../src/spec/errors.js';
import { decodeLabels } from '../src/spec/labels.js';
import type { RunRecord } from '../src/spec/record.js';
import { runId } from '../src/spec/run_spec.js';
import { fakeEngine } from './fakes.js';
import { axeViolations, startBrowser } from './support/browser.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const SUBMISSION = {
  format: 1,
  who: 'A. Name',
  link: 'https://example.org/paper',
  hardware: 'two cores',
};

/** A copy of a published folder, submitted by somebody. */
async function submitted(changes: object = {}) {
  const out = path.join(await temporaryFolder(), 'submitted');
  const own = ['suite.json', 'records.jsonl', 'runs.csv', 'table4.csv', 'comparison.csv', 'shape.csv'];
  for (const name of [...own, 'table4.md', 'table4.tex'])
    await cp(path.join(PROJECT_ROOT, 'results', 'quick-float32', name), path.join(out, name));
  await writeFile(path.join(out, 'submission.json'), JSON.stringify({ ...SUBMISSION, ...changes }));
  return out;
}

async function told(doing: (print: (text: string) => void, say: (line: string) => void) => Promise<number>) {
  let printed = '';
  let said = '';
  const code = await doing(
    (text) => {
      printed += text;
    },
    (line) => {
      said += `${line}\n`;
    },
  );
  return { code, printed, said };
}

const failure = (doing: Promise<unknown>) =>
  doing.then(
    () => expect.fail('nothing was wrong'),
    (error: Error) => {
      expect(error).to.be.instanceOf(InputError);
      return error.message;
    },
  );

/** An engine whose trainings come out as the records say, but for what is changed. */
async function replaying(out: string, change: (record: RunRecord) => Partial<RunRecord> = () => ({})) {
  const graph = await readOwnGraph(out);
  const { records } = await readStored(out, graph.runs);
  return {
    ...fakeEngine,
    loadData: () => loadCifar10({ say() {} }),
    train: async ({ spec }: Parameters<typeof fakeEngine.train>[0]) => {
      const record = records.get(runId(spec))!;
      const { curve, predictions, parameters, weightsSha256, wallSeconds } = { ...record, ...change(record) };
      return {
        curve,
        parameters,
        wallSeconds,
        predictions: decodeLabels(predictions, 10),
        weightsSha256: weightsSha256!,
      };
    },
  };
}

const lowered = (record: RunRecord, by: number) => ({
  curve: record.curve.map((one) => ({ ...one, testAccuracy: Math.max(0, one.testAccuracy - by) })),
  weightsSha256: 'f'.repeat(64),
});

describe('the leaderboard', function () {
  this.timeout(60_000);

  it('has a row for every method and noise of verified folders, with who submitted them', async () => {
    const out = await submitted();
    const site = path.join(await temporaryFolder(), 'site');
    const { code, printed } = await told((print, say) => leaderboard([out], site, print, say));
    expect(code).to.equal(0);
    expect(printed).to.match(/^Written: .*leaderboard\.json, .*index\.html: 2 rows\n$/);
    const { rows } = JSON.parse(await readFile(path.join(site, 'leaderboard.json'), 'utf8'));
    const comparison: Record<string, string>[] = parse(await readFile(path.join(out, 'comparison.csv')), {
      columns: true,
    });
    expect(
      rows.map(({ last }: LeaderboardRow) => last.mean.toFixed(2)),
      'as in comparison.csv, highest first',
    ).to.deep.equal(
      comparison
        .map(({ mean }) => mean)
        .sort()
        .reverse(),
    );
    expect(rows[0]).to.include({ method: 'SAM', noise: 'symmetric 40 %', seeds: 3, cost: 2, by: 'A. Name' });
    expect(rows[0].best.mean).to.be.at.least(rows[0].last.mean);
    expect(rows[0].setting).to.match(/^CIFAR-10, WRN-10-1, 4,000 training images, 20 epochs, /);
  });

  it('refuses by name what does not verify, and writes nothing', async () => {
    const out = await submitted();
    const table = path.join(out, 'comparison.csv');
    await writeFile(table, (await readFile(table, 'utf8')).replace('sam', 'sgd'));
    const site = path.join(await temporaryFolder(), 'site');
    const { code, printed, said } = await told((print, say) => leaderboard([out], site, print, say));
    expect(code).to.equal(1);
    expect(printed).to.include(`${table}, line `).and.to.include(`${out}: is refused: 1 fault\n`);
    expect(said).to.include('nothing is written: 1 of 1 folders');
    expect(existsSync(site)).to.equal(false);
    expect(await failure(leaderboard([PROJECT_ROOT], site))).to.equal(
      `${PROJECT_ROOT}: is no results folder: it has no suite.json; allowed: results folders of runs`,
    );
  });

  it('names the field of submission.json that is wrong', async () => {
    for (const [changes, fault] of [
      [{ who: '' }, /submission\.json: who is ""; allowed: a name, of people or a group/],
      [
        { link: 'javascript:alert(1)' },
        /submission\.json: link is "javascript:alert\(1\)"; allowed: an address/,
      ],
      [{ mail: 'a@b.c' }, /submission\.json: mail is not known; allowed: one of format, who, link, hardware/],
    ] as const) {
      const out = await submitted(changes);
      const { code, printed } = await told((print, say) => verify([out], {}, print, say));
      expect(code).to.equal(1);
      expect(printed).to.match(fault);
    }
  });

  it('has who trained runs again, as verify --rerun found and kept it', async () => {
    const out = await submitted();
    const options = { rerun: 2, seed: 1, by: 'B. Other' };
    const engine = await replaying(out);
    const { code, printed } = await told((print, say) => verify([out], options, print, say, engine));
    expect(code, printed).to.equal(0);
    expect(printed.match(/\(\+0\.00 percentage points\): the same bits/g)).to.have.length(2);
    const site = await temporaryFolder();
    await told((print, say) => leaderboard([out], site, print, say));
    const { rows } = JSON.parse(await readFile(path.join(site, 'leaderboard.json'), 'utf8'));
    const reruns: LeaderboardRow['reruns'] = rows.flatMap((row: LeaderboardRow) => row.reruns);
    for (const { by, verdict } of reruns) expect([by, verdict]).to.deep.equal(['B. Other', 'same']);
    expect(reruns.reduce((sum, { runs }) => sum + runs, 0)).to.equal(2);

    const kept = await readFile(path.join(out, 'reruns.jsonl'), 'utf8');
    await writeFile(path.join(out, 'reruns.jsonl'), kept.replace('B. Other', 'C. Else'));
    const changed = await told((print, say) => verify([out], {}, print, say));
    expect(changed.code).to.equal(1);
    expect(changed.printed).to.match(/reruns\.jsonl, line 1: sha256 is .*; by the rest of it/);
  });

  it('tells the worst that came out; a run that comes out otherwise fails verify', async () => {
    const out = await submitted();
    const engine = await replaying(out, (record) => lowered(record, 30));
    const { code, printed } = await told((print, say) => verify([out], { rerun: 1 }, print, say, engine));
    expect(code).to.equal(1);
    expect(printed).to.match(/\(-\d+\.\d\d percentage points\): DIFFERS/);
    expect(existsSync(path.join(out, 'reruns.jsonl')), 'nobody asked to keep it').to.equal(false);
    expect(await failure(verify([out], { by: 'A' }))).to.match(/^--by: does nothing alone/);
    expect(
      await failure(verify([path.join(PROJECT_ROOT, 'baselines', 'smoke.json')], { rerun: 1 })),
    ).to.match(/smoke\.json: has no runs to train again/);
  });

  it('judges a re-run by bits on a like machine, elsewhere by the spread of seeds', () => {
    const { graph, records } = synthetic({ seeds: [1, 2, 3] });
    const run = graph.runs[0]!;
    const record = records.get(run.id)!;
    const elsewhere = { ...record.provenance, cpu: 'another' };
    const verdict = (after: Partial<RunRecord>, of = { graph, records }) =>
      rerunOf(run, { ...record, ...after }, of.graph, of.records, 'A').verdict;
    expect(verdict({})).to.equal('same');
    expect(verdict({ provenance: elsewhere })).to.equal('same');
    expect(verdict({ ...lowered(record, 0) })).to.equal('differs');
    expect(verdict({ ...lowered(record, 1), provenance: elsewhere })).to.equal('agrees');
    expect(verdict({ ...lowered(record, 40), provenance: elsewhere })).to.equal('differs');
    const alone = new Map([[run.id, record]]);
    expect(verdict({ ...lowered(record, 1), provenance: elsewhere }, { graph, records: alone })).to.equal(
      'unjudged',
    );
  });
});

describe('the page of the leaderboard', function () {
  this.timeout(60_000);
  let browser: Browser;
  let page: Page;
  let asked: string[] = [];
  let complaints: string[] = [];

  const report = synthetic({ seeds: [1, 2] });
  const other = synthetic({ seeds: [1], description: 'Other.' }, 7);
  const [first] = report.graph.runs;
  const reruns = (by: string, verdict: 'same' | 'differs') => ({
    ...rerunOf(first!, report.records.get(first!.id)!, report.graph, report.records, by),
    verdict,
  });
  const FOLDERS: LeaderboardFolder[] = [
    {
      name: 'ours',
      report,
      submission: { who: '<b>A</b> & B', link: 'https://example.org/', hardware: 'two cores' },
      reruns: [reruns('C', 'same'), reruns('D', 'differs')],
    },
    { name: 'theirs', report: other, submission: undefined, reruns: [] },
  ];
  const DATA = leaderboardOf(FOLDERS);

  before(async function () {
    browser = await startBrowser(this);
  });
  after(() => browser?.close());
  afterEach(async () => {
    // Not every test has opened one.
    await (page as Page | undefined)?.context().close();
    expect(complaints).to.deep.equal([]);
    expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).to.deep.equal([]);
  });

  async function show(options: BrowserContextOptions = {}, hash = ''): Promise<void> {
    const file = path.join(await temporaryFolder(), 'index.html');
    await writeFile(file, leaderboardPage(DATA));
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    page = await context.newPage();
    asked = [];
    complaints = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(pathToFileURL(file).href + hash);
  }
  const methods = () =>
    page.locator('tbody th').evaluateAll((all) => all.map((th) => th.firstChild!.textContent));
  const numbers = async (column: number) =>
    (await page.locator(`tbody td:nth-child(${column})`).allInnerTexts()).map((text) =>
      Number.parseFloat(text),
    );
  const hash = () => page.evaluate(() => location.hash);

  it('is the same for the same folders, in whatever order they come', () => {
    const reversed = leaderboardOf([...FOLDERS].reverse());
    expect(leaderboardPage(reversed)).to.equal(leaderboardPage(DATA));
    expect(DATA.rows).to.have.length(40);
  });

  it('shows one setting first, narrows it down, sorts it, and has it all in its address', async () => {
    await show();
    expect(await methods()).to.have.length(20);
    const last = await numbers(3);
    expect(last).to.deep.equal(last.toSorted((a, b) => b - a));
    expect(await hash()).to.equal('');
    await page.getByLabel('Noise').selectOption('symmetric 40 %');
    expect(await methods()).to.have.length(5);
    await page.getByLabel('Find').fill('bootstrap');
    expect(new Set(await methods())).to.deep.equal(new Set(['Bootstrap + Mixup', 'Bootstrap + SAM']));
    await page.getByLabel('Find').fill('');
    await page.getByRole('button', { name: 'Cost' }).click();
    expect(await numbers(7)).to.deep.equal([4, 2, 2, 1, 1]);
    await page.getByRole('button', { name: 'Cost' }).click();
    expect(await numbers(7)).to.deep.equal([1, 1, 2, 2, 4]);
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).to.equal('ascending');
    const address = await hash();
    expect(address).to.equal('#noise=symmetric+40+%25&sort=cost&up=1');
    await page.context().close();
    await show({}, address);
    expect(await numbers(7)).to.deep.equal([1, 1, 2, 2, 4]);
    await page.evaluate(() => {
      location.hash = '#setting=&rerun=1';
    });
    await page.locator('tbody tr').first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
    expect(await page.locator('.rerun').allInnerTexts()).to.deep.equal([
      'C: 1 run, ✓ same bits',
      'D: 1 run, ✗ differs',
    ]);
    expect(await page.locator('tbody a').innerText()).to.equal('<b>A</b> & B');
  });

  it('can be used with the keys alone, and has its table where scripts are not run', async () => {
    await show();
    const seen: string[] = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press('Tab');
      seen.push(
        await page.evaluate(() => {
          const element = document.activeElement!;
          return (
            element.getAttribute('aria-label') ??
            element.closest('label')?.innerText ??
            element.textContent ??
            ''
          );
        }),
      );
    }
    expect(seen[0]).to.equal('To the table');
    for (const name of ['Noise', 'Find', 'only trained again', 'Results', 'Cost (SGD runs)'])
      expect(seen.join('\n')).to.include(name);
    await page.getByRole('button', { name: 'Method' }).focus();
    await page.keyboard.press('Enter');
    expect(await hash()).to.equal('#sort=method');
    await page.context().close();
    await show({ javaScriptEnabled: false });
    expect(await page.locator('tbody tr').count()).to.equal(20);
  });

  it('has no accessibility violation that axe-core finds, light or dark, and is no wider than a phone', async () => {
    for (const options of [
      { colorScheme: 'light' },
      { colorScheme: 'dark', viewport: { width: 390, height: 800 } },
    ] as const) {
      if (page) await page.context().close();
      await show(options, '#setting=');
      expect(await page.locator('tbody tr').count()).to.equal(40);
      const width = options.viewport?.width ?? 1280;
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(width);
      expect(await axeViolations(page)).to.deep.equal([]);
    }
  });
});
