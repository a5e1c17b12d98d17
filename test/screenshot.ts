// `make screenshot`: the picture of a results folder's page that the README shows.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { htmlPage } from '../src/report/html.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import { readReport } from '../src/report/report.js';
import { temporaryFolder } from './fakes.js';
import { launch, open } from './support/browser.js';

const [out, picture] = process.argv.slice(2);
const { report } = await readReport(out!);
const file = path.join(await temporaryFolder(), 'report.html');
await writeFile(file, htmlPage(pageDataOf([{ name: report.graph.suite.name, report }])));
const browser = await launch();
const { page } = await open(browser, pathToFileURL(file).href, { viewport: { width: 1120, height: 1180 } });
await page.screenshot({ path: picture });
await browser.close();
