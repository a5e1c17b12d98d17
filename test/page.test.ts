// The page in a real browser: it shows what the tables hold, keeps to itself, and can be used by anyone.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { PROJECT_ROOT } from '../src/io/project.js';
import { methodTitle } from '../src/methods/catalogue.js';
import type { AnalysesData } from '../src/report/analysis_data.js';
import { comparisonCsv, externalCsv, runsCsv } from '../src/report/csv.js';
import { htmlPage } from '../src/report/html.js';
import { type NamedReport, pageDataOf } from '../src/report/page_data_of.js';
import { type Report, readReport, reportOf } from '../src/report/report.js';
import { bestAccuracy, finalAccuracy, leaders } from '../src/results/aggregate.js';
import { dataOf } from '../src/results/external.js';
import type { RunRecord } from '../src/spec/record.js';
import { mean } from '../src/statistics/statistics.js';
import { axeViolations, close, open, startBrowser, type Watched } from './support/browser.js';
import { synthetic } from './support/synthetic.js';
import { temporaryFolder } from './support/temporary_folder.js';

const LARGE = synthetic({ seeds: [1, 2, 3, 4, 5] }, 200);
const SMALL = synthetic({ seeds: [1, 2] });
/** Of the paper's size: its level can be compared. */
const FULL = synthetic({ seeds: [1, 2, 3, 4, 5], scaledDown: null });
const DIVERGED = 'the loss is not finite at step 12';

/** Of the first seed some are finished; one has failed, and so its student has no teacher. */
const UNFINISHED = (() => {
  const { graph, records } = synthetic({ seeds: [1, 2] });
  const failed = graph.runs.find(({ method }) => method === 'sam')!;
  const finished = graph.runs
    .slice(0, 12)
    .filter(({ id, dependsOn }) => ![id, ...dependsOn].includes(failed.id));
  const known = new Map(finished.map(({ id }) => [id, records.get(id)!]));
  return reportOf(graph, known, new Map([[failed.id, DIVERGED]]));
})();

/** Two methods that were scored, one of them with two seeds. */
const EXTERNAL = (() => {
  const { graph, records } = SMALL;
  const row = (name: string, rate: number, seed: number, testAccuracy: number) => ({
    name,
    by: name === 'Mine' ? 'A. Name' : null,
    link: name === 'Mine' ? 'https://example.org/a_b?c=d&e' : null,
    noise: { kind: 'symmetric' as const, rate, redraw: 'other' as const },
    seed,
    data: dataOf(graph.runs[0]!.spec),
    givenLabelsSha256: '0'.repeat(64),
    wrongLabels: Math.round(50 * rate),
    testAccuracy,
    predictions: '1'.repeat(20),
    train:
      name === 'Mine'
        ? { predictions: '1'.repeat(50), wrongLabelsFitted: 40, trueLabelsRecovered: 20, accuracyTrue: 50 }
        : null,
  });
  const rows = [
    row('Mine', 0.4, 1, 60),
    row('Mine', 0.4, 2, 70),
    row('Mine', 0.8, 1, 50),
    row('Other', 0.8, 2, 45),
  ];
  return reportOf(graph, records, new Map(), new Set(), rows);
})();

/** What analyses of two methods at 40 and 80 % might have found: SGD's minimum is twice as sharp. */
const ANALYSES = (() => {
  const at = [-1, -0.5, 0, 0.5, 1];
  const bowl = at.flatMap((y) => at.map((x) => x * x + y * y));
  const runs = ['40', '80'].flatMap((noiseSetting) =>
    (['sgd', 'sam'] as const).map((method) => {
      const run = { method, noiseSetting, seed: 1, batchNorm: 'running' as const };
      return { run, sharp: method === 'sgd' ? 2 : 1 };
    }),
  );
  const seen = (examples: 'train' | 'noisy', loss: number[]) => ({
    ...{ examples, images: 50, loss, accuracy: loss.map((value) => 100 / (1 + value)) },
  });
  const found: AnalysesData = {
    spectra: runs.map(({ run, sharp }) => ({
      ...run,
      of: (['train', 'noisy'] as const).map((examples) => ({
        ...{ examples, images: 50, largest: [8, 6, 5, 4, 2].map((value) => value * sharp), ratio: 4 },
        ...{ trace: 40 * sharp, density: at.map((value): [number, number] => [value * sharp, 1 / sharp]) },
      })),
    })),
    sharpness: runs.map(({ run, sharp }) => ({
      ...run,
      of: [0.05, 0.1].map((rho) => ({
        ...{ examples: 'train' as const, images: 50, m: 0, rho, adaptive: false, sharpness: sharp * rho },
        ascent: 'one-step' as const,
      })),
    })),
    lines: runs
      .filter(({ run }) => run.method === 'sam')
      .map(({ run }) => ({
        ...run,
        from: 'sgd',
        at,
        of: [{ ...seen('train', [1, 2, 3, 2, 1]), barrier: 2 }],
      })),
    profiles: runs.map(({ run, sharp }) => ({
      ...{ ...run, at },
      of: [
        {
          ...seen(
            'train',
            at.map((x) => sharp * x * x),
          ),
          direction: 1,
        },
      ],
    })),
    surfaces: runs.map(({ run, sharp }) => ({
      ...{ ...run, at },
      of: (['train', 'noisy'] as const).map((examples) =>
        seen(
          examples,
          bowl.map((value) => sharp * value),
        ),
      ),
    })),
    watched: [],
    faults: ['analysis/0.spectrum.json: damaged'],
  };
  return { ...named(SMALL), analyses: found };
})();

