// Headless Chromium for tests, and pages that must stay quiet and to themselves.
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect } from 'chai';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** The first is Chromium without its windows, which takes half the time of one that draws them unseen. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];

/** The browser of this machine: `CHROMIUM`, or a usual name in the path. */
function chromiumPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const found = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  return [process.env.CHROMIUM ?? [], found].flat().find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Starts the browser. @throws Error if there is none */
export async function launch(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (!executablePath)
    throw new Error(
      'there is no Chromium here: install one (chromium-headless-shell is enough), or name it in CHROMIUM',
    );
  // In a container it may have no sandbox of its own; it opens our own pages only.
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Starts the browser for tests; skips them where there is none, except in continuous integration, which is to have one. */
export async function startBrowser(context: Mocha.Context): Promise<Browser> {
  if (!chromiumPath() && !process.env.CI) {
    console.log('      no Chromium in the path or in CHROMIUM: not run');
    context.skip();
  }
  return await launch();
}

/** A page, what it complained of, and what it asked for. */
export interface Watched {
  page: Page;
  /** Console errors and warnings, uncaught errors, failed requests. */
  complaints: string[];
  requests: string[];
}

/** Opens an address in a page of its own. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const watched: Watched = { page, complaints: [], requests: [] };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) watched.complaints.push(message.text());
  });
  page.on('pageerror', (error) => watched.complaints.push(String(error)));
  page.on('request', (request) => watched.requests.push(request.url()));
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.locator('#runs .chart svg').first().waitFor();
  return watched;
}

/** Checks that a page made no complaint and asked for nothing but itself, and closes it. */
export async function close(
  { page, complaints, requests }: Watched,
  own: string[] = [page.url().split('#', 1)[0]!],
) {
  const asked = requests.filter((url) => !url.startsWith('data:'));
  await page.context().close();
  expect(complaints).to.deep.equal([]);
  expect(asked.filter((url) => !own.includes(url.split('#', 1)[0]!))).to.deep.equal([]);
}

/**
 * What axe-core finds wrong with a page as it is now, a line for each rule with the elements that break it.
 *
 * @param rules these alone, if not all
 */
export async function axeViolations(page: Page, rules?: string[]): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return await page.evaluate(async (runOnly) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run({ resultTypes: ['violations'], ...(runOnly && { runOnly }) });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
    );
  }, rules);
}
