// report.html: the whole page in one file that asks for nothing else, script, style and data included.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Attributes, type FunctionComponent, h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { PROJECT_ROOT } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { Page } from './page/page.js';
import type { PageData } from './page_data.js';

/** What the build makes of `src/report/page`. */
interface Bundle {
  first: string;
  browser: string;
  style: string;
}

const bundles = new Map<string, Bundle>();

/** A page's script and styles, as the build left them. @throws InputError if the project is not built */
export function bundleOf(script: string, styles: readonly string[]): Bundle {
  const read = (name: string) => {
    const file = path.join(PROJECT_ROOT, 'dist', 'page', name);
    try {
      return readFileSync(file, 'utf8');
    } catch {
      throw new InputError(`${file}: is missing: type make build`);
    }
  };
  const bundle = bundles.get(script) ?? {
    first: read('first.js'),
    browser: read(script),
    style: styles.map(read).join(''),
  };
  bundles.set(script, bundle);
  return bundle;
}

/** A component's markup. */
export function elementText<Props extends object>(component: FunctionComponent<Props>, props: Props): string {
  return renderToString(h(component, props as Props & Attributes));
}

/** The page as text; the same data, the same text. @throws InputError if the project is not built */
export function htmlPage(data: PageData): string {
  return documentOf({
    title: `${data.title} – label-noise robustness`,
    content: elementText(Page, { data, ...(data.live && { connection: 'live' }) }),
    data,
    bundle: bundleOf('browser.js', ['page.css']),
    withoutScripts: 'The figures, downloads and the choice of theme need JavaScript; the tables do not.',
    live: data.live,
  });
}

/** A whole document: markup, what it was made of, and the script that brings it alive. */
export function documentOf(of: {
  title: string;
  content: string;
  data: unknown;
  bundle: Bundle;
  withoutScripts: string;
  live?: boolean;
}): string {
  const { first, browser, style } = of.bundle;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(of.live ?? false, [first, browser])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${renderToString(h('i', null, of.title)).slice('<i>'.length, -'</i>'.length)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<script>${first}</script>
</head>
<body>
<div id="page">${of.content}</div>
<noscript><p style="margin:1rem">${of.withoutScripts}</p></noscript>
<script type="application/json" id="data">${jsonInHtml(of.data)}</script>
<script>${browser}</script>
</body>
</html>
`;
}

/** Nothing may be loaded from anywhere; the page's own scripts are known by their hashes. */
function policy(live: boolean, scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}`,
    // Plot and the page's own components set styles on elements.
    "style-src 'unsafe-inline'",
    'img-src data:',
    `connect-src ${live ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** JSON in which nothing can end a script or begin a comment. */
function jsonInHtml(data: unknown): string {
  return JSON.stringify(data)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