/** Rows that differ in rho and m alone. */
const RHO_GRID = synthetic({
  seeds: [1, 2],
  methods: Object.fromEntries(
    [0, 5].flatMap((m) => [0.05, 0.1].map((rho) => [`sam@rho ${rho}, m ${m}`, { rho, m }])),
  ),
});

function named(report: Report, name = report.graph.suite.name): NamedReport {
  return { name, report };
}

describe('the page as text', () => {
  it('is the same for the same results, in whatever order they come', () => {
    const { graph, records, failures } = LARGE;
    const reversed = reportOf(graph, new Map([...records].reverse()), failures);
    const text = htmlPage(pageDataOf([named(LARGE)]));
    expect(htmlPage(pageDataOf([named(reversed)])) === text).to.equal(true);
  });

  it('is under 2 MB for 100 runs of 200 epochs', () => {
    expect(LARGE.graph.runs).to.have.length(100);
    expect(Buffer.byteLength(htmlPage(pageDataOf([named(LARGE)])))).to.be.below(2e6);
  });

  it('allows itself nothing from elsewhere', () => {
    const [policy] = /(?<=Content-Security-Policy" content=")[^"]*/.exec(
      htmlPage(pageDataOf([named(SMALL)])),
    )!;
    expect(policy).to.include("default-src 'none'").and.to.include("connect-src 'none'");
    expect(policy).to.match(/script-src ('sha256-[\w+/=]+' ?){2};/);
  });
});

