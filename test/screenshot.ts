// `make screenshot`: pictures of a results folder's page for the documentation, of its beginning or of one section.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readAnalysesOf } from '../src/report/analyses.js';
import { htmlPage } from '../src/report/html.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import { readReport } from '../src/report/report.js';
import { launch, open } from './support/browser.js';
import { temporaryFolder } from './support/temporary_folder.js';

const [out, picture, section] = process.argv.slice(2);
const { report } = await readReport(out!);
const file = path.join(await temporaryFolder(), 'report.html');
const analyses = await readAnalysesOf(out!, report);
await writeFile(file, htmlPage(pageDataOf([{ name: report.graph.suite.name, report, analyses }])));
const browser = await launch();
const { page } = await open(browser, pathToFileURL(file).href, { viewport: { width: 1120, height: 1180 } });
if (section) await page.locator(`#${section}`).screenshot({ path: picture });
else await page.screenshot({ path: picture });
await browser.close();