describe('the page in a browser', function () {
  this.timeout(300_000);
  let browser: Browser;
  let watched: Watched | undefined;

  before(async function () {
    browser = await startBrowser(this);
  });
  after(() => browser?.close());
  afterEach(async () => {
    const last = watched;
    watched = undefined;
    if (last) await close(last);
  });

  /** Opens the page of these folders from a file. */
  async function show(folders: NamedReport[], options?: BrowserContextOptions): Promise<Page> {
    const file = path.join(await temporaryFolder(), 'report.html');
    await writeFile(file, htmlPage(pageDataOf(folders)));
    watched = await open(browser, pathToFileURL(file).href, options);
    return watched.page;
  }

  const text = (page: Page, selector: string) => page.locator(selector).allInnerTexts();
  /** A printed number; null for none. */
  const number = (printed: string | undefined) =>
    printed ? Number(printed.replace('−', '-').replace('±0', '0')) : null;

  it('has every cell of comparison.csv', async () => {
    const { report: quick } = await readReport(path.join(PROJECT_ROOT, 'results', 'quick'));
    for (const report of [quick, FULL, UNFINISHED]) {
      const page = await show([named(report)]);
      const rows: Record<string, string>[] = parse(comparisonCsv(report), { columns: true });
      expect(rows).to.have.length(20);
      const cells = await page.locator('#table td[data-method]').evaluateAll((all) =>
        all.map((cell) => ({
          ...(cell as HTMLElement).dataset,
          ...Object.fromEntries(
            ['ours', 'paper', 'difference'].map((part) => [
              part,
              cell.querySelector(`.${part}`)?.textContent,
            ]),
          ),
        })),
      );
      for (const row of rows) {
        const cell: Record<string, string | undefined> = cells.find(
          ({ method, noiseSetting }: DOMStringMap) =>
            method === row.method && noiseSetting === row.noise_rate,
        )!;
        const [ours, half] = (cell.ours ?? '').split(' ± ');
        expect(ours, 'mean').to.equal(row.mean);
        if (report === FULL) {
          expect(number(cell.paper)).to.equal(number(row.paper));
          expect(number(cell.difference)).to.equal(number(row.delta));
        } else expect(cell.paper, 'a level that is not to be compared').to.equal(undefined);
        if (row.std) {
          // Student's t for 4 degrees of freedom, and for 1.
          const t = { 5: 2.7764, 2: 12.7062 }[row.seeds!]!;
          expect(Number(half)).to.be.closeTo((t * Number(row.std)) / Math.sqrt(Number(row.seeds)), 0.08);
        } else expect(half).to.equal(undefined);
      }
      const title = page.locator('#table .scroll').first().locator('tbody th');
      expect((await title.allInnerTexts()).map((text) => text.split('\n')[0])).to.include.members(
        Object.keys(report.graph.suite.methods).map((method) => methodTitle(method)),
      );
      if (report !== UNFINISHED) await close(watched!);
    }
  });

  it('says what was run, that it is scaled down, and where the numbers come from', async () => {
    const page = await show([named(SMALL)]);
    expect(await page.title()).to.equal('tiny – label-noise robustness');
    const summary = await page.locator('header').innerText();
    for (const said of [
      'WRN-10-1, 1,000 parameters',
      '40 of 40 finished',
      'shared teachers save 30 %',
      'Scaled down. Everything.',
    ])
      expect(summary).to.include(said);
    expect(await page.locator('#provenance').innerText()).to.match(/Commit\s+unknown\s.*Node\s+v22\s/s);
    const full = synthetic({ scaledDown: null });
    await close(watched!);
    expect(await text(await show([named(full)]), '.banner')).to.deep.equal([]);
  });

  it('says of missing and failed runs what is the matter', async () => {
    const page = await show([named(UNFINISHED)]);
    expect((await text(page, '.banner.bad'))[0]).to.match(
      /of 40 runs finished, 1 failed, 1 without a teacher, \d+ to do/,
    );
    const cell = (method: string, noiseSetting: string) =>
      page.locator(`td[data-method="${method}"][data-noise-setting="${noiseSetting}"]`).innerText();
    expect(await cell('sam', '20')).to.match(/^failed/);
    expect(await cell('sgd', '80')).to.match(/^not finished/);
    expect(await cell('sgd', '20')).to.match(/1 of 2 seeds/);
    expect(await text(page, '.failures li')).to.deep.equal([`SAM, 20 %, seed 1 failed: ${DIVERGED}`]);
    await page.getByText('40 runs as a table').click();
    expect(await page.locator('#runs table').innerText()).to.match(
      /teacher failed: its teacher [0-9a-f]{16} failed/,
    );
  });

  it('leaves text from suites and records text', async () => {
    const hostile =
      '</script><script>window.hacked = 1</script><!--<img src=x onerror="window.hacked=1">\u2028&amp;';
    const file = { kind: 'file' as const, files: { [hostile]: 'ab'.repeat(32) } };
    const methods = { sgd: {}, mixup: { alpha: 8 } };
    const base = synthetic({ description: hostile, scaledDown: hostile, noise: file, methods });
    const [first, second] = base.graph.runs;
    const record = base.records.get(first!.id)!;
    const provenance = { ...record.provenance, cpu: hostile };
    const report = reportOf(
      base.graph,
      new Map([[first!.id, { ...record, provenance }]]),
      new Map([[second!.id, hostile]]),
    );
    const page = await show([named(report, hostile), named(SMALL)]);
    await page.getByText('2 runs as a table').click();
    const said = (await page.locator('#page').innerText()).replaceAll('\u00a0', ' ');
    // A line separator is shown as a break or a blank.
    const shown = hostile.slice(0, hostile.indexOf('\u2028'));
    for (const place of [
      `Comparison: ${shown}`,
      `Scaled down. ${shown}`,
      `labels from files: ${shown}`,
      `failed: ${shown}`,
    ])
      expect(said).to.include(place);
    expect(await page.locator('#provenance').innerText()).to.include(shown);
    expect(await page.locator('#page img, #page script').count()).to.equal(0);
    expect(await page.evaluate(() => 'hacked' in window)).to.equal(false);
    expect(await page.title()).to.include('<img src=x');
  });

  it('shows order and paired differences where the level cannot be compared, and is bold where an interval supports it', async () => {
    const page = await show([named(LARGE)]);
    const cell = (method: string) =>
      page.locator(`#table td[data-method="${method}"][data-noise-setting="40"]`).innerText();
    const meanOf = (method: string) =>
      LARGE.cells.find((c) => c.method === method && c.noiseSetting === '40')!.mean!;
    const methods = Object.keys(LARGE.graph.suite.methods);
    const order = methods.toSorted((a, b) => meanOf(b) - meanOf(a));
    for (const [i, method] of methods.entries()) {
      const said = (await cell(method)).replace('−', '-');
      const above = meanOf(method) - meanOf('sgd');
      if (method !== 'sgd') expect(said).to.include(`${above < 0 ? '' : '+'}${above.toFixed(2)} ± `);
      const place = ['1st', '2nd', '3rd', '4th', '5th'];
      // The paper has them in this order, but SAM above bootstrapped Mixup.
      const papers = [5, 4, 3, 2, 1][i]!;
      expect(said).to.match(new RegExp(`${place[order.indexOf(method)]} *\\s*paper ${place[papers - 1]}`));
    }
    const bold = await page.locator('#table strong').allInnerTexts();
    const leading = [...leaders(LARGE.graph, LARGE.records, LARGE.cells)];
    expect(bold.map((text) => text.split(' ')[0])).to.have.members(
      leading.map(({ mean }) => mean!.toFixed(2)),
    );
    expect(await page.locator('#table .difference').count(), 'shaded or not').to.be.greaterThan(30);
  });

  it('takes the accuracy of the last or of the best epoch, as is chosen', async () => {
    const page = await show([named(SMALL)]);
    const first = page.locator('#table .ours').first();
    const runs = SMALL.graph.cells.filter(
      ({ method, noiseSetting }) => method === 'sgd' && noiseSetting.label === '20',
    );
    const meanOf = (of: (record: RunRecord) => number) =>
      mean(runs.map(({ run }) => of(SMALL.records.get(run.id)!))).toFixed(2);
    expect(await first.innerText()).to.include(meanOf(finalAccuracy));
    await page.locator('#table').getByRole('radio', { name: 'Best epoch' }).check({ force: true });
    expect(await first.innerText()).to.include(meanOf(bestAccuracy));
    expect(await page.locator('#table .caption').innerText()).to.include('at the best epoch, an oracle');
    expect(await page.locator('#table').getByRole('radio', { name: 'Chosen' }).count()).to.equal(0);
  });

  it('has its rows in the order of the suite, or of accuracy where they are many', async () => {
    const { report } = await readReport(path.join(PROJECT_ROOT, 'results', 'field-quick'));
    const page = await show([{ name: 'field-quick', report }]);
    const table = page.locator('#table table').first();
    const shown = async () => {
      const rows = await table.locator('tbody tr').all();
      return Promise.all(rows.map(async (row) => Number(await row.locator('.ours').innerText())));
    };
    const inSuite = report.cells.map(({ mean }) => Number(mean!.toFixed(2)));
    expect(await shown()).to.deep.equal(inSuite);
    const choose = (name: string) =>
      page.locator('#table').getByRole('radio', { name, exact: true }).check({ force: true });
    await choose('Best at 40 %');
    expect(await shown()).to.deep.equal(inSuite.toSorted((a, b) => b - a));
    expect(await table.getByRole('columnheader', { name: '40 %' }).getAttribute('aria-sort')).to.equal(
      'descending',
    );
    await choose('As in the suite');
    expect(await shown()).to.deep.equal(inSuite);
    const few = await show([named(SMALL)]);
    expect(await few.getByRole('radio', { name: 'As in the suite' }).count()).to.equal(0);
  });

  it('draws its figures before the browser tells of any width, and saves them as they look', async () => {
    const file = path.join(await temporaryFolder(), 'report.html');
    await writeFile(file, htmlPage(pageDataOf([named(SMALL)])));
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    await context.addInitScript(() => {
      window.ResizeObserver = class {
        observe() {}
        unobserve() {}
        disconnect() {}
      };
    });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
    const figures = page.locator('#accuracy .chart svg');
    expect(await figures.count()).to.equal(2);
    expect((await figures.first().boundingBox())!.width).to.be.greaterThan(500);
    const saved = async (form: 'SVG' | 'PNG') => {
      const waiting = page.waitForEvent('download');
      await page
        .locator('#accuracy')
        .getByRole('button', { name: `Save as ${form}: tiny` })
        .click();
      const download = await waiting;
      expect(download.suggestedFilename()).to.equal(`tiny-accuracy.${form.toLowerCase()}`);
      return readFile(await download.path());
    };
    const svg = String(await saved('SVG'));
    expect(svg).not.to.match(/var\(|color-mix|class=|<style>./);
    expect(svg).to.include('Bootstrap + SAM').and.to.include('clean-test accuracy against noise');
    const png = await saved('PNG');
    expect(png.subarray(1, 4).toString()).to.equal('PNG');
    expect(png.readUInt32BE(16), 'pixels across').to.be.greaterThan(1000);
    await context.close();
  });

  it('marks what was scored, not run, and says whose it is', async () => {
    const page = await show([named(EXTERNAL)]);
    const rows = page.locator('#table tr.external');
    expect(await rows.locator('th').allInnerTexts()).to.deep.equal(['Mine external', 'Other external']);
    expect(await rows.first().locator('td').allInnerTexts()).to.deep.equal([
      '–',
      // Mean of 60 and 70, t(1) = 12.7062.
      '65.00 ± 63.53',
      '–',
      '50.00\n1 of 2 seeds',
    ]);
    expect(await page.locator('tr.external strong').count()).to.equal(0);
    const section = page.locator('.external-notes');
    expect(await section.innerText()).to.match(/labelnoise did not train them.*\bMine, by A\. Name, https/s);
    const link = section.locator('a');
    expect(await link.getAttribute('href')).to.equal('https://example.org/a_b?c=d&e');
    const [first] = EXTERNAL.external[0]!.differences;
    const { difference, interval } = first!.columns[1]!;
    const step = await section.locator('tbody tr').first().locator('td').nth(1).innerText();
    expect(step.replace('−', '-')).to.equal(
      `${difference < 0 ? '' : '+'}${difference.toFixed(2)} ± ${(interval!.high - difference).toFixed(2)}`,
    );
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'external.csv' }).click();
    expect(await readFile(await (await saved).path(), 'utf8')).to.equal(externalCsv(EXTERNAL));
    expect(await page.locator('#agreement').innerText()).not.to.include('Mine');
  });

  it('draws all its figures, for each choice of noise', async () => {
    const page = await show([named(LARGE)]);
    const lines = () => page.locator('#training .current .chart svg [data-part="line"]').count();
    // Ours, and the paper's on an axis of its own.
    expect(await page.locator('#accuracy .chart svg').count()).to.equal(2);
    await page.getByRole('button', { name: "the paper's", exact: true }).click();
    await expectEventually(() => page.locator('#accuracy .chart svg').count(), 1);
    expect(await page.locator('#cost .chart svg .name').allTextContents()).to.have.members(
      Object.keys(LARGE.graph.suite.methods).map(methodTitle),
    );
    expect(await page.locator('#training .current .chart svg').count()).to.equal(3);
    // What becomes of wrong labels and their losses for each method, and what is predicted for one.
    expect(await page.locator('#training .small .chart svg').count()).to.equal(10);
    expect(await page.locator('#training .matrix .chart svg').count()).to.equal(1);
    // The wrong labels of all rates go the same way.
    expect(await page.locator('#noise .chart svg').count()).to.equal(1);
    expect(await page.locator('#noise .chart svg').textContent()).to.include('automobile');
    expect(await page.locator('#runs svg rect').count()).to.equal(100);
    // An arrow for each student.
    expect(await page.locator('#runs svg [data-part="arrow"] path').count()).to.equal(40);
    expect(await lines()).to.equal(15);
    await page.locator('#cost').getByRole('radio', { name: '80 %' }).check({ force: true });
    expect(await page.locator('.curves.current h3').textContent()).to.equal('80 %');
    expect(await lines()).to.equal(15);
    await page.locator('#training').getByRole('button', { name: 'SGD', exact: true }).click();
    await expectEventually(lines, 12);
    expect(
      await page
        .locator('#accuracy')
        .getByRole('button', { name: 'SGD', exact: true })
        .getAttribute('aria-pressed'),
    ).to.equal('false');
  });

  it('begins with the best of many variants of a method', async () => {
    const rates = [0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
    const names = rates.map((rate) => `sgd@learning rate ${rate}`);
    const methods = Object.fromEntries(
      names.map((name, i) => [name, { training: { learningRate: rates[i]! } }]),
    );
    const report = synthetic({ methods });
    const page = await show([named(report)]);
    const total = (name: string) =>
      report.cells.filter(({ method }) => method === name).reduce((sum, { mean }) => sum + mean!, 0);
    const best = names.toSorted((a, b) => total(b) - total(a))[0]!;
    expect(await text(page, '#accuracy button[aria-pressed="true"]')).to.deep.equal([methodTitle(best)]);
    expect(await page.locator('#accuracy button[aria-pressed="false"]').count()).to.equal(8);
  });

  it('reads the figures with the pointer and with the keys', async () => {
    const page = await show([named(LARGE)]);
    const frame = page.locator('#accuracy .chart-frame').first();
    const reading = frame.locator('.reading');
    expect(await reading.isVisible()).to.equal(false);
    const box = (await frame.boundingBox())!;
    await frame.hover({ position: { x: box.width - 20, y: 100 } });
    const said = await reading.innerText();
    expect(said).to.match(/^Noise 80 %/);
    for (const cell of LARGE.cells.filter(({ noiseSetting }) => noiseSetting === '80'))
      expect(said).to.match(new RegExp(`${cell.mean!.toFixed(2)} ± \\d+\\.\\d\\d(\\n|$)`));
    await page.mouse.move(0, 0);
    expect(await reading.isVisible()).to.equal(false);

    const curves = page.locator('#training .current .chart-frame').first();
    await curves.focus();
    await page.keyboard.press('Home');
    const readCurve = () => curves.locator('.reading').innerText();
    expect(await readCurve()).to.match(/^Epoch 1\n/);
    await page.keyboard.press('ArrowRight');
    expect(await readCurve()).to.match(/^Epoch 2\n/);
    await page.keyboard.press('End');
    expect(await readCurve()).to.match(/^Epoch 200\n/);
    const { left, right } = await curves.locator('.reading').evaluate((e) => e.getBoundingClientRect());
    expect(left).to.be.at.least(0);
    expect(right).to.be.at.most(1280);
    await page.keyboard.press('Escape');
    expect(await curves.locator('.reading').isVisible()).to.equal(false);
  });

  it('is light or dark as the system has it, or as it is told, also the next time', async () => {
    const page = await show([named(SMALL)], { colorScheme: 'dark' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.getByRole('radio', { name: 'Light' }).check({ force: true });
    const light = await ground();
    expect(light).not.to.equal(dark);
    await page.reload();
    expect(await ground()).to.equal(light);
    expect(await page.getByRole('radio', { name: 'Light' }).isChecked()).to.equal(true);
    await page.getByRole('radio', { name: 'Auto' }).check({ force: true });
    expect(await ground()).to.equal(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await ground()).to.equal(light);
  });

  it('saves its data as CSV', async () => {
    const page = await show([named(LARGE)]);
    const saved = async (button: string) => {
      const waiting = page.waitForEvent('download');
      await page.getByRole('button', { name: button }).first().click();
      const download = await waiting;
      expect(download.suggestedFilename()).to.equal(button);
      return readFile(await download.path(), 'utf8');
    };
    expect(await saved('comparison.csv')).to.equal(comparisonCsv(LARGE));
    expect(await saved('runs.csv')).to.equal(runsCsv(LARGE));
    const curves: Record<string, string>[] = parse(await saved('curves.csv'), { columns: true });
    expect(curves).to.have.length(100 * 200);
    const [run] = LARGE.graph.runs;
    const { testAccuracy, wrongLabelsFitted } = LARGE.records.get(run!.id)!.curve[0]!;
    expect(curves.find((row) => row.method === run!.method)).to.include({
      noise_rate: run!.noiseSetting.label,
      seed: '1',
      epoch: '1',
      test_accuracy: String(testAccuracy),
      wrong_labels_fitted: String(wrongLabelsFitted),
    });
    const transitions: Record<string, string>[] = parse(await saved('transitions.csv'), { columns: true });
    expect(transitions[0]).to.deep.equal({
      noise_rate: '20',
      true_class: '0',
      given_label: '0',
      images: '400',
    });
  });

  it('compares several folders', async () => {
    const before = named(synthetic({ seeds: [1, 2] }), 'before');
    const after = named(synthetic({ seeds: [1, 2] }, 4, 3), 'after');
    const page = await show([before, after]);
    expect(await text(page, 'h1')).to.deep.equal(['Comparison: before and after']);
    expect(await page.locator('#table table.results:not(.published)').count()).to.equal(2);
    // All seeds are three points higher, so the interval has no width that could be told.
    const differences = await text(page, '#differences .difference');
    expect(differences).to.have.length(20);
    expect(new Set(differences)).to.deep.equal(new Set(['+3.00']));
    const { mean } = before.report.cells[0]!;
    expect((await text(page, '#differences .beside'))[0]).to.equal(
      `${mean!.toFixed(2)} → ${(mean! + 3).toFixed(2)}`,
    );
    expect(await page.locator('#accuracy .chart svg').count()).to.equal(5);
    expect(await page.getByRole('button', { name: 'before-comparison.csv' }).count()).to.equal(1);
    expect(await page.locator('#provenance tr.differs').count()).to.equal(0);
  });

  it('has no accessibility violation that axe-core finds, light or dark, wide or narrow', async () => {
    const cases: [NamedReport[], BrowserContextOptions, rules?: string[]][] = [
      [[named(EXTERNAL)], { colorScheme: 'light' }],
      // The same page but for its colours.
      [[named(EXTERNAL)], { colorScheme: 'dark' }, ['color-contrast', 'link-in-text-block']],
      [[named(UNFINISHED)], { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
      [[named(SMALL, 'before'), named(UNFINISHED, 'after')], { colorScheme: 'dark' }],
      [[ANALYSES, named(RHO_GRID, 'rho')], { colorScheme: 'dark' }],
    ];
    for (const [folders, options, rules] of cases) {
      if (watched) await close(watched);
      const page = await show(folders, options);
      for (const details of await page.locator('details').all())
        await details.evaluate((element) => element.setAttribute('open', ''));
      await page.locator('#accuracy .chart-frame').first().focus();
      await page.keyboard.press('End');
      expect(await axeViolations(page, rules)).to.deep.equal([]);
    }
  });

  it('leads from a cell of the table to what was found of its weights', async () => {
    const page = await show([ANALYSES]);
    const links = page.locator('#table a.to-flatness');
    expect(await links.count()).to.equal(4);
    const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')!));
    for (const href of hrefs)
      expect(await page.locator(`[id="${decodeURIComponent(href.slice(1))}"]`).count()).to.equal(1);
    await page.locator('#table td:nth-of-type(4) a.to-flatness').first().click();
    const chosen = page.locator('#flatness').getByRole('radio', { name: '80 %' });
    await expectEventually(() => chosen.isChecked(), true);
    expect(await page.locator('#flatness .banner.bad').allInnerTexts()).to.deep.equal([
      'analysis/0.spectrum.json: damaged',
    ]);
    expect(await text(page, '#flatness table tbody tr')).to.deep.equal([
      'SGD\t16.0\t4.00\t80.0',
      'SAM\t8.00\t4.00\t40.0',
    ]);
  });

  it('draws what analyses have found, and turns bodies by the keys and the pointer', async () => {
    const page = await show([ANALYSES]);
    const flatness = page.locator('#flatness');
    expect(await flatness.locator('h3').allInnerTexts()).to.deep.equal([
      'Spectrum of the Hessian',
      'Sharpness against rho',
      'On the line between two runs of one seed',
      'Along random directions',
      'Surroundings of the final weights',
    ]);
    const bodies = flatness.locator('.turnable');
    expect(await bodies.count()).to.equal(2);
    for (const chart of await flatness.locator('.chart').all())
      await expectEventually(() => chart.locator('svg').count(), 1);
    const drawn = () => bodies.locator('svg').evaluateAll((all) => all.map((svg) => svg.outerHTML));
    const first = await drawn();
    // Both turn together, so that they can be compared.
    await bodies.first().focus();
    await page.keyboard.press('ArrowRight');
    await expectEventually(async () => (await drawn()).every((body, i) => body !== first[i]), true);
    await page.keyboard.press('ArrowLeft');
    await expectEventually(async () => (await drawn()).join() === first.join(), true);
    await bodies.first().scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await bodies.first().boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 40, y + height / 2);
    await page.mouse.up();
    await expectEventually(async () => (await drawn()).every((body, i) => body !== first[i]), true);
    // Other images are chosen for one figure, not for all of them.
    const groups = flatness.locator('.group');
    await groups.last().getByRole('radio', { name: 'Wrong labels' }).check({ force: true });
    expect(await groups.last().locator('.note').first().innerText()).to.include('wrong labels');
    expect(await groups.first().getByRole('radio', { name: 'Labels learned' }).isChecked()).to.equal(true);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'surface.csv' }).click();
    const rows = parse(await readFile(await (await saving).path(), 'utf8'), { columns: true });
    expect(rows).to.have.length(4 * 2 * 25);
  });

  it('shows accuracy over rho, noise and m', async () => {
    const page = await show([named(RHO_GRID)]);
    const rho = page.locator('#rho');
    expect(await rho.locator('figcaption').allInnerTexts()).to.deep.equal(['m 10 (whole batch)', 'm 5']);
    const values = () => rho.locator('svg').evaluateAll((all) => all.map((svg) => svg.textContent));
    const accuracies = await values();
    await rho.getByRole('radio', { name: 'Memorised wrong labels' }).check({ force: true });
    await expectEventually(async () => (await values()).join() !== accuracies.join(), true);
    expect(await rho.locator('tbody tr').count()).to.equal(16);
    expect(await page.getByRole('button', { name: 'rho.csv' }).count()).to.equal(1);
  });

  it('is no wider than a phone, where Table 4 fits, and wider tables can be scrolled with the keys', async () => {
    for (const folders of [
      [named(LARGE)],
      [named(EXTERNAL)],
      [named(SMALL, 'before'), named(UNFINISHED, 'after')],
      [ANALYSES, named(RHO_GRID, 'rho')],
    ]) {
      if (watched) await close(watched);
      const page = await show(folders, { viewport: { width: 390, height: 740 } });
      for (const details of await page.locator('details').all())
        await details.evaluate((element) => element.setAttribute('open', ''));
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(390);
      const tables = await page
        .locator('#table .scroll, #agreement .scroll')
        .evaluateAll((all) => all.map((table) => table.scrollWidth - table.clientWidth));
      expect(Math.max(...tables), 'pixels too wide').to.equal(0);
      const table = page.locator('#runs .scroll').first();
      await table.focus();
      await page.keyboard.press('ArrowRight');
      await expectEventually(async () => (await table.evaluate((e) => e.scrollLeft)) > 0, true);
    }
  });

  it('can be used with the keys alone', async () => {
    const page = await show([named(SMALL)]);
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement!;
        const { outlineStyle } = getComputedStyle(element);
        const beside = element.nextElementSibling;
        const marked =
          outlineStyle !== 'none' || (beside && getComputedStyle(beside).outlineStyle !== 'none');
        return {
          name: element.textContent || element.getAttribute('aria-label'),
          tag: element.tagName,
          marked,
        };
      });
    const seen: string[] = [];
    for (let i = 0; i < 45; i++) {
      await page.keyboard.press('Tab');
      const { name, tag, marked } = await focused();
      if (tag === 'BODY') break;
      expect(marked, `focus is seen on ${name}`).to.equal(true);
      seen.push(String(name));
    }
    expect(seen[0]).to.equal('To the table');
    expect(seen.join('\n'))
      .to.include('Table 4')
      .and.to.include('comparison.csv')
      .and.to.include('Bootstrap + SAM');
  });

  it('prints all of its figures and none of its buttons, light', async () => {
    const page = await show([named(SMALL)], { colorScheme: 'dark' });
    await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.locator('.curves svg:visible').count()).to.equal(12);
    expect(
      await page.locator('button.download:visible, .saves:visible, nav:visible, .choice:visible').count(),
    ).to.equal(0);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).to.equal(
      'rgb(255, 255, 255)',
    );
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-');
  });

  it('moves nothing for those who do not want it', async () => {
    const smooth = (page: Page) =>
      page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
    expect(await smooth(await show([named(SMALL)], { reducedMotion: 'reduce' }))).to.equal('auto');
    await close(watched!);
    expect(await smooth(await show([named(SMALL)], { reducedMotion: 'no-preference' }))).to.equal('smooth');
  });

  it('has its tables where scripts are not run', async () => {
    const page = await show([named(SMALL)], { javaScriptEnabled: false });
    expect(await page.locator('#table td .ours').count()).to.equal(20);
    expect(await page.locator('noscript').innerText()).to.include('need JavaScript');
  });
});

/** Waits until a value is as expected, since a page draws when it has time. */
async function expectEventually<T>(value: () => Promise<T>, wanted: T): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await value()) === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(await value()).to.equal(wanted);
}
